//! The second half of building the automaton: the state that each state fails to.

use super::{Chain, DEPTH_ONE, FORM_ENDS, ROOT, State, Trie, UNKNOWN};

/// The number of rounds of linking in memory order.
const ROUNDS: usize = 6;

impl Trie {
    /// Finishes the automaton: a state fails to the matching child of a state that its parent fails to.
    pub(crate) fn link(&mut self) {
        self.fails = vec![UNKNOWN; self.nodes.len()];
        self.fails[ROOT as usize] = ROOT;
        self.fill_second();
        // (next state, the state after the chain's last, the parent of the next state)
        let mut rest: Vec<(State, State, State)> = (0..self.chains.len())
            .map(|chain| (self.chains[chain].first, self.end_of(chain), self.chains[chain].parent))
            .collect();
        // Links chain by chain, in memory order, until a chain depends on a state that is not linked yet. A few rounds
        // link nearly all states.
        for _ in 0..ROUNDS {
            rest.retain_mut(|(state, end, parent)| {
                while state < end {
                    let Some(fail) = self.known_fail(*state, *parent) else { return true };
                    self.set_fail(*state, fail);
                    *parent = *state;
                    *state += 1;
                }
                false
            });
        }
        self.link_by_level(rest);
    }

    /// Links the rest by depth, so that no state depends on an unlinked one.
    fn link_by_level(&mut self, mut waiting: Vec<(State, State, State)>) {
        waiting.sort_by_key(|&(first, ..)| std::cmp::Reverse(self.depth(first)));
        let mut open: Vec<(State, State, State)> = Vec::new();
        let mut level = 0;
        while !(waiting.is_empty() && open.is_empty()) {
            level += 1;
            while let Some(next) = waiting.pop_if(|&mut (first, ..)| self.depth(first) == level) {
                open.push(next);
            }
            open.retain_mut(|(state, end, parent)| {
                let fail = self.step(self.fail(*parent), self.nodes[*state as usize].label);
                self.set_fail(*state, fail);
                *parent = *state;
                *state += 1;
                state < end
            });
        }
    }

    fn set_fail(&mut self, state: State, fail: State) {
        self.fails[state as usize] = fail;
        let inherited = self.nodes[fail as usize].is & FORM_ENDS;
        let node = &mut self.nodes[state as usize];
        if inherited != 0 && node.is & FORM_ENDS == 0 {
            node.is |= FORM_ENDS;
            self.ends.insert(state.into(), self.ends[&fail.into()]);
        }
    }

    /// The state that `state` fails to, if everything that decides it is known.
    fn known_fail(&self, state: State, parent: State) -> Option<State> {
        if parent == ROOT {
            return Some(ROOT);
        }
        let label = self.nodes[state as usize].label;
        let mut fail = self.fail(parent);
        while fail != UNKNOWN {
            let node = &self.nodes[fail as usize];
            let child = match fail {
                ROOT => Some(self.top[usize::from(label)]),
                _ if node.is & DEPTH_ONE != 0 => Some(self.after(fail, label)),
                _ => self.child(fail, label),
            };
            if let Some(child) = child {
                return (self.fail(child) != UNKNOWN).then_some(child);
            }
            fail = self.fail(fail);
        }
        None
    }

    fn fill_second(&mut self) {
        self.second = vec![[0; 4]; 256];
        for chain in 0..self.chains.len() {
            let Chain { first, parent, .. } = self.chains[chain];
            // A chain's first state under one of depth 1, or its second when the first is of depth 1.
            let (above, child) = if parent == ROOT { (first, first + 1) } else { (parent, first) };
            if self.nodes[above as usize].is & DEPTH_ONE != 0 && child < self.end_of(chain) {
                let (label, byte) = (self.nodes[above as usize].label, self.nodes[child as usize].label);
                self.second[usize::from(label)][usize::from(byte >> 6)] |= 1 << (byte & 63);
            }
        }
    }

    /// The state after the chain's last.
    fn end_of(&self, chain: usize) -> State {
        self.chains.get(chain + 1).map_or(self.next_state(), |next| next.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_byte_is_found_behind_its_first() {
        let mut trie = Trie::new();
        for byte in 0..=255_u8 {
            trie.insert(&[byte, !byte, byte], 0);
            trie.insert(&[byte, byte ^ 0x40, byte], 0);
        }
        trie.link();
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                let (state, alone) = (trie.step(trie.step(ROOT, first), second), trie.step(ROOT, second));
                let is_child = second == !first || second == first ^ 0x40;
                assert_eq!(state == alone, !is_child, "{first} {second}");
                assert!(!is_child || trie.ends.contains_key(&trie.step(state, first).into()), "{first} {second}");
            }
        }
    }
}
