//! The states of a vault that this machine has itself verified or written, and those that it was about to write.

use std::fs;

use cast_vault::{Digest, State};

use super::{Known, MAX_RECORD, Seen, read};
use crate::disk::{self, Lock};
use crate::failure::Result;

/// How many states of a vault are remembered.
const MAX_STATES: usize = 256;
/// After a state that was to be written, until it is known that it was: its numbers are used. It counts as long as no other state is
/// remembered, as its writer may have been killed after that.
const PENDING: &str = " pending";

impl Seen {
    /// Whether this machine has verified or written this very state of a vault before.
    pub(crate) fn has_met(&self, known: Known, state: &State) -> bool {
        let line = line_of(state);
        known.id == state.id && self.states(known).lines().any(|known| confirmed(known) == line)
    }

    /// The same of an own vault.
    pub(crate) fn has_verified(&self, state: &State) -> bool {
        self.has_met(Known::own(state.id), state)
    }

    /// Whether another state than `now` was to be written: whoever can write the folder may have it.
    pub(crate) fn has_pending(&self, known: Known, now: Option<&State>) -> bool {
        let now = now.map(line_of);
        self.states(known)
            .lines()
            .filter_map(|line| line.strip_suffix(PENDING))
            .any(|line| now.as_deref() != Some(line))
    }

    /// Notes a state that is to be written in the place of `former`, which was verified.
    pub(super) fn note_pending(&self, known: Known, former: Option<&State>, state: &State) -> Result<()> {
        let (lines, former, next) = (self.states(known), former.map(line_of), line_of(state));
        let lines = lines.lines().filter(|line| confirmed(line) != next);
        let lines = lines.filter(|line| !line.ends_with(PENDING) || Some(confirmed(line)) == former.as_deref());
        self.write_states(known, lines.map(confirmed), &format!("{next}{PENDING}"))
    }

    /// Notes a state that was verified or written. What was to be written and is not that one is nothing that this machine has seen; its
    /// numbers are not used again. Best effort: one that is lost makes the rules stricter.
    pub(super) fn note_state(&self, known: Known, state: &State) {
        let (lines, next) = (self.states(known), line_of(state));
        if lines.lines().last() == Some(&next) && !lines.contains(PENDING) {
            return;
        }
        if self.has_pending(known, Some(state)) {
            self.forget_replica();
        }
        let lines = lines.lines().filter(|line| confirmed(line) != next && !line.ends_with(PENDING));
        let _ = self.write_states(known, lines, &next);
    }

    /// Takes back the note of a state that is not in its place. Where there was a whole file with it, whoever can write the folder may have
    /// that, so its numbers are not used again.
    pub(crate) fn retract(&self, _lock: &Lock, known: Known, state: &State, is_whole: bool) {
        if is_whole {
            self.forget_replica();
        }
        let (lines, line, path) = (self.states(known), line_of(state), self.states_path(known));
        let lines: String =
            lines.lines().filter(|known| confirmed(known) != line).flat_map(|known| [known, "\n"]).collect();
        // What stays names a state that nobody has, or that does not count once another one is remembered.
        if lines.is_empty() {
            let _ = fs::remove_file(path);
        } else {
            let _ = disk::replace_soon(&path, lines.as_bytes());
        }
    }

    /// Adds the states that are noted under one name to those under another.
    pub(super) fn join_states(&self, from: Known, to: Known) -> Result<()> {
        let (more, lines) = (self.states(from), self.states(to));
        let mut lines: Vec<_> = lines.lines().filter(|line| !more.lines().any(|other| other == *line)).collect();
        lines.extend(more.lines());
        lines.pop().map_or(Ok(()), |newest| self.write_states(to, lines.into_iter(), newest))
    }

    /// Writes them, the newest last.
    fn write_states<'a>(&self, known: Known, lines: impl Iterator<Item = &'a str>, newest: &str) -> Result<()> {
        let mut lines: Vec<_> = lines.collect();
        let surplus = (lines.len() + 1).saturating_sub(MAX_STATES);
        lines.drain(..surplus);
        lines.push(newest);
        disk::replace_soon(&self.states_path(known), (lines.join("\n") + "\n").as_bytes())
    }

    fn states(&self, known: Known) -> String {
        let bytes = read(&self.states_path(known), MAX_RECORD).ok().flatten().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

fn confirmed(line: &str) -> &str {
    line.strip_suffix(PENDING).unwrap_or(line)
}

/// A state in one line.
pub(crate) fn line_of(state: &State) -> String {
    let [owner, values]: [Digest; 2] = [state.owner_hash, state.values_hash];
    format!("{} {owner} {values}", state.epoch)
}
