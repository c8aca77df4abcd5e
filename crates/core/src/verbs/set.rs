//! Adds or replaces one secret.

use cast_vault::{AgentName, Change, SecretName, SecretValue, Treatment};

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
    /// The flags of the secret.
    pub treatment: Treatment,
}

impl Verb for Set<'_> {
    type Done = Change;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Set).agent(self.agent).keys([&self.name])
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Change> {
        let Self { agent, name, value, treatment } = self;
        session.change(agent, Missing::Create, |vault| Ok(vault.set(name, value, treatment, clock::now())?))
    }
}
