//! `NAME=VALUE&...`: a query, or a form as `application/x-www-form-urlencoded` (RFC 3986 §3.4, the URL standard §5.1).

use std::borrow::Cow;

use secrecy::zeroize::Zeroizing;

use super::Key;
use crate::http::Edit;

/// What a `+` is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    /// A blank: in a form.
    Blank,
    /// Itself: servers disagree about queries, and a stand-in can have a `+` but no blank.
    Itself,
}

/// The parameters: the name decoded, the value as it is written, and where the value begins. A parameter without `=`
/// has an empty value.
pub(super) fn each(text: &[u8], plus: Plus) -> impl Iterator<Item = (Cow<'_, [u8]>, &[u8], usize)> {
    let mut at = 0;
    text.split(|byte| *byte == b'&').map(move |parameter| {
        let start = at;
        at += parameter.len() + 1;
        let mark = parameter.iter().position(|byte| *byte == b'=');
        let (name, from) = mark.map_or((parameter, parameter.len()), |mark| (&parameter[..mark], mark + 1));
        (decoded(name, plus), &parameter[from..], start + from)
    })
}

/// Whether there is the parameter in which a form names its charset, by the HTML standard (§4.10.21.5) and frameworks that go by it.
pub(super) fn name_a_charset(text: &[u8]) -> bool {
    each(text, Plus::Blank).any(|(name, ..)| name.eq_ignore_ascii_case(b"_charset_"))
}

/// The values in the places of their stand-ins. `text` begins at `start` in the head or body; `names` are the
/// parameters in which a key may be.
pub(super) fn edits(text: &[u8], start: usize, keys: &[Key], names: fn(&Key) -> &Vec<String>, plus: Plus) -> Vec<Edit> {
    if keys.iter().all(|key| names(key).is_empty()) {
        return Vec::new();
    }
    let edit = |(name, value, at): (Cow<'_, [u8]>, &[u8], usize)| {
        let mut keys = keys.iter().filter(|key| names(key).iter().any(|one| one.as_bytes() == &*name));
        let key = keys.find(|key| *decoded(value, plus) == *key.stand_in())?;
        Some(Edit { at: start + at, with: like(value, key.value()) })
    };
    // A name is decoded with `+` as a blank also in a query: no name of a key has either.
    each(text, Plus::Blank).filter_map(edit).collect()
}

/// Without percent-encoding. What is not two hexadecimal digits behind a `%` stays.
fn decoded(text: &[u8], plus: Plus) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        if let Some(byte) = escape(rest) {
            decoded.push(byte);
            rest = &rest[3..];
        } else {
            decoded.push(if *first == b'+' && plus == Plus::Blank { b' ' } else { *first });
            rest = behind;
        }
    }
    Cow::Owned(decoded)
}

/// `value`, with escapes where `text`, which decodes to as many bytes, has them.
fn like(text: &[u8], value: &[u8]) -> Zeroizing<Vec<u8>> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut with = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    for byte in value {
        if escape(rest).is_some() {
            with.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
            rest = &rest[3..];
        } else {
            with.push(*byte);
            rest = &rest[1..];
        }
    }
    with
}

/// The byte that the escape at the beginning of `text` stands for.
fn escape(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*high)? << 4 | digit(*low)?)
}
