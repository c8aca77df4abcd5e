//! Adds or replaces one secret.

use cast_vault::{AgentName, Change, Flags, SecretName, SecretValue};

use crate::audit_log::{Action, Event};
use crate::change::Missing;
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::Result;
use crate::session::Session;

/// Adds or replaces one secret. Creates the vault if needed, and the key on first use.
pub struct Set<'a> {
    /// The agent.
    pub agent: &'a AgentName,
    /// The name of the secret.
    pub name: SecretName,
    /// The new value.
    pub value: SecretValue,
    /// Allow a name that makes programs load code.
    pub dangerous: bool,
    /// Whether it is a plain setting, not to be masked; `None` leaves that as it is.
    pub unmasked: Option<bool>,
    /// What to do where there is no vault.
    pub missing: Missing,
}

/// What was done.
pub struct Stored {
    /// Whether the secret is new.
    pub change: Change,
    /// How it is treated now.
    pub flags: Flags,
}

impl Verb for Set<'_> {
    type Done = Stored;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Set).agent(self.agent).keys([&self.name])
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Stored> {
        let Self { agent, name, value, dangerous, unmasked, missing } = self;
        let command = format!("cast secrets set {agent} {name}");
        session.change(agent, missing, &command, |vault| {
            let change = vault.set(name.clone(), value, dangerous, clock::now())?;
            let mut flags = vault.names().get(&name).cloned().unwrap_or_default();
            if let Some(unmasked) = unmasked {
                flags.unmasked = unmasked;
                vault.set_flags(&name, flags.clone())?;
            }
            Ok(Stored { change, flags })
        })
    }
}
