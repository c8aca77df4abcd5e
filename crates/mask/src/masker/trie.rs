//! All forms as one automaton (Aho and Corasick, 1975). It knows the longest end of the text so far that begins a form,
//! and which form ends here. Promises that the cost of a byte does not depend on the number of forms or on repetitions
//! in the text: each step back is paid for by an earlier step forward.
//!
//! A state takes 8 bytes. 4 of them are added only when all forms are known, because a table that grows needs its
//! memory twice while it moves. Most states have one child, which follows its parent directly; the others are found
//! through a hash table. So building costs little more than copying the forms.

mod link;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A state of the automaton: the beginning of some form.
pub(super) type State = u32;

/// The empty beginning.
pub(super) const ROOT: State = 0;
/// The fail target before the automaton is linked.
const UNKNOWN: State = State::MAX;

/// The properties of a state.
const CHILD_BEHIND: u8 = 1;
const CHILDREN_ELSEWHERE: u8 = 2;
const DEPTH_ONE: u8 = 4;
/// A form ends here, or at a state that this one fails to.
const FORM_ENDS: u8 = 8;
/// The upper bits: how many bytes of the forms that begin so may be seen before it is known whether they are one.
const SEEN_SHIFT: u32 = 4;
/// The most of these bytes. A form shows at most a quarter of itself.
const MOST_SEEN: usize = 7;

/// A form that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its length in bytes of the form.
    pub(super) len: u32,
    /// The secret that it belongs to, as an index into the names in ascending order.
    pub(super) name: u32,
}

#[derive(Clone, Copy)]
struct Node {
    label: u8,
    is: u8,
    /// The children stored elsewhere, by the low half of their labels. Avoids most lookups.
    elsewhere: u16,
}

/// The states that one form added: consecutive, each the child of the one before.
#[derive(Clone, Copy)]
struct Chain {
    first: State,
    /// The depth of the first state.
    depth: u32,
    parent: State,
    name: u32,
}

pub(super) type Table<T> = HashMap<u64, T, BuildHasherDefault<KeyHasher>>;

pub(super) struct Trie {
    nodes: Vec<Node>,
    /// For each state, its longest proper suffix that is also a beginning.
    fails: Vec<State>,
    chains: Vec<Chain>,
    /// The next state from the root, by byte.
    top: Vec<State>,
    /// For each first byte of a form, a bit for each byte that follows it in one. Most text stays at the root and the
    /// states of depth 1, and the bit saves looking for a child there.
    second: Vec<[u64; 4]>,
    elsewhere: Table<State>,
    /// The longest form that ends at a state.
    ends: Table<Entry>,
}

impl Trie {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node { label: 0, is: CHILDREN_ELSEWHERE, elsewhere: 0 }],
            fails: Vec::new(),
            chains: Vec::new(),
            top: vec![ROOT; 256],
            second: Vec::new(),
            elsewhere: Table::default(),
            ends: Table::default(),
        }
    }

    /// Makes room for this many states.
    pub(super) fn reserve(&mut self, states: usize) {
        self.nodes.reserve_exact(states);
    }

    /// Adds a form. Names must come in ascending order, so that the lowest keeps a shared form. Returns whether the
    /// form is new.
    pub(super) fn insert(&mut self, form: &[u8], name: u32) -> bool {
        let seen = u8::try_from((form.len() / 4).min(MOST_SEEN)).expect("a few") << SEEN_SHIFT;
        let (mut state, mut known) = (ROOT, 0);
        while let Some(child) = form.get(known).and_then(|&b| self.child(state, b)) {
            state = child;
            known += 1;
            let is = &mut self.nodes[state as usize].is;
            *is = (*is & ((1 << SEEN_SHIFT) - 1)) | (*is >> SEEN_SHIFT << SEEN_SHIFT).min(seen);
        }
        if let Some((&label, rest)) = form[known..].split_first() {
            let first = self.next_state();
            let is = seen | if state == ROOT { DEPTH_ONE } else { 0 };
            self.adopt(state, first, label);
            self.chains.push(Chain { first, depth: length(known + 1), parent: state, name });
            self.nodes.push(Node { label, is, elsewhere: 0 });
            for &label in rest {
                self.nodes.last_mut().expect("just pushed").is |= CHILD_BEHIND;
                self.nodes.push(Node { label, is: seen, elsewhere: 0 });
            }
            state = self.next_state() - 1;
        }
        let node = &mut self.nodes[state as usize];
        let new = node.is & FORM_ENDS == 0;
        if new {
            node.is |= FORM_ENDS;
            self.ends.insert(state.into(), Entry { len: length(form.len()), name });
        }
        new
    }

    fn next_state(&self) -> State {
        u32::try_from(self.nodes.len()).expect("fewer states than 2^32")
    }

    fn adopt(&mut self, parent: State, child: State, label: u8) {
        if parent == ROOT {
            self.top[usize::from(label)] = child;
        } else if child == parent + 1 {
            self.nodes[parent as usize].is |= CHILD_BEHIND;
        } else {
            let parent_node = &mut self.nodes[parent as usize];
            parent_node.is |= CHILDREN_ELSEWHERE;
            parent_node.elsewhere |= 1 << (label & 15);
            self.elsewhere.insert(key(parent, label), child);
        }
    }

    #[inline]
    fn child(&self, state: State, byte: u8) -> Option<State> {
        if state == ROOT {
            let child = self.top[usize::from(byte)];
            return (child != ROOT).then_some(child);
        }
        let node = &self.nodes[state as usize];
        if node.is & CHILD_BEHIND != 0 && self.nodes[state as usize + 1].label == byte {
            Some(state + 1)
        } else if node.elsewhere >> (byte & 15) & 1 != 0 {
            self.elsewhere.get(&key(state, byte)).copied()
        } else {
            None
        }
    }

    /// The state after one of depth 1 and a byte.
    #[inline]
    fn after(&self, state: State, byte: u8) -> State {
        let label = self.nodes[state as usize].label;
        let has_child = self.second[usize::from(label)][usize::from(byte >> 6)] >> (byte & 63) & 1 != 0;
        if has_child && let Some(child) = self.child(state, byte) { child } else { self.top[usize::from(byte)] }
    }

    /// The state after one more byte.
    #[inline]
    pub(super) fn step(&self, mut state: State, byte: u8) -> State {
        while state != ROOT {
            count_move();
            let node = &self.nodes[state as usize];
            if node.is & DEPTH_ONE != 0 {
                return self.after(state, byte);
            }
            if let Some(child) = self.child(state, byte) {
                return child;
            }
            state = self.fail(state);
        }
        count_move();
        self.top[usize::from(byte)]
    }

    #[inline]
    pub(super) fn fail(&self, state: State) -> State {
        self.fails[state as usize]
    }

    /// The number of bytes of a form between the root and `state`.
    #[inline]
    pub(super) fn depth(&self, state: State) -> u32 {
        if state == ROOT {
            return 0;
        }
        let chain = self.chain(state);
        chain.depth + (state - chain.first)
    }

    /// The longest form that ends here.
    #[inline]
    pub(super) fn entry(&self, state: State) -> Option<Entry> {
        if self.nodes[state as usize].is & FORM_ENDS == 0 {
            return None;
        }
        self.ends.get(&state.into()).copied()
    }

    /// The form with which the text begins, and the state that it leads to, if no longer form begins with this one.
    pub(super) fn whole(&self, text: &[u8]) -> Option<(State, Entry)> {
        let mut state = ROOT;
        for byte in text {
            count_move();
            state = self.child(state, *byte)?;
            if self.nodes[state as usize].is & (CHILD_BEHIND | CHILDREN_ELSEWHERE) == 0 {
                return Some((state, self.entry(state)?));
            }
        }
        None
    }

    /// The longest suffix of `state` that more bytes can still turn into a form.
    #[inline]
    pub(super) fn living(&self, mut state: State) -> State {
        while self.nodes[state as usize].is & (CHILD_BEHIND | CHILDREN_ELSEWHERE) == 0 {
            count_move();
            state = self.fail(state);
        }
        state
    }

    /// The longest suffix of `state` of at most `most` bytes that is a state.
    pub(super) fn shortened(&self, mut state: State, most: u64) -> State {
        while u64::from(self.depth(state)) > most {
            count_move();
            state = self.fail(state);
        }
        state
    }

    /// How many bytes of the forms that begin with this state may be seen: as many as the shortest of them allows.
    pub(super) fn seen(&self, state: State) -> u64 {
        u64::from(self.nodes[state as usize].is >> SEEN_SHIFT)
    }

    /// The states that the text ends with, the longest first.
    pub(super) fn beginnings(&self, state: State) -> impl Iterator<Item = State> + '_ {
        std::iter::successors(Some(state), |&state| Some(self.fail(state))).take_while(|&state| state != ROOT)
    }

    /// The lowest name among the forms that begin with this state.
    pub(super) fn name(&self, state: State) -> u32 {
        self.chain(state).name
    }

    /// The first bytes that lead to `state`, at most `most`.
    pub(super) fn spell_at_most(&self, mut state: State, most: usize) -> Vec<u8> {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let mut backwards = Vec::new();
        while state != ROOT {
            let chain = self.chain(state);
            if chain.depth <= most {
                let last = state.min(chain.first + (most - chain.depth));
                backwards.extend((chain.first..=last).rev().map(|state| self.nodes[state as usize].label));
            }
            state = chain.parent;
        }
        backwards.reverse();
        backwards
    }

    fn chain(&self, state: State) -> Chain {
        self.chains[self.chains.partition_point(|chain| chain.first <= state) - 1]
    }
}

#[cfg(test)]
thread_local! {
    static MOVES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// The number of states that this thread visited. The tests compare it with the length of a text, instead of measuring
/// time.
#[cfg(test)]
pub(super) fn moves() -> u64 {
    MOVES.get()
}

#[inline]
fn count_move() {
    #[cfg(test)]
    MOVES.set(MOVES.get() + 1);
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("forms are shorter than 2^32")
}

fn key(parent: State, label: u8) -> u64 {
    u64::from(parent) << 8 | u64::from(label)
}

/// A simple hash is enough, because only the owner of the secrets chooses the keys.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are u64")
    }

    fn write_u64(&mut self, key: u64) {
        let product = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ product >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
