//! A value in base64 (RFC 4648 §4 and §5) and hexadecimal, within a longer encoded text.

use super::{Shared, Swap};

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

pub(super) fn each(value: &[u8], out: &mut Vec<u8>, take: &mut dyn FnMut(&[u8])) {
    // A value begins at the first, second or third byte of a group of three.
    for own_bits_from in [0, 4, 2] {
        let edge = base64(value, own_bits_from, out);
        each_alphabet(out, take);
        // The last digit contains the value's last bits and the first bits of what follows. At the end of the data and
        // before a line end (`echo $T | base64`) these are zero, so the digit is known.
        if let Some((own, _)) = edge {
            out.push(STANDARD[own]);
            each_alphabet(out, take);
        }
    }
    for digits in [LOWER, UPPER] {
        out.clear();
        out.extend(hex(value, digits));
        take(out);
    }
}

/// Passes the same for a value and its stand-in, side by side. A digit that the value shares with what follows may be
/// any: what follows is still there when the stand-in is.
pub(super) fn each_swap(value: &[u8], stand_in: &[u8], take: &mut dyn FnMut(Swap)) {
    for own_bits_from in [0, 4, 2] {
        let before = (own_bits_from > 0).then(|| {
            let bits = |text: &[u8]| text.first().map_or(0, |first| first >> (8 - own_bits_from));
            Shared { mask: (1 << own_bits_from) - 1, old: bits(value), new: bits(stand_in) }
        });
        let (mut old, mut new) = (Vec::new(), Vec::new());
        let edges = base64(value, own_bits_from, &mut old).zip(base64(stand_in, own_bits_from, &mut new));
        swaps(&old, &new, before, take);
        if let Some(((old_bits, free), (new_bits, _))) = edges {
            for follows in 0..1 << free {
                let with = |digits: &[u8], own: usize| [digits, &[STANDARD[own | follows]]].concat();
                swaps(&with(&old, old_bits), &with(&new, new_bits), before, take);
            }
        }
    }
    for digits in [LOWER, UPPER] {
        let [old, new] = [value, stand_in].map(|text| hex(text, digits).collect());
        take(Swap { old, new, wraps: true, before: None });
    }
}

/// Passes both alphabets. The other digits of a value are those of its stand-in: they come from marks, which stay.
fn swaps(old: &[u8], new: &[u8], before: Option<Shared>, take: &mut dyn FnMut(Swap)) {
    let mut swap = Swap { old: old.to_vec(), new: new.to_vec(), wraps: true, before };
    take(swap.clone());
    if old.iter().any(|b| b"+/".contains(b)) {
        to_url(&mut swap.old);
        to_url(&mut swap.new);
        take(swap);
    }
}

/// The number that a digit of base64 stands for.
pub(crate) fn number(digit: u8) -> Option<u8> {
    let digit = match digit {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    STANDARD.iter().position(|known| *known == digit).and_then(|number| u8::try_from(number).ok())
}

/// The digit of a number below 64.
pub(crate) fn digit(number: u8) -> u8 {
    STANDARD[usize::from(number & 63)]
}

/// Writes the digits that depend only on `value`, after `skip` bits that share a digit with the byte before. Returns
/// its bits in the next digit, and how many bits of that digit are not its own.
fn base64(value: &[u8], skip: u32, out: &mut Vec<u8>) -> Option<(usize, u32)> {
    out.clear();
    let (mut bits, mut held) = (0_u32, 0);
    for (index, &byte) in value.iter().enumerate() {
        bits = bits << 8 | u32::from(byte);
        held += if index == 0 { 8 - skip } else { 8 };
        while held >= 6 {
            held -= 6;
            out.push(STANDARD[(bits >> held & 63) as usize]);
        }
    }
    (held > 0).then(|| ((bits << (6 - held) & 63) as usize, 6 - held))
}

fn hex<'a>(value: &'a [u8], digits: &'static [u8; 16]) -> impl Iterator<Item = u8> + 'a {
    value.iter().flat_map(|&b| [digits[usize::from(b >> 4)], digits[usize::from(b & 15)]])
}

fn each_alphabet(digits: &mut [u8], take: &mut dyn FnMut(&[u8])) {
    take(digits);
    if digits.iter().any(|b| b"+/".contains(b)) {
        to_url(digits);
        take(digits);
        replace(digits, *b"-_", *b"+/");
    }
}

fn to_url(digits: &mut [u8]) {
    replace(digits, *b"+/", *b"-_");
}

fn replace(digits: &mut [u8], from: [u8; 2], to: [u8; 2]) {
    for digit in digits {
        if *digit == from[0] {
            *digit = to[0];
        } else if *digit == from[1] {
            *digit = to[1];
        }
    }
}
