//! The forms of a value: what a secret looks like in a log, in JSON, in a URL, in base64. Keeps the promise of the README's section on masking on which values
//! are masked and in which shapes, and that an everyday word such as `true` or `3000` never is.
//!
//! A form never begins with a blank, a line end or one of `}` `]` `)` `"` `>` `:`. Frames and prompts end in these, so their end never
//! waits for what may follow. Nor does a value end in line ends here: they stay in the text, and lines stay lines.

mod binary;
mod json;
mod shell;
mod url;

use std::collections::BTreeSet;
use std::fmt;

/// The shortest value that is masked at all, in bytes.
const SHORTEST: usize = 4;
/// The shortest value that is looked for in every form, in bytes. Shorter ones are looked for as they are.
const FULL: usize = 8;
/// The fewest digits of a number that is masked.
const NUMBER: usize = 8;
/// Words that are settings or answers, never secrets. Compared without case.
const EVERYDAY: [&str; 16] = [
    "true",
    "false",
    "null",
    "yes",
    "no",
    "on",
    "off",
    "production",
    "development",
    "staging",
    "test",
    "debug",
    "info",
    "warn",
    "error",
    "localhost",
];

/// One shape of a value.
#[derive(Clone, Copy)]
pub struct Form<'a> {
    /// What to look for.
    pub bytes: &'a [u8],
    /// An encoding that tools break into lines: line ends within it do not count. Then `bytes` are base64 or hexadecimal digits.
    pub wraps: bool,
}

/// Why a value is not masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmasked {
    /// Under 4 bytes, not counting what a form cannot begin with.
    Short,
    /// A word such as `true` or `production`.
    Everyday,
    /// A number under 8 digits.
    Number,
    /// The first or last line of a PEM file.
    Armour,
}

impl fmt::Display for Unmasked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "it is shorter than 4 bytes",
            Self::Everyday => "it is an everyday word",
            Self::Number => "it is a number of fewer than 8 digits",
            Self::Armour => "it is a PEM armour line",
        })
    }
}

/// Why `value` is not masked, or `None` if it is.
pub fn unmasked(value: &str) -> Option<Unmasked> {
    exemption(core(value))
}

/// Hands every form of `value` to `take`, some more than once; none if the value is not masked.
pub fn each_form(value: &str, take: &mut dyn FnMut(Form<'_>)) {
    let value = core(value);
    if exemption(value).is_some() {
        return;
    }
    if value.len() < FULL {
        return take(Form { bytes: value.as_bytes(), wraps: false });
    }
    let mut scratch = Vec::new();
    each_encoding(value, &mut scratch, take);
    if !value.contains('\n') {
        return;
    }
    let unix = value.replace("\r\n", "\n");
    let dos = unix.replace('\n', "\r\n");
    for other in [&unix, &dos].into_iter().filter(|other| *other != value) {
        each_encoding(other, &mut scratch, take);
    }
    for line in unix.lines().map(core) {
        if line.len() >= FULL && exemption(line).is_none() {
            each_encoding(line, &mut scratch, take);
        }
    }
}

/// Hands the value itself and each of its lines to `take`, in no encoding; none if the value is not masked.
pub(crate) fn each_raw_form(value: &str, take: &mut dyn FnMut(Form<'_>)) {
    let value = core(value);
    if exemption(value).is_some() {
        return;
    }
    take(Form { bytes: value.as_bytes(), wraps: false });
    for line in value.lines().map(core) {
        if line.len() >= FULL && exemption(line).is_none() {
            take(Form { bytes: line.as_bytes(), wraps: false });
        }
    }
}

/// How much of the beginning of `text` is the first line of a PEM file, or may become one: `-----BEGIN PRIVATE KEY-----`. It is no
/// secret by itself, though the form of a whole PEM file begins with it.
pub(crate) fn armour_prefix(text: &[u8]) -> usize {
    const OPEN: &[u8] = b"-----BEGIN ";
    let Some(label) = text.strip_prefix(OPEN) else {
        return if OPEN.starts_with(text) { text.len() } else { 0 };
    };
    let label_len = label.iter().take_while(|&&b| b == b' ' || b.is_ascii_uppercase() || b.is_ascii_digit()).count();
    let dashes = label[label_len..].iter().take(5).take_while(|&&b| b == b'-').count();
    if dashes == 5 || label_len + dashes == label.len() { OPEN.len() + label_len + dashes } else { 0 }
}

/// The part of a value that is looked for.
fn core(value: &str) -> &str {
    value.trim_start_matches([' ', '\t', '\r', '\n', '}', ']', ')', '"', '>', ':']).trim_end_matches(['\r', '\n'])
}

fn exemption(core: &str) -> Option<Unmasked> {
    let word = core.trim_end_matches([' ', '\t']);
    if word.len() < SHORTEST {
        Some(Unmasked::Short)
    } else if EVERYDAY.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        Some(Unmasked::Everyday)
    } else if is_number(word) {
        Some(Unmasked::Number)
    } else if is_armour(word) {
        Some(Unmasked::Armour)
    } else {
        None
    }
}

/// `3000`, `-1.25`: digits with at most a sign and a point.
fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let digits = unsigned.bytes().filter(u8::is_ascii_digit).count();
    let points = unsigned.bytes().filter(|&b| b == b'.').count();
    (1..NUMBER).contains(&digits) && points <= 1 && digits + points == unsigned.len()
}

/// `-----BEGIN X-----` or `-----END X-----` (RFC 7468 §2).
fn is_armour(line: &str) -> bool {
    line.strip_prefix("-----BEGIN ")
        .or_else(|| line.strip_prefix("-----END "))
        .and_then(|rest| rest.strip_suffix("-----"))
        .is_some_and(|label| !label.contains(['\n', '-']))
}

fn each_encoding(text: &str, scratch: &mut Vec<u8>, take: &mut dyn FnMut(Form<'_>)) {
    let bytes = text.as_bytes();
    take(Form { bytes, wraps: false });
    let special = special(text);
    if !special.is_empty() {
        let mut exact = |bytes: &[u8]| take(Form { bytes, wraps: false });
        json::each(text, &special, scratch, &mut exact);
        url::each(text, &special, scratch, &mut exact);
        shell::each(text, scratch, &mut exact);
    }
    binary::each(bytes, scratch, &mut |bytes| take(Form { bytes, wraps: true }));
}

/// What of `text` may be escaped, each character once. Letters, digits and `-` `_` `.` look the same in every escape there is: of most
/// tokens nothing is left.
fn special(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let special: BTreeSet<char> = text.chars().filter(|&c| !plain(c)).collect();
    special.into_iter().collect()
}

/// Hands `text` to `take` in each dialect that treats its `special` characters in a way of its own; not as it is.
fn each_dialect<D: Copy>(
    dialects: impl IntoIterator<Item = D>,
    write: impl Fn(D, &str, &mut Vec<u8>),
    (text, special): (&str, &str),
    out: &mut Vec<u8>,
    take: &mut dyn FnMut(&[u8]),
) {
    let mut known = vec![special.as_bytes().to_vec()];
    for dialect in dialects {
        write(dialect, special, out);
        if !known.contains(out) {
            known.push(out.clone());
            write(dialect, text, out);
            take(out);
        }
    }
}

#[cfg(test)]
mod tests;
