//! What to make of a state: how it compares with what this machine has seen, and whether it is used all the same.

use cast_vault::{AgentName, Comparison, MasterKey, Role, State, UnlockKey, Vault, VerificationKey};

use super::Found;
use crate::clock;
use crate::disk;
use crate::failure::{Failure, Kind, Result};
use crate::key_store::Notice;
use crate::seen::Record;
use crate::session::{Session, Unlocked};

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
    /// The built-in secrets of another folder, where they still are, or another owner's vault that was accepted in another folder.
    OtherFolder,
    /// Built-in secrets, or a vault with people, of a former key, that this machine has not seen before.
    FormerKey,
}

impl Session {
    /// Compares a vault with what this machine has seen: of it, and in its place.
    pub(super) fn judge(&self, vault: Vault, expected: Option<Record>, unlocked: &Unlocked) -> Result<Found> {
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
            // Who was accepted may have put it here, where this user takes it for an own vault.
            (Some(_), _) if is_first_here && matches!(vault.role(), Role::Person(_)) => Verdict::OtherFolder,
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
    pub(super) fn check(&self, found: Found) -> Result<Found> {
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

fn verdict(comparison: Comparison) -> Verdict {
    match comparison {
        Comparison::Same => Verdict::Known,
        Comparison::Newer => Verdict::News,
        Comparison::RolledBack => Verdict::RolledBack,
        Comparison::Forked => Verdict::Forked,
        Comparison::OtherVault => Verdict::OtherVault,
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
        (Verdict::OtherFolder, Some(Record { card: Some(_), path, .. })) => {
            format!("belongs to another owner, who was accepted in another folder: '{}'", path.display())
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

/// Refuses a state that is older than this machine has seen, or beside it.
pub(crate) fn refuse_older(vault: &Vault, verdict: Verdict, record: Option<&Record>) -> Result<()> {
    match verdict {
        Verdict::RolledBack | Verdict::Forked => Err(refused(vault.agent(), verdict, record)),
        _ => Ok(()),
    }
}
