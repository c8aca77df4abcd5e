//! One secret, added or replaced.

use cast_vault::{AgentName, Change, SecretName, SecretValue, Treatment};

use crate::audit_log::{Action, Event};
use crate::change::Missing;
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::Result;
use crate::session::Session;

/// Adds or replaces one secret; makes the vault, and on first use the key.
pub struct Set<'a> {
    /// Whose secret.
    pub agent: &'a AgentName,
    /// Its name.
    pub name: SecretName,
    /// Its value.
    pub value: SecretValue,
    /// How its owner wants it treated.
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
