//! The next state of a vault, signed and encrypted. Keeps the promises that an agent key seals nothing, that a person seals values of the names
//! that the owner permitted and leaves the owner's part byte for byte as it is, and that each change is counted.

use std::sync::OnceLock;

use super::lines::{First, Second};
use super::open::find_sealer;
use super::plain::{self, Plain};
use super::receipt::Anchored;
use super::state::{Comparison, State};
use super::{Changes, Opener, Role, Sealer, Vault};
use crate::age_file;
use crate::error::{Refusal, Result};
use crate::hex::COUNTER_LIMIT;
use crate::key::{MasterKey, UnlockKey, VaultId, random};
use crate::name::PersonName;
use crate::part::Part;
use crate::values::{self, Values};
use crate::vector::{Replica, Vector};

impl Vault {
    /// Seals the changes, counted for `replica`; returns the file. The owner seals with the newest master key, and where the vault was made with
    /// another, it is the new key's from here on, in a new epoch.
    pub fn seal(&mut self, key: &UnlockKey, replica: Replica) -> Result<Vec<u8>> {
        if let (UnlockKey::Master(keys), Role::Owner) = (key, &self.role) {
            self.change_hands(keys.first().ok_or_else(|| Refusal::WrongKey.of(self.agent()))?)?;
        }
        let sealed = match (key, self.role.clone()) {
            (UnlockKey::Agent(_), _) | (_, Role::Reader) => Err(Refusal::ReadOnly),
            (UnlockKey::Master(keys), Role::Owner) => self.seal_as_owner(keys, replica),
            (UnlockKey::Master(keys), Role::Person(name)) => self.seal_as_person(keys, &name, replica),
        };
        sealed.map_err(|refusal| refusal.of(self.agent()))
    }

    /// Starts a new epoch: what is sealed from here on is closed to the agent keys there were.
    pub fn start_epoch(&mut self) -> Result<()> {
        self.check_owner()?;
        self.next_epoch()
    }

    /// Makes this the newest state there is, above all that was `seen`; as a vault of its own, where this one was given up. In an epoch of its own,
    /// unless it is above already, or of the same epoch: what was revoked there, and not here, stays closed.
    pub fn supersede(&mut self, seen: &[&State], given_up: bool) -> Result<()> {
        self.check_owner()?;
        self.changes.part = true;
        self.changes.values = true;
        if given_up {
            return self.become_another();
        }
        // What a broken seal counts is not taken over.
        let own = self.state().map(|own| State { at: self.at.clone(), ..own.clone() });
        let is_of_another_epoch = |seen: &&State| {
            own.as_ref().is_some_and(|own| !own.is_of_epoch_of(seen) && State::compare(seen, own) != Comparison::Newer)
        };
        let begins_an_epoch = seen.iter().any(is_of_another_epoch);
        for seen in seen {
            self.first.epoch = self.first.epoch.max(seen.epoch);
            match (self.first.rules.maximum(&seen.rules), self.at.maximum(&seen.at)) {
                (Ok(rules), Ok(at)) if !rules.is_full() && !at.is_full() => (self.first.rules, self.at) = (rules, at),
                // No further replica, or not even these, fit above both.
                _ => return self.become_another(),
            }
        }
        if begins_an_epoch && self.first.epoch + 1 < COUNTER_LIMIT {
            self.next_epoch()?;
        }
        // A newer key and the next revocation begin one each.
        if self.first.epoch + 2 < COUNTER_LIMIT { Ok(()) } else { self.become_another() }
    }

    /// The vectors run on: it is newer for who has seen no more than they count.
    fn next_epoch(&mut self) -> Result<()> {
        if self.first.epoch + 1 >= COUNTER_LIMIT {
            return Err(Refusal::EpochsUsedUp.of(self.agent()));
        }
        self.first.epoch += 1;
        self.part.nonce = random()?;
        self.changes.part = true;
        Ok(())
    }

    fn become_another(&mut self) -> Result<()> {
        self.first.id = VaultId::generate()?;
        self.first.epoch = 1;
        self.part.nonce = random()?;
        (self.first.rules, self.at) = (Vector::default(), Vector::default());
        Ok(())
    }

    /// Where the vault was made with another key, it is the newest one's from here on.
    fn change_hands(&mut self, owner: &MasterKey) -> Result<()> {
        let card = owner.card();
        if self.part.card == card {
            return Ok(());
        }
        // While the former key is in the store it opens what its holder writes: that is to be old.
        self.next_epoch()?;
        self.part.people.retain(|_, person| {
            // The new key's own card may have been listed.
            person.card.recipient() != card.recipient() && person.card.verification() != card.verification()
        });
        self.part.card = card;
        Ok(())
    }

    fn seal_as_owner(&mut self, keys: &[MasterKey], replica: Replica) -> Result<Vec<u8>, Refusal> {
        let owner = keys.first().ok_or(Refusal::WrongKey)?;
        let opener = Opener { index: 0, anchored: Anchored::Own, stanza: 0 };
        let Some(plain) = self.plain.as_ref().filter(|_| !self.changes.part) else {
            let First { agent, id, epoch, .. } = &self.first;
            self.part.reader = owner.agent_key(agent, *id, *epoch, &self.part.nonce).recipient();
            let rules = self.first.rules.advance(replica)?;
            let part = self.part.to_text();
            let first = First { owner: self.part.card.verification(), rules, bytes: part.len(), ..self.first.clone() };
            let above = plain::sign_part(&first, &part, |message| owner.sign(message));
            return self.seal_values(&above, owner, opener, replica);
        };
        let above = plain.above().to_vec();
        self.seal_values(&above, owner, opener, replica)
    }

    fn seal_as_person(&mut self, keys: &[MasterKey], name: &PersonName, replica: Replica) -> Result<Vec<u8>, Refusal> {
        let person = self.part.people.get(name).ok_or(Refusal::NotShared)?;
        let own = keys.iter().enumerate().find(|(_, key)| key.card() == person.card);
        let (index, key) = own.ok_or(Refusal::NotTheirKey)?;
        let plain = self.plain.as_ref().filter(|_| !self.changes.part).ok_or(Refusal::OwnerOnly)?;
        if let Some(name) = self.changes.set.iter().find(|name| !person.may_set.contains(*name)) {
            return Err(Refusal::MayNotSet(name.clone()));
        }
        if person.may_set.is_empty() {
            return Err(Refusal::OwnerOnly);
        }
        let above = plain.above().to_vec();
        let stanza = self.part.stanza_of(name);
        self.seal_values(&above, key, Opener { index, anchored: Anchored::Card, stanza }, replica)
    }

    /// Signs and encrypts; only then the vault is the new state, so that after a failure it can be sealed again, for another replica, say.
    fn seal_values(
        &mut self,
        above: &[u8],
        key: &MasterKey,
        opener: Opener,
        replica: Replica,
    ) -> Result<Vec<u8>, Refusal> {
        let at = if self.changes.values { self.at.advance(replica)? } else { self.at.clone() };
        let Written { plain, sealer, file } = write(&self.part, above, &at, &self.values, key)?;
        self.first = plain.first.line.clone();
        self.at = at;
        self.sealer = sealer;
        self.opener = Some(opener);
        self.known = false;
        self.changes = Changes::default();
        self.plain = Some(plain);
        self.state = OnceLock::new();
        Ok(file)
    }
}

/// A state as it was sealed, and its file.
pub(super) struct Written {
    pub(super) plain: Plain,
    pub(super) sealer: Sealer,
    pub(super) file: Vec<u8>,
}

/// Seals values under the signed part `above`, which is `part`, and encrypts both.
pub(super) fn write(
    part: &Part,
    above: &[u8],
    at: &Vector,
    values: &Values,
    key: &MasterKey,
) -> Result<Written, Refusal> {
    let second = Second { at: at.clone(), sealer: key.verification() };
    let sealer = find_sealer(part, second.sealer).ok_or(Refusal::OtherSealer)?;
    let bytes = plain::seal(above, &second, &values::to_text(values), |message| key.sign(message));
    // Only to the recipients of the owner's part: neither a header nor a folder adds a reader.
    let file = age_file::seal(&bytes, &part.recipients());
    if file.len() > age_file::MAX_FILE {
        return Err(Refusal::TooLarge);
    }
    Ok(Written { plain: Plain::split(bytes)?, sealer, file })
}
