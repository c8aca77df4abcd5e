//! `cast run --explain`: what a run would do, without running anything.

use std::env;

use cast_mask::Unmasked;
use cast_vault::{AgentName, SecretName, SecretValue};

use super::masking::Scope;
use super::{Gather, Gathered, Request};
use crate::failure::Result;
use crate::injections::{Injection, Injections, Source, is_inherited};
use crate::listing;
use crate::masking::exemption;
use crate::read::Builtin;
use crate::session::Session;
use crate::supervisor::{self, Carries, Sink};

/// What a run would do.
pub struct Explained {
    /// The secrets that would go along, by name.
    pub secrets: Vec<ExplainedSecret>,
    /// What an outer run injected and would not go along.
    pub dropped: Vec<SecretName>,
    /// Why the built-in ones would not.
    pub builtin: Builtin,
    /// Who sealed the agent's values: `owner`, or a person's name.
    pub sealer: String,
    /// Standard output and standard error.
    pub streams: [StreamTreatment; 2],
    /// What of a masked terminal is cast's own; `None` without one.
    pub own_terminal: Option<OwnTerminal>,
    /// Whether a terminal stays unmasked because this system cannot mask one.
    pub misses_terminal: bool,
}

/// What of CMD's terminal is cast's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnTerminal {
    /// All of it.
    Whole,
    /// Its outputs. What CMD writes to `/dev/tty` itself is not masked.
    Outputs,
}

/// One secret that would go along.
pub struct ExplainedSecret {
    /// Its name.
    pub name: SecretName,
    /// Whose it is.
    pub source: Source,
    /// What it stands in the place of.
    pub overrides: Overridden,
    /// The hosts that it is brokered to; empty if CMD would get it as it is.
    pub hosts: Vec<String>,
    /// Whether it would be masked.
    pub masked: Masked,
    /// How its owner wants it treated, in words.
    pub flags: Vec<String>,
}

/// What else has the name of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overridden {
    /// A built-in secret.
    pub builtin: bool,
    /// A variable of the caller.
    pub caller: bool,
}

/// Whether a secret would be masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masked {
    /// It would.
    Yes,
    /// Masking is off.
    Off,
    /// Its owner said that it is a plain setting.
    Unmasked,
    /// Such a value never is.
    Exempt(Unmasked),
    /// It would, as it is or escaped, but not in base64, hexadecimal or shell quotes: there is too much to mask.
    RawOnly,
}

/// What would be done to a stream of CMD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamTreatment {
    /// Masked.
    Masked,
    /// Masked as one with the other.
    MaskedTogether,
    /// Masked, on a terminal of cast's own.
    MaskedTerminal,
    /// Nothing: masking is off.
    Off,
    /// Nothing: no value would be masked.
    NothingToMask,
    /// Nothing: a terminal.
    LeftTerminal,
    /// Nothing: `/dev/null` or closed.
    Left,
}

/// Explains a run.
pub fn explain(session: &Session, agent: &AgentName, request: &Request) -> Result<Explained> {
    let Gathered { injections, builtin, sealer, outer } = session.perform(Gather { agent, request })?;
    let scope = Scope::of(session, request)?;
    let masks = scope != Scope::Nothing;
    let secrets: Vec<_> = injections
        .iter()
        .map(|(name, injection)| ExplainedSecret {
            name: name.clone(),
            source: injection.source,
            overrides: Overridden {
                builtin: injection.overrides_builtin,
                caller: env::var_os(name.as_str()).is_some()
                    && is_inherited(name.as_str().as_ref(), request.clean)
                    && !outer.contains(name),
            },
            hosts: injection.flags.hosts.clone(),
            masked: if masks { masked(injection) } else { Masked::Off },
            flags: listing::flags(&injection.flags),
        })
        .collect();
    let secrets = mark_raw_only(secrets, &injections);
    let anything = secrets.iter().any(|secret| matches!(secret.masked, Masked::Yes | Masked::RawOnly));
    let outputs = scope.outputs();
    let (sinks, _) = supervisor::outputs();
    let stream = |alone, sink| {
        let is_masked = outputs.contains(&alone) || outputs.contains(&Carries::Both);
        match (masks, anything, is_masked) {
            (false, _, _) => StreamTreatment::Off,
            (_, false, _) => StreamTreatment::NothingToMask,
            (_, _, false) if sink == Sink::Terminal => StreamTreatment::LeftTerminal,
            (_, _, false) => StreamTreatment::Left,
            _ if sink == Sink::Terminal => StreamTreatment::MaskedTerminal,
            _ if outputs.contains(&Carries::Both) => StreamTreatment::MaskedTogether,
            _ => StreamTreatment::Masked,
        }
    };
    let sealer = listing::sealer_name(&sealer);
    let dropped = outer.into_iter().filter(|name| !injections.contains(name)).collect();
    let streams = [stream(Carries::Output, sinks[0]), stream(Carries::Errors, sinks[1])];
    let is_whole = streams[0] == StreamTreatment::MaskedTerminal && supervisor::has_whole_terminal();
    let own_terminal = streams.contains(&StreamTreatment::MaskedTerminal).then_some(if is_whole {
        OwnTerminal::Whole
    } else {
        OwnTerminal::Outputs
    });
    let misses_terminal = anything && scope.misses_terminal();
    Ok(Explained { secrets, dropped, builtin, sealer, streams, own_terminal, misses_terminal })
}

/// Which of the secrets are looked for neither in base64 nor in hexadecimal, as all of them together are too long.
fn mark_raw_only(mut secrets: Vec<ExplainedSecret>, injections: &Injections) -> Vec<ExplainedSecret> {
    let has_value = |injection: &Injection| !injection.flags.unmasked && injection.given.value().is_some();
    let masked: Vec<_> = injections.iter().filter(|(_, injection)| has_value(injection)).collect();
    let length = |(_, injection): &(&SecretName, &Injection)| injection.given.value().map_or(0, SecretValue::len);
    let lengths: Vec<_> = masked.iter().map(length).collect();
    for ((name, _), is_encoded) in masked.iter().zip(cast_mask::encoded(&lengths)) {
        let secret = secrets.iter_mut().find(|secret| secret.name == **name && secret.masked == Masked::Yes);
        if let (Some(secret), false) = (secret, is_encoded) {
            secret.masked = Masked::RawOnly;
        }
    }
    secrets
}

fn masked(injection: &Injection) -> Masked {
    let exemption = injection.given.value().and_then(exemption);
    match exemption {
        _ if injection.flags.unmasked => Masked::Unmasked,
        Some(why) => Masked::Exempt(why),
        None => Masked::Yes,
    }
}
