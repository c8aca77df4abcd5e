//! How often each replica of a vault has changed it. Keeps the promise that a state without what this machine has seen is told from a newer
//! one, which no single number can do: two branches count on from the same base.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use crate::error::{Error, Result};
use crate::hex::{COUNTER_LIMIT, Hex, parse_counter, parse_hex};

/// The most replicas that one vector counts.
pub const MAX_REPLICAS: usize = 64;

/// Names one writer of vaults: a state folder of one machine. 4 random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replica([u8; 4]);

/// A version vector: a counter for each replica, 0 for those that it does not list. Written `<8 hex>.<n>,...`, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector(BTreeMap<Replica, u64>);

/// How one vector compares with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Every counter is the same.
    Equal,
    /// It has everything that the other has, and more.
    Newer,
    /// The other has everything that it has, and more.
    Older,
    /// Each has something that the other does not have.
    Forked,
}

/// Why a replica cannot count on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorFault {
    /// The vector lists [`MAX_REPLICAS`] others. A vault of its own starts with an empty one.
    TooManyReplicas,
    /// The counter is at its limit, 2^53 - 1: draw another replica.
    UsedUp,
}

impl Replica {
    /// A replica with this name.
    pub fn new(name: [u8; 4]) -> Self {
        Self(name)
    }

    /// A new one from the system's random numbers.
    pub fn generate() -> Result<Self> {
        let mut name = [0; 4];
        getrandom::getrandom(&mut name).map_err(|cause| Error::NoRandomNumbers(cause.to_string()))?;
        Ok(Self(name))
    }

    /// Reads 8 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl Vector {
    /// Reads the written form, which is never empty.
    pub fn parse(text: &str) -> Option<Self> {
        let mut counters = BTreeMap::new();
        for entry in text.split(',') {
            let (replica, counter) = entry.split_once('.')?;
            let replica = Replica::parse(replica)?;
            let sorted = counters.last_key_value().is_none_or(|(last, _)| *last < replica);
            if !sorted || counters.len() == MAX_REPLICAS {
                return None;
            }
            counters.insert(replica, parse_counter(counter)?);
        }
        Some(Self(counters))
    }

    /// The counter of `replica`; 0 where it is not listed.
    pub fn get(&self, replica: Replica) -> u64 {
        self.0.get(&replica).copied().unwrap_or_default()
    }

    /// Whether every counter is 0: a vault that was never sealed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether no further replica fits.
    pub fn is_full(&self) -> bool {
        self.0.len() == MAX_REPLICAS
    }

    /// The sum of all counters: what a user reads as the generation.
    pub fn sum(&self) -> u64 {
        // At most 64 times 2^53.
        self.0.values().sum()
    }

    /// How this vector compares with `other`.
    pub fn order(&self, other: &Self) -> Order {
        let behind = |one: &Self, two: &Self| one.0.iter().any(|(replica, counter)| *counter > two.get(*replica));
        match (behind(self, other), behind(other, self)) {
            (false, false) => Order::Equal,
            (true, false) => Order::Newer,
            (false, true) => Order::Older,
            (true, true) => Order::Forked,
        }
    }

    /// Whether this vector has everything that `other` has.
    pub fn covers(&self, other: &Self) -> bool {
        matches!(self.order(other), Order::Equal | Order::Newer)
    }

    /// Whether this vector has every change that `one` and `other` both have.
    pub fn covers_common(&self, one: &Self, other: &Self) -> bool {
        one.0.iter().all(|(replica, count)| self.get(*replica) >= other.get(*replica).min(*count))
    }

    /// The vector after one more change by `replica`.
    pub fn advance(&self, replica: Replica) -> Result<Self, VectorFault> {
        let mut next = self.clone();
        if next.0.len() == MAX_REPLICAS && !next.0.contains_key(&replica) {
            return Err(VectorFault::TooManyReplicas);
        }
        let counter = next.0.entry(replica).or_default();
        if *counter + 1 >= COUNTER_LIMIT {
            return Err(VectorFault::UsedUp);
        }
        *counter += 1;
        Ok(next)
    }

    /// The vector that has everything that either has. Fails where that is more replicas than one vector counts.
    pub fn maximum(&self, other: &Self) -> Result<Self, VectorFault> {
        let mut counters = self.0.clone();
        for (replica, counter) in &other.0 {
            let own = counters.entry(*replica).or_default();
            *own = (*own).max(*counter);
        }
        if counters.len() > MAX_REPLICAS { Err(VectorFault::TooManyReplicas) } else { Ok(Self(counters)) }
    }
}

/// The order of [`Vector::order`].
impl PartialOrd for Vector {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.order(other) {
            Order::Equal => Some(Ordering::Equal),
            Order::Newer => Some(Ordering::Greater),
            Order::Older => Some(Ordering::Less),
            Order::Forked => None,
        }
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (replica, counter)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{replica}.{counter}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vector(text: &str) -> Vector {
        Vector::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[track_caller]
    fn check(one: &str, other: &str, order: Order) {
        let opposite = match order {
            Order::Newer => Order::Older,
            Order::Older => Order::Newer,
            same => same,
        };
        assert_eq!(vector(one).order(&vector(other)), order, "{one} to {other}");
        assert_eq!(vector(other).order(&vector(one)), opposite, "{other} to {one}");
    }

    #[test]
    fn a_larger_sum_is_no_descendant() {
        check("0000000a.3", "0000000a.3", Order::Equal);
        check("0000000a.4", "0000000a.3", Order::Newer);
        check("0000000a.3,0000000b.1", "0000000a.3", Order::Newer);
        check("0000000a.3,0000000b.1", "0000000a.4", Order::Forked);
        check("0000000a.1,0000000b.900", "0000000a.2", Order::Forked);
        check("0000000a.1", "0000000b.1", Order::Forked);
        check("0000000a.1,0000000c.2", "0000000a.1,0000000b.1,0000000c.2", Order::Older);
    }

    #[test]
    fn there_is_one_written_form() {
        let most: Vec<_> = (0..MAX_REPLICAS).map(|number| format!("{number:08x}.1")).collect();
        for text in ["00000000.1", "0000000a.1,0000000b.9007199254740991", &most.join(",")] {
            assert_eq!(vector(text).to_string(), text);
        }
        let more: Vec<_> = (0..=MAX_REPLICAS).map(|number| format!("{number:08x}.1")).collect();
        for text in [
            "",
            ",",
            "0000000a",
            "0000000a.",
            "0000000a.0",
            "0000000a.01",
            "0000000a.+1",
            "0000000a.9007199254740992",
            "0000000A.1",
            "0000000a.1,",
            "0000000a.1 ,0000000b.1",
            "0000000b.1,0000000a.1",
            "0000000a.1,0000000a.1",
            "a.1",
            &more.join(","),
        ] {
            assert!(Vector::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn counting_ends_at_the_limits() {
        let replica = Replica::parse("0000000a").unwrap();
        assert_eq!(Vector::default().advance(replica).unwrap().to_string(), "0000000a.1");
        assert_eq!(vector("0000000a.9007199254740991").advance(replica), Err(VectorFault::UsedUp));
        let most: Vec<_> = (16..16 + MAX_REPLICAS).map(|number| format!("{number:08x}.1")).collect();
        let full = vector(&most.join(","));
        assert_eq!(full.advance(replica), Err(VectorFault::TooManyReplicas));
        assert_eq!(full.maximum(&vector("0000000a.1")), Err(VectorFault::TooManyReplicas));
        assert!(full.advance(Replica::new([0, 0, 0, 16])).is_ok());
        assert_eq!(full.sum(), 64);
    }

    fn any_vector() -> impl Strategy<Value = Vector> {
        prop::collection::btree_map((0_u8..4).prop_map(|name| Replica([0, 0, 0, name])), 1_u64..4, 1..4)
            .prop_map(Vector)
    }

    proptest! {
        #[test]
        fn the_written_form_comes_back(vector in any_vector()) {
            prop_assert_eq!(Vector::parse(&vector.to_string()), Some(vector));
        }

        #[test]
        fn the_maximum_is_the_least_that_covers_both(one in any_vector(), two in any_vector(), third in any_vector()) {
            let both = one.maximum(&two).unwrap();
            prop_assert!(both.covers(&one) && both.covers(&two));
            prop_assert_eq!(third.covers(&one) && third.covers(&two), third.covers(&both));
            prop_assert_eq!(two.maximum(&one).unwrap(), both);
        }

        #[test]
        fn counting_makes_it_newer(vector in any_vector(), name in 0_u8..6) {
            let next = vector.advance(Replica([0, 0, 0, name])).unwrap();
            prop_assert_eq!(next.order(&vector), Order::Newer);
            prop_assert_eq!(next.sum(), vector.sum() + 1);
        }
    }
}
