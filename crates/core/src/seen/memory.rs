//! All that this machine knows of one vault, in one record: the vault of an owner whose card was accepted can be this user's own by now, as its
//! owner's key came here, or was before that key left the store.

use std::fs;

use cast_vault::{Comparison, MasterKey, State, UnlockKey, Vault, VaultId, VerificationKey};

use super::{Known, MAX_NAMES, Record, Seen, Whose, read, write};
use crate::disk::{self, Lock};
use crate::failure::Result;

/// What is known of a vault when a key opens it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Memory {
    /// Under which name.
    pub(crate) known: Known,
    pub(crate) record: Option<Record>,
    /// Another one, which is compared and not changed: where an agent line led to it, what the holder of a master key knows of it; of an own vault
    /// of a former key, what was seen of it as that, and not by the card of a newer key.
    pub(crate) beside: Option<Record>,
}

impl Memory {
    pub(super) fn new(known: Known, record: Option<Record>) -> Self {
        Self { known, record, beside: None }
    }

    /// Nothing.
    pub(crate) fn none(known: Known) -> Self {
        Self::new(known, None)
    }

    /// All records.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.beside.iter().chain(&self.record)
    }

    /// How a state compares with all that was seen; `None` where nothing was.
    pub(crate) fn compare(&self, state: &State) -> Option<Comparison> {
        let mut compared = self.records().map(|record| State::compare(&record.state, state));
        let is_older = |one: &Comparison| !matches!(one, Comparison::Same | Comparison::Newer);
        compared.find(is_older).or_else(|| self.record.as_ref().map(|record| State::compare(&record.state, state)))
    }

    /// Whether it is above what was seen, which was not given up; or nothing was seen.
    pub(crate) fn is_news(&self, state: &State) -> bool {
        let is_above = |record: &Record| !record.given_up && State::compare(&record.state, state) == Comparison::Newer;
        self.record.as_ref().is_none_or(is_above)
    }

    /// Whether it is the state that was seen last, which was not given up.
    pub(crate) fn is_current(&self, state: &State) -> bool {
        self.record.as_ref().is_some_and(|record| !record.given_up && record.state == *state)
    }

    /// Whether `next` may be written by who began at `began`: what is known by now is that still, or is below `next` and of the same owner.
    pub(crate) fn lets_write(&self, began: &Self, next: &State) -> bool {
        let facts = |record: &Record| (record.owner, record.state.clone(), record.given_up);
        let now = self.record.as_ref().filter(|record| record.state.id == next.id);
        now.is_none_or(|now| {
            began.record.as_ref().is_some_and(|began| facts(began) == facts(now))
                || self.is_news(next) && began.has_owner(now.owner)
        })
    }

    /// Whether nothing else was known than that this is the owner.
    pub(crate) fn has_owner(&self, owner: VerificationKey) -> bool {
        self.record.as_ref().is_none_or(|record| record.owner == owner)
    }

    /// Of the vault with this id, which may have become another one.
    pub(crate) fn of(&self, id: VaultId, known: Known) -> Self {
        if self.known.id == id { self.clone() } else { Self::none(known) }
    }
}

impl Seen {
    /// What is known of `vault`, which `key` has opened; `own` is its record as an own one, where that was read before.
    pub(crate) fn memory(&self, vault: &Vault, key: &UnlockKey, own: Option<Record>) -> Result<Memory> {
        let (known, owner) = (Known::of(vault), vault.part().card.verification());
        match (key, known.whose) {
            (UnlockKey::Master(keys), Whose::Own) => {
                let own = own.map_or_else(|| self.record(known), |own| Ok(Some(own)))?;
                // Of a single key, whose verification key costs a multiplication, there is no newer one.
                if keys.len() == 1 && own.as_ref().is_some_and(|own| own.owner == owner) {
                    return Ok(Memory::new(known, own));
                }
                self.own(known.id, own, keys.iter().map(MasterKey::verification))
            }
            (_, Whose::Line(_)) => {
                let beside = self.accepted(known.id, owner)?.record;
                Ok(Memory { known, record: self.record(known)?, beside })
            }
            _ => self.accepted(known.id, owner),
        }
    }

    /// What is known of an own vault, whose record as that is `own`; or by the card of one of these owners, the newest key first, who is this user by
    /// now, unless it was seen under that key, or a newer one.
    pub(crate) fn own(
        &self,
        id: VaultId,
        own: Option<Record>,
        owners: impl Iterator<Item = VerificationKey>,
    ) -> Result<Memory> {
        for owner in owners {
            if own.as_ref().is_some_and(|own| own.owner == owner) {
                break;
            }
            let known = Known { id, whose: Whose::Accepted(owner) };
            if let Some(record) = self.record(known)? {
                return Ok(Memory { known, record: Some(record), beside: own });
            }
        }
        Ok(Memory::new(Known::own(id), own))
    }

    /// What is known of a vault by its owner's card: as an own one, if it was that.
    pub(crate) fn accepted(&self, id: VaultId, owner: VerificationKey) -> Result<Memory> {
        self.kept(Known { id, whose: Whose::Accepted(owner) })
    }

    /// What is known under that name, or as an own one, if it was that.
    pub(crate) fn kept(&self, known: Known) -> Result<Memory> {
        let own = Known::own(known.id);
        let record = match known.whose {
            Whose::Accepted(_) => self.record(own)?,
            _ => None,
        };
        if record.is_some() {
            return Ok(Memory::new(own, record));
        }
        Ok(Memory::new(known, self.record(known)?))
    }

    /// The same as it is now.
    pub(crate) fn memory_again(&self, memory: &Memory) -> Result<Memory> {
        let Memory { known, beside, .. } = memory;
        let (Whose::Accepted(_), Some(_)) = (known.whose, beside) else {
            return Ok(Memory { beside: beside.clone(), ..self.kept(*known)? });
        };
        Ok(Memory { known: *known, record: self.record(*known)?, beside: self.record(Known::own(known.id))? })
    }

    /// After an older state of another owner's was accepted for the newest one, it is that for an agent line of that owner's, too; not for one that
    /// has seen a later epoch, as what was revoked stays that.
    pub(crate) fn lower_line(&self, _lock: &Lock, owner: VerificationKey, state: &State) -> Result<()> {
        let known = Known { id: state.id, whose: Whose::Line(owner) };
        let Some(record) = self.record(known)? else { return Ok(()) };
        if State::compare(&record.state, state) == Comparison::Newer || record.state.epoch > state.epoch {
            return Ok(());
        }
        let record = Record { state: state.clone(), floor: state.rules.clone(), ..record };
        write(&self.path(known), &record.to_bytes())
    }

    /// Before the record of an own vault is written that was known by its owner's card: its notes go along.
    pub(super) fn take_along(&self, from: Known, to: Known) -> Result<()> {
        self.join_states(from, to)?;
        match read(&self.names_path(from), MAX_NAMES)? {
            Some(names) => disk::replace_soon(&self.names_path(to), &names),
            None => Ok(()),
        }
    }

    /// After that record was written: the other one counts no more.
    pub(super) fn leave_behind(&self, from: Known) {
        for path in [self.path(from), self.names_path(from), self.states_path(from)] {
            let _ = fs::remove_file(path);
        }
    }
}
