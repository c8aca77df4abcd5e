//! Secrets removed by name, or an agent's whole vault.

use cast_vault::{AgentName, SecretName};

use crate::audit_log::{Action, Event};
use crate::change::Missing;
use crate::door::{Effect, Verb};
use crate::failure::Result;
use crate::read::no_such_secret;
use crate::session::Session;

/// Removes secrets, all of them or, if one is not there, none. Returns how many are left.
pub struct Delete<'a> {
    /// Whose secrets.
    pub agent: &'a AgentName,
    /// Which.
    pub names: &'a [SecretName],
}

/// Counts the secrets of a vault that is about to be removed.
pub struct Count<'a> {
    /// Whose secrets.
    pub agent: &'a AgentName,
}

/// Removes the whole vault. Copies of it are refused here from then on.
pub struct DeleteVault<'a> {
    /// Whose vault.
    pub agent: &'a AgentName,
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
        Ok(session.vault(self.agent)?.names().len())
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
