//! Where a body ends, and which of the bytes are the body: chunk lines, sizes, trailers. Memory does not grow with the
//! body: only a chunk line and the trailers are kept.

use super::{Fault, Head, head};
use crate::limits;

/// How the end of a body is found (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Framing {
    /// There is no body.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks, then trailers.
    Chunked,
    /// All until the connection ends: only responses.
    UntilClose,
}

impl Framing {
    /// What `Content-Length` and `Transfer-Encoding` of a head say, or `None` if it has neither. `Fault::Framing`: one
    /// of them twice, both, `Content-Length` that is not plain digits below 2^64, `Transfer-Encoding` other than one
    /// `chunked`, or a name that differs from theirs only by `_` for `-`, which some servers read as the same.
    pub fn of(head: &Head<'_>) -> Result<Option<Self>, Fault> {
        let mut framing = None;
        for field in &head.fields {
            let is_length = is_alike(field.name, b"content-length");
            if !is_length && !is_alike(field.name, b"transfer-encoding") {
                continue;
            }
            if framing.is_some() || field.name.contains(&b'_') {
                return Err(Fault::Framing);
            }
            framing = Some(if is_length {
                Self::Length(decimal(field.value).ok_or(Fault::Framing)?)
            } else if field.value.eq_ignore_ascii_case(b"chunked") {
                Self::Chunked
            } else {
                return Err(Fault::Framing);
            });
        }
        Ok(framing)
    }
}

/// What a piece of the input is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece<'a> {
    /// Bytes of the body; not empty.
    Data(&'a [u8]),
    /// No bytes of the body: framing, or nothing, and more of the input is needed.
    Nothing,
    /// The body is whole. What follows in the input is not of this message.
    End,
}

/// Reads one body.
#[derive(Clone, Debug)]
pub struct Body {
    state: State,
    /// The chunk line or the trailers, as far as they have come.
    line: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// So many bytes, and then the end.
    Length(u64),
    /// A chunk line.
    Size,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The line end behind a chunk: whether its CR has come.
    ChunkEnd { is_returned: bool },
    /// Trailers.
    Trailers,
    /// All bytes.
    UntilClose,
    /// Nothing more.
    Done,
}

impl Body {
    /// A body with this framing, before its first byte.
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size,
            Framing::UntilClose => State::UntilClose,
        };
        Self { state, line: Vec::new() }
    }

    /// Takes the next bytes. Returns what the first of them are and how many were taken; call it again with the others.
    /// `Piece::Nothing` comes only when all bytes were taken. Bytes behind the body are never taken. Faults: `Chunk`,
    /// `Trailers`, `TooManyFields`; afterwards the body must not be used again.
    pub fn take<'a>(&mut self, bytes: &'a [u8]) -> Result<(Piece<'a>, usize), Fault> {
        let mut taken = 0;
        loop {
            let rest = &bytes[taken..];
            match self.state {
                State::Done => return Ok((Piece::End, taken)),
                _ if rest.is_empty() => return Ok((Piece::Nothing, taken)),
                State::UntilClose => return Ok((Piece::Data(rest), bytes.len())),
                State::Length(left) => {
                    let data = up_to(rest, left);
                    let left = left - data.len() as u64;
                    self.state = if left == 0 { State::Done } else { State::Length(left) };
                    return Ok((Piece::Data(data), taken + data.len()));
                }
                State::Chunk(left) => {
                    let data = up_to(rest, left);
                    let left = left - data.len() as u64;
                    self.state = if left == 0 { State::ChunkEnd { is_returned: false } } else { State::Chunk(left) };
                    return Ok((Piece::Data(data), taken + data.len()));
                }
                State::ChunkEnd { is_returned } => {
                    self.state = match (is_returned, rest[0]) {
                        (false, b'\r') => State::ChunkEnd { is_returned: true },
                        (true, b'\n') => State::Size,
                        _ => return Err(Fault::Chunk),
                    };
                    taken += 1;
                }
                State::Size => {
                    self.line.push(rest[0]);
                    taken += 1;
                    if let Some(size) = chunk_size(&self.line)? {
                        self.line.clear();
                        self.state = if size == 0 { State::Trailers } else { State::Chunk(size) };
                    }
                }
                State::Trailers => {
                    self.line.push(rest[0]);
                    taken += 1;
                    if is_section(&self.line)? {
                        head::fields(&self.line, 0).map_err(|_| Fault::Trailers)?;
                        self.state = State::Done;
                    }
                }
            }
        }
    }

    /// Ends the input, as the other side closed the connection. `Fault::Cut` if the body is not whole.
    pub fn end(&self) -> Result<(), Fault> {
        match self.state {
            State::Done | State::UntilClose => Ok(()),
            _ => Err(Fault::Cut),
        }
    }

    /// Whether the body is whole.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The trailer section of a whole chunked body, its empty line included; empty for other bodies.
    /// `head::fields(bytes, 0)` reads it.
    pub fn trailers(&self) -> &[u8] {
        if self.is_done() { &self.line } else { &[] }
    }
}

fn up_to(bytes: &[u8], count: u64) -> &[u8] {
    usize::try_from(count).ok().and_then(|count| bytes.get(..count)).unwrap_or(bytes)
}

/// Whether a field's name is `name`, in any case, with `_` as good as `-`.
fn is_alike(one: &[u8], name: &[u8]) -> bool {
    let plain = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    one.len() == name.len() && one.iter().zip(name).all(|(byte, other)| plain(byte) == *other)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if is_plain { str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

/// The size of a chunk whose line has come so far, or `None` if it has not ended: `SIZE [ ";" EXTENSION ] CRLF`, with 1
/// to 16 hexadecimal digits. Looks at the last byte first, so each byte is judged when it comes.
fn chunk_size(line: &[u8]) -> Result<Option<u64>, Fault> {
    let Some((&last, before)) = line.split_last() else { return Ok(None) };
    if line.len() > limits::CHUNK_LINE {
        return Err(Fault::Chunk);
    }
    let digits = before.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let is_in_extension = before.get(digits).is_some_and(|byte| *byte == b';');
    match (before.last(), last) {
        (Some(b'\r'), b'\n') => {
            let digits = str::from_utf8(&before[..digits]).map_err(|_| Fault::Chunk)?;
            u64::from_str_radix(digits, 16).map(Some).map_err(|_| Fault::Chunk)
        }
        (Some(b'\r'), _) => Err(Fault::Chunk),
        (Some(_), b'\r' | b';') => Ok(None),
        (_, byte) if is_in_extension && super::is_value_byte(byte) => Ok(None),
        (_, byte) if byte.is_ascii_hexdigit() && digits == before.len() && digits < 16 => Ok(None),
        _ => Err(Fault::Chunk),
    }
}

/// Whether a trailer section has ended. Judges the last byte, as `Ending` does for a head.
fn is_section(section: &[u8]) -> Result<bool, Fault> {
    if section.len() > limits::TRAILERS {
        return Err(Fault::Trailers);
    }
    let is_line_end = section.ends_with(b"\r\n");
    match section {
        [.., b'\r', b'\n'] => {}
        [.., b'\r', _] | [.., b'\n'] => return Err(Fault::Trailers),
        [.., byte] if *byte != b'\r' && !super::is_value_byte(*byte) => return Err(Fault::Trailers),
        _ => {}
    }
    Ok(section == b"\r\n" || is_line_end && section.ends_with(b"\r\n\r\n"))
}
