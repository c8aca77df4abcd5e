//! Renames a secret.

use cast_vault::{AgentName, SecretName};

use super::copy::refuse_existing;
use crate::audit_log::{Action, Event};
use crate::change::Missing;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::read::no_such_secret;
use crate::session::Session;

/// Renames a secret. Keeps its times and flags, except that the user must allow a dangerous new name again.
pub struct Rename<'a> {
    agent: &'a AgentName,
    old: &'a SecretName,
    new: &'a SecretName,
    replace: bool,
    dangerous: bool,
}

impl<'a> Rename<'a> {
    /// `replace` allows replacing an existing secret; `dangerous` allows names that make programs load code.
    pub fn new(agent: &'a AgentName, [old, new]: [&'a SecretName; 2], replace: bool, dangerous: bool) -> Result<Self> {
        if old == new {
            return Err(Failure::new(Kind::Usage, "OLD and NEW are the same name"));
        }
        Ok(Self { agent, old, new, replace, dangerous })
    }
}

impl Verb for Rename<'_> {
    type Done = ();
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Rename).agent(self.agent).keys([self.old, self.new])
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<()> {
        let Self { agent, old, new, replace, dangerous } = self;
        session.change(agent, Missing::Refuse, |vault| {
            if !vault.secrets().contains_key(old) {
                return Err(no_such_secret(vault, old));
            }
            if !replace {
                refuse_existing(vault, std::slice::from_ref(new))?;
            }
            Ok(vault.rename(old, new, dangerous)?)
        })
    }
}
