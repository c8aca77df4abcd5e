//! CMD as a child of cast, with as little to notice as can be, while filters stand in its streams and services wait for it. Knows nothing
//! of secrets. `docs/supervisor.md` has the design: parts, order, promises.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

use crate::platform::exec::Image;

pub use system::Left;

/// Changes a stream on its way.
pub trait Filter: Send {
    /// Takes the next bytes; writes to `out` what can go on. An error is one of `out`, and the end of the filter.
    fn pass(&mut self, chunk: &[u8], out: &mut dyn Write) -> io::Result<()>;
    /// The source has been silent for as long as the stream's `idle`; called once until more bytes come.
    fn idle(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
    /// The stream has ended: writes the rest.
    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()>;
    /// All that another process needs to go on from here.
    fn suspend(self: Box<Self>) -> Vec<u8>;
}

/// Something that CMD talks to while it runs.
pub trait Service: Send {
    /// Makes ready what CMD will look for, before CMD is there, and returns the variables that lead to it. Starts no thread.
    fn prepare(&mut self) -> io::Result<Vec<(OsString, OsString)>>;
    /// Begins to serve, on threads of its own. CMD is not started where this fails.
    fn start(&mut self) -> io::Result<()>;
    /// CMD has ended, or was never started. Returns soon, whatever is still open.
    fn stop(self: Box<Self>);
}

/// Which output of CMD goes through a filter, and comes out at the same one of cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Standard output.
    Output,
    /// Standard error.
    Errors,
    /// Both, which are one (`2>&1`): through one filter, so that their order stays.
    Both,
}

/// A pipe from an output of CMD through a filter to cast's own.
pub struct Wire {
    /// Which output.
    pub carries: Carries,
    /// What it passes through.
    pub filter: Box<dyn Filter>,
    /// After how long a silence the filter is told of it.
    pub idle: Option<Duration>,
}

/// What one of cast's own outputs is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// A person reads it.
    Terminal,
    /// `/dev/null`, or closed: nobody reads it.
    #[cfg_attr(windows, allow(dead_code))]
    Nothing,
    /// A file, pipe or socket: a log, a CI step, another program.
    Other,
}

/// How CMD ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code: 8 bits on Unix, 32 on Windows.
    Code(i32),
    /// By this signal.
    #[cfg_attr(windows, allow(dead_code))]
    Signal(i32),
}

/// What supervising CMD came to.
pub struct Supervised {
    /// How CMD ended.
    pub ended: Ended,
    /// Streams that other processes still write to.
    pub left: Vec<Left>,
    /// Why output could not be written, if that was not its reader's leaving.
    pub trouble: Option<io::Error>,
}

/// What stands around CMD.
#[derive(Default)]
pub struct Supervisor {
    /// The filters in its outputs.
    pub wires: Vec<Wire>,
    /// What it can talk to.
    pub services: Vec<Box<dyn Service>>,
}

impl Supervisor {
    /// Starts CMD, and stays until it has ended and what it wrote is through. An error means that CMD was not started; the image comes back
    /// with it.
    pub fn run(mut self, mut image: Image) -> Result<Supervised, (io::Error, Image)> {
        for service in &mut self.services {
            let prepared = service
                .prepare()
                .and_then(|variables| variables.iter().try_for_each(|(name, value)| image.set_variable(name, value)));
            if let Err(error) = prepared {
                return Err((error, image));
            }
        }
        system::supervise(image, self.wires, self.services)
    }
}

/// Has another process go on with a stream that outlived CMD, so that this one can end. `words` make it call `take_over`; `message` is
/// what it needs for that, secrets included: it comes by a pipe, never by an argument or a file.
pub fn hand_over(left: &Left, words: &[&str], message: &[u8]) -> io::Result<()> {
    system::hand_over(left, words, message)
}

/// Goes on with the stream at `descriptor`, in the process that was started for it, until the last of its writers is gone.
pub fn take_over(
    carries: Carries,
    descriptor: &str,
    filter: Box<dyn Filter>,
    idle: Option<Duration>,
) -> io::Result<()> {
    system::take_over(carries, descriptor, filter, idle)
}

/// What standard output and standard error of this process are, and whether they are one; not known to be one where that cannot be asked.
pub fn outputs() -> ([Sink; 2], bool) {
    system::outputs()
}

/// Ends this process as CMD ended, for its parent to see. Returns the exit code where that is the way.
pub fn end_like(ended: Ended) -> u8 {
    system::end_like(ended)
}
