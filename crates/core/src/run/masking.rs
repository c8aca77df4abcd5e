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
use crate::masking;
use crate::session::Session;
use crate::settings::Mask as When;
use crate::supervisor::{self, Carries, Filter, Left, Sink, Wire};

/// The hidden command that starts a process to continue a stream that outlived CMD.
pub const TAKE_OVER: &str = "__mask";

/// How long a source is silent before the masker lets go of what a protocol may wait for.
pub(super) const IDLE: Option<Duration> = Some(Duration::from_millis(50));

/// What to mask in a run.
pub(super) struct Masking {
    plan: Arc<Plan>,
    secrets: Vec<(String, SecretValue)>,
    /// Whether a marker has as many bytes as what it replaces.
    fixed: bool,
    /// Set when a secret was masked in a file.
    in_file: Arc<AtomicBool>,
}

impl Masking {
    /// `None` if there is nothing to mask.
    pub(super) fn new(secrets: Vec<(String, SecretValue)>, fixed: bool) -> Option<Self> {
        let plan = masking::plan(&secrets);
        (!plan.is_empty()).then(|| Self { plan: Arc::new(plan), secrets, fixed, in_file: Arc::default() })
    }

    fn masker(&self) -> Masker {
        let masker = Masker::new(self.plan.clone());
        if self.fixed { masker.fixed() } else { masker }
    }

    /// A masker for one stream.
    pub(super) fn filter(&self) -> Box<dyn Filter> {
        Box::new(Mask(Some(self.masker())))
    }

    /// One wire with a masker for each masked output.
    pub(super) fn wires(&self, scope: Scope) -> Vec<Wire> {
        let ([output, errors], _) = supervisor::outputs();
        let wire = |carries| {
            let sink = if carries == Carries::Errors { errors } else { output };
            let masker = match sink {
                Sink::Terminal => self.masker().for_terminal(),
                // A word about what happened in standard error would itself go there.
                Sink::File if carries == Carries::Output => self.masker().noting(self.in_file.clone()),
                _ => self.masker(),
            };
            Wire { carries, filter: Box::new(Mask(Some(masker))), idle: IDLE }
        };
        scope.outputs().into_iter().map(wire).collect()
    }

    /// Whether standard output is a file, other than standard error, and a secret was masked in it.
    pub(super) fn happened_in_file(&self) -> bool {
        self.in_file.load(Ordering::Relaxed)
    }

    /// Hands a stream that other processes still write to over to a process of its own.
    pub(super) fn leave(&self, left: &Left) -> io::Result<()> {
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
    let masker = Masker::resume(plan, &message.state);
    let (Some(carries), Some(masker)) = (carries, masker) else { return Err(io::ErrorKind::InvalidInput.into()) };
    supervisor::take_over(carries, descriptor, Box::new(Mask(Some(masker))), IDLE)
}

fn word(carries: Carries) -> &'static str {
    match carries {
        Carries::Output => "output",
        Carries::Errors => "errors",
        Carries::Both => "both",
    }
}

/// A masker as a filter.
struct Mask(Option<Masker>);

impl Filter for Mask {
    fn pass(&mut self, chunk: &[u8], mut out: &mut dyn Write) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |masker| masker.write(chunk, &mut out))
    }

    fn idle(&mut self, mut out: &mut dyn Write) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |masker| masker.idle(&mut out))
    }

    fn finish(&mut self, mut out: &mut dyn Write) -> io::Result<()> {
        self.0.take().map_or(Ok(()), |masker| masker.finish(&mut out))
    }

    fn suspend(mut self: Box<Self>) -> Vec<u8> {
        self.0.take().map(Masker::suspend).unwrap_or_default()
    }
}
