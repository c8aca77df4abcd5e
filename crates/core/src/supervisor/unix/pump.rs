//! Moves one stream through a filter: reads, filters and writes until its source or its policy ends it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::output::Output;
use super::ready::{Phase, Ready, wait};
use crate::supervisor::Filter;

/// Bytes per read, at most.
const CHUNK: usize = 128 << 10;
/// Bytes per read, until one was that large.
const FIRST_CHUNK: usize = 8 << 10;
/// The usual size of a page, in bytes.
const PAGE: usize = 4 << 10;
/// The size in bytes that cast requests for CMD's pipe and for the one to its own reader, so that they switch less often: two chunks, so that
/// one can be filled while the other is read. If the system refuses it, the pipe keeps its size.
#[cfg(target_os = "linux")]
const PIPE: usize = 256 << 10;
/// The size of a pipe that nobody has given another one, in bytes.
#[cfg(target_os = "linux")]
const USUAL_PIPE: usize = 64 << 10;
/// More than a pseudo-terminal holds, in bytes.
const TERMINAL: usize = 256 << 10;

/// How a stream ended.
pub(super) enum Pumped {
    /// Everything is written.
    Finished,
    /// The reader of the output closed it, or its disk is full. cast closes CMD's stream, so that CMD notices at its
    /// next write.
    SinkGone(Option<io::Error>),
    /// CMD has ended and all its output is written, but another process still holds the stream.
    Held(Arc<Source>, Box<dyn Filter>),
}

/// What to do with a stream when CMD has ended but its source has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndPolicy {
    /// Move what is there, then let another process continue.
    HandOver,
    /// Move what is there, then close it.
    Drain,
}

/// Pipes that the main thread closes to tell the pumps something.
pub(super) struct Stops {
    /// CMD has ended.
    pub(super) ended: OwnedFd,
    /// Every stream is written; streams that other processes hold can be handed over.
    pub(super) released: OwnedFd,
}

/// The end of CMD's stream that cast reads.
pub(super) struct Source {
    end: Arc<OwnedFd>,
    is_terminal: bool,
    /// Held while bytes are moving from the source to the sink.
    moving: Mutex<()>,
}

impl Source {
    /// For a pipe that only this process reads.
    pub(super) fn of_pipe(pipe: OwnedFd) -> io::Result<Self> {
        widen(pipe.as_fd());
        Self::new(pipe.into(), false)
    }

    /// For cast's end of a pair of sockets.
    pub(super) fn of_socket(socket: Arc<OwnedFd>) -> io::Result<Self> {
        Self::new(socket, false)
    }

    /// For cast's end of a terminal of its own.
    pub(super) fn of_terminal(terminal: Arc<OwnedFd>) -> io::Result<Self> {
        Self::new(terminal, true)
    }

    fn new(end: Arc<OwnedFd>, is_terminal: bool) -> io::Result<Self> {
        rustix::fs::fcntl_setfl(&*end, rustix::fs::OFlags::NONBLOCK)?;
        Ok(Self { end, is_terminal, moving: Mutex::default() })
    }

    /// cast's end, for another process.
    pub(super) fn into_end(self) -> io::Result<OwnedFd> {
        Arc::try_unwrap(self.end).or_else(|shared| shared.try_clone())
    }

    /// Whether all that was written to the stream has reached the sink.
    pub(super) fn is_through(&self) -> bool {
        let mut polled = [PollFd::new(&*self.end, PollFlags::IN)];
        self.moving.try_lock().is_ok_and(|_at_rest| {
            poll(&mut polled, Some(&Timespec::default())).is_ok() && !polled[0].revents().contains(PollFlags::IN)
        })
    }

    /// How many bytes are now in it, at most.
    fn waiting(&self) -> usize {
        // The system counts only a part of them. A read says when there is nothing more.
        if self.is_terminal {
            return TERMINAL;
        }
        rustix::io::ioctl_fionread(&*self.end).ok().and_then(|bytes| bytes.try_into().ok()).unwrap_or(0)
    }

    /// Reads; `None` if nothing is there now. A terminal that has no other end left is at its end.
    fn read(&self, chunk: &mut [u8]) -> io::Result<Option<usize>> {
        match rustix::io::read(&*self.end, chunk) {
            Ok(read) => Ok(Some(read)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(Errno::IO) if self.is_terminal => Ok(Some(0)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Memory for one read. It begins where a page does, because the system copies to such places fastest. Most commands
/// print little: it grows when a read has filled it.
struct Chunk(Vec<u8>);

impl Chunk {
    fn of(size: usize) -> Self {
        Self(vec![0; size + PAGE])
    }

    fn size(&self) -> usize {
        self.0.len() - PAGE
    }

    fn bytes(&mut self) -> &mut [u8] {
        let (begin, size) = (self.0.as_ptr().align_offset(PAGE).min(PAGE), self.size());
        &mut self.0[begin..begin + size]
    }
}

/// Moves `source` to `sink` until the source ends, or until CMD has ended and the policy `end` applies. Drops
/// `is_through` once all output of CMD is written. A held stream is served until all other streams are finished.
pub(super) fn pump(
    source: Arc<Source>,
    sink: BorrowedFd<'_>,
    stops: &Stops,
    mut filter: Box<dyn Filter>,
    idle: Option<Duration>,
    end: EndPolicy,
    is_through: Sender<()>,
) -> Pumped {
    widen(sink);
    let mut chunk = Chunk::of(FIRST_CHUNK);
    let mut out = Output::new(sink);
    let mut is_through = Some(is_through);
    let mut phase = Phase::Running;
    // The filter is told once about a silence, until more bytes arrive.
    let mut patience = idle;
    loop {
        if phase == Phase::Draining(0) {
            match end {
                EndPolicy::HandOver => {
                    phase = Phase::Held;
                    is_through = None;
                }
                EndPolicy::Drain => return finished(&mut *filter, &mut out),
            }
        }
        let ready = match phase {
            Phase::Draining(_) if source.is_terminal => Ready::Source,
            _ => match wait(&source.end, sink, stops, phase, patience) {
                Ok(ready) => ready,
                Err(error) => return Pumped::SinkGone(Some(error)),
            },
        };
        let most = match ready {
            Ready::SinkGone => return Pumped::SinkGone(None),
            Ready::Ended => {
                // cast does not wait for what other processes write from now on.
                phase = Phase::Draining(source.waiting());
                continue;
            }
            Ready::Released => {
                drop(is_through);
                return Pumped::Held(source, filter);
            }
            Ready::Silent => {
                patience = None;
                match out.written_by(&[], |out| filter.idle(out)) {
                    Ok(()) => continue,
                    Err(error) => return sink_gone(error, sink),
                }
            }
            Ready::Source => match phase {
                Phase::Draining(left) => CHUNK.min(left),
                Phase::Running | Phase::Held => CHUNK,
            },
        };
        let _moving = source.moving.lock();
        let room = chunk.bytes();
        let most = most.min(room.len());
        let read = match source.read(&mut room[..most]) {
            Ok(Some(read)) => read,
            Ok(None) => {
                if source.is_terminal && matches!(phase, Phase::Draining(_)) {
                    phase = Phase::Draining(0);
                }
                continue;
            }
            Err(error) => return Pumped::SinkGone(Some(error)),
        };
        if read == 0 {
            return finished(&mut *filter, &mut out);
        }
        if let Phase::Draining(left) = &mut phase {
            *left = left.saturating_sub(read);
        }
        patience = idle;
        let is_full = read == FIRST_CHUNK && chunk.size() == FIRST_CHUNK;
        let read = &chunk.bytes()[..read];
        if let Err(error) = out.written_by(read, |out| filter.pass(read, out)) {
            return sink_gone(error, sink);
        }
        if is_full {
            chunk = Chunk::of(CHUNK);
        }
    }
}

fn finished(filter: &mut dyn Filter, out: &mut Output<'_>) -> Pumped {
    match out.written_by(&[], |out| filter.finish(out)) {
        Ok(()) => Pumped::Finished,
        Err(error) => sink_gone(error, out.sink()),
    }
}

fn sink_gone(error: io::Error, sink: BorrowedFd<'_>) -> Pumped {
    let mut polled = [PollFd::from_borrowed_fd(sink, PollFlags::empty())];
    // A terminal that was closed.
    let is_hung_up = error.raw_os_error() == Some(Errno::IO.raw_os_error())
        && poll(&mut polled, Some(&Timespec::default())).is_ok()
        && polled[0].revents().contains(PollFlags::HUP);
    // A socket reports a reset if its reader left before it had read everything.
    let reader_left = is_hung_up || matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset);
    Pumped::SinkGone((!reader_left).then_some(error))
}

/// Gives a pipe of the usual size more room.
fn widen(pipe: BorrowedFd<'_>) {
    #[cfg(target_os = "linux")]
    if rustix::pipe::fcntl_getpipe_size(pipe).is_ok_and(|size| size == USUAL_PIPE) {
        let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = pipe;
}

/// Whether `sink` accepts more bytes now.
pub(super) fn takes_more(sink: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(sink, PollFlags::OUT)];
    poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}
