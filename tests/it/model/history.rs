//! The checker: looks for an order of the operations, in which each takes place at one moment between its begin and its
//! end, that explains every answer by the model (as Wing and Gong do, with a memory of what was tried). The vaults are
//! one object: a copy reads one and writes the other at the same moment, under the lock of their folder.

use std::collections::{BTreeSet, HashSet};
use std::fmt::{self, Display};

use super::world::{Answer, Asked, World};

/// An operation of a history.
#[derive(Clone, Debug)]
pub struct Event {
    /// Who asked, and in which home.
    pub worker: usize,
    pub home: usize,
    pub asked: Asked,
    pub answer: Answer,
    /// Moments, which are counted in one order for all: just before the process began, and just after it was gone.
    pub begin: usize,
    pub end: usize,
    pub ending: Ending,
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Ending {
    Itself,
    Killed,
    /// Killed while it wrote a vault, or remembered what it wrote.
    KilledInWrite,
}

impl Ending {
    pub fn is_killed(self) -> bool {
        self != Self::Itself
    }
}

/// What was put in order so far, by the events' order of begin: all below `low`, and those `ahead`.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Ordered {
    low: usize,
    ahead: BTreeSet<usize>,
}

impl Ordered {
    fn with(&self, event: usize) -> Self {
        let mut next = self.clone();
        next.ahead.insert(event);
        while next.ahead.remove(&next.low) {
            next.low += 1;
        }
        next
    }
}

/// Whether some order explains these events, which begin in an empty folder.
pub fn is_explained(events: &[Event]) -> bool {
    let mut events: Vec<_> = events.iter().filter(|event| counts(event)).cloned().collect();
    events.sort_by_key(|event| event.begin);
    let mut tried = HashSet::new();
    let mut open = vec![(Ordered { low: 0, ahead: BTreeSet::new() }, World::default())];
    while let Some((ordered, world)) = open.pop() {
        if ordered.low == events.len() {
            return true;
        }
        if !tried.insert((ordered.clone(), world)) {
            continue;
        }
        let left = || (ordered.low..events.len()).filter(|event| !ordered.ahead.contains(event));
        // What began after another one had ended comes after it.
        let limit = left().map(|event| events[event].end).min().unwrap();
        let mut next = Vec::new();
        for event in left().take_while(|event| events[*event].begin < limit) {
            let Event { asked, answer, .. } = &events[event];
            let after = world.after(asked, answer);
            let is_look = !asked.is_change() || matches!(answer, Answer::Refused(_));
            if is_look && !after.is_empty() {
                // What changes nothing and is right now does no harm now: no other order is better.
                next = vec![(ordered.with(event), world)];
                break;
            }
            next.extend(after.into_iter().map(|world| (ordered.with(event), world)));
        }
        open.extend(next);
    }
    false
}

/// A killed read tells nothing.
fn counts(event: &Event) -> bool {
    event.answer != Answer::Unknown || event.asked.is_change()
}

/// What was known at a moment: what had not come to its end by then may have been done or not.
fn until(events: &[Event], moment: usize) -> Vec<Event> {
    let begun = events.iter().filter(|event| event.begin <= moment);
    let known = |event: &Event| if event.end <= moment { event.answer.clone() } else { Answer::Unknown };
    begun.map(|event| Event { answer: known(event), ..event.clone() }).collect()
}

/// If no order explains the history: its shortest part that none explains, in lines.
pub fn unexplained(events: &[Event]) -> Option<String> {
    if is_explained(events) {
        return None;
    }
    let mut ends: Vec<_> = events.iter().map(|event| event.end).collect();
    ends.sort_unstable();
    let first = ends[ends.partition_point(|moment| is_explained(&until(events, *moment)))];
    Some(lines(&until(events, first)) + "^ of these, the one that ends last is not explained")
}

/// One after the other, by their begin.
pub fn lines(events: &[Event]) -> String {
    let mut events: Vec<_> = events.iter().collect();
    events.sort_by_key(|event| event.begin);
    events.into_iter().map(|event| event.to_string() + "\n").collect()
}

/// How many of the killed changes have to have been done: without them, the history is not explained.
pub fn killed_but_done(events: &[Event]) -> usize {
    let unknown = |event: &Event| event.answer == Answer::Unknown && event.asked.is_change();
    let without = |left_out: usize| {
        let rest = events.iter().enumerate().filter(|(index, _)| *index != left_out);
        rest.map(|(_, event)| event.clone()).collect::<Vec<_>>()
    };
    let is_done = |index: usize| {
        let Event { answer, .. } = &events[index];
        *answer == Answer::Done || unknown(&events[index]) && !is_explained(&without(index))
    };
    (0..events.len()).filter(|index| events[*index].ending.is_killed() && is_done(*index)).count()
}

impl Display for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worker, home, asked, answer, begin, end, ending } = self;
        let killed = match ending {
            Ending::Itself => "",
            Ending::Killed => " (killed)",
            Ending::KilledInWrite => " (killed while it wrote)",
        };
        write!(formatter, "{begin:>5} to {end:>5}  worker {worker}, home {home}: {asked:?}: {answer:?}{killed}")
    }
}
