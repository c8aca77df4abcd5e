//! The sieve in front of the automaton: finds where in a text a form may be, far faster than reading byte by byte.
//! Promises that text it skips contains no form and no beginning of one, except in the last `window` bytes.
//!
//! Of a form of `n` bytes, each stretch of `step = n - 7` bytes contains the beginning of a piece of 8 bytes that lies
//! wholly inside. So looking up one piece every `step` bytes finds every form of `n` bytes or more, at one of its first
//! `step` pieces. Forms under 16 bytes are found in the same way with pieces of 4. An encoding that is broken into
//! lines escapes both if its first line is short. The sieve then finds it by the first 5 bytes of its second line,
//! which is a full line or the last one with all the rest. A form with escapes in it is found by the first of them: what
//! is before it is found like the end of the text.

mod escapes;
mod lines;

use super::SHORTEST_LINE;
pub(super) use escapes::Escapes;
use lines::LineEnds;

/// What the sieve needs to know of a form.
pub(super) struct Head {
    pub(super) first: [u8; HEAD],
    pub(super) len: usize,
    pub(super) wraps: bool,
}

impl Head {
    /// The number of bytes that the pieces cover. They must also find a form whose first line leaves fewer than
    /// `BEHIND` bytes for the second.
    fn reach(&self) -> usize {
        if self.wraps { self.len + 1 - BEHIND } else { self.len }
    }
}

/// The number of bytes of a form that the sieve uses.
pub(super) const HEAD: usize = 52;
/// The longest step, in bytes. A longer one would gain little and lengthen the window, which every write reads byte by
/// byte.
const LONGEST_STEP: usize = 40;
/// The number of pieces above which the step shrinks, because more would not fit into the processor's cache.
const MOST_PIECES: usize = 1 << 16;
/// Forms with fewer bytes for the pieces than this are found by pieces of 4 bytes.
const LONG: usize = 16;

/// The number of bytes that decide whether a form can begin. No form is shorter.
pub(super) const BEGINNING: usize = 4;
/// The most blanks to look through for a second line.
const INDENT: usize = 65;
/// The number of bytes that identify a second line.
const BEHIND: usize = SHORTEST_LINE - 1;

pub(super) struct Sieve {
    long: Pieces,
    short: Pieces,
    joints: Option<Set>,
    beginnings: Set,
    escapes: Escapes,
    /// How many bytes before a find or the end of the text a form may have begun, plus a few more: reading may start in
    /// the middle of an escape and take its letter for the beginning of a form. The extra bytes make sure that such a
    /// beginning is over before the find.
    pub(super) window: usize,
}

struct Pieces {
    set: Set,
    /// Zero means that there is nothing to look for.
    step: usize,
}

impl Sieve {
    pub(super) fn new(heads: &[Head], mut escapes: Escapes) -> Self {
        escapes.finish();
        let (long, short): (Vec<&Head>, Vec<&Head>) = heads.iter().partition(|head| head.reach() >= LONG);
        let long = Pieces::new::<8>(&long);
        let short = Pieces::new::<4>(&short);
        let wrapping: Vec<&Head> = heads.iter().filter(|head| head.wraps).collect();
        let step = long.step.max(short.step);
        let joints = (!wrapping.is_empty()).then(|| joints(&wrapping, step));
        let window = step + 24;
        Self { long, short, joints, beginnings: beginnings(heads), escapes, window }
    }

    /// How many bytes of `text`, at most `most`, are before one with which a form or an escape may begin. For a caller
    /// that reads byte by byte and knows that no form began before.
    #[inline]
    pub(super) fn idle_bytes(&self, text: &[u8], most: usize) -> usize {
        // An escape or a line end may break a form after its first byte.
        let near = &text[..text.len().min(most + BEGINNING - 1)];
        let plain = near.iter().position(|byte| self.escapes.is_special(*byte)).unwrap_or(near.len());
        near[..plain]
            .windows(BEGINNING)
            .take(most)
            .take_while(|next| !self.may_begin(*next.first_chunk().expect("a window is as long")))
            .count()
    }

    #[inline]
    fn may_begin(&self, next: [u8; BEGINNING]) -> bool {
        self.beginnings.may_hold(number(next))
    }

    /// Whether an escape begins with this byte.
    #[inline]
    pub(super) fn wakes(&self, byte: u8) -> bool {
        self.escapes.start(byte)
    }

    /// Whether an escape begins with this byte, or a line ends.
    pub(super) fn is_special(&self, byte: u8) -> bool {
        self.escapes.is_special(byte)
    }

    /// Whether a form contains a blank, so that `+` may be one.
    pub(super) fn has_blank(&self) -> bool {
        self.escapes.has_blank()
    }

    /// The beginning of the escape that `to` is within, or `to`.
    pub(super) fn aligned(&self, text: &[u8], to: usize) -> usize {
        self.escapes.aligned(text, to)
    }

    pub(super) fn over<'a>(&'a self, text: &'a [u8]) -> Lookout<'a> {
        Lookout { sieve: self, text, long: None, short: None, joint: None, escape: None, plus: None }
    }
}

impl Pieces {
    fn new<const N: usize>(heads: &[&Head]) -> Self {
        let Some(shortest) = heads.iter().map(|head| head.reach()).min() else {
            return Self { set: Set::new(0), step: 0 };
        };
        let step = (shortest - N + 1).min(LONGEST_STEP).min((MOST_PIECES / heads.len()).max(1));
        let mut set = Set::new(heads.len() * step);
        let mut last: &[u8] = &[];
        for head in heads {
            // Many forms of a value begin with the same bytes.
            let first = &head.first[..step + N - 1];
            if first != std::mem::replace(&mut last, first) {
                for at in 0..step {
                    set.insert(number_at::<N>(first, at));
                }
            }
        }
        Self { set, step }
    }

    /// The position of the first piece at or after `from`, or the end of the text.
    fn find<const N: usize>(&self, text: &[u8], from: usize) -> usize {
        if self.step == 0 {
            return text.len();
        }
        let mut at = from;
        while let Some(piece) = text.get(at..).and_then(|rest| rest.first_chunk::<N>()) {
            if self.set.holds(number(*piece)) {
                return at;
            }
            at += self.step;
        }
        text.len()
    }
}

fn beginnings(heads: &[Head]) -> Set {
    let mut set = Set::new(heads.len());
    for head in heads {
        set.insert(number_at::<BEGINNING>(&head.first, 0));
    }
    set
}

/// The beginnings of second lines, after first lines that are too short for a piece of 8 bytes.
fn joints(heads: &[&Head], step: usize) -> Set {
    let mut set = Set::new(heads.len() * (step + 7));
    for head in heads {
        let first = &head.first[..head.len.min(HEAD)];
        for at in 1..(first.len() + 1 - BEHIND).min(step + 7) {
            set.insert(number_at::<BEHIND>(first, at));
        }
    }
    set
}

/// The position of a line end at or after `from` that is followed by a piece of an encoding, behind blanks.
fn find_joint(set: &Set, text: &[u8], from: usize) -> usize {
    let mut ends = LineEnds::new();
    for start in (from..text.len()).step_by(lines::STRETCH) {
        let mut found = ends.find(&text[start..]).iter().map(|end| start + usize::from(*end));
        if let Some(at) = found.find(|at| may_be_joint(set, &text[at + 1..])) {
            return at;
        }
    }
    text.len()
}

/// Whether a piece of an encoding may begin the line `behind`.
fn may_be_joint(set: &Set, behind: &[u8]) -> bool {
    let blanks = match behind.first() {
        Some(b' ' | b'\t') => behind.iter().take(INDENT).take_while(|byte| b" \t".contains(byte)).count(),
        _ => 0,
    };
    match behind[blanks..].first_chunk::<BEHIND>() {
        Some(piece) => set.holds(number(*piece)),
        None => blanks > 0,
    }
}

/// Scans one text. Remembers each kind of find until the scan has passed it, so no byte is examined twice for it.
pub(super) struct Lookout<'a> {
    sieve: &'a Sieve,
    text: &'a [u8],
    long: Option<usize>,
    short: Option<usize>,
    joint: Option<usize>,
    escape: Option<usize>,
    plus: Option<usize>,
}

impl Lookout<'_> {
    /// The first position at or after `from` where a form may be, or the end of the text. `from` must not decrease.
    pub(super) fn next(&mut self, from: usize) -> usize {
        let Self { sieve, text, .. } = *self;
        let long = renewed(&mut self.long, from, || sieve.long.find::<8>(text, from));
        let short = renewed(&mut self.short, from, || sieve.short.find::<4>(text, from));
        let joint = renewed(&mut self.joint, from, || {
            sieve.joints.as_ref().map_or(text.len(), |set| find_joint(set, text, from))
        });
        let escape = renewed(&mut self.escape, from, || sieve.escapes.find(text, from, sieve.joints.as_ref()));
        let plus = renewed(&mut self.plus, from, || sieve.escapes.find_plus(text, from));
        long.min(short).min(joint).min(escape).min(plus)
    }
}

fn renewed(known: &mut Option<usize>, from: usize, find: impl FnOnce() -> usize) -> usize {
    match *known {
        Some(at) if at >= from => at,
        _ => *known.insert(find()),
    }
}

/// A set of numbers behind a bitmap that answers most lookups. A false positive costs a little time; there are no
/// false negatives.
struct Set {
    /// A bit for each number. Numbers may share one.
    bits: Vec<u64>,
    /// Open addressing; zero is an empty slot.
    tags: Vec<u16>,
}

/// The bitmap has a word for each of this many numbers, up to its largest size.
const NUMBERS_IN_WORD: usize = 4;
/// The number of words of the largest bitmap, as a power of two.
const LOG_WORDS: u32 = (MOST_PIECES / NUMBERS_IN_WORD).trailing_zeros();

impl Set {
    fn new(count: usize) -> Self {
        Self {
            bits: vec![0; count.div_ceil(NUMBERS_IN_WORD).next_power_of_two().min(1 << LOG_WORDS)],
            tags: vec![0; count + count / 4 + 1],
        }
    }

    fn insert(&mut self, number: u64) {
        let hash = hash(number);
        let (word, bit) = self.place(hash);
        self.bits[word] |= 1 << bit;
        let (slot, tag) = self.slot(hash);
        self.tags[slot] = tag;
    }

    #[inline]
    fn may_hold(&self, number: u64) -> bool {
        let (word, bit) = self.place(hash(number));
        self.bits[word] >> bit & 1 != 0
    }

    #[inline]
    fn holds(&self, number: u64) -> bool {
        self.may_hold(number) && self.holds_surely(hash(number))
    }

    /// The word, and the bit in it.
    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        let word = (hash >> (64 - LOG_WORDS)) as usize & (self.bits.len() - 1);
        (word, hash >> (58 - LOG_WORDS) & 63)
    }

    #[cold]
    fn holds_surely(&self, hash: u64) -> bool {
        let (slot, tag) = self.slot(hash);
        self.tags[slot] == tag
    }

    /// The slot that has the tag, or the empty one where it belongs. A set has more slots than numbers.
    fn slot(&self, hash: u64) -> (usize, u16) {
        let mixed = (hash ^ hash >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let tag = u16::try_from(mixed >> 48).expect("a quarter of 64 bits") | 1;
        let slots = self.tags.len() as u64;
        let mut slot = usize::try_from(((mixed & 0xFFFF_FFFF) * slots) >> 32).expect("one of the slots");
        while self.tags[slot] != tag && self.tags[slot] != 0 {
            slot = if slot + 1 < self.tags.len() { slot + 1 } else { 0 };
        }
        (slot, tag)
    }
}

fn hash(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A piece as a number. Pieces of 8 bytes fill it; for shorter ones the last byte is the length, so pieces of different
/// lengths differ.
#[inline]
fn number<const N: usize>(piece: [u8; N]) -> u64 {
    let mut wide = [0; 8];
    wide[7] = u8::try_from(N).expect("at most 8");
    wide[..N].copy_from_slice(&piece);
    u64::from_le_bytes(wide)
}

/// The piece of `text` at `at`, which must be within the text.
#[inline]
fn number_at<const N: usize>(text: &[u8], at: usize) -> u64 {
    number::<N>(*text[at..].first_chunk().expect("within the text"))
}
