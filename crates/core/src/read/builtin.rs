//! The built-in secrets that go into an agent, or why none do.

use cast_vault::{AgentName, Role, UnlockKey, Vault};

use crate::failure::{Failure, Kind, Result};
use crate::key_store::Notice;
use crate::session::Session;

/// Why an agent goes without built-in secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// It does not: they are open, or there are none, or nobody asked for them.
    Settled,
    /// There are some, and the settings keep them from this agent.
    LeftOut,
    /// There are some, and the agent key of this process does not open them.
    Closed,
    /// There are some that are not this user's, or that are damaged, in the folder of a vault that is shared with this user.
    OfOthers,
}

impl Session {
    /// The built-in secrets that go into `agent`, or why none do. Warns where this machine has seen some and they are gone.
    pub(crate) fn builtin_for(&self, vault: &Vault) -> Result<(Option<Vault>, Builtin)> {
        let (agent, builtin) = (vault.agent(), AgentName::builtin());
        if *agent == builtin {
            return Ok((None, Builtin::Settled));
        }
        if !self.folder()?.exists(&builtin) {
            return self.without_builtin();
        }
        if self.settings()?.no_builtin.contains(agent) {
            return Ok((None, Builtin::LeftOut));
        }
        // An agent's key opens one vault, and this is not it.
        if let UnlockKey::Agent(_) = self.key()?.key {
            return Ok((None, Builtin::Closed));
        }
        match self.find_vault(&builtin) {
            Ok(Some(vault)) => Ok((Some(vault), Builtin::Settled)),
            // Gone since it was there.
            Ok(None) => self.without_builtin(),
            // The owner of the agent's vault may have built-in secrets, too.
            Err(failure) if *vault.role() != Role::Owner && self.is_of_others(&builtin, &failure)? => {
                Ok((None, Builtin::OfOthers))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Whether the vault that was refused is none of this user's, as far as this machine can know: it has seen none of them there, and no key here
    /// opens it, or it names another owner.
    pub(crate) fn is_of_others(&self, agent: &AgentName, failure: &Failure) -> Result<bool> {
        if self.here(agent)?.place.held.is_some_and(|held| held.card.is_none()) {
            return Ok(false);
        }
        if failure.kind() == Kind::WrongKey {
            return Ok(true);
        }
        let unlocked = self.key()?;
        let UnlockKey::Master(keys) = &unlocked.key else { return Ok(false) };
        let file = self.folder()?.read(agent)?;
        Ok(file.is_some_and(|file| Vault::inspect(&file, agent, keys).is_ok_and(|vault| !vault.is_owned_by(keys))))
    }

    fn without_builtin(&self) -> Result<(Option<Vault>, Builtin)> {
        if self.missed(&AgentName::builtin())?.is_some() {
            self.attendant.notice(Notice::BuiltinGone);
        }
        Ok((None, Builtin::Settled))
    }
}
