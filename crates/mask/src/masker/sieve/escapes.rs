//! Which escapes the masker has to look at. Most decode to something that stands in no form, between these neighbours.

use std::ops::ControlFlow;

use super::super::decode::{Kind, Token};
use super::{BEHIND, INDENT, Set, number};

/// The longest escape that may be skipped, in bytes.
const LONGEST: usize = 12;

/// What stands in the forms.
pub(in crate::masker) struct Escapes {
    first: [bool; 256],
    last: [bool; 256],
    /// Bytes that follow each other.
    pairs: Vec<u64>,
    has_blank: bool,
    /// Bytes with which an escape begins.
    starts: [bool; 256],
    /// Bytes that may break the beginning of a form: these, and line ends.
    special: [bool; 256],
}

impl Escapes {
    pub(in crate::masker) fn new() -> Self {
        let mut starts = [false; 256];
        b"\\%&\x1b".iter().for_each(|byte| starts[usize::from(*byte)] = true);
        Self {
            first: [false; 256],
            last: [false; 256],
            pairs: vec![0; 1 << 10],
            has_blank: false,
            starts,
            special: [false; 256],
        }
    }

    /// Adds a form that stands in decoded views.
    pub(in crate::masker) fn add(&mut self, form: &[u8]) {
        let (Some(first), Some(last)) = (form.first(), form.last()) else { return };
        self.first[usize::from(*first)] = true;
        self.last[usize::from(*last)] = true;
        for pair in form.windows(2) {
            let pair = usize::from(pair[0]) << 8 | usize::from(pair[1]);
            self.pairs[pair >> 6] |= 1 << (pair & 63);
        }
        self.has_blank |= form.contains(&b' ');
    }

    pub(super) fn finish(&mut self) {
        self.starts[usize::from(b'+')] = self.has_blank;
        self.special = self.starts;
        b"\r\n".iter().for_each(|byte| self.special[usize::from(*byte)] = true);
    }

    /// Whether a form contains a blank, so that `+` may be one.
    pub(super) fn has_blank(&self) -> bool {
        self.has_blank
    }

    #[inline]
    pub(super) fn start(&self, byte: u8) -> bool {
        self.starts[usize::from(byte)]
    }

    #[inline]
    pub(super) fn is_special(&self, byte: u8) -> bool {
        self.special[usize::from(byte)]
    }

    fn follow(&self, before: u8, behind: u8) -> bool {
        let pair = usize::from(before) << 8 | usize::from(behind);
        self.pairs[pair >> 6] >> (pair & 63) & 1 != 0
    }

    /// The position at or after `from` of an escape to look at, or the end of the text.
    pub(super) fn find(&self, text: &[u8], from: usize, lines: Option<&Set>) -> usize {
        let looked = memchr::memchr3_iter(b'\\', b'%', b'&', &text[from..]).map(|at| from + at);
        first(looked, text.len(), |at| self.may_matter(text, at, lines))
    }

    /// The same for `+`.
    pub(super) fn find_plus(&self, text: &[u8], from: usize) -> usize {
        if !self.has_blank {
            return text.len();
        }
        let looked = memchr::memchr_iter(b'+', &text[from..]).map(|at| from + at);
        first(looked, text.len(), |at| self.fits(text, at, 1, b' '))
    }

    /// The beginning of the escape that `at` is within, or `at`. All escapes before it were skipped, so none is within
    /// another.
    pub(super) fn aligned(&self, text: &[u8], at: usize) -> usize {
        let near = &text[at.saturating_sub(LONGEST)..at];
        let Some(back) = near.iter().rev().position(|byte| self.start(*byte)) else { return at };
        let start = at - 1 - back;
        match escape(text, start) {
            ControlFlow::Continue((len, _)) if start + len <= at => at,
            _ => start,
        }
    }

    fn may_matter(&self, text: &[u8], at: usize, lines: Option<&Set>) -> bool {
        let ControlFlow::Continue((len, decoded)) = escape(text, at) else { return true };
        let Some(byte) = decoded else { return false };
        if text[at..].starts_with(b"\\\\") && self.fits(text, at, 2, b'\\') {
            return true;
        }
        self.fits(text, at, len, byte)
            || byte == b'\n' && lines.is_some_and(|lines| self.line_may_follow(&text[at + len..], lines))
    }

    /// Whether `byte`, decoded from `len` bytes, may stand in a form between its neighbours.
    fn fits(&self, text: &[u8], at: usize, len: usize, byte: u8) -> bool {
        let near = &text[at.saturating_sub(LONGEST)..at];
        let before = near.last().is_none_or(|last| self.follow(*last, byte));
        let behind = text.get(at + len).is_none_or(|next| self.start(*next) || self.follow(byte, *next));
        (self.first[usize::from(byte)] || before || near.iter().any(|byte| self.start(*byte)))
            && (self.last[usize::from(byte)] || behind)
    }

    /// Whether the next line of an encoding may begin here, behind blanks.
    fn line_may_follow(&self, rest: &[u8], lines: &Set) -> bool {
        let blanks = rest.iter().take(INDENT).take_while(|byte| b" \t".contains(byte)).count();
        match rest[blanks..].first_chunk::<BEHIND>() {
            Some(piece) => piece.iter().any(|byte| self.start(*byte)) || lines.holds(number(*piece)),
            None => true,
        }
    }
}

fn first(mut at: impl Iterator<Item = usize>, end: usize, matters: impl Fn(usize) -> bool) -> usize {
    at.find(|at| matters(*at)).unwrap_or(end)
}

/// What a simple escape at `at` is: its length, and what it decodes to; nothing if it is none. Breaks if that is not
/// certain, or not simple: at the end of the text, with another escape within it, and beyond ASCII.
fn escape(text: &[u8], at: usize) -> ControlFlow<(), (usize, Option<u8>)> {
    let kind = match text[at] {
        b'\\' => Kind::Backslash,
        b'%' => Kind::Percent,
        b'&' => Kind::Entity,
        _ => return ControlFlow::Continue((1, None)),
    };
    if let [b'\\', b'\\', rest @ ..] = &text[at..] {
        return twice(rest);
    }
    for len in 1..=LONGEST {
        let Some(byte) = text.get(at + len) else { return ControlFlow::Break(()) };
        if b"\\%&+\x1b".contains(byte) {
            return if kind == Kind::Backslash { ControlFlow::Break(()) } else { ControlFlow::Continue((1, None)) };
        }
        match kind.token(&text[at..=at + len]) {
            Token::Open => {}
            Token::Byte(byte) if byte.is_ascii() && byte != b'\\' => {
                return ControlFlow::Continue((len + 1, Some(byte)));
            }
            Token::Char(code @ 0..0x80) if code != u32::from(b'\\') => {
                return ControlFlow::Continue((len + 1, u8::try_from(code).ok()));
            }
            Token::Plain => return ControlFlow::Continue((1, None)),
            _ => break,
        }
    }
    ControlFlow::Break(())
}

/// What two backslashes and `rest` are to a reader of JSON within JSON.
fn twice(rest: &[u8]) -> ControlFlow<(), (usize, Option<u8>)> {
    let mut once = [b'\\'; LONGEST - 1];
    for (len, byte) in rest.iter().enumerate().take(LONGEST - 2) {
        if b"\\%&+\x1b".contains(byte) {
            return ControlFlow::Break(());
        }
        once[len + 1] = *byte;
        match Kind::Backslash.token(&once[..len + 2]) {
            Token::Open => {}
            Token::Byte(byte) if byte.is_ascii() && byte != b'\\' => {
                return ControlFlow::Continue((len + 3, Some(byte)));
            }
            Token::Char(code @ 0..0x80) if code != u32::from(b'\\') => {
                return ControlFlow::Continue((len + 3, u8::try_from(code).ok()));
            }
            Token::Plain => return ControlFlow::Continue((2, Some(b'\\'))),
            _ => break,
        }
    }
    ControlFlow::Break(())
}
