//! The way of a read: find the file, find the key, open and verify, compare with what this machine has seen, take note of news.

use cast_vault::{AgentName, Mark, SecretName, UnlockKey, Vault};

use crate::failure::{Failure, Kind, Result};
use crate::seen::{Seen, Verdict};
use crate::session::Session;
use crate::suggestion;

/// Why an agent goes without built-in secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// It does not: they are open, or there are none, or they are not wanted.
    Settled,
    /// There are some, and the settings keep them from this agent.
    LeftOut,
    /// There are some, and the key of this process does not open them.
    Closed,
}

impl Session {
    /// The verified vault of `agent`; a failure of kind `NotFound`, with a suggestion, where there is none.
    pub(crate) fn vault(&self, agent: &AgentName) -> Result<Vault> {
        self.find_vault(agent)?.ok_or_else(|| self.no_such_agent(agent))
    }

    /// The verified vault of `agent`, if there is one.
    pub(crate) fn find_vault(&self, agent: &AgentName) -> Result<Option<Vault>> {
        let found = self.look_at_vault(agent)?;
        if let Some((vault, Some(seen))) = &found {
            self.note_seen(seen, vault.mark(), agent);
        }
        Ok(found.map(|(vault, _)| vault))
    }

    /// The built-in secrets that go into `agent`, or why they do not.
    pub(crate) fn builtin_for(&self, agent: &AgentName) -> Result<(Option<Vault>, Builtin)> {
        let builtin = AgentName::builtin();
        if *agent == builtin || !self.folder()?.exists(&builtin) {
            return Ok((None, Builtin::Settled));
        }
        if self.settings()?.no_builtin.contains(agent) {
            return Ok((None, Builtin::LeftOut));
        }
        // An agent's key opens one vault, and this is not it.
        if let UnlockKey::Agent(_) = self.key()?.key {
            return Ok((None, Builtin::Closed));
        }
        Ok((self.find_vault(&builtin)?, Builtin::Settled))
    }

    /// Opens and verifies a vault, and changes nothing. The records come along if its state is news to them.
    pub(crate) fn look_at_vault(&self, agent: &AgentName) -> Result<Option<(Vault, Option<Seen>)>> {
        // The file first: where there is none, no keyring needs to be asked.
        let mut file = self.folder()?.read(agent)?;
        loop {
            let Some(bytes) = file else { return Ok(None) };
            let unlocked = self.key()?;
            let opened = Vault::open(&bytes, agent, &unlocked.key).map_err(|refusal| unlocked.explain(refusal.into()));
            let refusal = match opened.and_then(|vault| self.check_seen(&vault).map(|news| (vault, news))) {
                Ok(found) => return Ok(Some(found)),
                Err(refusal) => refusal,
            };
            // Since it was read, a writer may have replaced the file and noted so, or sealed it to a new key, or the former key may be gone.
            file = self.folder()?.read(agent)?;
            if file.as_ref() == Some(&bytes) && !self.key_has_changed() {
                return Err(refusal);
            }
        }
    }

    /// Refuses what is older than this machine has seen. Gives the records where they ought to take note of something newer.
    fn check_seen(&self, vault: &Vault) -> Result<Option<Seen>> {
        let Some(seen) = self.seen() else { return Ok(None) };
        let mark = vault.mark();
        let record = match seen.record(mark.id) {
            Err(_) if seen.is_out_of_reach() => return Ok(None),
            record => record?,
        };
        match Seen::judge(record.as_ref(), mark) {
            Verdict::Known => Ok(None),
            Verdict::News => Ok(Some(seen)),
            verdict => Err(refused(vault.agent(), verdict)),
        }
    }

    /// Remembers a state that came from elsewhere. Best effort: a machine that cannot write notes can still run agents.
    fn note_seen(&self, seen: &Seen, mark: &Mark, agent: &AgentName) {
        let Ok(folder) = self.folder() else { return };
        // A writer who holds the lock takes note of something newer.
        let Some(_lock) = folder.try_lock() else { return };
        if seen.record(mark.id).is_ok_and(|record| Seen::judge(record.as_ref(), mark) == Verdict::News) {
            let _ = seen.remember(mark, &folder.path(agent));
        }
    }

    pub(crate) fn no_such_agent(&self, agent: &AgentName) -> Failure {
        let failure = Failure::new(Kind::NotFound, format!("agent '{agent}' has no vault"));
        let known = self.folder().and_then(|folder| folder.agents()).unwrap_or_default();
        let failure = match suggestion::closest(agent.as_str(), known.iter().map(AgentName::as_str)) {
            Some(known) => failure.hint(format!("did you mean '{known}'?")),
            None => failure,
        };
        failure.hint(format!("create it with 'cast secrets set {agent} KEY'"))
    }
}

/// What to say when a vault has no such secret.
pub(crate) fn no_such_secret(vault: &Vault, name: &SecretName) -> Failure {
    let agent = vault.agent();
    let failure = Failure::new(Kind::NotFound, format!("agent '{agent}' has no secret '{name}'"));
    match suggestion::closest(name.as_str(), vault.secrets().keys().map(SecretName::as_str)) {
        Some(known) => failure.hint(format!("did you mean '{known}'?")),
        None => failure.hint(format!("see what there is: 'cast secrets list {agent}'")),
    }
}

/// Why a state is not taken as it is.
pub(crate) fn refused(agent: &AgentName, verdict: Verdict) -> Failure {
    let what = match verdict {
        Verdict::RolledBack => "is older than this machine has seen: rolled back, or restored from a backup",
        Verdict::Forked => "was changed on two machines: it is not the state that this machine has seen",
        _ => "is one that was deleted or made anew on this machine",
    };
    Failure::new(Kind::Integrity, format!("the vault of agent '{agent}' {what}"))
        .hint(format!("look at it and, if it is yours, take it: 'cast vault accept {agent}'"))
}
