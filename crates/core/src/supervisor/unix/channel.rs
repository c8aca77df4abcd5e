//! Connections between CMD and the outside. Each kind makes CMD's end, and the streams that the threads move.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use super::input::Input;
use super::pump::{EndPolicy, Source};
use super::{Carries, Filter, Wire};

/// The descriptors that CMD gets instead of cast's own.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) input: Option<OwnedFd>,
    pub(super) output: Option<OwnedFd>,
    pub(super) errors: Option<OwnedFd>,
    /// Other numbers that lead to the same place as an output: they get its end.
    pub(super) more: Vec<(i32, Carries)>,
    /// If CMD's terminal is to be the terminal of a session of its own: tells the keeper of that session whether the
    /// outer terminal is cast's.
    pub(super) session: Option<OwnedFd>,
    /// What a process that stays between cast and CMD must not hold open.
    pub(super) outside: Vec<Arc<OwnedFd>>,
}

impl Ends {
    /// Puts CMD's end in the place of the outputs that it carries.
    pub(super) fn put(&mut self, carries: Carries, end: OwnedFd) -> io::Result<()> {
        match carries {
            Carries::Output => self.output = Some(end),
            Carries::Errors => self.errors = Some(end),
            Carries::Both => {
                self.output = Some(end.try_clone()?);
                self.errors = Some(end);
            }
        }
        Ok(())
    }

    /// CMD's end of an output.
    pub(super) fn end(&self, carries: Carries) -> Option<BorrowedFd<'_>> {
        let end = if carries == Carries::Errors { &self.errors } else { &self.output };
        end.as_ref().map(AsFd::as_fd)
    }
}

/// A stream of bytes from a source through a filter to an output of cast.
pub(super) struct Stream {
    pub(super) carries: Carries,
    pub(super) source: Source,
    pub(super) filter: Box<dyn Filter>,
    pub(super) idle: Option<Duration>,
    pub(super) end: EndPolicy,
}

/// The streams of a channel.
pub(super) struct Streams {
    pub(super) output: Stream,
    pub(super) input: Option<Input>,
}

/// One connection between CMD and the outside.
pub(super) trait Channel {
    /// Makes CMD's end, and the streams.
    fn connect(&mut self, ends: &mut Ends) -> io::Result<Streams>;
    /// Called before CMD starts.
    fn start(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// Called when CMD has stopped, before cast stops, and after CMD's end.
    fn pause(&mut self) {}
    /// Called when cast continues, before CMD does. Returns `false` if the terminal that CMD is to use is now another
    /// job's.
    fn resume(&mut self) -> bool {
        true
    }
    /// Whether CMD's keeper stopped before it heard that it is to go on. Then the stop is over.
    fn is_unheard(&self) -> bool {
        false
    }
    /// Whether the terminal that another job had is cast's again, though nothing was resumed yet.
    fn has_regained_terminal(&self) -> bool {
        false
    }
    /// Called when the size of the terminal changes. Returns whether CMD has to be told once more, as it may have asked
    /// for the size too early.
    fn resize(&mut self) -> bool {
        false
    }
    /// Whether CMD gets a session of its own, so that nothing from cast's terminal reaches it by itself.
    fn is_apart(&self) -> bool {
        false
    }
}

/// A pipe that replaces an output.
pub(super) struct Pipe(Option<Wire>);

impl Pipe {
    pub(super) fn new(wire: Wire) -> Self {
        Self(Some(wire))
    }
}

impl Channel for Pipe {
    fn connect(&mut self, ends: &mut Ends) -> io::Result<Streams> {
        let Wire { carries, filter, idle } = self.0.take().ok_or(io::ErrorKind::NotConnected)?;
        let (source, end) = io::pipe()?;
        ends.put(carries, end.into())?;
        let source = Source::of_pipe(source.into())?;
        Ok(Streams { output: Stream { carries, source, filter, idle, end: EndPolicy::HandOver }, input: None })
    }
}
