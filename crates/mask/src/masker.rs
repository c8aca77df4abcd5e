//! Bytes in, masked bytes out. `docs/design/masker.md` is the design. Keeps the promises of the specification: however the
//! stream is cut into chunks, what decodes to a secret becomes a marker, `[cast:NAME]`, and no other byte changes; bytes
//! that can no longer become a secret leave in the same call; the bytes held back are at most as many as the longest
//! form has, however long the stream.
//!
//! The masker does not read most bytes one by one. The sieve finds places where a form or an escape may be; only there,
//! and at the end of each write, the readers read byte by byte. So the state at the end of a write is exact.

mod brief;
mod cursor;
mod decode;
mod finds;
mod marker;
mod oblivious;
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;
mod plan;
mod release;
mod sieve;
mod state;
mod terminal;
mod trie;
mod view;
mod views;
mod whole;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use brief::{Brief, LOOK_BACK, Past};
use cursor::Reader;
use finds::{Find, Finds};
use marker::Width;
use oblivious::Painted;
pub use plan::{ENCODED_BYTES, Plan, encoded};
use sieve::Lookout;
use terminal::{Part, Strings};
use views::Views;
use whole::Wholes;

/// The shortest line of an encoding that is broken into lines, in digits; the last line may be shorter. Fewer than 6
/// base64 digits contain fewer than 4 bytes, which are not a secret.
const SHORTEST_LINE: usize = 6;
/// If the stream ends with the beginning of a form, the beginning is masked from this many bytes on.
const TELLING: usize = 8;
/// The number of bytes to read one by one before asking the sieve again.
const STRETCH: usize = 32;
/// How many decoded bytes of a beginning a terminal shows at once: a character that is typed does not wait.
const TYPED: u64 = 3;
/// On a terminal, the bytes of a find are kept until its marker is written. A longer find gets several markers.
const LONGEST_FIND: usize = 1 << 20;

/// One stream.
#[derive(Serialize, Deserialize)]
pub struct Masker {
    #[serde(skip)]
    plan: Arc<Plan>,
    raw: Reader,
    brief: Brief,
    views: Views,
    finds: Finds,
    /// On a terminal, where in its strings the stream is.
    strings: Option<Strings>,
    width: Width,
    /// The number of bytes of the stream that were read.
    end: u64,
    /// The number of bytes of the stream that left, as they are or as markers.
    gone: u64,
    /// The number of bytes of the stream that are not kept: they are gone, or are within the first find.
    done: u64,
    /// The bytes from `done` to the beginning of the chunk.
    held: Vec<u8>,
    /// The last bytes before the chunk, whether they are held or not.
    before: Vec<u8>,
    /// What is painted over the bytes that are held.
    #[serde(default, skip_serializing_if = "Painted::is_new")]
    painted: Painted,
    /// Set when the first marker is written.
    #[serde(skip)]
    noted: Arc<AtomicBool>,
    /// What is known of forms that were found.
    #[serde(skip)]
    wholes: Wholes,
    /// Reads each byte: for tests of what is skipped.
    #[cfg(test)]
    #[serde(skip)]
    reads_all: bool,
}

impl Masker {
    /// A stream masked by `plan`.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            raw: Reader::new(),
            brief: Brief::new(),
            views: Views::new(),
            finds: Finds::default(),
            strings: None,
            width: Width::Own,
            end: 0,
            gone: 0,
            done: 0,
            held: Vec::new(),
            before: Vec::new(),
            painted: Painted::default(),
            noted: Arc::default(),
            wholes: Wholes::default(),
            #[cfg(test)]
            reads_all: false,
        }
    }

    /// Sets `noted` when the first marker is written, for a caller who gives the masker away.
    #[must_use]
    pub fn noting(self, noted: Arc<AtomicBool>) -> Self {
        Self { noted, ..self }
    }

    /// Markers have as many bytes as what they replace: for protocols that count bytes.
    #[must_use]
    pub fn fixed(self) -> Self {
        Self { width: Width::Bytes, ..self }
    }

    /// The stream goes to a terminal: a colour code within a secret is nothing, titles and images pass untouched, markers
    /// have as many columns as what they replace, and what is typed shows at once.
    #[must_use]
    pub fn for_terminal(self) -> Self {
        Self { width: Width::Columns, strings: Some(Strings::Text), ..self }
    }

    /// Takes the next bytes of the stream and writes all that is certain. After an error of `out` the masker must not
    /// be used again.
    pub fn write(&mut self, chunk: &[u8], out: &mut impl Write) -> io::Result<()> {
        let plan = Arc::clone(&self.plan);
        let before = std::mem::take(&mut self.before);
        let past = Past { before: &before, chunk, base: self.end };
        let mut lookout = plan.sieve.over(chunk);
        let mut at = 0;
        while at < chunk.len() {
            let stretch_end = chunk.len().min(at + STRETCH);
            while at < stretch_end {
                if self.is_idle() {
                    let idle = plan.sieve.idle_bytes(&chunk[at..], stretch_end - at);
                    at += idle;
                    self.end += idle as u64;
                    if at == stretch_end {
                        break;
                    }
                    if let Some(len) = self.take_form(&plan, &chunk[at..]) {
                        at += len;
                        self.found(&plan, past, out)?;
                        continue;
                    }
                }
                if self.step(&plan, chunk[at], past) {
                    self.found(&plan, past, out)?;
                }
                at += 1;
            }
            if at < chunk.len()
                && let Some(next) = self.skip(&plan, &mut lookout, at, past)
            {
                at = next;
            }
        }
        let (live, look_back) = match &plan.oblivious {
            None => (self.live(&plan, past, self.free()), LOOK_BACK),
            // What a terminal shows is never held.
            Some(_) if self.strings.is_some() => (self.end, LOOK_BACK),
            Some(oblivious) => (self.end - oblivious.held(past), oblivious.look_back()),
        };
        self.settle(&plan, live, past, out)?;
        self.keep(&plan, past, out)?;
        self.before = remember(before, chunk, look_back);
        Ok(())
    }

    /// A form ends here. What is certain leaves, so that the finds of a long chunk take no memory. But what is certain
    /// depends on the beginnings of values, which may not show of some.
    fn found(&mut self, plan: &Plan, past: Past<'_>, out: &mut impl Write) -> io::Result<()> {
        match &plan.oblivious {
            None => {
                let certain = self.live(plan, past, 0).min(self.views.open());
                self.settle(plan, certain, past, out)
            }
            Some(oblivious) => {
                self.take_whole(oblivious, past);
                Ok(())
            }
        }
    }

    /// Ends the stream: masks the beginning of a form that reveals too much, and writes the other bytes held back.
    pub fn finish(mut self, out: &mut impl Write) -> io::Result<()> {
        let plan = Arc::clone(&self.plan);
        if plan.oblivious.is_some() {
            return self.let_go(&plan, out);
        }
        let end = self.end;
        if let Some(place) = self.brief.pause(end) {
            self.add(Find::new(place));
        }
        let unfinished: Vec<_> = self.raw.unfinished(&plan, end).chain(self.views.unfinished(&plan, end)).collect();
        for place in unfinished {
            self.add(Find::beginning(place));
        }
        self.forget();
        self.settle(&plan, end, Past { before: &[], chunk: &[], base: end }, out)
    }

    /// Reads one byte. Returns whether a form ends with it.
    #[inline]
    fn step(&mut self, plan: &Plan, byte: u8, past: Past<'_>) -> bool {
        let at = self.end;
        self.end += 1;
        if let Some(strings) = &mut self.strings {
            match strings.step(byte) {
                Part::Text => {}
                Part::Opens => {
                    self.forget();
                    return false;
                }
                Part::String => return false,
            }
        }
        let Self { raw, brief, views, finds, gone, painted, .. } = self;
        let mut found = false;
        let mut take = |place| {
            if plan.oblivious.is_some() {
                painted.places.push(place);
                found = true;
                return;
            }
            let find = Find::new(place).from(*gone);
            if find.start < find.end {
                finds.add(find);
                found = true;
            }
        };
        let wakes = plan.sieve.wakes(byte) && views.wake(plan, byte, raw, at, self.strings.is_some());
        raw.step(plan, byte, at, &mut take);
        if plan.has_brief {
            brief.step(plan, byte, at, past, &mut take);
        }
        if wakes || views.are_awake() {
            views.step(plan, byte, at, raw, &mut take);
        }
        found
    }

    fn add(&mut self, find: Find) {
        let find = find.from(self.gone);
        if find.start < find.end {
            self.finds.add(find);
        }
    }

    /// Whether the state is the same as at the start of a text.
    #[inline]
    fn is_idle(&self) -> bool {
        self.raw.is_idle() && self.brief.is_idle() && !self.views.are_awake() && self.strings.is_none()
    }

    /// Forgets all beginnings.
    fn forget(&mut self) {
        self.raw = Reader::new();
        self.brief.reset();
        self.views.reset();
    }

    /// Skips the text in which the sieve finds nothing. Returns where in the chunk to continue, if that is behind `at`.
    fn skip(&mut self, plan: &Plan, lookout: &mut Lookout<'_>, at: usize, past: Past<'_>) -> Option<usize> {
        #[cfg(test)]
        if self.reads_all {
            return None;
        }
        if self.views.are_awake() || self.strings.is_some() {
            return None;
        }
        let base = past.base;
        let origin = self.raw.origin(plan, self.end).min(self.brief.origin(plan, self.end));
        if origin < base || self.brief.is_waiting() || !self.is_settled(plan, past) {
            return None;
        }
        let found = lookout.next(offset(origin, base));
        let next = found.checked_sub(plan.sieve.window).filter(|&next| next > at)?;
        let next = plan.sieve.aligned(past.chunk, next);
        if next <= at {
            return None;
        }
        self.end = base + next as u64;
        self.raw = Reader::new();
        self.brief.reset();
        Some(next)
    }

    /// Where the first beginning of a form with more than `free` bytes begins.
    fn live(&self, plan: &Plan, past: Past<'_>, free: u64) -> u64 {
        [self.raw.live(plan, self.end, free), self.brief.live(plan, self.end, past, free), self.views.live(plan, free)]
            .into_iter()
            .flatten()
            .fold(self.end, u64::min)
    }

    /// How many decoded bytes of a beginning are never held back.
    fn free(&self) -> u64 {
        if self.strings.is_some() { TYPED } else { 0 }
    }

    /// Whether no find can still grow.
    fn is_settled(&self, plan: &Plan, past: Past<'_>) -> bool {
        self.finds.last().is_none_or(|last| last.end <= self.live(plan, past, 0))
    }

    /// Writes what is before `live`: text that cannot become a secret, and markers of finds that cannot grow.
    fn settle(&mut self, plan: &Plan, live: u64, past: Past<'_>, out: &mut impl Write) -> io::Result<()> {
        while let Some(find) = self.finds.first().filter(|find| find.end <= live).copied() {
            self.mark(plan, find, past, out)?;
            self.finds.take_first();
        }
        let certain = self.finds.first().map_or(live, |find| find.start.min(live));
        self.pass(certain, past, out)
    }

    /// Writes a marker, and what is before it.
    fn mark(&mut self, plan: &Plan, find: Find, past: Past<'_>, out: &mut impl Write) -> io::Result<()> {
        self.pass(find.start, past, out)?;
        let marker = &plan.markers[find.name() as usize];
        match self.width {
            Width::Own => out.write_all(marker)?,
            Width::Bytes => marker::write_fixed(marker, find.end - find.start, out)?,
            Width::Columns => {
                let [kept, new] = self.pieces(find.start, find.end, past);
                marker::write_columns(marker, &[kept, new].concat(), out)?;
            }
        }
        self.noted.store(true, Ordering::Relaxed);
        self.done = self.done.max(find.end);
        self.gone = find.end;
        Ok(())
    }

    /// Writes the text to `to`, which may be partly held and partly in the chunk.
    fn pass(&mut self, to: u64, past: Past<'_>, out: &mut impl Write) -> io::Result<()> {
        if self.done < to {
            if self.painted.is_clear() {
                for piece in self.pieces(self.done, to, past) {
                    if !piece.is_empty() {
                        out.write_all(piece)?;
                    }
                }
            } else {
                self.pass_painted(to, past, out)?;
            }
            self.done = to;
        }
        self.gone = self.gone.max(to);
        Ok(())
    }

    /// The bytes of the stream from `from`, which are kept, to `to`.
    fn pieces<'a>(&'a self, from: u64, to: u64, past: Past<'a>) -> [&'a [u8]; 2] {
        let base = past.base;
        let kept = |at: u64| self.held.len() - offset(base, at.min(base));
        let new = |at: u64| offset(at.max(base), base);
        [&self.held[kept(from)..kept(to)], &past.chunk[new(from)..new(to)]]
    }

    /// Keeps the unfinished bytes. Of the first find it keeps only the position, so an endless find takes no memory.
    fn keep(&mut self, plan: &Plan, past: Past<'_>, out: &mut impl Write) -> io::Result<()> {
        if let Some(first) = self.finds.first().filter(|find| find.start <= self.gone).copied() {
            if self.width == Width::Columns {
                if first.end - first.start > LONGEST_FIND as u64 {
                    self.mark(plan, first, past, out)?;
                    self.finds.take_first();
                }
            } else {
                self.done = self.done.max(first.end);
            }
        }
        if self.done >= past.base {
            self.held.clear();
            self.held.extend(&past.chunk[offset(self.done, past.base)..]);
        } else {
            self.held.drain(..self.held.len() - offset(past.base, self.done));
            self.held.extend(past.chunk);
        }
        Ok(())
    }
}

/// The last bytes of the stream after `chunk`.
fn remember(mut before: Vec<u8>, chunk: &[u8], most: usize) -> Vec<u8> {
    let new = &chunk[chunk.len().saturating_sub(most)..];
    let old = before.len().saturating_sub(most - new.len());
    before.drain(..old);
    before.extend(new);
    before
}

/// The distance between two positions within one chunk and the bytes held before it.
fn offset(to: u64, from: u64) -> usize {
    usize::try_from(to - from).expect("the distance of two bytes in memory")
}

#[cfg(test)]
mod tests;
