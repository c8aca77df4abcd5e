//! Connections between CMD and the outside. Each kind makes CMD's end, and the streams that the pumps move.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::pump::{EndPolicy, Source};
use super::{Carries, Filter, Wire};

/// The descriptors that CMD gets instead of cast's own.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) output: Option<OwnedFd>,
    pub(super) errors: Option<OwnedFd>,
}

/// A stream of bytes from a source through a filter to an output of cast.
pub(super) struct Stream {
    pub(super) carries: Carries,
    pub(super) source: Source,
    pub(super) filter: Box<dyn Filter>,
    pub(super) idle: Option<Duration>,
    pub(super) end: EndPolicy,
}

/// One connection between CMD and the outside.
pub(super) trait Channel {
    /// Makes CMD's end, and the streams.
    fn connect(&mut self, ends: &mut Ends) -> io::Result<Vec<Stream>>;
    /// Called when CMD has stopped, before cast stops.
    fn pause(&mut self) {}
    /// Called when cast continues, before CMD does.
    fn resume(&mut self) {}
    /// Called when the size of the terminal changes.
    fn resize(&mut self) {}
}

/// A pipe that replaces an output.
pub(super) struct Pipe(Option<Wire>);

impl Pipe {
    pub(super) fn new(wire: Wire) -> Self {
        Self(Some(wire))
    }
}

impl Channel for Pipe {
    fn connect(&mut self, ends: &mut Ends) -> io::Result<Vec<Stream>> {
        let Some(Wire { carries, filter, idle }) = self.0.take() else { return Ok(Vec::new()) };
        let (source, end) = io::pipe()?;
        let end = OwnedFd::from(end);
        match carries {
            Carries::Output => ends.output = Some(end),
            Carries::Errors => ends.errors = Some(end),
            Carries::Both => {
                ends.output = Some(end.try_clone()?);
                ends.errors = Some(end);
            }
        }
        Ok(vec![Stream { carries, source: Source::new(source.into())?, filter, idle, end: EndPolicy::HandOver }])
    }
}
