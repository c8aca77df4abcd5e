//! Removes secrets by name, or an agent's whole vault; forgets a vault that is gone.

use std::path::PathBuf;

use cast_vault::{AgentName, SecretName};

use crate::audit_log::{Action, Event};
use crate::change::Missing;
use crate::door::{Effect, Verb};
use crate::failure::Result;
use crate::read::no_such_secret;
use crate::session::Session;

/// Removes secrets. If one does not exist, removes none. Returns how many are left.
pub struct Delete<'a> {
    /// The agent.
    pub agent: &'a AgentName,
    /// The names of the secrets.
    pub names: &'a [SecretName],
}

/// Counts the secrets in a vault, before it is removed.
pub struct Count<'a> {
    /// The agent.
    pub agent: &'a AgentName,
}

/// Removes the whole vault. From then on this machine refuses copies of it.
pub struct DeleteVault<'a> {
    /// The agent.
    pub agent: &'a AgentName,
}

/// Forgets a vault that this machine has seen and that is gone. If it comes back, this machine refuses it.
pub struct Forget<'a> {
    /// The agent.
    pub agent: &'a AgentName,
}

/// Where the vault of `agent` lay, if this machine has seen it and it is gone.
pub fn gone(session: &Session, agent: &AgentName) -> Result<Option<PathBuf>> {
    if session.folder()?.is_there(agent)? {
        return Ok(None);
    }
    Ok(session.missed(agent)?.map(|place| place.path))
}

impl Verb for Delete<'_> {
    type Done = usize;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Delete).agent(self.agent).keys(self.names)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<usize> {
        let names = self.names.iter().map(SecretName::as_str).collect::<Vec<_>>().join(" ");
        let command = format!("cast secrets delete {} {names}", self.agent);
        session.change(self.agent, Missing::Refuse, &command, |vault| {
            for name in self.names {
                if !vault.remove(name)? {
                    return Err(no_such_secret(vault, name));
                }
            }
            Ok(vault.names().len())
        })
    }
}

impl Verb for Count<'_> {
    type Done = usize;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::Delete).agent(self.agent)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<usize> {
        Ok(session.leaving_vault(self.agent)?.names().len())
    }
}

impl Verb for DeleteVault<'_> {
    type Done = ();
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Delete).agent(self.agent)
    }

    fn perform(self, session: &Session, event: &mut Event) -> Result<()> {
        let command = format!("cast secrets delete {} --all", self.agent);
        session.remove(self.agent, &command, |vault| event.set_keys(vault.names().keys()))
    }
}

impl Verb for Forget<'_> {
    type Done = ();
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Delete).agent(self.agent)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<()> {
        session.forget(self.agent, &format!("cast secrets delete {} --all", self.agent))
    }
}
