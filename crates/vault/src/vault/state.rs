//! Which state of which vault: what a machine remembers of a vault, and how one state compares with another. Keeps the promise that an older
//! state, and one that grew beside what was seen, are told from a newer one.

use std::fmt;

use crate::hex::{Hex, parse_counter, parse_hex};
use crate::key::VaultId;
use crate::vector::{Order, Vector};

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

/// A state of a vault. Written as one line: the fields in their order, a blank between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The vault.
    pub id: VaultId,
    /// Counts revocations and changes of the owner's key.
    pub epoch: u64,
    /// Drawn for this epoch: tells it from one of the same number that another machine started.
    pub nonce: [u8; 16],
    /// Counts changes of the owner's part.
    pub rules: Vector,
    /// SHA-256 over the first line up to its signature, and the owner's part.
    pub owner_hash: Digest,
    /// Counts changes of the values.
    pub at: Vector,
    /// SHA-256 over `at` and the values. The sealer is not part of the state.
    pub values_hash: Digest,
}

/// How a state compares with the one that this machine has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It is the state that was seen.
    Same,
    /// It has all that was seen, and more.
    Newer,
    /// It lacks something that was seen.
    RolledBack,
    /// It was changed on another machine beside what was seen.
    Forked,
    /// It is another vault.
    OtherVault,
}

impl State {
    /// Compares `now` with what was seen before.
    pub fn compare(seen: &Self, now: &Self) -> Comparison {
        if seen.id != now.id {
            return Comparison::OtherVault;
        }
        if now.epoch < seen.epoch {
            return Comparison::RolledBack;
        }
        if now.epoch == seen.epoch && now.nonce != seen.nonce {
            return Comparison::Forked;
        }
        let orders = [
            (now.rules.order(&seen.rules), now.owner_hash == seen.owner_hash),
            (now.at.order(&seen.at), now.values_hash == seen.values_hash),
        ];
        let any = |test: fn(&(Order, bool)) -> bool| orders.iter().any(test);
        // Only the owner starts an epoch, but may have done so on a machine that lacked something: it is newer only if it has all that was seen.
        if any(|(order, _)| *order == Order::Older) {
            if now.epoch > seen.epoch { Comparison::Forked } else { Comparison::RolledBack }
        } else if any(|(order, same)| *order == Order::Forked || *order == Order::Equal && !same) {
            Comparison::Forked
        } else if any(|(order, _)| *order == Order::Newer) {
            Comparison::Newer
        } else {
            Comparison::Same
        }
    }

    /// Whether `other` is of the same epoch: what opens the one by an agent key opens the other.
    pub fn is_of_epoch_of(&self, other: &Self) -> bool {
        (self.epoch, self.nonce) == (other.epoch, other.nonce)
    }

    /// Compares this state with the vectors that an agent key's line carries. There is no hash to tell a fork of the same numbers.
    pub(super) fn compare_with_floor(&self, rules: &Vector, at: &Vector) -> Comparison {
        let orders = [self.rules.order(rules), self.at.order(at)];
        if orders.contains(&Order::Older) {
            Comparison::RolledBack
        } else if orders.contains(&Order::Forked) {
            Comparison::Forked
        } else if orders.contains(&Order::Newer) {
            Comparison::Newer
        } else {
            Comparison::Same
        }
    }

    /// The number that a user reads: how many changes of the values there were.
    pub fn generation(&self) -> u64 {
        self.at.sum()
    }

    /// Reads the one written form.
    pub fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let state = Self {
            id: VaultId::parse(fields.next()?)?,
            epoch: parse_counter(fields.next()?)?,
            nonce: parse_hex(fields.next()?)?,
            rules: Vector::parse(fields.next()?)?,
            owner_hash: Digest::parse(fields.next()?)?,
            at: Vector::parse(fields.next()?)?,
            values_hash: Digest::parse(fields.next()?)?,
        };
        fields.next().is_none().then_some(state)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, epoch, nonce, rules, owner_hash, at, values_hash } = self;
        write!(f, "{id} {epoch} {} {rules} {owner_hash} {at} {values_hash}", Hex(nonce))
    }
}

impl Digest {
    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state((epoch, rules, owner, at, values): (u64, &str, u8, &str, u8)) -> State {
        let vector = |text: &str| Vector::parse(text).unwrap();
        State {
            id: VaultId([7; 16]),
            epoch,
            nonce: [5; 16],
            rules: vector(rules),
            owner_hash: Digest([owner; 32]),
            at: vector(at),
            values_hash: Digest([values; 32]),
        }
    }

    #[test]
    fn the_rules_as_a_table() {
        use Comparison::{Forked, Newer, RolledBack, Same};
        const A1: &str = "0000000a.1";
        const A2: &str = "0000000a.2";
        const B1: &str = "0000000b.1";
        const A1_B1: &str = "0000000a.1,0000000b.1";
        for (seen, now, comparison) in [
            ((1, A1, 1, A1, 1), (1, A1, 1, A1, 1), Same),
            // One side moved on, or both.
            ((1, A1, 1, A1, 1), (1, A1, 1, A2, 2), Newer),
            ((1, A1, 1, A1, 1), (1, A2, 2, A1, 1), Newer),
            ((1, A1, 1, A1, 1), (1, A1_B1, 2, A2, 2), Newer),
            // Either is lower: rolled back, whatever the other says.
            ((1, A1, 1, A2, 2), (1, A1, 1, A1, 1), RolledBack),
            ((1, A2, 2, A1, 1), (1, A1, 1, A1, 1), RolledBack),
            ((1, A2, 2, A1, 1), (1, A1, 1, A2, 2), RolledBack),
            ((1, A2, 2, A1, 1), (1, A1, 1, B1, 2), RolledBack),
            // Branches: a larger sum is no descendant.
            ((1, A1, 1, A2, 2), (1, A1, 1, A1_B1, 3), Forked),
            ((1, A2, 2, A1, 1), (1, B1, 3, A1, 1), Forked),
            ((1, A1, 1, A2, 2), (1, A2, 2, B1, 3), Forked),
            // The same numbers for something else.
            ((1, A1, 1, A1, 1), (1, A1, 9, A1, 1), Forked),
            ((1, A1, 1, A1, 1), (1, A1, 1, A1, 9), Forked),
            ((1, A1, 1, A1, 1), (1, A2, 2, A1, 9), Forked),
            ((1, A1, 1, A1, 1), (1, A1, 9, A2, 2), Forked),
            // A higher number with the same hash is not the same state.
            ((1, A1, 1, A1, 1), (1, A1, 1, A2, 1), Newer),
            // Epochs.
            ((1, A1, 1, A1, 1), (2, A2, 2, A1, 1), Newer),
            ((1, A1, 1, A1, 1), (3, A1_B1, 2, A2, 2), Newer),
            // Started on a state that lacks something of what was seen, or beside it.
            ((1, A2, 2, A2, 2), (2, A1, 1, A1, 1), Forked),
            ((1, A2, 2, A1, 1), (2, B1, 3, A1, 1), Forked),
            ((1, A1, 1, A2, 2), (2, A2, 2, A1, 1), Forked),
            ((1, A1, 1, A2, 2), (2, A2, 2, A1_B1, 3), Forked),
            ((1, A1, 1, A1, 1), (2, A2, 2, A1, 9), Forked),
            ((2, A1, 1, A1, 1), (1, A2, 2, A2, 2), RolledBack),
            ((2, A1, 1, A1, 1), (1, A1, 1, A1, 1), RolledBack),
        ] {
            assert_eq!(State::compare(&state(seen), &state(now)), comparison, "{seen:?} {now:?}");
        }
        // Two epochs of the same number, whatever they count.
        let mut apart = state((1, A2, 2, A2, 2));
        apart.nonce = [6; 16];
        assert_eq!(State::compare(&state((1, A1, 1, A1, 1)), &apart), Comparison::Forked);
        let mut other = state((9, A2, 1, A2, 1));
        other.id = VaultId([8; 16]);
        assert_eq!(State::compare(&state((1, A1, 1, A1, 1)), &other), Comparison::OtherVault);
    }

    #[test]
    fn a_floor_as_a_table() {
        use Comparison::{Forked, Newer, RolledBack, Same};
        for (rules, at, comparison) in [
            ("0000000a.2", "0000000a.2", Same),
            ("0000000a.1", "0000000a.2", Newer),
            ("0000000a.3", "0000000a.1", RolledBack),
            ("0000000a.2", "0000000a.3", RolledBack),
            ("0000000a.2", "0000000b.1", Forked),
            ("0000000b.1", "0000000a.3", RolledBack),
        ] {
            let now = state((1, "0000000a.2", 1, "0000000a.2", 1));
            let vector = |text: &str| Vector::parse(text).unwrap();
            assert_eq!(now.compare_with_floor(&vector(rules), &vector(at)), comparison, "{rules} {at}");
        }
    }

    #[test]
    fn the_written_form_comes_back() {
        let line = state((3, "0000000a.1", 1, "0000000a.2,0000000b.1", 2)).to_string();
        assert_eq!(State::parse(&line).unwrap().to_string(), line);
        for bad in [format!("{line} "), format!(" {line}"), line.replace("a.1", "a.01"), line[1..].to_owned()] {
            assert!(State::parse(&bad).is_none(), "{bad}");
        }
        assert_eq!(State::parse(&line).unwrap().generation(), 3);
    }
}
