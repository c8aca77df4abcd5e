//! `cast mask`: the masker of a run as a filter from standard input to standard output. The values come first: nothing
//! is read or written before all of them are here.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;

use cast_vault::{AgentName, Entry, SecretName, SecretValue};

use super::masking::{IDLE, Masking};
use crate::audit_log::{Action, Event, STARTED};
use crate::door::{Effect, Verb};
use crate::failure::{Cause, Failure, Kind, Result};
use crate::masking::Brokered;
use crate::read::Builtin;
use crate::session::Session;
use crate::supervisor::{Ended, Filter, standard_streams};

/// Bytes per read.
const CHUNK: usize = 64 << 10;

/// `SIGPIPE`, which ends a program whose reader has left.
const SIGPIPE: i32 = 13;

/// A stream to mask.
pub struct MaskedStream {
    /// `None` if there is nothing to mask.
    masking: Option<Masking>,
    /// Whether the built-in secrets are among the values, or why not.
    pub builtin: Builtin,
}

/// How a stream ended.
#[derive(Debug)]
pub enum Passed {
    /// All of it was passed on.
    Whole,
    /// The reader of standard output left; the process should end like this.
    ReaderLeft(Ended),
}

impl MaskedStream {
    /// Looks up the values of these agents.
    pub fn of(session: &Session, agents: &[AgentName], builtin: bool, fixed: bool) -> Result<Self> {
        session.require_audit_log()?;
        let (mut values, mut events) = (Values::default(), Vec::new());
        let mut found = Builtin::Settled;
        for agent in agents {
            let looked_up = session.perform(Lookup { agent, builtin })?;
            found = if looked_up.builtin == Builtin::Settled { found } else { looked_up.builtin };
            events.push(Event::new(Action::Mask).agent(agent).keys(looked_up.masked.iter().map(|(name, ..)| name)));
            values.add(looked_up.masked);
        }
        // Recorded once all are here, and before the first byte.
        events.iter().try_for_each(|event| session.note(event, STARTED))?;
        let (given, brokered) = values.by_kind();
        Ok(Self { masking: Masking::new(given, Brokered::new(brokered), fixed), builtin: found })
    }

    /// Passes standard input on to its end.
    pub fn pass(self) -> Result<Passed> {
        let cannot_write = |cause: &io::Error| failed("cannot write to standard output", cause);
        let (input, output) = standard_streams().map_err(|cause| cannot_write(&cause))?;
        let mut out = BufWriter::with_capacity(CHUNK, output);
        let mut filter = self.masking.map_or_else(|| Box::new(Nothing) as Box<dyn Filter>, |masking| masking.filter());
        let chunks = read_beside(input).map_err(|cause| failed("cannot read standard input", &cause))?;
        match copy(&chunks, &mut *filter, &mut out) {
            Ok(None) => Ok(Passed::Whole),
            Ok(Some(cause)) => Err(failed("cannot read standard input", &cause)),
            Err(cause) => {
                // What it holds was not written, and must not be tried again.
                drop(out.into_parts());
                match cause.kind() {
                    io::ErrorKind::BrokenPipe => Ok(Passed::ReaderLeft(Ended::Signal(SIGPIPE))),
                    _ => Err(cannot_write(&cause)),
                }
            }
        }
    }
}

fn failed(what: &str, cause: &io::Error) -> Failure {
    Failure::new(Kind::Io, format!("{what}: {}", Cause(cause)))
}

/// Reads on a thread of its own, so that the masker can be told when the input is silent.
fn read_beside(input: Box<dyn Read + Send>) -> io::Result<Receiver<io::Result<Vec<u8>>>> {
    // One chunk waits while another is masked.
    let (sender, chunks) = mpsc::sync_channel(1);
    thread::Builder::new().spawn(move || read(input, &sender))?;
    Ok(chunks)
}

fn read(mut input: Box<dyn Read + Send>, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK];
        let read = match input.read(&mut chunk) {
            Ok(0) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read,
        };
        let is_last = read.is_err();
        let chunk = read.map(|length| {
            chunk.truncate(length);
            chunk
        });
        if sender.send(chunk).is_err() || is_last {
            return;
        }
    }
}

/// Returns why reading failed, once all that was read is written. An error is of the output.
fn copy(
    chunks: &Receiver<io::Result<Vec<u8>>>,
    filter: &mut dyn Filter,
    out: &mut dyn Write,
) -> io::Result<Option<io::Error>> {
    // The filter is told once about a silence, until more bytes arrive.
    let mut patience = IDLE;
    let failure = loop {
        let next = match patience {
            Some(time) => chunks.recv_timeout(time),
            None => chunks.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(Ok(chunk)) => {
                filter.pass(&chunk, out)?;
                patience = IDLE;
            }
            Ok(Err(failure)) => break Some(failure),
            Err(RecvTimeoutError::Timeout) => {
                filter.idle(out)?;
                patience = None;
            }
            Err(RecvTimeoutError::Disconnected) => break None,
        }
        out.flush()?;
    };
    filter.finish(out)?;
    out.flush()?;
    Ok(failure)
}

/// What one agent's runs mask.
struct LookedUp {
    /// Each with whether its agents do not have it.
    masked: Vec<(SecretName, SecretValue, bool)>,
    builtin: Builtin,
}

/// Reads the values that a run of `agent` masks.
struct Lookup<'a> {
    agent: &'a AgentName,
    builtin: bool,
}

impl Verb for Lookup<'_> {
    type Done = LookedUp;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::Mask).agent(self.agent)
    }

    fn perform(self, session: &Session, _event: &mut Event) -> Result<LookedUp> {
        let vault = session.vault(self.agent)?;
        let none = (None, Builtin::Settled);
        let (open, builtin) = if self.builtin { session.builtin_for(&vault)? } else { none };
        let mut entries = open.map_or_else(|| Ok(BTreeMap::new()), cast_vault::Vault::into_environment)?;
        entries.extend(vault.into_environment()?);
        let masked = entries.into_iter().filter_map(|(name, Entry { flags, secret })| {
            let is_brokered = !flags.hosts.is_empty();
            (is_brokered || !flags.unmasked).then_some((name, secret?.value, is_brokered))
        });
        Ok(LookedUp { masked: masked.collect(), builtin })
    }
}

/// Values with the names for their markers.
type Named = Vec<(String, SecretValue)>;

/// Values with the names for their markers, each once: agents share the built-in secrets. Each with whether some agent
/// does not have it.
#[derive(Default)]
struct Values(BTreeMap<String, Vec<(SecretValue, bool)>>);

impl Values {
    fn add(&mut self, more: Vec<(SecretName, SecretValue, bool)>) {
        for (name, value, is_brokered) in more {
            let values = self.0.entry(name.to_string()).or_default();
            match values.iter_mut().find(|(other, _)| other.is(&value)) {
                Some((_, was_brokered)) => *was_brokered |= is_brokered,
                None => values.push((value, is_brokered)),
            }
        }
    }

    /// The values that the agents have, and those that one does not have. A value that is among these must not be looked
    /// for as others are: that agent could guess it.
    fn by_kind(self) -> (Named, Named) {
        let named = |(name, values): (String, Vec<_>)| {
            values.into_iter().map(move |(value, is_brokered)| (is_brokered, (name.clone(), value)))
        };
        let (brokered, mut given): (Vec<_>, Vec<_>) =
            self.0.into_iter().flat_map(named).partition(|(is_brokered, _)| *is_brokered);
        given.retain(|(_, (_, value))| !brokered.iter().any(|(_, (_, other))| other.is(value)));
        let unmarked = |values: Vec<(bool, _)>| values.into_iter().map(|(_, value)| value).collect();
        (unmarked(given), unmarked(brokered))
    }
}

/// A filter where there is nothing to mask.
struct Nothing;

impl Filter for Nothing {
    fn pass(&mut self, chunk: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(chunk)
    }

    fn finish(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn suspend(self: Box<Self>) -> Vec<u8> {
        Vec::new()
    }
}
