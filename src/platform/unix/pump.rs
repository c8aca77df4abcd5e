//! One stream of CMD on its way through a filter: read, filter, write, until CMD and all that inherited the stream are done with it.

use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::platform::Filter;

/// Read at once.
const CHUNK: usize = 128 << 10;
/// Pieces shorter than this are gathered, longer ones written from where they are: a copy costs more than a call from about here.
const PIECE: usize = 16 << 10;
/// What the pipe of CMD is asked to hold: so CMD and cast take turns less often. Where it may not be so much it stays as it is.
#[cfg(target_os = "linux")]
const PIPE: usize = 256 << 10;

/// How a stream ended.
pub(super) enum Pumped {
    /// Everything is through.
    Finished,
    /// Whoever read the output is gone, or its disk is full. The stream of CMD is closed, so that CMD learns it at its next write.
    SinkGone(Option<io::Error>),
    /// CMD has ended, all it wrote is through, and another process still holds the stream.
    Held(Arc<Source>, Box<dyn Filter>),
}

/// The end of CMD's stream that cast reads.
pub(super) struct Source {
    pipe: OwnedFd,
    /// Taken while bytes are on their way from the pipe to the sink.
    moving: Mutex<()>,
}

impl Source {
    /// For a pipe that this process alone reads.
    pub(super) fn new(pipe: OwnedFd) -> io::Result<Self> {
        rustix::fs::fcntl_setfl(&pipe, rustix::fs::OFlags::NONBLOCK)?;
        #[cfg(target_os = "linux")]
        let _ = rustix::pipe::fcntl_setpipe_size(&pipe, PIPE);
        Ok(Self { pipe, moving: Mutex::default() })
    }

    pub(super) fn into_pipe(self) -> OwnedFd {
        self.pipe
    }

    /// Whether all that was written to the stream has reached the sink.
    pub(super) fn is_through(&self) -> bool {
        self.moving.try_lock().is_ok_and(|_at_rest| self.waiting() == 0)
    }

    /// How many bytes are in the stream now.
    fn waiting(&self) -> usize {
        rustix::io::ioctl_fionread(&self.pipe).ok().and_then(|bytes| bytes.try_into().ok()).unwrap_or(0)
    }
}

/// Moves `source` to `sink` until the source ends, or until `stop` is closed and nothing is left in the source.
pub(super) fn pump(
    source: Arc<Source>,
    sink: BorrowedFd<'_>,
    stop: BorrowedFd<'_>,
    mut filter: Box<dyn Filter>,
) -> Pumped {
    let mut chunk = vec![0; CHUNK];
    let mut out = Output { sink, gathered: Vec::with_capacity(CHUNK) };
    // What is still to come of what was in the stream when CMD had ended. After that another process may write for ever.
    let mut last = None;
    loop {
        let ready = match wait(&source.pipe, sink, stop) {
            Ok(ready) => ready,
            Err(error) => return Pumped::SinkGone(Some(error)),
        };
        let most = match ready {
            Ready::SinkGone => return Pumped::SinkGone(None),
            Ready::Source => CHUNK,
            Ready::Stopped => match *last.get_or_insert_with(|| source.waiting()) {
                0 => return Pumped::Held(source, filter),
                left => CHUNK.min(left),
            },
        };
        let _moving = source.moving.lock();
        let read = match rustix::io::read(&source.pipe, &mut chunk[..most]) {
            Ok(read) => read,
            Err(Errno::AGAIN | Errno::INTR) => continue,
            Err(error) => return Pumped::SinkGone(Some(error.into())),
        };
        last = last.map(|left: usize| left.saturating_sub(read));
        let passed = if read == 0 { filter.finish(&mut out) } else { filter.pass(&chunk[..read], &mut out) };
        if let Err(error) = passed.and_then(|()| out.flush()) {
            return Pumped::SinkGone((error.kind() != io::ErrorKind::BrokenPipe).then_some(error));
        }
        if read == 0 {
            return Pumped::Finished;
        }
    }
}

/// Whether `sink` takes more now.
pub(super) fn takes_more(sink: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(sink, PollFlags::OUT)];
    poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

enum Ready {
    Source,
    SinkGone,
    /// CMD has ended, and others still hold the stream.
    Stopped,
}

/// Waits for something to read. A reader that leaves while CMD is silent is seen here too: by POLLERR, which needs no asking.
fn wait(source: &OwnedFd, sink: BorrowedFd<'_>, stop: BorrowedFd<'_>) -> io::Result<Ready> {
    // A pipe says ERR, a socket HUP.
    let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    loop {
        let mut polled = [
            PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(sink, PollFlags::empty()),
            PollFd::from_borrowed_fd(stop, PollFlags::IN),
        ];
        match poll(&mut polled, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [source, sink, stop] = polled.each_ref().map(PollFd::revents);
        if sink.intersects(gone) {
            return Ok(Ready::SinkGone);
        }
        // A stream that nobody holds any more is read to its end.
        if !stop.is_empty() && !source.contains(PollFlags::HUP) {
            return Ok(Ready::Stopped);
        }
        if !source.is_empty() {
            return Ok(Ready::Source);
        }
    }
}

/// A sink, also one that its other users have made non-blocking.
struct Output<'a> {
    sink: BorrowedFd<'a>,
    gathered: Vec<u8>,
}

impl Output<'_> {
    /// Writes what was gathered, and `piece` behind it.
    fn send(&mut self, piece: &[u8]) -> io::Result<()> {
        let mut parts = &mut [IoSlice::new(&self.gathered), IoSlice::new(piece)][..];
        IoSlice::advance_slices(&mut parts, 0); // past what is empty
        while !parts.is_empty() {
            match rustix::io::writev(self.sink, parts) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut parts, written),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut polled = [PollFd::from_borrowed_fd(self.sink, PollFlags::OUT)];
                    match poll(&mut polled, None) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.gathered.clear();
        Ok(())
    }
}

impl Write for Output<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.len() < PIECE && self.gathered.len() + piece.len() <= CHUNK {
            self.gathered.extend_from_slice(piece);
        } else {
            self.send(piece)?;
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send(&[])
    }
}
