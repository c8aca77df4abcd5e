//! Two states of a vault that grew apart become one, secret by secret. Keeps the promises that no value is taken from who could not have set it
//! by the rules of the result, that the same two sides merge to the same state, whoever merges them, and that a conflict changes nothing.
//!
//! The rules are numbered in `docs/design/merge.md`.

mod part;
mod secrets;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::lines::First;
use super::plain;
use super::receipt::Anchored;
use super::seal::{self, Written};
use super::state::{Comparison, State};
use super::{Changes, Opener, Role, Sealer, Vault};
use crate::error::{Refusal, Result};
use crate::key::{Card, MasterKey, UnlockKey};
use crate::name::{PersonName, SecretName};
use crate::part::Part;
use crate::values::Values;
use crate::vector::{Order, Replica, Vector};

/// The states to merge, each opened and verified by the same key against the same owner.
#[derive(Clone, Copy)]
pub struct Sides<'a> {
    /// What both grew from, if there is such a state.
    pub base: Option<&'a Vault>,
    /// The one that is merged into.
    pub ours: &'a Vault,
    /// The one that is merged.
    pub theirs: &'a Vault,
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that is merged into.
    Ours,
    /// The one that is merged.
    Theirs,
}

/// Whose secret is taken where both sides changed it, by name.
pub type Choices = BTreeMap<SecretName, Side>;

/// What becomes of two sides.
pub enum Merged {
    /// This side has all that the other has: its bytes, as they are.
    Whole(Side),
    /// A state that has what both have, and its file.
    Joined(Box<Vault>, Vec<u8>),
    /// Both changed the same.
    Clashes(Vec<Clash>),
}

/// What both sides changed, each in its own way, or one changed and the other removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// A secret: its value or how it is treated.
    Secret(SecretName),
    /// A person and the permissions of that person.
    Person(PersonName),
    /// One side counts changes, and was sealed by somebody who may seal nothing in the result, or in another epoch.
    Stranger,
    /// One side belongs to a former key of the owner's, and changed names, flags or people.
    FormerKey,
    /// Each began an epoch, or the picked one did.
    Epoch,
    /// They count the same for different states.
    Count,
}

/// How the sides stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Both have all that the base has.
    Merge,
    /// Ours has not: what lies between the base and theirs is applied to it.
    Pick,
    /// There is no base: every difference is a conflict.
    Apart,
}

/// What the result holds, before it is sealed.
struct Draft {
    part: Part,
    /// Whose epoch it is of.
    lead: Side,
    /// Whose owner's part it has, byte for byte; `None` where it is made anew.
    whole: Option<Side>,
    values: Values,
}

impl Vault {
    /// Merges two sides. A choice settles what both changed; `replica` counts a choice, and what is picked from another branch.
    pub fn merge(sides: Sides<'_>, choices: &Choices, key: &UnlockKey, replica: Replica) -> Result<Merged> {
        sides.merge(choices, key, replica).map_err(|refusal| refusal.of(sides.ours.agent()))
    }
}

impl<'a> Sides<'a> {
    fn merge(self, choices: &Choices, key: &UnlockKey, replica: Replica) -> Result<Merged, Refusal> {
        let way = self.way()?;
        let older = self.of_older_key(key)?;
        if let Some(side) = self.whole(way).filter(|side| Some(*side) != older) {
            return Ok(Merged::Whole(side));
        }
        let UnlockKey::Master(keys) = key else { return Err(Refusal::ReadOnly) };
        if self.counts_alike() {
            return Ok(Merged::Clashes(vec![Clash::Count]));
        }
        let draft = match self.draft(way, older, choices)? {
            Ok(draft) => draft,
            Err(clashes) => return Ok(Merged::Clashes(clashes)),
        };
        let counted = way == Way::Pick || !choices.is_empty();
        let (vault, file) = self.seal(draft, way, keys, counted.then_some(replica))?;
        Ok(Merged::Joined(Box::new(vault), file))
    }

    /// Refuses another vault, and a side that is older than the base.
    fn way(self) -> Result<Way, Refusal> {
        let Self { base, ours, theirs } = self;
        if ours.id() != theirs.id() || base.is_some_and(|base| base.id() != ours.id()) {
            return Err(Refusal::OtherVault);
        }
        let Some(base) = base else { return Ok(Way::Apart) };
        if !has_all_of(theirs, base) {
            return Err(Refusal::OlderThanBase);
        }
        Ok(match has_all_of(ours, base) {
            false => Way::Pick,
            true if self.grew_from(base) => Way::Merge,
            true => Way::Apart,
        })
    }

    /// Whether the base has all that both sides have of each machine's changes. Who writes the repository chooses the base: an older one, or one that
    /// only a former key signed, would pass for new what one side has taken away.
    fn grew_from(self, base: &Vault) -> bool {
        let (base_state, ours, theirs) = (of(base), of(self.ours), of(self.theirs));
        let is_of_their_key = self.ours.part.card != self.theirs.part.card || base.part.card == self.ours.part.card;
        is_of_their_key
            && base_state.rules.covers_common(&ours.rules, &theirs.rules)
            && base_state.at.covers_common(&ours.at, &theirs.at)
    }

    /// The side that belongs to an older key of this user's than the other one: who has that key can make a state that seems to have all. Refuses
    /// sides of two owners that are not both this user.
    fn of_older_key(self, key: &UnlockKey) -> Result<Option<Side>, Refusal> {
        let [ours, theirs] = [&self.ours.part.card, &self.theirs.part.card];
        if ours == theirs {
            return Ok(None);
        }
        let UnlockKey::Master(keys) = key else { return Err(Refusal::OtherOwner) };
        let age = |card: &Card| keys.iter().position(|key| key.card() == *card).ok_or(Refusal::OtherOwner);
        Ok(Some(if age(ours)? > age(theirs)? { Side::Ours } else { Side::Theirs }))
    }

    /// The side that is the result as it is.
    fn whole(self, way: Way) -> Option<Side> {
        let Self { base, ours, theirs } = self;
        match way {
            Way::Pick => base.is_some_and(|base| base.state() == theirs.state()).then_some(Side::Ours),
            Way::Merge | Way::Apart if has_all_of(ours, theirs) => Some(Side::Ours),
            Way::Merge | Way::Apart => has_all_of(theirs, ours).then_some(Side::Theirs),
        }
    }

    /// Whether a number was used for two states: no order between them can be told.
    fn counts_alike(self) -> bool {
        let [ours, theirs] = [self.ours, self.theirs].map(of);
        ours.is_of_epoch_of(theirs)
            && (ours.rules.order(&theirs.rules) == Order::Equal && ours.owner_hash != theirs.owner_hash
                || ours.at.order(&theirs.at) == Order::Equal && ours.values_hash != theirs.values_hash)
    }

    /// `older` is the side of an older key.
    fn draft(self, way: Way, older: Option<Side>, choices: &Choices) -> Result<Result<Draft, Vec<Clash>>, Refusal> {
        let newer = match older.map(|older| self.part_of_newer_key(way, older)) {
            Some(None) => return Ok(Err(vec![Clash::FormerKey])),
            newer => newer.flatten(),
        };
        let Some(lead) = self.lead(way) else { return Ok(Err(vec![Clash::Epoch])) };
        let mut clashes = Vec::new();
        // Not one that lacks a secret which the choice keeps.
        let has = |side: Side, name| self.of(side).names().contains_key(name);
        let keeps = |side: &Side| choices.iter().all(|(name, choice)| has(*side, name) || !has(*choice, name));
        let whole = newer.or_else(|| self.whole_part(way, lead).filter(keeps));
        let part = match whole {
            Some(side) => self.of(side).part.clone(),
            None if self.ours.role != Role::Owner => return Err(Refusal::OwnerMerges),
            None => part::merged(self, way, lead, choices, &mut clashes),
        };
        if let Role::Person(name) = &self.ours.role {
            // Who chooses a value vouches for it.
            let may_set = part.people.get(name).map(|person| &person.may_set);
            let mut chosen = choices.keys();
            if let Some(name) = chosen.find(|name| !may_set.is_some_and(|may_set| may_set.contains(*name))) {
                return Err(Refusal::MayNotSet(name.clone()));
            }
        }
        let values = secrets::merged(self, way, &part, choices, &mut clashes);
        if clashes.is_empty() && choices.is_empty() && way != Way::Pick && self.is_counted_by_a_stranger(&part) {
            clashes.push(Clash::Stranger);
        }
        clashes.sort();
        clashes.dedup();
        Ok(if clashes.is_empty() { Ok(Draft { part, lead, whole, values }) } else { Err(clashes) })
    }

    /// Whether a side counts changes that the other one lacks, and its sealer may seal nothing in the result. They change no value; but they could
    /// count for another machine, whose next change would then seem to be known.
    fn is_counted_by_a_stranger(self, part: &Part) -> bool {
        let is_stranger =
            |side: &Vault, other: &Vault| !secrets::may_seal(side, part) && !of(other).at.covers(&of(side).at);
        is_stranger(self.ours, self.theirs) || is_stranger(self.theirs, self.ours)
    }

    /// The side of the newer key, if the one of the older key has not changed the owner's part: what it has changed there, the holder of that key
    /// may have done, and nobody signs it with the newer one unasked.
    fn part_of_newer_key(self, way: Way, older: Side) -> Option<Side> {
        let newer = if older == Side::Ours { Side::Theirs } else { Side::Ours };
        let is_unchanged = self.base.is_some_and(|base| of(base).owner_hash == of(self.of(older)).owner_hash);
        // A pick adds to our side what its commit has changed.
        (is_unchanged && (way == Way::Merge || older == Side::Theirs)).then_some(newer)
    }

    /// The side whose epoch the result is of.
    fn lead(self, way: Way) -> Option<Side> {
        let [ours, theirs] = [self.ours, self.theirs].map(of);
        if ours.is_of_epoch_of(theirs) {
            return Some(Side::Ours);
        }
        match way {
            // A revocation is made anew, not picked.
            Way::Pick => self.base.is_some_and(|base| of(base).is_of_epoch_of(theirs)).then_some(Side::Ours),
            Way::Apart => None,
            Way::Merge if ours.epoch == theirs.epoch => None,
            Way::Merge if ours.epoch > theirs.epoch => Some(Side::Ours),
            Way::Merge => Some(Side::Theirs),
        }
    }

    /// The side whose owner's part is the result's, with the owner's signature of it.
    fn whole_part(self, way: Way, lead: Side) -> Option<Side> {
        let [ours, theirs] = [self.ours, self.theirs].map(of);
        if ours.owner_hash == theirs.owner_hash {
            return Some(Side::Ours);
        }
        match way {
            Way::Pick => self.base.is_some_and(|base| of(base).owner_hash == theirs.owner_hash).then_some(Side::Ours),
            Way::Merge if !ours.is_of_epoch_of(theirs) => {
                let (leading, other) = if lead == Side::Ours { (ours, theirs) } else { (theirs, ours) };
                leading.rules.covers(&other.rules).then_some(lead)
            }
            Way::Merge | Way::Apart => match ours.rules.order(&theirs.rules) {
                Order::Newer => Some(Side::Ours),
                Order::Older => Some(Side::Theirs),
                Order::Equal | Order::Forked => None,
            },
        }
    }

    fn of(self, side: Side) -> &'a Vault {
        match side {
            Side::Ours => self.ours,
            Side::Theirs => self.theirs,
        }
    }

    /// Counts, signs and encrypts. `counted` is the replica of who decided something.
    fn seal(
        self,
        draft: Draft,
        way: Way,
        keys: &[MasterKey],
        counted: Option<Replica>,
    ) -> Result<(Vault, Vec<u8>), Refusal> {
        let Draft { part, lead, whole, values } = draft;
        let (ours, theirs) = (of(self.ours), of(self.theirs));
        let joined = |one: &Vector, other: &Vector| -> Result<Vector, Refusal> {
            let both = if way == Way::Pick { one.clone() } else { one.maximum(other)? };
            counted.map_or(Ok(both.clone()), |replica| Ok(both.advance(replica)?))
        };
        let at = joined(&ours.at, &theirs.at)?;
        let (index, key, anchored) = self.sealer(&part, keys)?;
        let above = if let Some(side) = whole {
            self.of(side).plain.as_ref().ok_or(Refusal::OwnerOnly)?.above().to_vec()
        } else {
            let text = part.to_text();
            let rules = joined(&ours.rules, &theirs.rules)?;
            let first = First { rules, bytes: text.len(), ..self.of(lead).first.clone() };
            plain::sign_part(&first, &text, |message| key.sign(message))
        };
        let Written { plain, sealer, file } = seal::write(&part, &above, &at, &values, key)?;
        let vault = Vault {
            first: plain.first.line.clone(),
            role: match &sealer {
                Sealer::Owner => Role::Owner,
                Sealer::Person(name) => Role::Person(name.clone()),
            },
            part,
            at,
            values,
            sealer,
            opener: Some(Opener { index, anchored, stanza: 0 }),
            known: false,
            changes: Changes::default(),
            plain: Some(plain),
            state: OnceLock::new(),
        };
        Ok((vault, file))
    }

    /// Who seals the result: the owner with the key that the result belongs to, or a person who may set some value of it.
    fn sealer<'k>(self, part: &Part, keys: &'k [MasterKey]) -> Result<(usize, &'k MasterKey, Anchored), Refusal> {
        let mut keys = keys.iter().enumerate();
        match &self.ours.role {
            Role::Owner => {
                // A state that a former key seals is none that readers take.
                let newest = keys.next().filter(|(_, key)| key.card() == part.card);
                newest.map(|(index, key)| (index, key, Anchored::Own)).ok_or(Refusal::OfFormerKey)
            }
            Role::Person(_) => {
                let listed = |key: &MasterKey| {
                    let card = key.card();
                    part.people.values().any(|person| person.card == card && !person.may_set.is_empty())
                };
                let own = keys.find(|(_, key)| listed(key));
                own.map(|(index, key)| (index, key, Anchored::Card)).ok_or(Refusal::OwnerMerges)
            }
            Role::Reader => Err(Refusal::ReadOnly),
        }
    }
}

/// The state of a vault that was opened from a file.
fn of(vault: &Vault) -> &State {
    vault.state().expect("a side was opened from a file")
}

/// Whether `one` has all that `other` has.
pub(super) fn has_all_of(one: &Vault, other: &Vault) -> bool {
    matches!(State::compare(of(other), of(one)), Comparison::Same | Comparison::Newer)
}
