//! Cursors know which forms end at the current byte, and which form the end of the text can still become. One cursor
//! reads the text as it is; two read encodings that are broken into lines, as if the line ends were not there.
//!
//! Within an encoding a line ends with LF or CR LF, or with their escapes `\n` and `\r\n` if the whole text is inside a
//! JSON string. Lines are at least `SHORTEST_LINE` long, except the last and the first, which may begin anywhere. If
//! the first line is shorter, its part is too short to be a secret: the masker does not hold it back, and it stays in
//! the text.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::SHORTEST_LINE;
use super::finds::Find;
use super::trie::{Entry, ROOT, State, Trie};

/// Reads the text as it is.
#[derive(Serialize, Deserialize)]
pub(super) struct Straight {
    state: State,
}

impl Straight {
    pub(super) fn new() -> Self {
        Self { state: ROOT }
    }

    /// Reads the byte at `at`. Returns the longest form that ends with it.
    #[inline]
    pub(super) fn step(&mut self, trie: &Trie, byte: u8, at: u64) -> Option<Find> {
        let state = trie.step(self.state, byte);
        self.state = trie.living(state);
        let Entry { len, name } = trie.entry(state)?;
        Some(Find::new(at + 1 - u64::from(len), at + 1, len, name))
    }

    /// Whether no form began.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.state == ROOT
    }

    /// The start of the longest beginning of a form, if the text ends with one at `end`.
    pub(super) fn live(&self, trie: &Trie, end: u64) -> Option<u64> {
        (self.state != ROOT).then(|| self.origin(trie, end))
    }

    /// A position from which reading leads to the current state.
    pub(super) fn origin(&self, trie: &Trie, end: u64) -> u64 {
        end - u64::from(trie.depth(self.state))
    }

    /// The longest beginning at the end of the text that is long enough to be a secret.
    pub(super) fn unfinished(&self, trie: &Trie, end: u64) -> Option<Find> {
        beginnings(trie, self.state).find(|&state| super::is_telling(&trie.spell(state))).map(|state| {
            let len = trie.depth(state);
            Find::beginning(end - u64::from(len), end, len, trie.name(state))
        })
    }
}

/// How lines end.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum LineEnds {
    Plain,
    Escaped,
}

/// The part of a line end that was read.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Token {
    Nothing,
    /// CR.
    Return,
    /// `\`
    Slash,
    /// `\r`
    SlashR,
    /// `\r\`
    SlashRSlash,
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
#[derive(Serialize, Deserialize)]
pub(super) struct Wrapped {
    line_ends: LineEnds,
    state: State,
    /// The number of digits read, and of bytes that count as digits. Only differences matter.
    digits: u64,
    /// The line ends within the longest beginning.
    joints: VecDeque<Joint>,
    token: Token,
    token_begin: u64,
}

impl Wrapped {
    pub(super) fn new(line_ends: LineEnds) -> Self {
        Self { line_ends, state: ROOT, digits: 0, joints: VecDeque::new(), token: Token::Nothing, token_begin: 0 }
    }

    /// Reads the byte at `at`. Returns the longest form that ends with it.
    #[inline]
    pub(super) fn step(&mut self, trie: &Trie, byte: u8, at: u64) -> Option<Find> {
        let special = match self.line_ends {
            LineEnds::Plain => matches!(byte, b'\r' | b'\n'),
            LineEnds::Escaped => byte == b'\\',
        };
        if special || self.token != Token::Nothing {
            self.step_token(trie, byte, at)
        } else {
            self.step_digit(trie, byte, at)
        }
    }

    /// Whether no form began, and no line end.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.state == ROOT && self.token == Token::Nothing
    }

    /// Whether it would treat a byte outside a line end exactly as `other` does.
    #[inline]
    pub(super) fn walks_with(&self, other: &Self) -> bool {
        self.state == other.state
            && self.token == Token::Nothing
            && other.token == Token::Nothing
            && self.joints.is_empty()
            && other.joints.is_empty()
    }

    #[inline]
    pub(super) fn follow(&mut self, other: &Self) {
        self.state = other.state;
        self.digits = other.digits;
    }

    #[inline]
    fn step_digit(&mut self, trie: &Trie, byte: u8, at: u64) -> Option<Find> {
        let state = trie.step(self.state, byte);
        self.state = trie.living(state);
        self.digits += 1;
        let find = trie.entry(state).map(|Entry { len, name }| {
            let (start, _) = self.visible(u64::from(len), at + 1);
            Find::new(start, at + 1, len, name)
        });
        self.drop_joints(trie);
        find
    }

    fn step_token(&mut self, trie: &Trie, byte: u8, at: u64) -> Option<Find> {
        use Token::{Nothing, Return, Slash, SlashR, SlashRSlash};
        match (self.line_ends, self.token, byte) {
            (LineEnds::Plain, Nothing, b'\r') => self.begin_token(trie, Return, at),
            (LineEnds::Plain, Nothing, b'\n') => {
                self.begin_token(trie, Return, at);
                self.join(at + 1);
            }
            (LineEnds::Plain, Return, b'\n') | (_, Slash | SlashRSlash, b'n') => self.join(at + 1),
            (LineEnds::Escaped, Nothing, b'\\') => self.begin_token(trie, Slash, at),
            (_, Slash, b'r') => self.token = SlashR,
            (_, SlashR, b'\\') => self.token = SlashRSlash,
            (_, SlashRSlash, b'r') => {
                self.forget();
                self.begin_token(trie, SlashR, at - 1);
            }
            _ => {
                self.forget();
                return self.step(trie, byte, at);
            }
        }
        None
    }

    /// A line may end here. If the line is too short, the forms that began before it are discarded.
    fn begin_token(&mut self, trie: &Trie, token: Token, at: u64) {
        self.token = token;
        self.token_begin = at;
        if let Some(last) = self.joints.back()
            && self.digits - last.digits < SHORTEST_LINE as u64
        {
            self.state = trie.shortened(self.state, self.digits - last.digits);
            self.drop_joints(trie);
        }
    }

    fn join(&mut self, end: u64) {
        self.token = Token::Nothing;
        if self.state != ROOT {
            self.joints.push_back(Joint { digits: self.digits, begin: self.token_begin, end });
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

    /// The position at which the last `len` digits of the text, which ends at `end`, begin to matter, and the number of
    /// digits from there on.
    fn visible(&self, len: u64, end: u64) -> (u64, u64) {
        let start = self.digits - len;
        match self.joints.iter().find(|joint| joint.digits > start) {
            None => (end - len, len),
            Some(joint) if joint.digits - start < SHORTEST_LINE as u64 => (joint.end, self.digits - joint.digits),
            Some(joint) => (joint.begin - (joint.digits - start), len),
        }
    }

    /// The end of the digits: before a partial line end, or a line end that is still the end of the text.
    fn digits_end(&self, end: u64) -> u64 {
        match self.joints.back() {
            _ if self.token != Token::Nothing => self.token_begin,
            Some(joint) if joint.digits == self.digits => joint.begin,
            _ => end,
        }
    }

    /// The start of the longest beginning of a form, if the text ends at `end` with one that is held back.
    pub(super) fn live(&self, trie: &Trie, end: u64) -> Option<u64> {
        if self.state == ROOT {
            return None;
        }
        let depth = u64::from(trie.depth(self.state));
        if self.token != Token::Nothing && self.joints.is_empty() && depth < SHORTEST_LINE as u64 {
            return None;
        }
        let (start, left) = self.visible(depth, if self.token == Token::Nothing { end } else { self.token_begin });
        (left > 0).then_some(start)
    }

    /// A position from which reading leads to the current state.
    pub(super) fn origin(&self, trie: &Trie, end: u64) -> u64 {
        let depth = u64::from(trie.depth(self.state));
        match self.joints.front() {
            Some(joint) => joint.begin - (joint.digits + depth - self.digits),
            None if self.token == Token::Nothing => end - depth,
            None => self.token_begin - depth,
        }
    }

    /// The longest beginning at the end of the text that is long enough to be a secret.
    pub(super) fn unfinished(&self, trie: &Trie, end: u64) -> Option<Find> {
        let end = self.digits_end(end);
        beginnings(trie, self.state).find_map(|state| {
            let depth = trie.depth(state);
            let (start, left) = self.visible(u64::from(depth), end);
            (left >= super::TELLING as u64).then(|| Find::beginning(start, end, depth, trie.name(state)))
        })
    }
}

fn beginnings(trie: &Trie, state: State) -> impl Iterator<Item = State> {
    std::iter::successors(Some(state), |&state| Some(trie.fail(state))).take_while(|&state| state != ROOT)
}
