//! How often which host was asked: counts and host names, never a path.

use std::collections::BTreeMap;

use crate::authority::Authority;
use crate::refusal::Refusal;

/// What happened with one host in a run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// The host, or `None` for what was refused before it was known.
    pub host: Option<Authority>,
    /// Requests that were passed on.
    pub requests: u64,
    /// Requests that cast refused; nothing was sent.
    pub refused: u64,
    /// Requests that the host, or the way to it, failed.
    pub failed: u64,
}

/// All hosts of a run.
#[derive(Debug, Default)]
pub struct Tallies(BTreeMap<Option<Authority>, Tally>);

impl Tallies {
    /// A request goes to this host.
    pub fn request(&mut self, host: &Authority) {
        self.of(Some(host)).requests += 1;
    }

    /// cast answers itself.
    pub fn refusal(&mut self, host: Option<&Authority>, refusal: &Refusal) {
        let tally = self.of(host);
        *if refusal.is_failure() { &mut tally.failed } else { &mut tally.refused } += 1;
    }

    /// A connection was refused before it could have an answer.
    pub fn refused(&mut self, host: &Authority) {
        self.of(Some(host)).refused += 1;
    }

    /// A response broke off after it had begun.
    pub fn failed(&mut self, host: &Authority) {
        self.of(Some(host)).failed += 1;
    }

    /// The hosts that something happened with, in the order of their names.
    pub fn take(&mut self) -> Vec<Tally> {
        std::mem::take(&mut self.0).into_values().collect()
    }

    fn of(&mut self, host: Option<&Authority>) -> &mut Tally {
        let new = || Tally { host: host.cloned(), ..Tally::default() };
        self.0.entry(host.cloned()).or_insert_with(new)
    }
}
