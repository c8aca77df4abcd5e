//! Puts the masker into CMD's streams.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use age::secrecy::zeroize::Zeroizing;
use cast_mask::{Masker, Plan};
use cast_vault::SecretValue;
use serde::{Deserialize, Serialize};

use super::Request;
use crate::coding_agent;
use crate::failure::Result;
use crate::masking::{self, Brokered};
use crate::session::Session;
use crate::settings::Mask as When;
use crate::supervisor::{self, Carries, Filter, Left, Sink, Wire};

/// The hidden command that starts a process to continue a stream that outlived CMD.
pub const TAKE_OVER: &str = "__mask";

/// How long a source is silent before the masker lets go of what a protocol may wait for.
pub(super) const IDLE: Option<Duration> = Some(Duration::from_millis(50));

/// What to mask in a run.
pub(super) struct Masking {
    /// For the values that CMD has.
    plan: Arc<Plan>,
    secrets: Vec<(String, SecretValue)>,
    /// Those that it does not have.
    brokered: Option<Brokered>,
    /// Whether a marker has as many bytes as what it replaces.
    fixed: bool,
    /// Set when a secret was masked in a file.
    in_file: Arc<AtomicBool>,
}

impl Masking {
    /// `None` if there is nothing to mask.
    pub(super) fn new(secrets: Vec<(String, SecretValue)>, brokered: Option<Brokered>, fixed: bool) -> Option<Self> {
        if secrets.is_empty() && brokered.is_none() {
            return None;
        }
        let plan = masking::plan(&secrets);
        let is_needed = !plan.is_empty() || brokered.is_some();
        is_needed.then(|| Self { plan: Arc::new(plan), secrets, brokered, fixed, in_file: Arc::default() })
    }

    /// The maskers of one stream, each changed by `change`.
    fn maskers(&self, change: impl Fn(Masker) -> Masker) -> Mask {
        let masker = |plan: &Arc<Plan>| {
            let masker = Masker::new(plan.clone());
            change(if self.fixed { masker.fixed() } else { masker })
        };
        let brokered = self.brokered.as_ref().map(|brokered| masker(&brokered.plan));
        Mask(Some(Maskers { brokered, given: masker(&self.plan) }))
    }

    /// A filter for one stream.
    pub(super) fn filter(&self) -> Box<dyn Filter> {
        Box::new(self.maskers(|masker| masker))
    }

    /// One wire with a masker for each masked output.
    pub(super) fn wires(&self, scope: Scope) -> Vec<Wire> {
        let ([output, errors], _) = supervisor::outputs();
        let wire = |carries| {
            let sink = if carries == Carries::Errors { errors } else { output };
            let mask = match sink {
                Sink::Terminal => self.maskers(Masker::for_terminal),
                // A word about what happened in standard error would itself go there.
                Sink::File if carries == Carries::Output => self.maskers(|masker| masker.noting(self.in_file.clone())),
                _ => self.maskers(|masker| masker),
            };
            Wire { carries, filter: Box::new(mask), idle: IDLE }
        };
        scope.outputs().into_iter().map(wire).collect()
    }

    /// Whether standard output is a file, other than standard error, and a secret was masked in it.
    pub(super) fn happened_in_file(&self) -> bool {
        self.in_file.load(Ordering::Relaxed)
    }

    /// Hands a stream that other processes still write to over to a process of its own. `others` are those after it.
    pub(super) fn leave(&self, left: &Left, others: &[Left]) -> io::Result<()> {
        if let Some(brokered) = &self.brokered {
            // What CMD does not have must not go through a process or a pipe that CMD's processes could look into.
            let maskers = Maskers::resume(self.plan.clone(), Some(brokered.plan.clone()), &left.state);
            let maskers = maskers.ok_or(io::ErrorKind::InvalidInput)?;
            return supervisor::go_on_apart(left, others, Box::new(Mask(Some(maskers))), IDLE);
        }
        let secrets = masking::exposed(&self.secrets).collect();
        let message = Zeroizing::new(serde_json::to_vec(&Message { secrets, state: &left.state })?);
        supervisor::hand_over(left, &[TAKE_OVER, word(left.carries)], &message)
    }
}

/// What is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Nothing.
    Nothing,
    /// Files, pipes and sockets.
    Streams,
    /// Terminals too, as a person may not be reading alone.
    All,
}

impl Scope {
    /// What the caller, the settings and this process's environment say, in this order.
    pub(super) fn of(session: &Session, request: &Request) -> Result<Self> {
        let when = session.settings()?.mask;
        Ok(match (request.masking, when) {
            (Some(false), _) | (None, When::Never) => Self::Nothing,
            (Some(true), _) | (None, When::Always) => Self::All,
            (None, When::Auto) if coding_agent::reader().is_some() => Self::All,
            (None, When::Auto) => Self::Streams,
        })
    }

    /// The outputs to mask. Never `/dev/null`.
    pub(super) fn outputs(self) -> Vec<Carries> {
        let is_masked = |sink| match sink {
            Sink::File | Sink::Other => self != Self::Nothing,
            Sink::Terminal => self == Self::All && supervisor::MASKS_TERMINALS,
            Sink::Nothing => false,
        };
        match supervisor::outputs() {
            ([output, errors], true) if is_masked(output) && is_masked(errors) => vec![Carries::Both],
            ([output, errors], _) => [(output, Carries::Output), (errors, Carries::Errors)]
                .into_iter()
                .filter_map(|(sink, carries)| is_masked(sink).then_some(carries))
                .collect(),
        }
    }

    /// Whether a terminal would be masked if this system could.
    pub(super) fn misses_terminal(self) -> bool {
        self == Self::All && !supervisor::MASKS_TERMINALS && supervisor::outputs().0.contains(&Sink::Terminal)
    }
}

/// What cast sends through a pipe to the process that takes over.
#[derive(Serialize)]
struct Message<'a> {
    secrets: Vec<(&'a str, &'a str)>,
    state: &'a [u8],
}

/// The message as received.
#[derive(Deserialize)]
struct Arrived {
    secrets: Vec<(String, String)>,
    state: Vec<u8>,
}

/// Continues a stream that `leave` handed over. `words` are the arguments of the hidden command; the message arrives on
/// standard input.
pub fn take_over(words: &[String]) -> io::Result<()> {
    let [carries, descriptor] = words else { return Err(io::ErrorKind::InvalidInput.into()) };
    let carries = [Carries::Output, Carries::Errors, Carries::Both].into_iter().find(|known| word(*known) == carries);
    let message: Arrived = serde_json::from_reader(io::stdin().lock())?;
    let secrets = Zeroizing::new(message.secrets);
    let plan = Arc::new(Plan::new(secrets.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
    let maskers = Maskers::resume(plan, None, &message.state);
    let (Some(carries), Some(maskers)) = (carries, maskers) else { return Err(io::ErrorKind::InvalidInput.into()) };
    supervisor::take_over(carries, descriptor, Box::new(Mask(Some(maskers))), IDLE)
}

fn word(carries: Carries) -> &'static str {
    match carries {
        Carries::Output => "output",
        Carries::Errors => "errors",
        Carries::Both => "both",
    }
}

/// The maskers of a stream. What the first one lets go goes through the second.
struct Maskers {
    brokered: Option<Masker>,
    given: Masker,
}

impl Maskers {
    /// What `resume` needs but for the plans: the length of the first state, the first state, the second.
    fn suspend(self) -> Vec<u8> {
        let brokered = self.brokered.map(Masker::suspend).unwrap_or_default();
        let length = u64::try_from(brokered.len()).expect("a length fits");
        [&length.to_le_bytes()[..], &brokered, &self.given.suspend()].concat()
    }

    /// With the same plans. `None` if the state is not valid.
    fn resume(plan: Arc<Plan>, brokered: Option<Arc<Plan>>, state: &[u8]) -> Option<Self> {
        let (length, states) = state.split_at_checked(8)?;
        let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
        let (first, second) = states.split_at_checked(length)?;
        let brokered = match brokered {
            Some(plan) => Some(Masker::resume(plan, first)?),
            None => None,
        };
        Some(Self { brokered, given: Masker::resume(plan, second)? })
    }
}

/// Writes through a masker.
struct Through<'a> {
    masker: &'a mut Masker,
    out: &'a mut dyn Write,
}

impl Write for Through<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.masker.write(bytes, &mut self.out).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Maskers as a filter.
struct Mask(Option<Maskers>);

impl Filter for Mask {
    fn pass(&mut self, chunk: &[u8], mut out: &mut dyn Write) -> io::Result<()> {
        let Some(Maskers { brokered, given }) = &mut self.0 else { return Ok(()) };
        match brokered {
            Some(brokered) => brokered.write(chunk, &mut Through { masker: given, out }),
            None => given.write(chunk, &mut out),
        }
    }

    fn idle(&mut self, mut out: &mut dyn Write) -> io::Result<()> {
        let Some(Maskers { brokered, given }) = &mut self.0 else { return Ok(()) };
        if let Some(brokered) = brokered {
            brokered.idle(&mut Through { masker: given, out })?;
        }
        given.idle(&mut out)
    }

    fn finish(&mut self, mut out: &mut dyn Write) -> io::Result<()> {
        let Some(Maskers { brokered, mut given }) = self.0.take() else { return Ok(()) };
        if let Some(brokered) = brokered {
            brokered.finish(&mut Through { masker: &mut given, out })?;
        }
        given.finish(&mut out)
    }

    fn suspend(mut self: Box<Self>) -> Vec<u8> {
        self.0.take().map(Maskers::suspend).unwrap_or_default()
    }
}
