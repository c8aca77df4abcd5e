//! Forms that are compared as a whole. Where nothing began before, a form that stands in the text as it is need not be
//! read byte by byte, with what each of its bytes might begin: what else may be found within it is a part of it, except
//! what begins within it and goes on behind. So reading continues with the first byte of that.

use super::Masker;
use super::cursor::Place;
use super::finds::Find;
use super::plan::Plan;
use super::trie::{ROOT, State, Table, Trie};

/// For each form that was found, by the state that it leads to, how many of its last bytes may begin another one. `None`
/// if the form is read byte by byte.
#[derive(Default)]
pub(super) struct Wholes(Table<Option<usize>>);

#[cfg(test)]
impl Wholes {
    /// How many forms were compared as a whole.
    pub(super) fn count(&self) -> usize {
        self.0.values().flatten().count()
    }
}

impl Masker {
    /// Takes the form with which `text` begins, if there is one, as the next bytes of the stream. Returns how many of them
    /// need not be read any more. The state must be the same as at the start of a text.
    pub(super) fn take_form(&mut self, plan: &Plan, text: &[u8]) -> Option<usize> {
        #[cfg(test)]
        if self.reads_all {
            return None;
        }
        if plan.oblivious.is_some() {
            return None;
        }
        let (state, entry) = plan.straight.whole(text)?;
        let len = entry.len as usize;
        let last = (*self.wholes.0.entry(state.into()).or_insert_with(|| beginning(plan, state, &text[..len])))?;
        let start = self.end;
        self.add(Find::new(Place { start, end: start + len as u64, len: entry.len, name: entry.name }));
        self.end += (len - last) as u64;
        Some(len - last)
    }
}

/// How many of the last bytes of a form may begin another one. `None` if its bytes mean more than that.
fn beginning(plan: &Plan, state: State, form: &[u8]) -> Option<usize> {
    let has_escape = form.iter().any(|byte| plan.sieve.is_special(*byte));
    let after = |trie: &Trie| {
        let mut state = ROOT;
        for byte in form {
            state = trie.step(state, *byte);
        }
        trie.depth(state) as usize
    };
    let straight = plan.straight.depth(plan.straight.fail(state)) as usize;
    let last = || straight.max(after(&plan.wrapped));
    // What is read again must not be most of it.
    (!has_escape && !plan.has_brief).then(last).filter(|last| *last <= form.len() / 4)
}
