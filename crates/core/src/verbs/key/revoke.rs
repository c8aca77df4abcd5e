//! The end of the agent keys that were handed out for one agent.

use cast_vault::AgentName;

use crate::audit_log::{Action, Event};
use crate::door::{Effect, Verb};
use crate::failure::Result;
use crate::session::Session;

/// Starts a new epoch of the vault, which the agent keys there were do not open. Returns its number.
pub struct Revoke<'a> {
    /// Whose vault.
    pub agent: &'a AgentName,
}

impl Verb for Revoke<'_> {
    type Done = u64;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::KeyRevoke).agent(self.agent)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<u64> {
        let command = format!("cast key revoke --agent {}", self.agent);
        session.change_newest(self.agent, &command, |vault| Ok(vault.start_epoch()?))?;
        // Sealed to a new master key at once, it has begun one more.
        Ok(session.vault(self.agent)?.state().map_or(0, |state| state.epoch))
    }
}
