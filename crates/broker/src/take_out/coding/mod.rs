//! Content codings of a response, undone while it streams. What a server sends decides neither how much memory a
//! decoder takes nor how much comes out of one step: the windows are bounded, and a step appends at most
//! `limits::PIECE` bytes.

mod brotli;
mod gzip;
mod inflate;
mod zstd;

use std::fmt;

use crate::http::Coding;

/// The body is not what its coding says, or it wants a window beyond `limits::WINDOW`.
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
    /// Takes bytes from the front of `input` and appends what they say to `out`, at most `limits::PIECE` bytes. With
    /// `is_idle` nothing stays inside that the input already says: the caller is about to wait for the server.
    fn step(&mut self, input: &mut &[u8], is_idle: bool, out: &mut Vec<u8>) -> Result<Next, Undecodable>;

    /// The body is over, and every step of it was done. An error if the coding's own end is missing. A body without any
    /// byte is whole: servers send those with a coding, too.
    fn end(&self) -> Result<(), Undecodable>;
}

/// A decoder before its first byte, or `None` for a body that is not coded.
pub fn decoder(coding: Coding) -> Option<Box<dyn Decode>> {
    Some(match coding {
        Coding::Identity => return None,
        Coding::Gzip => Box::new(gzip::Gzip::new()),
        Coding::Deflate => Box::new(inflate::Deflate::new()),
        Coding::Brotli => Box::new(brotli::Brotli::new()),
        Coding::Zstd => Box::new(zstd::Zstd::new()),
    })
}

/// Takes up to `count` bytes from the front of `input`.
fn take<'a>(input: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(count.min(input.len()));
    *input = rest;
    taken
}

#[cfg(test)]
mod tests;
