//! A look at a vault without knowing yet whose it should be, only for `accept`. Keeps the promise that looking is not trusting: what is shown
//! here becomes a [`Vault`] only by naming the card, and then all of it is verified again.

use super::open::{self, Anchor, By, Decrypted, Holder};
use super::plain::Plain;
use super::state::State;
use super::{Sealer, Vault};
use crate::error::{Refusal, Result};
use crate::hex::COUNTER_LIMIT;
use crate::key::{Card, Fingerprint, MasterKey, UnlockKey};
use crate::name::{AgentName, SecretName};
use crate::part::Part;
use crate::time::Timestamp;
use crate::values::Values;
use crate::vector::VectorFault;

/// A vault whose owner's part is signed by the owner whom it names itself. Nothing says yet that this is the right one.
pub struct Inspected {
    plain: Plain,
    /// Which of the keys its owner has, or listed; or else opened it.
    index: usize,
    /// The stanza that opened it.
    stanza: usize,
    part: Part,
    state: State,
    /// Who sealed it, if the seal holds.
    sealer: Option<Sealer>,
    /// As far as they can be read; verified only where there is a sealer.
    values: Option<Values>,
}

impl Vault {
    /// Opens a vault to be looked at: steps 1 to 5, with the owner whom it names.
    pub fn inspect(file: &[u8], agent: &AgentName, keys: &[MasterKey]) -> Result<Inspected> {
        let inspected = open::decrypt(file, keys, 0).and_then(|opened| Inspected::new(opened, keys, Some(agent)));
        inspected.map_err(|refusal| refusal.of(agent))
    }

    /// The same where no name is known but the one that it has itself: to be shown, and for nothing else. `None` if it does not open so.
    pub fn inspect_any(file: &[u8], keys: &[MasterKey]) -> Option<Inspected> {
        Inspected::new(open::decrypt(file, keys, 0).ok()?, keys, None).ok()
    }
}

impl Inspected {
    fn new(
        Decrypted { bytes, opener, stanza }: Decrypted,
        keys: &[MasterKey],
        agent: Option<&AgentName>,
    ) -> Result<Self, Refusal> {
        let plain = Plain::split(bytes)?;
        agent.map_or(Ok(()), |agent| open::check_agent(&plain, agent))?;
        let owner = plain.first.line.owner.verifier();
        let owner = owner.filter(|owner| plain.is_owners(owner)).ok_or(Refusal::NotAuthentic)?;
        let part = open::read_part(&plain)?;
        let state = plain.state()?;
        let below = plain.below()?;
        let values = open::read_values(&part, below.values).ok();
        let sealer = open::find_sealer(&part, below.second.line.sealer);
        let sealer = sealer.filter(|_| values.is_some() && plain.is_sealed(&below, &owner));
        let is_own = keys.iter().any(|key| key.card() == part.card);
        let index = open::holder_of(keys, opener, |key| {
            let card = key.card();
            if is_own { card == part.card } else { part.people.values().any(|person| person.card == card) }
        });
        Ok(Self { plain, index, stanza, part, state, sealer, values })
    }

    /// The agent whose vault it says it is.
    pub fn agent(&self) -> &AgentName {
        &self.plain.first.line.agent
    }

    /// The card of the owner whom it names.
    pub fn card(&self) -> &Card {
        &self.part.card
    }

    /// What two people compare before one accepts the other's card.
    pub fn fingerprint(&self) -> Fingerprint {
        self.card().fingerprint()
    }

    /// The owner's part.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// The state that it would be.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Why no machine, or none that has not changed it yet, can count another change of it; `None` where each can.
    pub fn has_used_up(&self) -> Option<Refusal> {
        let State { epoch, rules, at, .. } = &self.state;
        if epoch + 1 >= COUNTER_LIMIT {
            return Some(Refusal::EpochsUsedUp);
        }
        // What a broken seal counts is not taken over.
        let is_full = rules.is_full() || self.sealer.is_some() && at.is_full();
        is_full.then_some(Refusal::Vector(VectorFault::TooManyReplicas))
    }

    /// Who sealed the values; `None` where the seal does not hold.
    pub fn sealer(&self) -> Option<&Sealer> {
        self.sealer.as_ref()
    }

    /// The values, if the seal holds.
    pub fn sealed_values(&self) -> Option<&Values> {
        self.values.as_ref().filter(|_| self.sealer.is_some())
    }

    /// When each value was first and last set; nothing where the values cannot be read. Only a sealer vouches for it.
    pub fn times(&self) -> impl Iterator<Item = (&SecretName, Timestamp, Timestamp)> {
        let values = self.values.iter().flatten();
        values.map(|(name, secret)| (name, secret.created, secret.updated))
    }

    /// Whether the owner whom it names is one of `keys`.
    pub fn is_owned_by(&self, keys: &[MasterKey]) -> bool {
        keys.iter().any(|key| key.card() == self.part.card)
    }

    /// Verifies all of it against the card that was accepted, and with the keys that opened it.
    pub fn accept(self, key: &UnlockKey, card: &Card) -> Result<Vault> {
        let agent = self.plain.first.line.agent.clone();
        let vault = self.opener(key).and_then(|key| {
            let holder = Holder::new(key, Anchor::Card(card), &agent)?;
            open::verify(self.plain, &agent, &holder, By { index: self.index, stanza: self.stanza }, None)
        });
        vault.map_err(|refusal| refusal.of(&agent))
    }

    /// Takes values whose seal does not hold, for the owner who has looked at them: edited by hand, say. The owner's part is verified as ever; the
    /// values are taken as they are, and count as changed, from no count that the broken seal states.
    pub fn accept_unsealed(self, key: &UnlockKey) -> Result<Vault> {
        let agent = self.plain.first.line.agent.clone();
        let vault = self.opener(key).and_then(|key| open::adopt(self.plain, key, self.index));
        vault.map_err(|refusal| refusal.of(&agent))
    }

    fn opener<'a>(&self, key: &'a UnlockKey) -> Result<&'a MasterKey, Refusal> {
        let UnlockKey::Master(keys) = key else { return Err(Refusal::ReadOnly) };
        keys.get(self.index).ok_or(Refusal::WrongKey)
    }
}
