//! Waits for what a stream has to do next.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::pump::Stops;

/// The phase of a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// CMD is running.
    Running,
    /// CMD has ended, and this many bytes are left to move.
    Draining(usize),
    /// All output of CMD is written, and other processes hold the source.
    Held,
}

/// What a stream has to do.
pub(super) enum Ready {
    Source,
    SinkGone,
    /// The source has been silent for the idle time.
    Silent,
    /// CMD has ended, and other processes may still hold the stream.
    Ended,
    /// Every stream is written.
    Released,
}

/// Waits for something to read. Also notices when the sink's reader closes it while CMD is silent: poll always reports
/// POLLERR.
pub(super) fn wait(
    source: &OwnedFd,
    sink: BorrowedFd<'_>,
    stops: &Stops,
    phase: Phase,
    patience: Option<Duration>,
) -> io::Result<Ready> {
    // A pipe reports ERR, a socket HUP.
    let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    let (stop, meaning) = match phase {
        Phase::Running => (stops.ended.as_fd(), Ready::Ended),
        // A draining stream waits for no stop, so the sink takes its place in the poll.
        Phase::Draining(_) => (sink, Ready::SinkGone),
        Phase::Held => (stops.released.as_fd(), Ready::Released),
    };
    let patience = patience.and_then(|time| Timespec::try_from(time).ok());
    loop {
        let told = if matches!(phase, Phase::Draining(_)) { PollFlags::empty() } else { PollFlags::IN };
        let mut polled = [
            PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(sink, PollFlags::empty()),
            PollFd::from_borrowed_fd(stop, told),
        ];
        match poll(&mut polled, patience.as_ref()) {
            Ok(0) => return Ok(Ready::Silent),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [source, sink, stop] = polled.each_ref().map(PollFd::revents);
        if sink.intersects(gone) {
            return Ok(Ready::SinkGone);
        }
        // A stream whose writers are all gone is read to its end.
        if !stop.is_empty() && !source.contains(PollFlags::HUP) {
            return Ok(meaning);
        }
        if !source.is_empty() {
            return Ok(Ready::Source);
        }
    }
}
