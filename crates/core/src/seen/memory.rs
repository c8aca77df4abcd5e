//! All that this machine knows of one vault. There can be more than one record of it: a key that was another owner's, whose card was accepted,
//! may be this user's by now, or the other way round. One is written, and each of them is asked.

use std::collections::BTreeSet;

use cast_vault::{Comparison, MasterKey, State, UnlockKey, Vault, VaultId, VerificationKey};

use super::{Known, Record, Seen, Whose, write};
use crate::disk::Lock;
use crate::failure::Result;

/// What is known of a vault when a key opens it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Memory {
    known: Known,
    /// The one that is written: of this vault, from whom its reader expects it.
    record: Option<Record>,
    /// As an own one, and by a card of its owner's or of a key of this user's.
    others: Vec<(Known, Option<Record>)>,
}

impl Memory {
    /// Nothing.
    pub(crate) fn none(known: Known) -> Self {
        Self { known, record: None, others: Vec::new() }
    }

    /// The record that is written.
    pub(crate) fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// All of them, the one that is written last.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.others().chain(&self.record)
    }

    /// All but the one that is written.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Record> {
        self.others.iter().filter_map(|(_, record)| record.as_ref())
    }

    /// By which names it is known, whether or not there is a record.
    pub(crate) fn names(&self) -> impl Iterator<Item = Known> {
        self.others.iter().map(|(known, _)| *known).chain([self.known])
    }

    /// Whether there is one record, and that is written.
    pub(crate) fn is_one(&self) -> bool {
        self.record.is_some() && self.others.iter().all(|(_, record)| record.is_none())
    }

    /// Whether any of them is given up.
    pub(crate) fn is_given_up(&self) -> bool {
        self.records().any(|record| record.given_up)
    }

    /// How a state compares with all that was seen; `None` where nothing was.
    pub(crate) fn compare(&self, state: &State) -> Option<Comparison> {
        let mut compared = self.records().map(|record| State::compare(&record.state, state));
        let first = compared.by_ref().find(|one| !is_as_new(*one));
        first.or_else(|| self.record.as_ref().map(|record| State::compare(&record.state, state)))
    }

    /// Whether it is above all that was seen, and nothing was given up.
    pub(crate) fn is_news(&self, state: &State) -> bool {
        !self.is_given_up()
            && self.records().all(|record| is_as_new(State::compare(&record.state, state)))
            && self.record.as_ref().is_none_or(|record| State::compare(&record.state, state) == Comparison::Newer)
    }

    /// Whether `next` may be written by who began at `began`: another record of it, if there is one by now, is below `next`.
    pub(crate) fn lets_write(&self, began: &Self, next: &State) -> bool {
        let facts = |record: &Record| (record.state.clone(), record.given_up);
        self.of(next.id).all(|(known, now)| {
            let then = began.of(next.id).find(|(other, _)| *other == known).map(|(_, record)| facts(record));
            let is_above = !now.given_up && State::compare(&now.state, next) == Comparison::Newer;
            is_above || then == Some(facts(now))
        })
    }

    fn of(&self, id: VaultId) -> impl Iterator<Item = (Known, &Record)> {
        let all = self.others.iter().map(|(known, record)| (*known, record.as_ref()));
        let all = all.chain([(self.known, self.record.as_ref())]);
        all.filter_map(move |(known, record)| Some((known, record.filter(|record| record.state.id == id)?)))
    }
}

impl Seen {
    /// What is known of `vault`, which `key` has opened; `record` is the one that is written, where it was read before.
    pub(crate) fn memory(&self, vault: &Vault, key: &UnlockKey, record: Option<Record>) -> Result<Memory> {
        let (known, owner) = (Known::of(vault), vault.part().card.verification());
        let record = record.map_or_else(|| self.record(known), |record| Ok(Some(record)))?;
        match key {
            // Of a single key, that is the owner.
            UnlockKey::Master(keys) if known.whose == Whose::Own && keys.len() > 1 => {
                self.beside(known, record, keys.iter().map(MasterKey::verification))
            }
            _ => self.beside(known, record, [owner]),
        }
    }

    /// What is known of a vault that may be of a key which is not in the store.
    pub(crate) fn memory_of(&self, known: Known, owner: VerificationKey, keys: &[MasterKey]) -> Result<Memory> {
        let keys = if known.whose == Whose::Own { keys } else { &[] };
        let owners: BTreeSet<_> = keys.iter().map(MasterKey::verification).chain([owner]).collect();
        self.beside(known, self.record(known)?, owners)
    }

    /// The same as it is now.
    pub(crate) fn memory_again(&self, memory: &Memory) -> Result<Memory> {
        let others = memory.others.iter().map(|(known, _)| *known);
        self.ask(memory.known, self.record(memory.known)?, others)
    }

    fn beside(
        &self,
        known: Known,
        record: Option<Record>,
        owners: impl IntoIterator<Item = VerificationKey>,
    ) -> Result<Memory> {
        let accepted = owners.into_iter().map(Whose::Accepted);
        let all = std::iter::once(Whose::Own).chain(accepted).map(|whose| Known { whose, ..known });
        self.ask(known, record, all.filter(|other| *other != known))
    }

    fn ask(&self, known: Known, record: Option<Record>, others: impl Iterator<Item = Known>) -> Result<Memory> {
        let others = others.map(|other| Ok((other, self.record(other)?))).collect::<Result<_>>()?;
        Ok(Memory { known, record, others })
    }

    /// After a state of another owner's was accepted for the newest one, it is that also where the same owner's vault was an own one.
    pub(crate) fn accept_beside(
        &self,
        _lock: &Lock,
        memory: &Memory,
        owner: VerificationKey,
        state: &State,
    ) -> Result<()> {
        for (known, record) in &memory.others {
            let Some(record) = record.as_ref().filter(|record| record.owner == owner) else { continue };
            if record.given_up || !is_as_new(State::compare(&record.state, state)) {
                let (state, floor) = (state.clone(), state.rules.clone());
                let next = Record { state, floor, receipt: None, given_up: false, ..record.clone() };
                write(&self.path(*known), &next.to_bytes())?;
            }
        }
        Ok(())
    }
}

fn is_as_new(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Same | Comparison::Newer)
}
