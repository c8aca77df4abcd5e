//! The places in the text where forms were found. Promises that overlapping finds become one, with the name of the
//! longest form, then of the first, then the lowest name.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::cursor::Place;

/// The bytes `start..end` of the text, and the best form found there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Find {
    pub(super) start: u64,
    pub(super) end: u64,
    best: Best,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Best {
    /// The length in bytes of the form, without line ends.
    len: u32,
    start: u64,
    /// Whether this is only the beginning of a form, at the end of the stream. A whole form of the same length takes
    /// precedence.
    partial: bool,
    name: u32,
}

impl Find {
    pub(super) fn new(place: Place) -> Self {
        let Place { start, end, len, name } = place;
        Self { start, end, best: Best { len, start, partial: false, name } }
    }

    /// The beginning of a form.
    pub(super) fn beginning(place: Place) -> Self {
        let whole = Self::new(place);
        Self { best: Best { partial: true, ..whole.best }, ..whole }
    }

    /// Without what is before `start`, which left before the find was made.
    #[must_use]
    pub(super) fn from(self, start: u64) -> Self {
        Self { start: self.start.max(start), ..self }
    }

    /// The name in the marker, as an index into the names in ascending order.
    pub(super) fn name(&self) -> u32 {
        self.best.name
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    fn merge(&mut self, other: &Self) {
        self.start = self.start.min(other.start);
        self.end = self.end.max(other.end);
        let rank = |best: &Best| (std::cmp::Reverse(best.len), best.start, best.partial, best.name);
        if rank(&other.best) < rank(&self.best) {
            self.best = other.best;
        }
    }
}

/// Finds in text order, without overlaps.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Finds(VecDeque<Find>);

impl Finds {
    /// Adds a find. Finds arrive nearly in the order of their ends.
    pub(super) fn add(&mut self, mut find: Find) {
        let behind = self.0.iter().rev().take_while(|known| known.start >= find.end).count();
        let mut at = self.0.len() - behind;
        while let Some(known) =
            at.checked_sub(1).and_then(|before| self.0.get(before)).filter(|known| known.overlaps(&find))
        {
            find.merge(known);
            at -= 1;
            self.0.remove(at);
        }
        self.0.insert(at, find);
    }

    pub(super) fn first(&self) -> Option<&Find> {
        self.0.front()
    }

    pub(super) fn last(&self) -> Option<&Find> {
        self.0.back()
    }

    pub(super) fn take_first(&mut self) {
        self.0.pop_front();
    }
}
