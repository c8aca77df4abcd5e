//! A value in base64 (RFC 4648 §4 and §5) and hexadecimal, within a longer encoded text.

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
        if let Some(digit) = edge {
            out.push(digit);
            each_alphabet(out, take);
        }
    }
    for digits in [LOWER, UPPER] {
        out.clear();
        out.extend(value.iter().flat_map(|&b| [digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]));
        take(out);
    }
}

/// Writes the digits that depend only on `value`, after `skip` bits that share a digit with the byte before. Returns
/// the next digit, assuming that zeros follow.
fn base64(value: &[u8], skip: u32, out: &mut Vec<u8>) -> Option<u8> {
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
    (held > 0).then(|| STANDARD[(bits << (6 - held) & 63) as usize])
}

fn each_alphabet(digits: &mut [u8], take: &mut dyn FnMut(&[u8])) {
    take(digits);
    if digits.iter().any(|b| b"+/".contains(b)) {
        swap(digits, *b"+/", *b"-_");
        take(digits);
        swap(digits, *b"-_", *b"+/");
    }
}

fn swap(digits: &mut [u8], from: [u8; 2], to: [u8; 2]) {
    for digit in digits {
        if *digit == from[0] {
            *digit = to[0];
        } else if *digit == from[1] {
            *digit = to[1];
        }
    }
}
