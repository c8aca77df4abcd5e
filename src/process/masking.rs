//! The masker in the streams of CMD.

use std::io::{self, Write};
use std::sync::Arc;

use age::secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use crate::masker::{Masker, Plan};
use crate::platform::{self, Carries, Filter, Left, Sink, Wire};

/// The hidden command by which this program goes on with a stream that outlived CMD.
pub(crate) const TAKE_OVER: &str = "__mask";

/// What to mask, and where.
pub(crate) struct Masking {
    plan: Arc<Plan>,
    secrets: Zeroizing<Vec<(String, String)>>,
}

impl Masking {
    /// For secrets as (name, value). `None` if there is nothing to mask.
    pub(crate) fn new(secrets: Vec<(String, String)>) -> Option<Self> {
        let plan = Plan::new(secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        (!plan.is_empty()).then(|| Self { plan: Arc::new(plan), secrets: Zeroizing::new(secrets) })
    }

    /// A masker for each output that somebody but a person at a terminal reads.
    pub(super) fn wires(&self) -> Vec<Wire> {
        let masked = masked_outputs();
        masked.into_iter().map(|carries| Wire { carries, filter: Box::new(Mask::new(self.plan.clone())) }).collect()
    }

    /// Leaves a stream that others still write to, to a process of its own.
    pub(super) fn leave(&self, left: Left) -> io::Result<()> {
        let carries = left.carries;
        let (source, filter) = left.take();
        let message = Message { secrets: self.secrets.to_vec(), state: filter.suspend() };
        let message = Zeroizing::new(serde_json::to_vec(&message)?);
        platform::hand_over(carries, &source, &[TAKE_OVER, word(carries)], &message)
    }
}

/// Which outputs are masked when there is something to mask.
pub(crate) fn masked_outputs() -> Vec<Carries> {
    match platform::outputs() {
        ([Sink::Somebody, Sink::Somebody], true) => vec![Carries::Both],
        ([output, errors], _) => [(output, Carries::Output), (errors, Carries::Errors)]
            .into_iter()
            .filter_map(|(sink, carries)| (sink == Sink::Somebody).then_some(carries))
            .collect(),
    }
}

/// What goes to the process that takes over, by a pipe.
#[derive(Serialize, Deserialize)]
struct Message {
    secrets: Vec<(String, String)>,
    state: Vec<u8>,
}

/// Goes on with a stream, as `leave` had it: `words` are what follows the hidden command, the message comes on standard input.
pub(crate) fn take_over(words: &[String]) -> io::Result<()> {
    let [carries, descriptor] = words else { return Err(io::ErrorKind::InvalidInput.into()) };
    let carries = [Carries::Output, Carries::Errors, Carries::Both].into_iter().find(|known| word(*known) == carries);
    let message: Message = serde_json::from_reader(io::stdin().lock())?;
    let plan = Arc::new(Plan::new(message.secrets.iter().map(|(name, value)| (name.as_str(), value.as_str()))));
    let masker = Masker::resume(plan, &message.state);
    let (Some(carries), Some(masker)) = (carries, masker) else { return Err(io::ErrorKind::InvalidInput.into()) };
    platform::take_over(carries, descriptor, Box::new(Mask(Some(masker))))
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

impl Mask {
    fn new(plan: Arc<Plan>) -> Self {
        Self(Some(Masker::new(plan)))
    }
}

impl Filter for Mask {
    fn pass(&mut self, chunk: &[u8], mut out: &mut dyn Write) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |masker| masker.write(chunk, &mut out))
    }

    fn finish(&mut self, mut out: &mut dyn Write) -> io::Result<()> {
        self.0.take().map_or(Ok(()), |masker| masker.finish(&mut out))
    }

    fn suspend(mut self: Box<Self>) -> Vec<u8> {
        self.0.take().map(Masker::suspend).unwrap_or_default()
    }
}
