//! What to make of a state: how it compares with what this machine has seen, and whether it is used all the same.

use cast_vault::{AgentName, Card, Comparison, MasterKey, Role, State, UnlockKey, Vault, VerificationKey};

use super::Found;
use crate::clock;
use crate::disk;
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{Exports, Notice};
use crate::seen::{Extent, Here, Known, Memory, Place, Record, Seen, Whose};
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
    /// Of another owner than the one whom this machine knows the vault of this id from.
    OtherOwner,
    /// The built-in secrets of another folder, where they still are, or another owner's vault that was accepted in another folder.
    OtherFolder,
    /// A state of a former key that this machine has not verified before, in this place.
    FormerKey,
}

impl Session {
    /// Compares a vault with what this machine has seen: of it, and in its place.
    pub(super) fn judge(&self, vault: Vault, here: Here, unlocked: &Unlocked) -> Result<Found> {
        let Here { place, memory: expected, noted, otherwise } = here;
        // What goes to more than one agent, or comes from another owner, is expected where it was seen, not where a link led to it.
        let is_bound = vault.agent().is_builtin() || matches!(vault.role(), Role::Person(_));
        let is_expected = place.holds(vault.id()) && (noted != Extent::ByLink || !is_bound);
        let held = place.held.clone();
        let known = Known::of(&vault);
        let found = |vault, memory, verdict, place, held| Found {
            vault,
            memory,
            verdict,
            is_new_here: !is_expected,
            noted,
            is_strange: false,
            is_below_line: false,
            held,
            place: Some(place),
        };
        if let (Some(held), UnlockKey::Master(_)) = (otherwise, &unlocked.key) {
            // Whichever of the two it is, the other one was expected as well.
            let (held, place) = (place.held.clone(), Place { held: Some(held), ..place });
            return Ok(found(vault, Memory::none(known), Verdict::OtherVault, place, held));
        }
        let seen = self.seen().filter(|seen| !seen.is_out_of_reach());
        if expected.is_some() && !place.holds(vault.id()) {
            return Ok(found(vault, Memory::none(known), Verdict::OtherVault, place, held));
        }
        // What is known of the place has been read.
        let own = expected.filter(|memory| memory.known == known && known.whose == Whose::Own);
        let memory = match &seen {
            Some(seen) => seen.memory(&vault, &unlocked.key, own.and_then(|own| own.record))?,
            None => own.unwrap_or_else(|| Memory::none(known)),
        };
        let is_current = |record: &Record| !record.given_up && record.owner == vault.part().card.verification();
        if vault.is_known() && is_expected && memory.beside.is_none() && memory.record.as_ref().is_some_and(is_current)
        {
            // The receipt is for this very text, and was written beside this state.
            return Ok(found(vault, memory, Verdict::Known, place, held));
        }
        let now = vault.state().expect("it was opened from a file");
        let mut elsewhere = None;
        if let (false, true, Some(seen)) = (is_expected, is_bound, &seen) {
            let mut places = seen.places_of(vault.id())?.into_iter();
            elsewhere = places.find(|other| other.path != place.path && (other.card().is_some() || other.exists()));
        }
        let is_given_up =
            memory.records().any(|record| record.given_up) || !is_expected && place.given_up.contains(&vault.id());
        let is_verified = || {
            let is_noted = |record: &Record| record.receipt.is_some() && record.state == *now;
            is_expected
                && (memory.record.as_ref().is_some_and(is_noted)
                    || seen.as_ref().is_some_and(|seen| seen.has_verified(now)))
        };
        let is_strange = is_owned_by_a_former_key(&unlocked.key, &vault) && !is_verified();
        let owner = vault.part().card.verification();
        let is_other = |record: &Record| record.owner != owner;
        let was_replaced = || self.was_replaced(&vault.part().card);
        let (is_of_another, was_own) = match vault.role() {
            Role::Owner => (false, false),
            Role::Person(_) => (memory.record.as_ref().is_some_and(is_other), was_replaced()),
            Role::Reader => (false, was_replaced() && !seen.as_ref().is_some_and(|seen| seen.has_verified(now))),
        };
        let seen_last = memory.compare(now).map_or(Verdict::News, verdict);
        let mut below_line = None;
        let compared = match &unlocked.key {
            UnlockKey::Master(keys)
                if memory.record.as_ref().is_some_and(|record| is_owned_by_an_older_key(keys, record, &vault)) =>
            {
                Verdict::RolledBack
            }
            UnlockKey::Master(_) => seen_last,
            // A runner knows the state at export, also where it remembers nothing.
            UnlockKey::Agent(grant) => {
                let is_older = |verdict: &Verdict| !matches!(verdict, Verdict::Known | Verdict::News);
                below_line = Some(verdict(grant.compare(now))).filter(is_older);
                below_line.unwrap_or(seen_last)
            }
        };
        let verdict = match compared {
            _ if is_given_up => Verdict::GivenUp,
            // Its owner may have been this user, and have another key since.
            _ if is_of_another => Verdict::OtherOwner,
            // Others may still use that key; this user has replaced it.
            _ if was_own => Verdict::FormerKey,
            // The holder of a former key may have made it, to outlive that key.
            Verdict::Known | Verdict::News if is_strange => Verdict::FormerKey,
            // Who was accepted may have put it here, where this user takes it for an own vault.
            _ if !is_expected && matches!(vault.role(), Role::Person(_)) => Verdict::OtherFolder,
            // The built-in secrets go into every agent, so those of another folder are not taken unasked: who can write this folder may have
            // put them here. A folder that was moved is no other.
            _ if elsewhere.is_some() => Verdict::OtherFolder,
            compared => compared,
        };
        let is_below_line = below_line.is_some();
        let place = elsewhere.unwrap_or(place);
        Ok(Found { is_strange, is_below_line, ..found(vault, memory, verdict, place, held) })
    }

    /// Whether it is the card of a key of this user's in whose place another one came into the store.
    pub(crate) fn was_replaced(&self, card: &Card) -> bool {
        // A runner may have no home, and so nothing that was noted.
        Exports::new(&self.places).is_ok_and(|exports| exports.was_replaced(&card.recipient().to_string()))
    }

    /// Whether one of this user's keys that is not the newest owns the vault.
    pub(crate) fn is_of_a_former_key(&self, vault: &Vault) -> Result<bool> {
        Ok(is_owned_by_a_former_key(&self.key()?.key, vault))
    }

    /// Refuses to seal a vault of a former key to the newest one, unless this machine put each key that came after it in the place of the one
    /// before. Until a key was replaced, its holders were the owner; a machine that got the new key from elsewhere may have followed them for longer.
    pub(crate) fn refuse_to_hand_on(&self, vault: &Vault, key: &UnlockKey) -> Result<()> {
        let UnlockKey::Master(keys) = key else { return Ok(()) };
        if !is_owned_by_a_former_key(key, vault) {
            return Ok(());
        }
        let (owner, exports) = (vault.part().card.verification(), Exports::new(&self.places)?);
        let of_owner = keys.iter().position(|key| key.verification() == owner).unwrap_or_default();
        if keys[..=of_owner].windows(2).all(|pair| exports.has_replaced(&pair[1], &pair[0])) {
            return Ok(());
        }
        let what =
            "belongs to a former key of yours, and the newest was not made here: it is not sealed to that one unasked";
        Err(to_review(vault.agent(), what))
    }

    /// Refuses what is older than this machine has seen, or other; but for a branch that this machine knows, and where the caller asked for an
    /// older state.
    pub(crate) fn check(&self, found: Found) -> Result<Found> {
        let agent = found.vault.agent();
        match found.verdict {
            Verdict::Known | Verdict::News => Ok(found),
            Verdict::RolledBack | Verdict::Forked if self.takes_older() && !found.is_strange => {
                self.attendant.notice(Notice::Older(agent.clone()));
                Ok(found)
            }
            Verdict::RolledBack | Verdict::Forked if self.is_known_branch(&found) => {
                self.attendant.notice(Notice::Branch(agent.clone()));
                Ok(found)
            }
            verdict => Err(refused(agent, verdict, found.place.as_ref())),
        }
    }

    /// In a git work tree, where branches are switched, a state that this machine has verified or written before; not one from before a
    /// revocation, nor from before a dangerous name, a person or a permission was taken away, nor from before an agent line was made.
    pub(crate) fn is_known_branch(&self, found: &Found) -> bool {
        let (Some(state), Some(seen)) = (found.vault.state(), self.seen()) else { return false };
        let mut records = found.memory.records().peekable();
        let permits =
            |record: &Record| record.in_git && state.is_of_epoch_of(&record.state) && state.rules.covers(&record.floor);
        !found.is_strange
            && !found.is_below_line
            && records.peek().is_some()
            && records.all(permits)
            && self.folder().is_ok_and(|folder| disk::is_in_own_work_tree(&folder.real()))
            && self.has_met(&seen, found, state)
    }

    /// Whether this machine has itself verified or written that state, as each record says that it is compared with.
    fn has_met(&self, seen: &Seen, found: &Found, state: &State) -> bool {
        let Memory { known, beside, .. } = &found.memory;
        let other = match known.whose {
            Whose::Line(owner) => seen.accepted(known.id, owner).map(|memory| memory.known),
            _ => Ok(Known::own(known.id)),
        };
        seen.has_met(*known, state) && (beside.is_none() || other.is_ok_and(|other| seen.has_met(other, state)))
    }
}

/// Whether the vault belongs to a key that this user had before the one that it belonged to: the holder of a former key made it.
fn is_owned_by_an_older_key(keys: &[MasterKey], record: &Record, vault: &Vault) -> bool {
    let owner = vault.part().card.verification();
    let age = |owner: VerificationKey| keys.iter().position(|key| key.verification() == owner);
    // Nothing is newer than the newest key, also where the one before was dropped.
    owner != record.owner && age(owner).is_some_and(|age| age > 0) && age(owner) > age(record.owner)
}

/// Whether it belongs to another of this user's keys than the newest.
fn is_owned_by_a_former_key(key: &UnlockKey, vault: &Vault) -> bool {
    let UnlockKey::Master(keys) = key else { return false };
    let owner = vault.part().card.verification();
    keys.iter().skip(1).any(|key| key.verification() == owner)
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
pub(crate) fn refused(agent: &AgentName, verdict: Verdict, place: Option<&Place>) -> Failure {
    let held = place.and_then(|place| place.held.as_ref());
    let what = match (verdict, place, held) {
        (Verdict::RolledBack, ..) => {
            "is older than this machine has seen: rolled back, or restored from a backup".to_owned()
        }
        (Verdict::Forked, ..) => {
            "was changed on two machines: it is not the state that this machine has seen".to_owned()
        }
        (Verdict::OtherVault, _, Some(held)) => {
            format!("is not the vault that this machine has known here since {}", clock::local(held.since))
        }
        (Verdict::OtherOwner, ..) => "belongs to another owner than this machine has known it from".to_owned(),
        (Verdict::OtherFolder, Some(place), Some(held)) if held.card.is_some() => {
            format!("belongs to another owner, who was accepted in another folder: '{}'", place.path.display())
        }
        (Verdict::OtherFolder, Some(place), Some(_)) => {
            format!("is that of another folder: '{}'", place.path.display())
        }
        (Verdict::OtherFolder, ..) => "belongs to another owner, who was not accepted here".to_owned(),
        (Verdict::FormerKey, ..) => {
            "belongs to a former key of yours, and this machine has not seen this state of it here before".to_owned()
        }
        _ => "was deleted or replaced on this machine".to_owned(),
    };
    to_review(agent, &what)
}

/// Its user has to look at it first.
fn to_review(agent: &AgentName, what: &str) -> Failure {
    Failure::new(Kind::Integrity, format!("the vault of agent '{agent}' {what}"))
        .hint(format!("review it and, if it is as it should be, accept it: 'cast vault accept {agent}'"))
}

/// Refuses a state that is older than this machine has seen, or beside it.
pub(crate) fn refuse_older(vault: &Vault, verdict: Verdict) -> Result<()> {
    match verdict {
        Verdict::RolledBack | Verdict::Forked => Err(refused(vault.agent(), verdict, None)),
        _ => Ok(()),
    }
}
