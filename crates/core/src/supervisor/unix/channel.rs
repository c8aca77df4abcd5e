//! The ways between CMD and the outside. Each kind makes CMD's end, and the streams that the loop moves.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::pump::{EndPolicy, Source};
use super::{Carries, Filter, Wire};

/// What CMD gets in the place of cast's own descriptors.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) output: Option<OwnedFd>,
    pub(super) errors: Option<OwnedFd>,
}

/// Bytes on their way from a source through a filter to an output of cast.
pub(super) struct Stream {
    pub(super) carries: Carries,
    pub(super) source: Source,
    pub(super) filter: Box<dyn Filter>,
    pub(super) idle: Option<Duration>,
    pub(super) end: EndPolicy,
}

/// One way between CMD and the outside.
pub(super) trait Channel {
    /// Makes CMD's end, and the streams.
    fn connect(&mut self, ends: &mut Ends) -> io::Result<Vec<Stream>>;
    /// cast is about to stop, for CMD has.
    fn pause(&mut self) {}
    /// cast goes on, and so will CMD.
    fn resume(&mut self) {}
    /// The terminal has another size.
    fn resize(&mut self) {}
}

/// A pipe in the place of an output.
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
