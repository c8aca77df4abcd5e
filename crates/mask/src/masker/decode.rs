//! Decoders: each reads a stream as one family of readers would, byte by byte, and says of each decoded byte where it
//! came from. What is no escape stands for itself.

use serde::{Deserialize, Serialize};

/// A family of escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// JSON's and C's: `\n`, `\u00e9`, `\xe9`, `\303`.
    Backslash,
    /// `%2F`.
    Percent,
    /// Percent, and `+` is a blank.
    Form,
    /// `&amp;`, `&#39;`.
    Entity,
    /// `ESC [ 1;31 m`, which is nothing.
    Colour,
}

/// The longest colour code, in bytes.
const LONGEST_COLOUR: usize = 64;
/// The longest entity.
const LONGEST_ENTITY: usize = 12;

/// What a beginning of the stream is.
pub(super) enum Token {
    /// Not an escape.
    Plain,
    /// It may become an escape.
    Open,
    /// An escape, of a character.
    Char(u32),
    /// An escape, of a byte.
    Byte(u8),
    /// An escape, of nothing.
    Nothing,
}

impl Kind {
    /// Whether an escape begins with this byte.
    pub(super) fn starts(self, byte: u8) -> bool {
        match self {
            Self::Backslash => byte == b'\\',
            Self::Percent => byte == b'%',
            Self::Form => matches!(byte, b'%' | b'+'),
            Self::Entity => byte == b'&',
            Self::Colour => byte == b'\x1b',
        }
    }

    /// What `text` is, which begins with a byte that starts an escape. Each beginning of it was `Open`.
    pub(super) fn token(self, text: &[u8]) -> Token {
        match self {
            Self::Backslash => backslash(text),
            Self::Form if text == b"+" => Token::Byte(b' '),
            Self::Percent | Self::Form => match text {
                [_] => Token::Open,
                [_, digit] if digit.is_ascii_hexdigit() => Token::Open,
                [_, digits @ ..] => number(digits, 16).map_or(Token::Plain, |byte| Token::Byte(low(byte))),
                [] => Token::Plain,
            },
            Self::Entity => entity(text),
            Self::Colour => colour(text),
        }
    }
}

fn backslash(text: &[u8]) -> Token {
    let rest = &text[1..];
    let hex = |digits: &[u8], len: usize| match digits {
        _ if !digits.iter().all(u8::is_ascii_hexdigit) => None,
        _ if digits.len() < len => Some(Token::Open),
        _ => number(digits, 16).map(Token::Char),
    };
    match rest {
        [] => Token::Open,
        [b'u', b'{', digits @ ..] => match digits.split_last() {
            None => Token::Open,
            Some((b'}', digits)) => number(digits, 16).map_or(Token::Plain, Token::Char),
            Some(_) if digits.len() <= 6 && digits.iter().all(u8::is_ascii_hexdigit) => Token::Open,
            Some(_) => Token::Plain,
        },
        [b'u', digits @ ..] => hex(digits, 4).unwrap_or(Token::Plain),
        [b'U', digits @ ..] => hex(digits, 8).unwrap_or(Token::Plain),
        [b'x', digits @ ..] => match hex(digits, 2) {
            Some(Token::Char(byte)) => Token::Byte(low(byte)),
            other => other.unwrap_or(Token::Plain),
        },
        [b'0'..=b'3', digits @ ..] if digits.iter().all(|digit| matches!(digit, b'0'..=b'7')) => match digits {
            [_, _] => number(rest, 8).map_or(Token::Plain, |byte| Token::Byte(low(byte))),
            _ => Token::Open,
        },
        [letter, ..] => short(*letter).map_or(Token::Plain, Token::Byte),
    }
}

/// What `\` and this byte are together.
fn short(letter: u8) -> Option<u8> {
    Some(match letter {
        b'a' => b'\x07',
        b'b' => b'\x08',
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => b'\x0b',
        b'f' => b'\x0c',
        b'r' => b'\r',
        b'e' | b'E' => b'\x1b',
        other if other.is_ascii_alphanumeric() => return None,
        other => other,
    })
}

fn entity(text: &[u8]) -> Token {
    const NAMES: [(&[u8], u8); 6] =
        [(b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>'), (b"&quot;", b'"'), (b"&apos;", b'\''), (b"&nbsp;", b' ')];
    let (base, digits) = match text {
        [_, b'#', b'x' | b'X', digits @ ..] => (16, digits),
        [_, b'#', digits @ ..] => (10, digits),
        _ => {
            return match NAMES.iter().find(|(name, _)| name.starts_with(text)) {
                None => Token::Plain,
                Some((name, byte)) if name.len() == text.len() => Token::Byte(*byte),
                Some(_) => Token::Open,
            };
        }
    };
    match digits.split_last() {
        None => Token::Open,
        Some((b';', digits)) => number(digits, base).map_or(Token::Plain, Token::Char),
        Some((last, _)) if char::from(*last).is_digit(base) && text.len() < LONGEST_ENTITY => Token::Open,
        Some(_) => Token::Plain,
    }
}

fn colour(text: &[u8]) -> Token {
    match text {
        [_] | [_, b'['] => Token::Open,
        [_, b'[', .., b'm'] => Token::Nothing,
        [_, b'[', .., b'0'..=b'9' | b';' | b':'] if text.len() < LONGEST_COLOUR => Token::Open,
        _ => Token::Plain,
    }
}

fn number(digits: &[u8], base: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u32, |number, digit| number.checked_mul(base)?.checked_add(char::from(*digit).to_digit(base)?))
}

fn low(number: u32) -> u8 {
    u8::try_from(number & 0xFF).expect("eight bits")
}

/// A byte, and the bytes of the stream that it came from.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Unit {
    pub(super) byte: u8,
    pub(super) begin: u64,
    pub(super) end: u64,
}

/// What a decoder passes on.
#[derive(Clone, Copy)]
pub(super) enum Decoded {
    Byte(Unit),
    /// An escape of nothing: the end of it.
    Nothing(u64),
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Decoder {
    kind: Kind,
    /// What may become an escape.
    open: Vec<Unit>,
    /// The first half of a pair of surrogates: its number, and its place.
    high: Option<(u32, u64, u64)>,
}

impl Decoder {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, open: Vec::new(), high: None }
    }

    /// Where the escape begins whose rest it waits for.
    pub(super) fn open(&self) -> Option<u64> {
        self.high.map(|(_, begin, _)| begin).or_else(|| self.open.first().map(|unit| unit.begin))
    }

    pub(super) fn push(&mut self, unit: Unit, out: &mut impl FnMut(Decoded)) {
        if self.open.is_empty() {
            if self.kind.starts(unit.byte) {
                self.open.push(unit);
                self.settle(out);
            } else {
                self.flush_high(out);
                out(Decoded::Byte(unit));
            }
            return;
        }
        self.open.push(unit);
        self.settle(out);
    }

    fn settle(&mut self, out: &mut impl FnMut(Decoded)) {
        let mut text = [0; LONGEST_COLOUR];
        let len = self.open.len().min(LONGEST_COLOUR);
        for (byte, unit) in text.iter_mut().zip(&self.open) {
            *byte = unit.byte;
        }
        let (begin, end) = (self.open[0].begin, self.open[self.open.len() - 1].end);
        match self.kind.token(&text[..len]) {
            Token::Open => return,
            Token::Char(high @ 0xD800..=0xDBFF) => {
                self.flush_high(out);
                self.high = Some((high, begin, end));
            }
            Token::Char(code) => self.char(code, begin, end, out),
            Token::Byte(byte) => {
                self.flush_high(out);
                out(Decoded::Byte(Unit { byte, begin, end }));
            }
            Token::Nothing => {
                self.flush_high(out);
                out(Decoded::Nothing(end));
            }
            Token::Plain => return self.give_up(out),
        }
        self.open.clear();
    }

    /// What was read is no escape. Its last byte may begin one: no other can.
    fn give_up(&mut self, out: &mut impl FnMut(Decoded)) {
        self.flush_high(out);
        let last = if self.open.len() > 1 { self.open.pop() } else { None };
        for unit in self.open.drain(..) {
            out(Decoded::Byte(unit));
        }
        if let Some(last) = last {
            self.push(last, out);
        }
    }

    fn char(&mut self, code: u32, begin: u64, end: u64, out: &mut impl FnMut(Decoded)) {
        let (code, begin) = match self.high {
            Some((high, begin, _)) if (0xDC00..=0xDFFF).contains(&code) => {
                self.high = None;
                (0x1_0000 + ((high - 0xD800) << 10) + (code - 0xDC00), begin)
            }
            _ => {
                self.flush_high(out);
                (code, begin)
            }
        };
        encode(code, begin, end, out);
    }

    fn flush_high(&mut self, out: &mut impl FnMut(Decoded)) {
        if let Some((high, begin, end)) = self.high.take() {
            encode(high, begin, end, out);
        }
    }
}

/// A character as UTF-8. What is no character is a byte that stands in no secret.
fn encode(code: u32, begin: u64, end: u64, out: &mut impl FnMut(Decoded)) {
    let mut bytes = [0; 4];
    let text: &[u8] = match char::from_u32(code) {
        Some(c) => c.encode_utf8(&mut bytes).as_bytes(),
        None => b"\xFF",
    };
    for &byte in text {
        out(Decoded::Byte(Unit { byte, begin, end }));
    }
}
