//! What one side sends: heads, and then the bytes behind them. Memory is bounded by the head's limit or one read.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::http::{Ending, Fault};
use crate::limits;

/// One side's bytes.
pub(super) struct Incoming<R> {
    stream: R,
    bytes: Vec<u8>,
    /// How many of `bytes` were taken.
    taken: usize,
}

/// Why there is no head.
pub(super) enum NoHead {
    /// The side ended before its first byte.
    Nothing,
    /// It is malformed, too long or cut.
    Fault(Fault),
    /// The connection broke.
    Broken,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(super) fn new(stream: R, bytes: Vec<u8>) -> Self {
        Self { stream, bytes, taken: 0 }
    }

    /// What was read and not taken.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    pub(super) fn take(&mut self, count: usize) {
        self.taken += count;
        debug_assert!(self.taken <= self.bytes.len());
    }

    pub(super) fn stream(&mut self) -> &mut R {
        &mut self.stream
    }

    /// The stream, and what was read of it and not taken.
    pub(super) fn into_parts(self) -> (R, Vec<u8>) {
        let rest = self.bytes[self.taken..].to_vec();
        (self.stream, rest)
    }

    /// Reads once more. Returns how many bytes; none: the side has ended. Nothing is lost if the future is dropped.
    pub(super) async fn read(&mut self) -> io::Result<usize> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.reserve(limits::READ);
        self.stream.read_buf(&mut self.bytes).await
    }

    /// Waits until there is a byte that was not taken. False: the side has ended.
    pub(super) async fn has_more(&mut self) -> io::Result<bool> {
        Ok(!self.bytes().is_empty() || self.read().await? > 0)
    }

    /// Takes a whole head of at most `limit` bytes.
    pub(super) async fn head(&mut self, limit: usize) -> Result<Vec<u8>, NoHead> {
        let mut ending = Ending::new(limit);
        loop {
            if let Some(length) = ending.look(self.bytes()).map_err(NoHead::Fault)? {
                let head = self.bytes()[..length].to_vec();
                self.take(length);
                return Ok(head);
            }
            match self.read().await {
                Ok(0) if self.bytes().is_empty() => return Err(NoHead::Nothing),
                Ok(0) => return Err(NoHead::Fault(Fault::Cut)),
                Ok(_) => {}
                Err(_) => return Err(NoHead::Broken),
            }
        }
    }
}
