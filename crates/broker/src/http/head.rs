//! Where a head ends, and what its fields are. The fields are spans of the bytes that were read, so that they can be
//! written again in their order and case.

use super::{Fault, is_token_byte, is_value_byte, trim};
use crate::limits;

/// Finds the end of a head while it arrives, and looks at each byte once.
#[derive(Clone, Debug)]
pub struct Ending {
    limit: usize,
    /// How many bytes were looked at.
    seen: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// At the start of a line. The first one must not be empty.
    Start { is_first: bool },
    /// Within a line.
    Line,
    /// Behind a CR at the end of a line with bytes.
    Return,
    /// Behind the CR of the empty line.
    LastReturn,
}

impl Ending {
    /// For a head of at most `limit` bytes, its empty line included.
    pub fn new(limit: usize) -> Self {
        Self { limit, seen: 0, state: State::Start { is_first: true } }
    }

    /// Looks at what has arrived, which is the same as at the last call with more bytes behind it. Returns the length
    /// of the head, its empty line included, or `None` if more bytes are needed. A fault is the same whatever pieces
    /// the bytes arrived in: `HeadTooLong`, `Line` or `Field` (folded lines), `FirstLine` (empty).
    pub fn look(&mut self, bytes: &[u8]) -> Result<Option<usize>, Fault> {
        while let Some(&byte) = bytes.get(self.seen) {
            if self.seen == self.limit {
                return Err(Fault::HeadTooLong);
            }
            self.seen += 1;
            self.state = match (self.state, byte) {
                (State::LastReturn, b'\n') => return Ok(Some(self.seen)),
                (State::Return, b'\n') => State::Start { is_first: false },
                (State::Start { is_first: true }, b'\r') => return Err(Fault::FirstLine),
                (State::Start { is_first: false }, b'\r') => State::LastReturn,
                (State::Start { is_first: false }, b' ' | b'\t') => return Err(Fault::Field),
                (State::Line, b'\r') => State::Return,
                (State::Start { .. } | State::Line, byte) if is_value_byte(byte) => State::Line,
                _ => return Err(Fault::Line),
            };
        }
        Ok(None)
    }
}

/// One field of a head or of trailers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// The name as it was sent: a token.
    pub name: &'a [u8],
    /// The value without blanks around it; it may be empty.
    pub value: &'a [u8],
    /// Where the value begins in the bytes of the head.
    pub at: usize,
}

impl Field<'_> {
    /// Whether it has this name, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether some host may take it for this name: another mark for each `-`.
    pub fn is_like(&self, name: &str) -> bool {
        let mark = |byte: &u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
        self.name.iter().map(mark).eq(name.bytes())
    }
}

/// A whole head.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// All of its bytes, the empty line included.
    pub bytes: &'a [u8],
    /// The first line without its line end.
    pub first: &'a [u8],
    /// The fields in their order.
    pub fields: Vec<Field<'a>>,
}

impl<'a> Head<'a> {
    /// Reads the bytes of one head, as long as `Ending` found it. Faults: `Line`, `FirstLine` (empty), `Field`,
    /// `TooManyFields`, `Cut` (no empty line, or bytes behind it). Limits the number of fields, not of bytes.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        if Ending::new(bytes.len()).look(bytes)? != Some(bytes.len()) {
            return Err(Fault::Cut);
        }
        let end = line_end(bytes).ok_or(Fault::Cut)?;
        Ok(Self { bytes, first: &bytes[..end], fields: fields(bytes, end + 2)? })
    }

    /// The fields with this name, in any case.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Field<'a>> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// The elements of all fields with this name: a list with commas (RFC 9110 §5.6.1), without blanks, without empty
    /// ones. Quoted strings are not understood; the lists that the broker reads have none.
    pub fn elements<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> {
        let elements = self.all(name).flat_map(|field| field.value.split(|byte| *byte == b','));
        elements.map(trim).filter(|element| !element.is_empty())
    }

    /// Whether one of the elements of these fields is `element`, in any case.
    pub fn has_element(&self, name: &str, element: &str) -> bool {
        self.elements(name).any(|one| one.eq_ignore_ascii_case(element.as_bytes()))
    }
}

/// Reads a section of fields that lies in `bytes` from `start` to the end and ends with an empty line: the rest of a
/// head, or trailers. Faults: `Field`, `Line`, `TooManyFields`, `Cut`.
pub fn fields(bytes: &[u8], start: usize) -> Result<Vec<Field<'_>>, Fault> {
    let (mut fields, mut at) = (Vec::new(), start);
    loop {
        let line = &bytes[at..];
        let line = &line[..line_end(line).ok_or(Fault::Cut)?];
        if line.is_empty() {
            return if at + 2 == bytes.len() { Ok(fields) } else { Err(Fault::Cut) };
        }
        if fields.len() == limits::FIELDS {
            return Err(Fault::TooManyFields);
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(Fault::Field)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(|byte| is_token_byte(*byte)) {
            return Err(Fault::Field);
        }
        if !value.iter().all(|byte| is_value_byte(*byte)) {
            return Err(Fault::Line);
        }
        let blanks = value.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        fields.push(Field { name, value: trim(value), at: at + colon + 1 + blanks });
        at += line.len() + 2;
    }
}

/// Where the first line ends.
fn line_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|two| two == b"\r\n")
}
