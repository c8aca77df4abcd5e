//! The forms of a value: what the masker looks for in the raw stream and in its decoded views. Keeps the promises of
//! the specification on which values are masked, and which parts of them, and that everyday words such as `true` or
//! `3000` never are.
//!
//! What JSON, URLs and markup make of a value is not listed here: the views decode it. A form is what no decoder undoes:
//! the value, its lines and secret parts, with blanks folded; what shells make of quotes; base64 and hexadecimal. A form
//! does not begin with blanks or line ends, nor end with line ends: these stay in the text, so lines stay lines.

mod binary;
mod parts;
mod public;
mod settings;
mod shell;

use std::collections::BTreeSet;
use std::fmt;

pub(crate) use binary::{digit, number};
pub use public::token_prefix;
pub(crate) use public::{LONGEST_PUBLIC, armour_prefix, public_prefix};

/// The shortest value that is masked, in bytes.
const SHORTEST: usize = 4;
/// The shortest value that is masked in every form, in bytes. Shorter values are masked only as they are.
const FULL: usize = 8;
/// The smallest number of digits of a number that is masked.
const NUMBER: usize = 8;

/// One form of a value.
#[derive(Clone, Copy)]
pub struct Form<'a> {
    /// The bytes to look for.
    pub bytes: &'a [u8],
    /// Whether tools break this encoding into lines, so that line ends within it are ignored. If so, `bytes` are base64
    /// or hexadecimal digits.
    pub wraps: bool,
}

/// A form of a value, and what stands in its place when the stand-in does.
#[derive(Clone)]
pub(crate) struct Swap {
    pub(crate) old: Vec<u8>,
    pub(crate) new: Vec<u8>,
    pub(crate) wraps: bool,
    /// The value's bits in the digit before, which it shares with what is before it.
    pub(crate) before: Option<Shared>,
}

/// The lowest bits of a digit of base64.
#[derive(Clone, Copy)]
pub(crate) struct Shared {
    pub(crate) mask: u8,
    pub(crate) old: u8,
    pub(crate) new: u8,
}

/// Why a value is not masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmasked {
    /// It has fewer than 4 bytes, not counting blanks and line ends around it.
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
    let mut scratch = Vec::new();
    for text in texts(value) {
        if text.len() < FULL {
            take(Form { bytes: text.as_bytes(), wraps: false });
        } else {
            each_encoding(&text, &mut scratch, take);
        }
    }
}

/// Hands the value itself and each of its lines and parts to `take`, as they are; none if the value is not masked.
pub(crate) fn each_raw_form(value: &str, take: &mut dyn FnMut(Form<'_>)) {
    for text in texts(value) {
        take(Form { bytes: text.as_bytes(), wraps: false });
    }
}

/// Passes every form of the value as a whole, whatever it is; nothing of its parts.
pub(crate) fn each_whole_form(value: &str, take: &mut dyn FnMut(Form<'_>)) {
    each_encoding(value, &mut Vec::new(), take);
}

/// Passes every form of the value as a whole, with the same form of its stand-in. The two have the same shape: letters
/// and digits stand where letters and digits do, and all other bytes are the same.
pub(crate) fn each_swap(value: &str, stand_in: &str, take: &mut dyn FnMut(Swap)) {
    let (mut olds, mut news) = (Vec::new(), Vec::new());
    for (text, forms) in [(value, &mut olds), (stand_in, &mut news)] {
        forms.push(text.as_bytes().to_vec());
        shell::each(text, &mut |form| forms.push(form.to_vec()));
    }
    for (old, new) in olds.into_iter().zip(news) {
        take(Swap { old, new, wraps: false, before: None });
    }
    binary::each_swap(value.as_bytes(), stand_in.as_bytes(), take);
}

/// What must not be read: the value, with line ends of either kind, and folded; its lines, and its secret parts.
fn texts(value: &str) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    let whole = core(value);
    if exemption(whole).is_some() {
        return texts;
    }
    if whole.len() < FULL {
        texts.insert(whole.to_owned());
        return texts;
    }
    let mut add = |text: &str, shortest: usize| {
        let text = core(text);
        if text.len() < shortest || exemption(text).is_some() {
            return;
        }
        if !texts.contains(text) {
            texts.insert(text.to_owned());
        }
        if text.len() < FULL {
            return;
        }
        if text.contains(['\n', '\t']) || text.contains("  ") || text.ends_with(' ') {
            let unix = text.replace("\r\n", "\n");
            let folded = text.split([' ', '\t', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            let others = [unix.replace('\n', "\r\n"), unix, folded];
            texts.extend(others.into_iter().filter(|other| other.len() >= FULL));
        }
    };
    add(whole, SHORTEST);
    let lines = parts::each(whole, &mut |part| {
        add(part, SHORTEST);
        if part.contains('\n') {
            part.lines().for_each(|line| add(line, FULL));
        }
    });
    lines.each().for_each(|line| add(line, FULL));
    texts
}

/// The part of a value that the masker looks for.
fn core(value: &str) -> &str {
    value.trim_start_matches([' ', '\t', '\r', '\n']).trim_end_matches(['\r', '\n'])
}

fn exemption(core: &str) -> Option<Unmasked> {
    let word = core.trim_end_matches([' ', '\t']);
    if word.len() < SHORTEST {
        Some(Unmasked::Short)
    } else if settings::is_everyday(word.trim_start_matches('"').trim_end_matches('"')) {
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
    shell::each(text, &mut |bytes| take(Form { bytes, wraps: false }));
    if let Some(latin) = latin(text) {
        take(Form { bytes: &latin, wraps: false });
    }
    binary::each(bytes, scratch, &mut |bytes| take(Form { bytes, wraps: true }));
}

/// The value with one byte for each character that Latin-1 has beyond ASCII: what `\xe9` and `%E9` decode to.
fn latin(text: &str) -> Option<Vec<u8>> {
    let byte = |c: char| u8::try_from(u32::from(c)).ok().filter(|byte| !byte.is_ascii());
    if !text.chars().any(|c| byte(c).is_some()) {
        return None;
    }
    let mut latin = Vec::new();
    for c in text.chars() {
        match byte(c) {
            Some(byte) => latin.push(byte),
            None => latin.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Some(latin)
}

#[cfg(test)]
mod tests;
