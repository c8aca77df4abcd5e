//! Values of 4 to 7 bytes: found only as they are, and only between word borders. `shop` is not masked in `shopping`.
//!
//! A border is a byte that is no letter, digit or `_`, the end of an escape or of a colour code, the beginning and the
//! end of the stream, and silence.

use serde::{Deserialize, Serialize};

use super::cursor::Place;
use super::plan::Plan;
use super::trie::{Entry, ROOT, State};

/// Shorter than this is a brief value.
pub(super) const SHORTEST_FULL: usize = 8;
/// How many bytes before a value tell whether there is a border: as many as the longest colour code has.
pub(super) const LOOK_BACK: usize = 64;

/// The stream near its end: the chunk, and some bytes before it.
#[derive(Clone, Copy)]
pub(super) struct Past<'a> {
    pub(super) before: &'a [u8],
    pub(super) chunk: &'a [u8],
    /// The position of the chunk.
    pub(super) base: u64,
}

impl Past<'_> {
    /// The position of the first byte that is known.
    pub(super) fn begin(&self) -> u64 {
        self.base - self.before.len() as u64
    }

    pub(super) fn byte(&self, at: u64) -> Option<u8> {
        if at < self.base {
            let back = usize::try_from(self.base - at).ok()?;
            return self.before.len().checked_sub(back).map(|at| self.before[at]);
        }
        self.chunk.get(usize::try_from(at - self.base).ok()?).copied()
    }

    /// The bytes before `at`, the nearest last.
    fn until(&self, at: u64) -> ([u8; LOOK_BACK], usize) {
        let mut bytes = [0; LOOK_BACK];
        let known = (at.saturating_sub(LOOK_BACK as u64)..at).filter_map(|at| self.byte(at));
        let count = bytes.iter_mut().zip(known).map(|(to, byte)| *to = byte).count();
        (bytes, count)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Brief {
    state: State,
    /// Values that end at the end of what was read: they count if a border follows.
    found: Option<Place>,
    /// Where the stream was silent lately.
    silences: Vec<u64>,
}

impl Brief {
    pub(super) fn new() -> Self {
        Self { state: ROOT, found: None, silences: Vec::new() }
    }

    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.state == ROOT && self.found.is_none()
    }

    /// Whether a value waits for the byte behind it.
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.found.is_some()
    }

    /// Forgets what began.
    pub(super) fn reset(&mut self) {
        self.state = ROOT;
        self.found = None;
    }

    #[inline]
    pub(super) fn step(&mut self, plan: &Plan, byte: u8, at: u64, past: Past<'_>, take: &mut impl FnMut(Place)) {
        if let Some(found) = self.found.take()
            && !is_word(byte)
        {
            take(found);
        }
        let trie = &plan.brief;
        let state = trie.step(self.state, byte);
        self.state = trie.living(state);
        let mut rest = state;
        while let Some(Entry { len, name }) = trie.entry(rest) {
            let (start, end) = (at + 1 - u64::from(len), at + 1);
            if self.begins(start, past) {
                let place = Place { start, end, len, name };
                if is_word(byte) {
                    self.found = Some(place);
                } else {
                    take(place);
                }
                break;
            }
            rest = trie.shortened(rest, u64::from(len) - 1);
        }
    }

    /// Takes the end of what was read for a border: the source is silent, or the stream ends.
    pub(super) fn pause(&mut self, end: u64) -> Option<Place> {
        self.silences.retain(|silence| silence + SHORTEST_FULL as u64 > end);
        if self.silences.last() != Some(&end) {
            self.silences.push(end);
        }
        self.found.take()
    }

    /// The start of the longest beginning of more than `free` bytes.
    pub(super) fn live(&self, plan: &Plan, end: u64, past: Past<'_>, free: u64) -> Option<u64> {
        if self.is_idle() {
            return None;
        }
        let begun = self.beginnings(plan, end, past).find(|(start, _)| end - start > free).map(|(start, _)| start);
        [begun, self.found.map(|found| found.start)].into_iter().flatten().min()
    }

    pub(super) fn origin(&self, plan: &Plan, end: u64) -> u64 {
        end - u64::from(plan.brief.depth(self.state))
    }

    /// How far a silence lets the stream out.
    pub(super) fn limit(&self, plan: &Plan, end: u64, past: Past<'_>, free: u64) -> Option<u64> {
        self.beginnings(plan, end, past)
            .filter_map(|(start, state)| {
                let seen = plan.brief.seen(state).max(free);
                (end - start > seen).then_some(start + seen)
            })
            .min()
    }

    /// The beginnings at the end, the longest first.
    fn beginnings<'a>(&'a self, plan: &'a Plan, end: u64, past: Past<'a>) -> impl Iterator<Item = (u64, State)> + 'a {
        plan.brief
            .beginnings(self.state)
            .map(move |state| (end - u64::from(plan.brief.depth(state)), state))
            .filter(move |(start, _)| self.begins(*start, past))
    }

    /// Whether a value may begin here.
    fn begins(&self, start: u64, past: Past<'_>) -> bool {
        if past.byte(start).is_some_and(|first| !is_word(first)) || self.silences.contains(&start) {
            return true;
        }
        let (bytes, count) = past.until(start);
        match bytes[..count].split_last() {
            None => true,
            Some((last, _)) => !is_word(*last) || ends_escape(&bytes[..count]),
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether an escape or a colour code ends here, with a letter or digit.
fn ends_escape(text: &[u8]) -> bool {
    let digits = |introducer: &[u8], count: usize, is: fn(&u8) -> bool| {
        text.len().checked_sub(count).is_some_and(|at| text[..at].ends_with(introducer) && text[at..].iter().all(is))
    };
    let is_octal = |digit: &u8| matches!(digit, b'0'..=b'7');
    let is_short = text.len() > 1 && text[text.len() - 2] == b'\\' && b"abtnvfreE".contains(&text[text.len() - 1]);
    let is_octal_escape = digits(b"\\", 3, is_octal) && matches!(text[text.len() - 3], b'0'..=b'3');
    let hex = u8::is_ascii_hexdigit;
    is_short
        || is_octal_escape
        || digits(b"%", 2, hex)
        || digits(b"\\x", 2, hex)
        || digits(b"\\u", 4, hex)
        || digits(b"\\U", 8, hex)
        || ends_colour(text)
}

fn ends_colour(text: &[u8]) -> bool {
    let Some(text) = text.strip_suffix(b"m") else { return false };
    let parameters = text.iter().rev().take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
    text[..text.len() - parameters].ends_with(b"\x1b[")
}
