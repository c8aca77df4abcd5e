//! The way of a read: find the file and the key, open and verify, compare with what this machine has seen, remember what is new.

use cast_vault::{
    AgentName, Anchor, Comparison, Error, MasterKey, Noted, Refusal, Role, SecretName, State, UnlockKey, Vault,
    VerificationKey,
};

use crate::clock;
use crate::disk;
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{self, Notice};
use crate::seen::{Record, Seen, Summary};
use crate::session::{Session, Unlocked};
use crate::suggestion;
use crate::vault_folder::VaultFolder;

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

/// How a vault compares with what this machine has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The state that was seen last.
    Known,
    /// Newer than what was seen, or never seen before.
    News,
    /// Older than what was seen.
    RolledBack,
    /// Changed on another machine beside what was seen.
    Forked,
    /// Deleted or made anew on this machine.
    GivenUp,
    /// Another vault than the one that this machine has seen here.
    OtherVault,
    /// The built-in secrets of another folder, where they still are.
    OtherFolder,
    /// Built-in secrets, or a vault with people, of a former key, that this machine has not seen before.
    FormerKey,
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
        let Some(found) = self.look_at_vault(agent)? else { return Ok(None) };
        match found.verdict {
            Verdict::News => self.remember_news(&found),
            Verdict::Known if found.is_new_here => self.remember_place(&found),
            _ => {}
        }
        Ok(Some(found.vault))
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

    /// Compares a vault with what this machine has seen: of it, and in its place.
    fn judge(&self, vault: Vault, expected: Option<Record>, unlocked: &Unlocked) -> Result<Found> {
        let is_expected = |record: &&Record| record.state.id == vault.id();
        if vault.is_known() && expected.as_ref().is_some_and(|record| is_expected(&record)) {
            // The receipt is for this very text, and was written beside this state.
            return Ok(Found { vault, record: expected, verdict: Verdict::Known, is_new_here: false });
        }
        if let Some(other) = expected.as_ref().filter(|record| !is_expected(record)) {
            let record = Some(other.clone());
            return Ok(Found { vault, record, verdict: Verdict::OtherVault, is_new_here: false });
        }
        let is_first_here = expected.is_none();
        let record = match (expected, self.seen()) {
            (None, Some(seen)) if !seen.is_out_of_reach() => seen.record(vault.id())?,
            (expected, _) => expected,
        };
        let now = vault.state().expect("it was opened from a file");
        let verdict = match (&record, &unlocked.key) {
            (Some(record), _) if record.given_up => Verdict::GivenUp,
            (Some(record), _) if is_first_here && self.is_builtin_of_another_folder(record, &vault) => {
                Verdict::OtherFolder
            }
            (Some(record), UnlockKey::Master(keys)) if is_owned_by_an_older_key(keys, record, &vault) => {
                Verdict::RolledBack
            }
            (Some(record), UnlockKey::Master(_)) => verdict(State::compare(&record.state, now)),
            // A runner knows the state at export, also where it remembers nothing.
            (record, UnlockKey::Agent(grant)) => {
                let seen = record.as_ref().map_or(Verdict::News, |record| verdict(State::compare(&record.state, now)));
                match verdict(grant.compare(now)) {
                    Verdict::Known | Verdict::News => seen,
                    older => older,
                }
            }
            // The holder of a former key may have made them: built-in secrets go into every agent, and people would outlive that key.
            (None, UnlockKey::Master(keys))
                if (vault.agent().is_builtin() || *vault.role() == Role::Owner && !vault.people().is_empty())
                    && !is_owned_by_the_newest(keys, &vault) =>
            {
                Verdict::FormerKey
            }
            (None, UnlockKey::Master(_)) => Verdict::News,
        };
        Ok(Found { vault, record, verdict, is_new_here: is_first_here })
    }

    /// The built-in secrets go into every agent, so those of another folder are not taken unasked: who can write this folder may have put
    /// them here. A folder that was moved is no other.
    fn is_builtin_of_another_folder(&self, record: &Record, vault: &Vault) -> bool {
        let here = self.folder().map(|folder| crate::seen::canonical(&folder.path(vault.agent())));
        vault.agent().is_builtin() && here.is_ok_and(|here| here != record.path) && record.path.exists()
    }

    /// Refuses what is older than this machine has seen, or other; but for a branch that this machine knows, and where the caller asked for an
    /// older state.
    fn check(&self, found: Found) -> Result<Found> {
        let agent = found.vault.agent();
        match found.verdict {
            Verdict::Known | Verdict::News => Ok(found),
            Verdict::RolledBack | Verdict::Forked if self.takes_older() && !self.is_strange(&found) => {
                self.attendant.notice(Notice::Older(agent.clone()));
                Ok(found)
            }
            Verdict::RolledBack | Verdict::Forked if self.is_known_branch(&found) => {
                self.attendant.notice(Notice::Branch(agent.clone()));
                Ok(found)
            }
            verdict => Err(refused(agent, verdict, found.record.as_ref())),
        }
    }

    /// Whether a former key owns it, and this machine has not met it: the holder of that key may have made it.
    fn is_strange(&self, found: &Found) -> bool {
        let (Some(record), Some(state), Ok(unlocked)) = (&found.record, found.vault.state(), self.key()) else {
            return false;
        };
        let UnlockKey::Master(keys) = &unlocked.key else { return false };
        is_owned_by_an_older_key(keys, record, &found.vault) && self.seen().is_none_or(|seen| !seen.has_met(state))
    }

    /// In a git work tree, where branches are switched, a state that this machine has verified or written before; not one from before a
    /// revocation, nor from before a dangerous name, a person or a permission was taken away.
    fn is_known_branch(&self, found: &Found) -> bool {
        let (Some(record), Some(state), Some(seen)) = (&found.record, found.vault.state(), self.seen()) else {
            return false;
        };
        record.in_git
            && state.epoch == record.state.epoch
            && state.rules.covers(&record.floor)
            && self.folder().is_ok_and(|folder| disk::is_in_own_work_tree(&folder.path(found.vault.agent())))
            && seen.has_met(state)
    }

    /// Remembers that a known vault lies here, too, so that another one in its place is noticed. Best effort.
    fn remember_place(&self, found: &Found) {
        let (Some(seen), Ok(folder)) = (self.seen(), self.folder()) else { return };
        if let Some(lock) = seen.try_lock() {
            let _ = seen.remember_place(&lock, found.vault.id(), &folder.path(found.vault.agent()));
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
            let _ = self.remember(&seen, &lock, record.as_ref(), &found.vault, &unlocked.key);
        }
    }

    /// Writes down the state of a vault that was verified or written. The caller has compared it with `record`.
    pub(crate) fn remember(
        &self,
        seen: &Seen,
        lock: &disk::Lock,
        record: Option<&Record>,
        vault: &Vault,
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
        let taken_away = same.is_some_and(|record| takes_away(seen, record, state, &holds));
        let next = Record {
            state: state.clone(),
            floor: match same {
                Some(record) if !taken_away && record.state.epoch == state.epoch => record.floor.clone(),
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

/// Whether the vault belongs to a key that this user had before the one that it belonged to: the holder of a former key made it.
fn is_owned_by_an_older_key(keys: &[MasterKey], record: &Record, vault: &Vault) -> bool {
    let owner = vault.part().card.verification();
    let age = |owner: VerificationKey| keys.iter().position(|key| key.verification() == owner);
    owner != record.owner && age(owner) > age(record.owner)
}

fn is_owned_by_the_newest(keys: &[MasterKey], vault: &Vault) -> bool {
    keys.first().is_some_and(|key| key.verification() == vault.part().card.verification())
}

/// Whether a dangerous name, a person or a permission that this machine remembers is not there any more.
fn takes_away(seen: &Seen, record: &Record, now: &State, holds: &Summary) -> bool {
    if record.state.owner_hash == now.owner_hash {
        return false;
    }
    // Without a summary nothing is known of what was there: then it counts as taken away.
    seen.summary(record.state.id).ok().flatten().is_none_or(|summary| summary.exceeds(holds))
}

fn verdict(comparison: Comparison) -> Verdict {
    match comparison {
        Comparison::Same => Verdict::Known,
        Comparison::Newer => Verdict::News,
        Comparison::RolledBack => Verdict::RolledBack,
        Comparison::Forked => Verdict::Forked,
        Comparison::OtherVault => Verdict::OtherVault,
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

/// Why a state is not used as it is.
pub(crate) fn refused(agent: &AgentName, verdict: Verdict, record: Option<&Record>) -> Failure {
    let what = match (verdict, record) {
        (Verdict::RolledBack, _) => {
            "is older than this machine has seen: rolled back, or restored from a backup".to_owned()
        }
        (Verdict::Forked, _) => {
            "was changed on two machines: it is not the state that this machine has seen".to_owned()
        }
        (Verdict::OtherVault, Some(record)) => {
            format!("is not the vault that this machine has known here since {}", clock::local(record.since))
        }
        (Verdict::OtherFolder, Some(record)) => format!("is that of another folder: '{}'", record.path.display()),
        (Verdict::FormerKey, _) => {
            "belongs to a former key of yours, and this machine has not seen it before".to_owned()
        }
        _ => "was deleted or replaced on this machine".to_owned(),
    };
    Failure::new(Kind::Integrity, format!("the vault of agent '{agent}' {what}"))
        .hint(format!("review it and, if it is yours, accept it: 'cast vault accept {agent}'"))
}
