//! Writes what a filter passes on: much of it is parts of the chunk that was read, and these are not copied.

use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// From about this size a copy costs more than an entry in a list for the system. In bytes.
const PIECE: usize = 512;
/// The most bytes to copy before they are written.
const MOST_COPIED: usize = 128 << 10;
/// The most pieces to write at once.
const MOST_PIECES: usize = 64;

/// A sink, which another process may have made non-blocking.
pub(super) struct Output<'a> {
    sink: BorrowedFd<'a>,
    copied: Vec<u8>,
    pieces: Vec<Piece>,
}

/// Bytes to write.
enum Piece {
    /// Of the chunk.
    Read(Range<usize>),
    /// Of the bytes that were copied.
    Copied(Range<usize>),
}

impl<'a> Output<'a> {
    pub(super) fn new(sink: BorrowedFd<'a>) -> Self {
        Self { sink, copied: Vec::new(), pieces: Vec::new() }
    }

    pub(super) fn sink(&self) -> BorrowedFd<'a> {
        self.sink
    }

    /// Writes what `filter` makes of `chunk`.
    pub(super) fn written_by(
        &mut self,
        chunk: &[u8],
        filter: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut made = Made { out: self, chunk };
        filter(&mut made)?;
        made.flush()
    }

    fn send(&mut self, chunk: &[u8], last: &[u8]) -> io::Result<()> {
        let mut slices = [IoSlice::new(&[]); MOST_PIECES + 1];
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Read(range) => &chunk[range.clone()],
            Piece::Copied(range) => &self.copied[range.clone()],
        });
        let count = self.pieces.len() + 1;
        slices.iter_mut().zip(pieces.chain([last])).for_each(|(slice, piece)| *slice = IoSlice::new(piece));
        write_all(self.sink, &mut slices[..count])?;
        self.pieces.clear();
        self.copied.clear();
        Ok(())
    }
}

fn write_all(sink: BorrowedFd<'_>, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    IoSlice::advance_slices(&mut pieces, 0); // skips empty pieces
    while !pieces.is_empty() {
        match rustix::io::writev(sink, pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut pieces, written),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut polled = [PollFd::from_borrowed_fd(sink, PollFlags::OUT)];
                match poll(&mut polled, None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What a filter makes of a chunk.
struct Made<'a, 'b> {
    out: &'a mut Output<'b>,
    chunk: &'a [u8],
}

impl Made<'_, '_> {
    /// Where in the chunk these bytes are, if they are a part of it and not only equal.
    fn within(&self, bytes: &[u8]) -> Option<Range<usize>> {
        let start = bytes.as_ptr().addr().checked_sub(self.chunk.as_ptr().addr())?;
        let end = start.checked_add(bytes.len())?;
        (end <= self.chunk.len()).then_some(start..end)
    }

    fn copy(&mut self, bytes: &[u8]) {
        let start = self.out.copied.len();
        self.out.copied.extend_from_slice(bytes);
        let end = self.out.copied.len();
        match self.out.pieces.last_mut() {
            Some(Piece::Copied(last)) => last.end = end,
            _ => self.out.pieces.push(Piece::Copied(start..end)),
        }
    }
}

impl Write for Made<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.out.pieces.len() == MOST_PIECES || self.out.copied.len() > MOST_COPIED {
            self.flush()?;
        }
        if bytes.len() < PIECE {
            self.copy(bytes);
        } else if let Some(range) = self.within(bytes) {
            self.out.pieces.push(Piece::Read(range));
        } else if bytes.len() < MOST_COPIED {
            self.copy(bytes);
        } else {
            self.out.send(self.chunk, bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.send(self.chunk, &[])
    }
}
