//! What a platform needs to know to put a filter into a stream of CMD; nothing of secrets.

use std::io::{self, Write};

use super::Left;

/// Changes a stream on its way.
pub(crate) trait Filter: Send {
    /// Takes the next bytes; writes to `out` what can go on. An error is one of `out`, and the end of the filter.
    fn pass(&mut self, chunk: &[u8], out: &mut dyn Write) -> io::Result<()>;
    /// The stream has ended: writes the rest.
    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()>;
    /// All that another process needs to go on from here.
    fn suspend(self: Box<Self>) -> Vec<u8>;
}

/// Which output of CMD goes through a filter, and comes out at the same one of cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// Standard output.
    Output,
    /// Standard error.
    Errors,
    /// Both, which are one (`2>&1`): through one filter, so that their order stays.
    Both,
}

/// A filter and where it goes.
pub(crate) struct Wire {
    pub(crate) carries: Carries,
    pub(crate) filter: Box<dyn Filter>,
}

/// What one of cast's own outputs is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(windows, allow(dead_code))]
pub(crate) enum Sink {
    /// A person reads it.
    Terminal,
    /// `/dev/null`: nobody reads it.
    Nothing,
    /// A file, pipe or socket: a log, a CI step, another program.
    Somebody,
}

/// How CMD ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(windows, allow(dead_code))]
pub(crate) enum Ended {
    /// By itself, with this code: 8 bits on Unix, 32 on Windows.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What supervising CMD came to.
pub(crate) struct Supervised {
    pub(crate) ended: Ended,
    /// Streams that other processes still write to.
    pub(crate) left: Vec<Left>,
    /// Why output could not be written, if that was not its reader's leaving.
    pub(crate) trouble: Option<io::Error>,
}
