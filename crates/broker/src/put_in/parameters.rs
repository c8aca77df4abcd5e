//! `NAME=VALUE&...`: a query, or a form as `application/x-www-form-urlencoded` (RFC 3986 §3.4, the URL standard §5.1).

use std::borrow::Cow;

use super::Key;
use crate::http::{Edit, charset};

/// The parameters: the name decoded, the value as it is written, and where the value begins. A parameter without `=`
/// has an empty value.
pub(super) fn each(text: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, &[u8], usize)> {
    let mut at = 0;
    text.split(|byte| *byte == b'&').map(move |parameter| {
        let start = at;
        at += parameter.len() + 1;
        let mark = parameter.iter().position(|byte| *byte == b'=');
        let (name, from) = mark.map_or((parameter, parameter.len()), |mark| (&parameter[..mark], mark + 1));
        (decoded(name), &parameter[from..], start + from)
    })
}

/// Whether a parameter is called as the one in which a form names its charset, by the HTML standard (§4.10.21.5) and frameworks that go by it; with
/// whatever around it that a host passes over, such as blanks.
pub(super) fn have_the_charset_of_a_form(text: &[u8]) -> bool {
    each(text).any(|(name, ..)| contains(&name, b"_charset_"))
}

/// Whether a parameter may tell a host in which charset to read the others. Hosts have many names for it (`_charset_`, `_input_charset`,
/// `%%PostCharset`, `ie`), so of others what is named counts as well.
pub(super) fn may_name_a_charset(text: &[u8]) -> bool {
    const NAMES: [&str; 6] = ["ie", "oe", "enc", "cs", "cp", "ei"];
    each(text).any(|(name, value, _)| {
        let value = decoded(value);
        let names_one = [&b"charset"[..], b"encoding", b"codepage"].iter().any(|word| contains(&name, word))
            || NAMES.iter().any(|short| name.trim_ascii().eq_ignore_ascii_case(short.as_bytes()));
        names_one && !value.is_empty() && !charset::is_one_like_ascii(&value)
            || contains(&value, b"charset")
            || charset::is_unlike_ascii(&value)
    })
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// Whether a form has only bytes that an encoder writes: what is read in a raw blank or quote, each host decides.
pub(super) fn is_encoded(text: &[u8]) -> bool {
    text.trim_ascii_end().iter().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(byte))
}

/// The values in the places of their stand-ins. `text` begins at `start` in the head or body; `names` are the
/// parameters in which a key may be. Only a stand-in that is written as it is, and of which nothing would be written otherwise: an escape, or a
/// mark that hosts read in more than one way, would let CMD choose how the host reads the value, and in which spelling it comes back.
pub(super) fn edits(text: &[u8], start: usize, keys: &[Key], names: fn(&Key) -> &Vec<String>) -> Vec<Edit> {
    if keys.iter().all(|key| names(key).is_empty()) {
        return Vec::new();
    }
    let edit = |(name, value, at): (Cow<'_, [u8]>, &[u8], usize)| {
        let mut keys = keys.iter().filter(|key| names(key).iter().any(|one| one.as_bytes() == &*name));
        let key = keys.find(|key| value == key.stand_in() && value.iter().all(|byte| is_unreserved(*byte)))?;
        Some(Edit { at: start + at, with: key.value().to_vec().into() })
    };
    // A name is decoded with `+` as a blank also in a query: no name of a key has either.
    each(text).filter_map(edit).collect()
}

/// Whether a byte stands for itself wherever it is (RFC 3986 §2.3).
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Without percent-encoding, and with blanks for `+`. What is not two hexadecimal digits behind a `%` stays.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
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
            decoded.push(if *first == b'+' { b' ' } else { *first });
            rest = behind;
        }
    }
    Cow::Owned(decoded)
}

/// The byte that the escape at the beginning of `text` stands for.
fn escape(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*high)? << 4 | digit(*low)?)
}
