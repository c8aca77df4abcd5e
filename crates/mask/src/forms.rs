//! The forms of a value: what a secret looks like in a log, in JSON, in a URL, in base64. Keeps the promises in the
//! README's section on masking: which values are masked, in which forms, and that everyday words such as `true` or
//! `3000` are never masked.
//!
//! A form never begins with a blank, a line end or one of `}` `]` `)` `"` `>` `:`. Protocol frames and prompts end with
//! these, so the masker never holds back their end. A form does not end with line ends either: these stay in the text,
//! so lines stay lines.

mod binary;
mod json;
mod shell;
mod url;

use std::collections::BTreeSet;
use std::fmt;

/// The shortest value that is masked, in bytes.
const SHORTEST: usize = 4;
/// The shortest value that is masked in every form, in bytes. Shorter values are masked only as they are.
const FULL: usize = 8;
/// The smallest number of digits of a number that is masked.
const NUMBER: usize = 8;
/// Words that are settings or answers, not secrets. Compared without case.
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

/// One form of a value.
#[derive(Clone, Copy)]
pub struct Form<'a> {
    /// The bytes to look for.
    pub bytes: &'a [u8],
    /// Whether tools break this encoding into lines, so that line ends within it are ignored. If so, `bytes` are base64
    /// or hexadecimal digits.
    pub wraps: bool,
}

/// Why a value is not masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmasked {
    /// It has fewer than 4 bytes, not counting those that a form cannot begin with.
    Short,
    /// It is a word such as `true` or `production`.
    Everyday,
    /// It is a number of fewer than 8 digits.
    Number,
    /// It is the first or last line of a PEM file.
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

/// Passes every form of `value` to `take`, some more than once. Passes none if the value is not masked.
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

/// The length of the part at the beginning of `text` that is, or may become, the first line of a PEM file: `-----BEGIN
/// PRIVATE KEY-----`. That line is not secret, although the form of a whole PEM file begins with it.
pub(crate) fn armour_prefix(text: &[u8]) -> usize {
    const OPEN: &[u8] = b"-----BEGIN ";
    let Some(label) = text.strip_prefix(OPEN) else {
        return if OPEN.starts_with(text) { text.len() } else { 0 };
    };
    let label_len = label.iter().take_while(|&&b| b == b' ' || b.is_ascii_uppercase() || b.is_ascii_digit()).count();
    let dashes = label[label_len..].iter().take(5).take_while(|&&b| b == b'-').count();
    if dashes == 5 || label_len + dashes == label.len() { OPEN.len() + label_len + dashes } else { 0 }
}

/// The part of a value that the masker looks for.
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

/// The characters of `text` that an encoder may escape, each once. No encoder escapes letters, digits and `-` `_` `.`,
/// so for most tokens the result is empty.
fn special(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let special: BTreeSet<char> = text.chars().filter(|&c| !plain(c)).collect();
    special.into_iter().collect()
}

/// Passes `text` to `take` in each dialect that escapes its `special` characters differently; never unescaped.
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
