//! One stream of CMD on its way through a filter: read, filter, write, until CMD and all that inherited the stream are done with it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::platform::Filter;

/// As much as a pipe holds by default; larger reads do not make it faster.
const CHUNK: usize = 64 << 10;

/// How a stream ended.
pub(super) enum Pumped {
    /// Everything is through.
    Finished,
    /// Whoever read the output is gone, or its disk is full. The stream of CMD is closed, so that CMD learns it at its next write.
    SinkGone(Option<io::Error>),
    /// CMD has ended, all it wrote is through, and another process still holds the stream.
    Held(OwnedFd, Box<dyn Filter>),
}

/// Moves `source` to `sink` until the source ends, or until `stop` is closed and nothing is left in the source.
pub(super) fn pump(source: OwnedFd, sink: BorrowedFd<'_>, stop: BorrowedFd<'_>, mut filter: Box<dyn Filter>) -> Pumped {
    let mut chunk = vec![0; CHUNK];
    let mut filtered = Vec::with_capacity(CHUNK);
    // What is still to come of what was in the stream when CMD had ended. After that another process may write for ever.
    let mut last = None;
    loop {
        let ready = match wait(&source, sink, stop) {
            Ok(ready) => ready,
            Err(error) => return Pumped::SinkGone(Some(error)),
        };
        let most = match ready {
            Ready::SinkGone => return Pumped::SinkGone(None),
            Ready::Source => CHUNK,
            Ready::Stopped => match *last.get_or_insert_with(|| waiting(&source)) {
                0 => return Pumped::Held(source, filter),
                left => CHUNK.min(left),
            },
        };
        let read = match rustix::io::read(&source, &mut chunk[..most]) {
            Ok(read) => read,
            Err(Errno::AGAIN | Errno::INTR) => continue,
            Err(error) => return Pumped::SinkGone(Some(error.into())),
        };
        last = last.map(|left: usize| left.saturating_sub(read));
        if read == 0 {
            filter.finish(&mut filtered);
        } else {
            filter.pass(&chunk[..read], &mut filtered);
        }
        match write_all(sink, &filtered) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Pumped::SinkGone(None),
            Err(error) => return Pumped::SinkGone(Some(error)),
        }
        filtered.clear();
        if read == 0 {
            return Pumped::Finished;
        }
    }
}

/// How many bytes are in the stream now.
fn waiting(source: &OwnedFd) -> usize {
    rustix::io::ioctl_fionread(source).ok().and_then(|bytes| bytes.try_into().ok()).unwrap_or(0)
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

/// Writes everything, also to a sink that its other users have made non-blocking.
fn write_all(sink: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(sink, bytes) {
            Ok(written) => bytes = &bytes[written..],
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
