//! Deflate, and the `deflate` coding around it.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Decode, Next, Undecodable, take};
use crate::limits::PIECE;

/// One stream of deflate, with or without zlib's frame. Its window has 32 KiB.
pub(super) struct Inflate {
    stream: Decompress,
    is_done: bool,
}

impl Inflate {
    pub(super) fn new(has_zlib_frame: bool) -> Self {
        Self { stream: Decompress::new(has_zlib_frame), is_done: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// As `Decode::step`; what stands behind the stream's end stays in `input`.
    pub(super) fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Next, Undecodable> {
        let start = out.len();
        out.resize(start + PIECE, 0);
        let (taken, given) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(input, &mut out[start..], FlushDecompress::None);
        let taken = usize::try_from(self.stream.total_in() - taken).expect("no more than the input");
        let given = usize::try_from(self.stream.total_out() - given).expect("no more than the output");
        out.truncate(start + given);
        take(input, taken);
        match status.map_err(|_| Undecodable)? {
            Status::StreamEnd => {
                self.is_done = true;
                Ok(Next::Output)
            }
            _ if given == PIECE => Ok(Next::Output),
            _ if input.is_empty() => Ok(Next::Input),
            _ if taken == 0 && given == 0 => Err(Undecodable),
            _ => Ok(Next::Output),
        }
    }
}

/// The `deflate` coding: the first two bytes tell whether it has zlib's frame.
pub(super) struct Deflate {
    /// The first byte, while the second has not come.
    first: Option<u8>,
    stream: Option<Inflate>,
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self { first: None, stream: None }
    }
}

impl Decode for Deflate {
    fn step(&mut self, input: &mut &[u8], _: bool, out: &mut Vec<u8>) -> Result<Next, Undecodable> {
        let stream = match (&mut self.stream, self.first) {
            (Some(stream), _) => stream,
            (empty, Some(first)) => {
                let Some(second) = input.first() else { return Ok(Next::Input) };
                let is_zlib = first & 0x0F == 8 && u16::from_be_bytes([first, *second]).is_multiple_of(31);
                let stream = empty.insert(Inflate::new(is_zlib));
                stream.step(&mut &[first][..], out)?;
                return Ok(Next::Output);
            }
            (None, None) => {
                let Some(first) = take(input, 1).first() else { return Ok(Next::Input) };
                self.first = Some(*first);
                return Ok(Next::Output);
            }
        };
        if stream.is_done() {
            // What some servers add behind the end is nothing of the body.
            *input = &[];
            return Ok(Next::Input);
        }
        stream.step(input, out)
    }

    fn end(&self) -> Result<(), Undecodable> {
        match (&self.stream, self.first) {
            (None, None) => Ok(()),
            (Some(stream), _) if stream.is_done() => Ok(()),
            _ => Err(Undecodable),
        }
    }
}
