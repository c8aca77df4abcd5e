//! Cursors know which forms end at the current byte, and which form the end of the text can still become. A reader has
//! two: one takes the text as it is, the other reads base64 and hexadecimal digits as if they were not broken into
//! lines. What a reader calls the text is decoded by its view; all positions here are positions in that text.
//!
//! Within an encoding a line ends with LF or CR LF, and the blanks after it belong to it: a block in YAML is indented.
//! Lines are at least `SHORTEST_LINE` long, except the last and the first, which may begin anywhere. If the first line
//! is shorter, its part is too short to be a secret: the masker does not hold it back, and it stays in the text.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::SHORTEST_LINE;
use super::plan::Plan;
use super::trie::{Entry, ROOT, State, Trie};
use crate::forms;

/// The most blanks behind a line end within an encoding: what is further in is text.
pub(super) const MOST_INDENT: u8 = 64;

/// A form in the text, or the beginning of one.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) start: u64,
    pub(super) end: u64,
    /// The length of the form in bytes.
    pub(super) len: u32,
    pub(super) name: u32,
}

/// Reads one text.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Reader {
    straight: State,
    lines: Wrapped,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { straight: ROOT, lines: Wrapped::new() }
    }

    /// Reads the byte at `at`, and passes the longest forms that end with it.
    #[inline]
    pub(super) fn step(&mut self, plan: &Plan, byte: u8, at: u64, take: &mut impl FnMut(Place)) {
        let state = plan.straight.step(self.straight, byte);
        self.straight = plan.straight.living(state);
        if let Some(Entry { len, name }) = plan.straight.entry(state) {
            take(Place { start: at + 1 - u64::from(len), end: at + 1, len, name });
        }
        if let Some(place) = self.lines.step(plan, byte, at) {
            take(place);
        }
    }

    /// Whether no form began, and no line end within one.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.straight == ROOT && self.lines.state == ROOT
    }

    /// Whether the two follow the same beginnings.
    #[inline]
    pub(super) fn agrees(&self, other: &Self) -> bool {
        self.straight == other.straight
            && self.lines.state == other.lines.state
            && self.lines.token == other.lines.token
    }

    /// The start of the longest beginning of a form of more than `free` bytes, if the text ends with one at `end`.
    #[inline]
    pub(super) fn live(&self, plan: &Plan, end: u64, free: u64) -> Option<u64> {
        if self.is_idle() {
            return None;
        }
        let depth = u64::from(plan.straight.depth(self.straight));
        let straight = (depth > free).then(|| end - depth);
        [straight, self.lines.live(&plan.wrapped, end, free)].into_iter().flatten().min()
    }

    /// A position from which reading leads to the current state.
    #[inline]
    pub(super) fn origin(&self, plan: &Plan, end: u64) -> u64 {
        if self.is_idle() {
            return end;
        }
        (end - u64::from(plan.straight.depth(self.straight))).min(self.lines.origin(&plan.wrapped, end))
    }

    /// How far a silence lets the text out, if not to its end: of each beginning what may be seen, and `free` bytes.
    pub(super) fn limit(&self, plan: &Plan, end: u64, free: u64) -> Option<u64> {
        let trie = &plan.straight;
        let mut limit = None;
        for state in trie.beginnings(self.straight) {
            let depth = u64::from(trie.depth(state));
            let start = end - depth;
            if limit.is_some_and(|limit| limit <= start) {
                break;
            }
            let public = forms::public_prefix(&trie.spell_at_most(state, forms::LONGEST_PUBLIC)) as u64;
            let seen = (public + trie.seen(state)).max(free);
            if depth > seen {
                limit = Some(limit.unwrap_or(end).min(start + seen));
            }
        }
        [limit, self.lines.limit(&plan.wrapped, end, free)].into_iter().flatten().min()
    }

    /// The beginnings at the end of the text that tell too much.
    pub(super) fn unfinished(&self, plan: &Plan, end: u64) -> impl Iterator<Item = Place> {
        let trie = &plan.straight;
        let straight = trie
            .beginnings(self.straight)
            .find(|&state| {
                let armour = forms::armour_prefix(&trie.spell_at_most(state, forms::LONGEST_PUBLIC));
                trie.depth(state) as usize - armour >= super::TELLING
            })
            .map(|state| {
                let len = trie.depth(state);
                Place { start: end - u64::from(len), end, len, name: trie.name(state) }
            });
        [straight, self.lines.unfinished(&plan.wrapped, end)].into_iter().flatten()
    }
}

/// The part of a line end that was read.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Token {
    Nothing,
    /// CR.
    Return,
    /// LF, and this many blanks.
    Blanks(u8),
}

/// A line end within what was read.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Joint {
    /// The number of digits before it, counted like `Wrapped::digits`.
    digits: u64,
    /// Where it begins and ends in the text.
    begin: u64,
    end: u64,
}

/// Reads digits across line ends.
#[derive(Clone, Serialize, Deserialize)]
struct Wrapped {
    state: State,
    /// The number of digits read, and of bytes that count as digits. Only differences matter.
    digits: u64,
    /// The line ends within the longest beginning.
    joints: VecDeque<Joint>,
    token: Token,
    token_begin: u64,
}

impl Wrapped {
    fn new() -> Self {
        Self { state: ROOT, digits: 0, joints: VecDeque::new(), token: Token::Nothing, token_begin: 0 }
    }

    /// Reads the byte at `at`. Returns the longest form that ends with it.
    #[inline]
    fn step(&mut self, plan: &Plan, byte: u8, at: u64) -> Option<Place> {
        if self.state != ROOT && (self.token != Token::Nothing || matches!(byte, b'\r' | b'\n')) {
            return self.step_token(plan, byte, at);
        }
        self.step_digit(plan, byte, at)
    }

    #[inline]
    fn step_digit(&mut self, plan: &Plan, byte: u8, at: u64) -> Option<Place> {
        let trie = &plan.wrapped;
        let state = trie.step(self.state, byte);
        self.state = trie.living(state);
        self.digits += 1;
        let place = trie.entry(state).map(|Entry { len, name }| Place {
            start: self.place(self.found(plan, u64::from(len)), at + 1),
            end: at + 1,
            len,
            name,
        });
        self.drop_joints(trie);
        place
    }

    fn step_token(&mut self, plan: &Plan, byte: u8, at: u64) -> Option<Place> {
        match (self.token, byte) {
            (Token::Nothing, b'\r') => self.begin_token(&plan.wrapped, Token::Return, at),
            (Token::Nothing, _) => self.begin_token(&plan.wrapped, Token::Blanks(0), at),
            (Token::Return, b'\n') => self.token = Token::Blanks(0),
            (Token::Blanks(count), b' ' | b'\t') if count < MOST_INDENT => self.token = Token::Blanks(count + 1),
            (Token::Blanks(_), byte) if !b" \t\r\n".contains(&byte) => {
                self.joints.push_back(Joint { digits: self.digits, begin: self.token_begin, end: at });
                self.token = Token::Nothing;
                return self.step_digit(plan, byte, at);
            }
            _ => {
                self.forget();
                return self.step(plan, byte, at);
            }
        }
        None
    }

    /// A line may end here. If the line is too short, the forms that began before it are discarded.
    fn begin_token(&mut self, trie: &Trie, token: Token, at: u64) {
        if let Some(last) = self.joints.back()
            && self.digits - last.digits < SHORTEST_LINE as u64
        {
            self.state = trie.shortened(self.state, self.digits - last.digits);
            self.drop_joints(trie);
        }
        if self.state != ROOT {
            self.token = token;
            self.token_begin = at;
        }
    }

    fn forget(&mut self) {
        self.token = Token::Nothing;
        self.state = ROOT;
        self.joints.clear();
    }

    #[inline]
    fn drop_joints(&mut self, trie: &Trie) {
        if self.joints.is_empty() {
            return;
        }
        let start = self.digits - u64::from(trie.depth(self.state));
        while self.joints.front().is_some_and(|joint| joint.digits <= start) {
            self.joints.pop_front();
        }
    }

    /// The digit with which the last `len` digits begin to matter: the first of the second line if the first line is
    /// too short.
    fn shown(&self, len: u64) -> u64 {
        let start = self.digits - len;
        let short = |digits: u64| digits - start < SHORTEST_LINE as u64;
        match self.joints.iter().find(|joint| joint.digits > start) {
            Some(joint) if short(joint.digits) => joint.digits,
            None if self.token != Token::Nothing && short(self.digits) => self.digits,
            _ => start,
        }
    }

    /// The digit with which a form of `len` digits begins. To who may not learn a beginning, none of it is shown.
    fn found(&self, plan: &Plan, len: u64) -> u64 {
        if plan.oblivious.is_some() { self.digits - len } else { self.shown(len) }
    }

    /// Where a digit begins in a text that ends at `end`.
    fn place(&self, digit: u64, end: u64) -> u64 {
        let before = self.joints.partition_point(|joint| joint.digits <= digit);
        if let Some(joint) = before.checked_sub(1).map(|before| self.joints[before]) {
            joint.end + (digit - joint.digits)
        } else if let Some(joint) = self.joints.front() {
            joint.begin - (joint.digits - digit)
        } else {
            self.digits_end(end) - (self.digits - digit)
        }
    }

    /// The end of the digits: before a line end that is still the end of the text.
    fn digits_end(&self, end: u64) -> u64 {
        if self.token == Token::Nothing { end } else { self.token_begin }
    }

    /// The start of the longest beginning of a form of more than `free` digits that is held back.
    fn live(&self, trie: &Trie, end: u64, free: u64) -> Option<u64> {
        if self.state == ROOT {
            return None;
        }
        let shown = self.shown(trie.depth(self.state).into());
        (self.digits - shown > free).then(|| self.place(shown, end))
    }

    fn origin(&self, trie: &Trie, end: u64) -> u64 {
        if self.state == ROOT {
            return end;
        }
        self.place(self.digits - u64::from(trie.depth(self.state)), end)
    }

    fn limit(&self, trie: &Trie, end: u64, free: u64) -> Option<u64> {
        let mut limit = None;
        for state in trie.beginnings(self.state) {
            let shown = self.shown(trie.depth(state).into());
            if limit.is_some_and(|limit| limit <= self.place(shown, end)) {
                break;
            }
            let seen = trie.seen(state).max(free);
            if self.digits - shown > seen {
                limit = Some(limit.unwrap_or(end).min(self.place(shown + seen, end)));
            }
        }
        limit
    }

    /// The longest beginning at the end of the text that is long enough to be a secret.
    fn unfinished(&self, trie: &Trie, end: u64) -> Option<Place> {
        trie.beginnings(self.state).find_map(|state| {
            let len = trie.depth(state);
            let shown = self.shown(len.into());
            (self.digits - shown >= super::TELLING as u64).then(|| Place {
                start: self.place(shown, end),
                end: self.digits_end(end),
                len,
                name: trie.name(state),
            })
        })
    }
}
