//! The `br` coding (RFC 7932).

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::{Decode, Next, Undecodable, take};
use crate::limits::PIECE;

type State = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

pub(super) struct Brotli {
    state: Box<State>,
    is_begun: bool,
    is_done: bool,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let heap = StandardAlloc::default;
        Self { state: Box::new(BrotliState::new_strict(heap(), heap(), heap())), is_begun: false, is_done: false }
    }
}

impl Decode for Brotli {
    fn step(&mut self, input: &mut &[u8], _: bool, out: &mut Vec<u8>) -> Result<Next, Undecodable> {
        if self.is_done {
            *input = &[];
            return Ok(Next::Input);
        }
        if let Some(first) = input.first()
            && !self.is_begun
        {
            self.is_begun = true;
            // The window's size, 1111: 16 MiB (§9.1). The next smaller one has `WINDOW`.
            if first & 0x0F == 0x0F {
                return Err(Undecodable);
            }
        }
        let start = out.len();
        out.resize(start + PIECE, 0);
        let (mut left, mut taken, mut room, mut given, mut total) = (input.len(), 0, PIECE, 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut taken,
            input,
            &mut room,
            &mut given,
            &mut out[start..],
            &mut total,
            &mut self.state,
        );
        out.truncate(start + given);
        take(input, taken);
        match result {
            BrotliResult::ResultSuccess => {
                self.is_done = true;
                Ok(Next::Output)
            }
            BrotliResult::NeedsMoreInput if input.is_empty() => Ok(Next::Input),
            BrotliResult::NeedsMoreInput if taken == 0 && given == 0 => Err(Undecodable),
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => Ok(Next::Output),
            BrotliResult::ResultFailure => Err(Undecodable),
        }
    }

    fn end(&self) -> Result<(), Undecodable> {
        if self.is_done || !self.is_begun { Ok(()) } else { Err(Undecodable) }
    }
}
