//! Content codings of a response, undone while it streams. What a server sends decides neither how much memory a decoder
//! takes nor how much comes out of one step: the windows are bounded, and a step appends at most `PIECE` bytes.

mod brotli;
mod gzip;
mod inflate;
mod zstd;

use std::fmt;

/// The most bytes that one step appends.
pub const PIECE: usize = 64 << 10;
/// The largest window of a decoder, in bytes. A stream that wants a larger one is refused.
pub const WINDOW: usize = 8 << 20;

/// A content coding that the broker undoes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// `gzip` or `x-gzip` (RFC 1952).
    Gzip,
    /// `deflate`: zlib (RFC 1950), or deflate alone (RFC 1951), which some servers send under this name.
    Deflate,
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878).
    Zstd,
}

/// The body is not what its coding says, or it wants a window beyond `WINDOW`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Undecodable;

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body cannot be decoded")
    }
}

impl std::error::Error for Undecodable {}

/// What a step left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// All input was taken, and what it says was appended. More input is needed.
    Input,
    /// More may come out. The step is to be done again, with the input that is left.
    Output,
}

/// A decoder of one body.
pub trait Decode {
    /// Takes bytes from the front of `input` and appends what they say to `out`, at most `PIECE` bytes. With `is_idle`
    /// nothing stays inside that the input already says: the caller is about to wait for the server.
    fn step(&mut self, input: &mut &[u8], is_idle: bool, out: &mut Vec<u8>) -> Result<Next, Undecodable>;

    /// The body is over, and every step of it was done. An error if the coding's own end is missing. A body without any
    /// byte is whole: servers send those with a coding, too.
    fn end(&self) -> Result<(), Undecodable>;
}

impl Coding {
    /// A decoder before its first byte.
    pub fn decoder(self) -> Box<dyn Decode> {
        match self {
            Self::Gzip => Box::new(gzip::Gzip::new()),
            Self::Deflate => Box::new(inflate::Deflate::new()),
            Self::Brotli => Box::new(brotli::Brotli::new()),
            Self::Zstd => Box::new(zstd::Zstd::new()),
        }
    }
}

/// Takes up to `count` bytes from the front of `input`.
fn take<'a>(input: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(count.min(input.len()));
    *input = rest;
    taken
}

#[cfg(test)]
mod tests;
