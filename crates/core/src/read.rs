//! The way of a read: find the file and the key, open and verify, compare with what this machine has seen, remember what is new.

mod judge;

use cast_vault::{AgentName, Anchor, Comparison, Error, Noted, Refusal, Role, SecretName, State, UnlockKey, Vault};

use crate::clock;
use crate::disk;
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{self, Notice};
use crate::seen::{Record, Seen, Summary};
use crate::session::{Session, Unlocked};
use crate::suggestion;
use crate::vault_folder::VaultFolder;

pub(crate) use judge::{Verdict, refuse_older, refused};

/// Why an agent goes without built-in secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// It does not: they are open, or there are none, or nobody asked for them.
    Settled,
    /// There are some, and the settings keep them from this agent.
    LeftOut,
    /// There are some, and the key of this process does not open them.
    Closed,
}

/// A vault as it was read, with what this machine knows of it.
pub(crate) struct Found {
    pub(crate) vault: Vault,
    pub(crate) record: Option<Record>,
    pub(crate) verdict: Verdict,
    /// This machine has seen no vault in this place.
    pub(crate) is_new_here: bool,
}

impl Session {
    /// The verified vault of `agent`; a failure of kind `NotFound`, with a suggestion, where there is none.
    pub(crate) fn vault(&self, agent: &AgentName) -> Result<Vault> {
        self.find_vault(agent)?.ok_or_else(|| self.no_such_agent(agent))
    }

    /// The verified vault of `agent`, if there is one; its state is remembered.
    pub(crate) fn find_vault(&self, agent: &AgentName) -> Result<Option<Vault>> {
        Ok(self.find(agent)?.map(|found| found.vault))
    }

    /// The same, but none that is older than this machine has seen, or beside it, also where branches are switched.
    pub(crate) fn newest_vault(&self, agent: &AgentName) -> Result<Vault> {
        let found = self.find(agent)?.ok_or_else(|| self.no_such_agent(agent))?;
        refuse_older(&found.vault, found.verdict, found.record.as_ref())?;
        Ok(found.vault)
    }

    fn find(&self, agent: &AgentName) -> Result<Option<Found>> {
        let Some(found) = self.look_at_vault(agent)? else { return Ok(None) };
        match found.verdict {
            Verdict::News => self.remember_news(&found),
            Verdict::Known if found.is_new_here => self.remember_place(&found),
            _ => {}
        }
        if found.record.as_ref().is_some_and(|record| record.leaving) {
            self.remember_that_it_stays(&found);
        }
        Ok(Some(found))
    }

    /// The built-in secrets that go into `agent`, or why none do. Warns where this machine has seen some and they are gone.
    pub(crate) fn builtin_for(&self, agent: &AgentName) -> Result<(Option<Vault>, Builtin)> {
        let builtin = AgentName::builtin();
        if *agent == builtin {
            return Ok((None, Builtin::Settled));
        }
        if !self.folder()?.exists(&builtin) {
            if self.missed(&builtin)?.is_some() {
                self.attendant.notice(Notice::BuiltinGone);
            }
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

    /// Opens and verifies a vault, and changes nothing.
    pub(crate) fn look_at_vault(&self, agent: &AgentName) -> Result<Option<Found>> {
        // The file first: where there is none, no keyring needs to be asked.
        let mut file = self.read_file(agent)?;
        loop {
            let Some(bytes) = file else { return Ok(None) };
            let unlocked = self.key()?;
            let refusal = match self.open(&bytes, agent, &unlocked).and_then(|found| self.check(found)) {
                Ok(found) => return Ok(Some(found)),
                Err(refusal) => refusal,
            };
            // Since it was read, a writer may have replaced the file and remembered that, or sealed it to a new key, or the former key
            // may be gone.
            file = self.read_file(agent)?;
            if file.as_ref() == Some(&bytes) && !self.forget_outdated_key(refusal.kind()) {
                return Err(refusal);
            }
        }
    }

    /// The bytes of a vault. A runner, who can write nothing, also reads behind links.
    fn read_file(&self, agent: &AgentName) -> Result<Option<Vec<u8>>> {
        let folder = self.folder()?;
        let is_runner = || self.key().is_ok_and(|unlocked| matches!(unlocked.key, UnlockKey::Agent(_)));
        match folder.read(agent) {
            Err(_) if folder.is_linked(agent) && key_store::is_in_variable() && is_runner() => {
                folder.read_linked(agent)
            }
            read => read,
        }
    }

    /// Opens and verifies `file`, and compares it with what this machine has seen. Nothing is refused for that yet.
    pub(crate) fn open(&self, file: &[u8], agent: &AgentName, unlocked: &Unlocked) -> Result<Found> {
        let expected = self.expected(agent)?;
        let vault = match self.open_as(file, agent, unlocked, expected.as_ref()) {
            // Another owner's, who may have been accepted for it elsewhere, as a clone of a repository.
            Err(Error::Vault { refusal: Refusal::OtherOwner | Refusal::OtherReader, .. }) if expected.is_none() => {
                let elsewhere = self.accepted_elsewhere(file, agent, unlocked)?;
                self.open_as(file, agent, unlocked, elsewhere.as_ref())
            }
            opened => opened,
        };
        let vault = vault.map_err(|refusal| unlocked.explain(refusal.into()))?;
        self.judge(vault, expected, unlocked)
    }

    fn open_as(
        &self,
        file: &[u8],
        agent: &AgentName,
        unlocked: &Unlocked,
        record: Option<&Record>,
    ) -> cast_vault::Result<Vault> {
        let card = record.and_then(|record| record.card.as_ref()).filter(|_| !agent.is_builtin());
        let noted = record.and_then(|Record { state, receipt, .. }| Some(Noted { state, receipt: receipt.as_ref()? }));
        Vault::open(file, agent, &unlocked.key, card.map_or(Anchor::Own, Anchor::Card), noted)
    }

    /// The record of the vault by its id, for one that this machine knows from another place. An owner was accepted for one agent: whoever was
    /// accepted for a tool does not get to make the vaults of others.
    fn accepted_elsewhere(&self, file: &[u8], agent: &AgentName, unlocked: &Unlocked) -> Result<Option<Record>> {
        let UnlockKey::Master(keys) = &unlocked.key else { return Ok(None) };
        let Ok(inspected) = Vault::inspect(file, agent, keys) else { return Ok(None) };
        let record = self.seen().map_or(Ok(None), |seen| seen.record(inspected.state().id))?;
        Ok(record.filter(|record| VaultFolder::agent_of(&record.path).as_ref() == Some(agent)))
    }

    /// What this machine expects in the place of `agent`'s vault.
    pub(crate) fn expected(&self, agent: &AgentName) -> Result<Option<Record>> {
        let (Some(seen), path) = (self.seen(), self.folder()?.path(agent)) else { return Ok(None) };
        match seen.expected_at(&path) {
            Err(_) if seen.is_out_of_reach() => Ok(None),
            expected => expected,
        }
    }

    /// The vault of `agent` that this machine has seen and does not find: not one that it was deleting.
    pub(crate) fn missed(&self, agent: &AgentName) -> Result<Option<Record>> {
        Ok(self.expected(agent)?.filter(|record| !record.leaving))
    }

    /// Remembers that a known vault lies here, too, so that another one in its place is noticed. Best effort.
    fn remember_place(&self, found: &Found) {
        let (Some(seen), Ok(folder)) = (self.seen(), self.folder()) else { return };
        if let Some(lock) = seen.try_lock() {
            let _ = seen.remember_place(&lock, found.vault.id(), &folder.path(found.vault.agent()));
        }
    }

    /// A vault that is there was not deleted: who was about to was killed. Best effort.
    fn remember_that_it_stays(&self, found: &Found) {
        let (Some(seen), Ok(folder)) = (self.seen(), self.folder()) else { return };
        // Its deletion may be going on.
        if folder.is_locked() {
            return;
        }
        let Some(lock) = seen.try_lock() else { return };
        if let Ok(Some(record)) = seen.record(found.vault.id())
            && record.leaving
        {
            let _ = seen.say_leaving(&lock, record, false);
        }
    }

    /// Remembers a state that came from elsewhere. Best effort: a machine that cannot write notes can still run agents.
    fn remember_news(&self, found: &Found) {
        let (Some(seen), Ok(unlocked)) = (self.seen(), self.key()) else { return };
        // A writer who holds the lock remembers something newer.
        let Some(lock) = seen.try_lock() else { return };
        // As it is now: another reader may have remembered something since.
        let (Ok(record), Some(state)) = (seen.record(found.vault.id()), found.vault.state()) else { return };
        let is_news = record
            .as_ref()
            .is_none_or(|record| !record.given_up && State::compare(&record.state, state) == Comparison::Newer);
        if is_news {
            let _ = self.remember(&seen, &lock, record.as_ref(), &found.vault, None, &unlocked.key);
        }
    }

    /// Writes down the state of a vault that was verified or written. The caller has compared it with `record`; `before` is what it held
    /// when this session read it, to change it.
    pub(crate) fn remember(
        &self,
        seen: &Seen,
        lock: &disk::Lock,
        record: Option<&Record>,
        vault: &Vault,
        before: Option<&Summary>,
        key: &UnlockKey,
    ) -> Result<()> {
        let Some(state) = vault.state() else { return Ok(()) };
        let same = record.filter(|record| record.state.id == state.id);
        let path = self.folder()?.path(vault.agent());
        let (owner, here) = (vault.part().card.verification(), crate::seen::canonical(&path));
        // An agent key's owner may have given its vault the id of somebody else's, which this machine knows from elsewhere or as its user's own.
        if *vault.role() == Role::Reader
            && same.is_some_and(|record| record.owner != owner && (record.path != here || record.receipt.is_some()))
        {
            return Ok(());
        }
        let holds = Summary::of(vault);
        let same_epoch = same.filter(|record| record.state.epoch == state.epoch);
        let known = same_epoch.and_then(|_| seen.summary(state.id).ok().flatten());
        let taken_away = match (same_epoch, &known) {
            (Some(record), Some(known)) => record.state.owner_hash != state.owner_hash && known.exceeds(&holds),
            // Nothing is known of what was there: then it counts as taken away.
            _ => true,
        };
        // A change of another branch than the one that was remembered last.
        let taken_away = taken_away || before.is_some_and(|before| before.exceeds(&holds));
        let next = Record {
            state: state.clone(),
            floor: match same_epoch {
                Some(record) if !taken_away => record.floor.clone(),
                _ => state.rules.clone(),
            },
            receipt: vault.receipt(key),
            owner,
            in_git: disk::is_in_own_work_tree(&path),
            card: match vault.role() {
                Role::Owner => None,
                Role::Person(_) => Some(vault.part().card.clone()),
                // The line of an agent key says whom to expect for that key. The holder of a master key accepts nobody by it.
                Role::Reader => same.and_then(|record| record.card.clone()),
            },
            since: same.map_or_else(clock::now, |record| record.since),
            given_up: false,
            leaving: false,
            path: here,
        };
        let holds = holds.after(known.unwrap_or_default());
        seen.remember(lock, &next, &holds, &path)
    }

    pub(crate) fn no_such_agent(&self, agent: &AgentName) -> Failure {
        let place = self.places.vaults().map(|folder| format!(" in '{}'", folder.display())).unwrap_or_default();
        let failure = Failure::new(Kind::NotFound, format!("agent '{agent}' has no vault{place}"));
        let known = self.folder().and_then(|folder| folder.agents()).unwrap_or_default();
        let failure = match suggestion::closest(agent.as_str(), known.iter().map(AgentName::as_str)) {
            Some(known) => failure.hint(format!("did you mean '{known}'?")),
            None => failure,
        };
        match self.missed(agent) {
            Ok(Some(_)) => failure.hint(
                "this machine has seen one there: restore it from a backup, or with 'git checkout' or 'git pull'",
            ),
            _ => failure.hint(format!("create it with 'cast secrets set {agent} KEY'")),
        }
    }
}

/// What to say when a vault has no such secret.
pub(crate) fn no_such_secret(vault: &Vault, name: &SecretName) -> Failure {
    let agent = vault.agent();
    let failure = Failure::new(Kind::NotFound, format!("agent '{agent}' has no secret '{name}'"));
    match suggestion::closest(name.as_str(), vault.names().keys().map(SecretName::as_str)) {
        Some(known) => failure.hint(format!("did you mean '{known}'?")),
        None => failure.hint(format!("see what there is: 'cast secrets list {agent}'")),
    }
}

#[cfg(test)]
mod tests;
