//! Runs CMD as a child of cast, as unobtrusively as possible, with filters in its streams and services that it can talk
//! to. Knows nothing about secrets. `docs/design/supervisor.md` describes the design: parts, order, promises.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::time::Duration;

use crate::platform::exec::Image;

pub use system::Left;

/// Changes a stream as it passes.
pub trait Filter: Send {
    /// Takes the next bytes and writes to `out` what can be passed on. An error comes from `out` and ends the filter.
    fn pass(&mut self, chunk: &[u8], out: &mut dyn Write) -> io::Result<()>;
    /// Called once when the source has been silent for the stream's `idle` time, until more bytes arrive.
    fn idle(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
    /// Writes the rest at the end of the stream.
    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()>;
    /// Returns the state that another process needs to continue.
    fn suspend(self: Box<Self>) -> Vec<u8>;
}

/// Something that CMD talks to while it runs.
pub trait Service: Send {
    /// Prepares what CMD will need before CMD exists, and returns the variables that point CMD to it. Must not start a
    /// thread.
    fn prepare(&mut self) -> io::Result<Vec<(OsString, OsString)>>;
    /// Starts to serve, on its own threads. If this fails, CMD is not started.
    fn start(&mut self) -> io::Result<()>;
    /// Called when CMD has ended or was not started. Must return soon, whatever is still open.
    fn stop(self: Box<Self>);
}

/// The output of CMD that goes through a filter to the same output of cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Standard output.
    Output,
    /// Standard error.
    Errors,
    /// Both, because they are the same (`2>&1`). One filter handles both, so that their order is kept.
    Both,
}

/// An output of CMD that goes through a filter to the same output of cast: through a terminal of cast's own if it goes
/// to a terminal, otherwise through a pipe or a pair of sockets.
pub struct Wire {
    /// Which output.
    pub carries: Carries,
    /// The filter that it passes through.
    pub filter: Box<dyn Filter>,
    /// How long the source is silent before the filter's `idle` is called.
    pub idle: Option<Duration>,
}

/// The kind of one of cast's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// A terminal.
    Terminal,
    /// `/dev/null`, or closed.
    #[cfg_attr(windows, allow(dead_code))]
    Nothing,
    /// A regular file that the other output does not go to.
    File,
    /// A pipe or socket, a CI step, another program; or a file that both go to.
    Other,
}

/// How CMD ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// CMD exited with this code: 8 bits on Unix, 32 on Windows.
    Code(i32),
    /// A signal with this number killed CMD.
    #[cfg_attr(windows, allow(dead_code))]
    Signal(i32),
}

/// The result of supervising CMD.
pub struct Supervised {
    /// How CMD ended.
    pub ended: Ended,
    /// Streams that other processes still write to.
    pub left: Vec<Left>,
    /// Why output could not be written; `None` if its reader closed it.
    pub trouble: Option<io::Error>,
}

/// Everything around CMD.
#[derive(Default)]
pub struct Supervisor {
    /// The filters in its outputs.
    pub wires: Vec<Wire>,
    /// The services that it can talk to.
    pub services: Vec<Box<dyn Service>>,
}

impl Supervisor {
    /// Starts CMD and waits until it has ended and its output is written. An error means that CMD was not started; it
    /// returns the image.
    pub fn run(self, mut image: Image) -> Result<Supervised, (io::Error, Image)> {
        let Self { wires, mut services } = self;
        let mut prepare = |service: &mut Box<dyn Service>| {
            let variables = service.prepare()?;
            variables.iter().try_for_each(|(name, value)| image.set_variable(name, value))
        };
        let outcome = match services.iter_mut().try_for_each(&mut prepare) {
            Ok(()) => system::supervise(image, wires, &mut services),
            Err(error) => Err((error, image)),
        };
        stop(&mut services);
        outcome
    }
}

/// Stops the services that were not stopped yet.
fn stop(services: &mut Vec<Box<dyn Service>>) {
    services.drain(..).for_each(Service::stop);
}

/// Starts another process that continues a stream that outlived CMD, so that this one can end. `words` are its
/// arguments and make it call `take_over`. `message` contains what it needs, including secrets, so it goes through a
/// pipe and never into an argument or a file.
pub fn hand_over(left: &Left, words: &[&str], message: &[u8]) -> io::Result<()> {
    system::hand_over(left, words, message)
}

/// The same in a copy of this process, with `filter` in the state that the stream is left in: its memory stays closed to
/// CMD's processes, as that of a program that begins is not. `others` are streams that are not its.
pub fn go_on_apart(left: &Left, others: &[Left], filter: Box<dyn Filter>, idle: Option<Duration>) -> io::Result<()> {
    system::go_on_apart(left, others, filter, idle)
}

/// Continues the stream at `descriptor`, in the process that `hand_over` started, until its last writer has closed it.
pub fn take_over(
    carries: Carries,
    descriptor: &str,
    filter: Box<dyn Filter>,
    idle: Option<Duration>,
) -> io::Result<()> {
    system::take_over(carries, descriptor, filter, idle)
}

/// The kinds of this process's standard output and standard error, and whether they are the same. Returns `false` if
/// the system cannot tell.
pub fn outputs() -> ([Sink; 2], bool) {
    system::outputs()
}

/// This process's standard input and standard output as they are: the ones of std take a descriptor that cannot be read or
/// written for an empty one.
pub(crate) fn standard_streams() -> io::Result<(Box<dyn Read + Send>, Box<dyn Write>)> {
    system::standard_streams()
}

/// Whether an output that is a terminal can go through a filter.
pub const MASKS_TERMINALS: bool = system::MASKS_TERMINALS;

/// Whether standard input and standard output are one terminal and this process has it. Then, if its output goes through
/// a filter, CMD gets a whole terminal of cast's own; otherwise only its outputs do.
pub fn has_whole_terminal() -> bool {
    system::has_whole_terminal()
}

/// Makes the terminal as it was, if it passes bytes to one of cast's own: for a process that is about to end in a panic.
pub fn restore_terminal() {
    system::restore_terminal();
}

/// Ends this process as CMD ended, so that its parent sees the same. Returns the exit code if this process should exit
/// with one.
pub fn end_like(ended: Ended) -> u8 {
    system::end_like(ended)
}
