//! Writes an escape of one character as the same escape of another, in as many bytes.

use super::super::decode::Kind;

/// Makes of `text`, which spells a letter or digit, the same spelling of `new`.
///
/// One spelling has no room for each: `&#65;` none for a character beyond `c`. It gets the capital letter, which has
/// two digits too: it is not the stand-in then, but nothing of the value either.
pub(super) fn respell(kind: Kind, text: &mut [u8], new: u8, is_upper: bool) {
    let len = text.len();
    match (kind, &*text) {
        (_, [_]) => text[0] = new,
        (Kind::Percent | Kind::Form, _) => hex(&mut text[1..], new, is_upper),
        (Kind::Backslash, [_, b'u', b'{', ..]) | (Kind::Entity, [_, b'#', b'x' | b'X', ..]) => {
            hex(&mut text[3..len - 1], new, is_upper);
        }
        (Kind::Backslash, [_, b'x' | b'u' | b'U', ..]) => hex(&mut text[2..], new, is_upper),
        (Kind::Backslash, [_, b'0'..=b'3', ..]) => digits(&mut text[1..], new, 8),
        (Kind::Entity, [_, b'#', ..]) => {
            let fits = len > 5 || new < 100;
            digits(&mut text[2..len - 1], if fits { new } else { new.to_ascii_uppercase() }, 10);
        }
        // Only a mark has a spelling without a number, and marks stay.
        _ => {}
    }
}

/// Whether an escape has large letters among its digits, if it has any.
pub(super) fn is_upper(kind: Kind, text: &[u8]) -> Option<bool> {
    let behind = if kind == Kind::Percent { 1 } else { 2 };
    let letter = text.iter().skip(behind).find(|byte| matches!(byte, b'a'..=b'f' | b'A'..=b'F'));
    letter.map(u8::is_ascii_uppercase)
}

fn hex(text: &mut [u8], number: u8, is_upper: bool) {
    digits(text, number, 16);
    if is_upper {
        text.make_ascii_uppercase();
    }
}

fn digits(text: &mut [u8], number: u8, base: u32) {
    let mut rest = u32::from(number);
    for place in text.iter_mut().rev() {
        let digit = char::from_digit(rest % base, base).expect("a remainder is a digit");
        *place = u8::try_from(digit).expect("digits are ASCII");
        rest /= base;
    }
}
