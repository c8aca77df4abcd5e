//! Bytes in, masked bytes out. Keeps the promises in the README's section on masking: however the stream is cut into
//! chunks, every form of every secret becomes a marker, `[cast:NAME]`, and no other byte changes; bytes that can no
//! longer become a secret leave in the same call, without a timer; the bytes held back are at most as many as the
//! longest form, however long the stream.
//!
//! The masker does not read most bytes one by one. The sieve finds places where a form may be; only there, and at the
//! end of each write, the cursors read byte by byte. So the state at the end of a write is exact, and the output does
//! not depend on the chunks.

mod cursor;
mod finds;
#[cfg(any(test, feature = "oracle"))]
pub mod oracle;
mod plan;
mod sieve;
mod state;
mod trie;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::forms;
use cursor::{LineEnds, Straight, Wrapped};
use finds::Finds;
pub use plan::{ENCODED_BYTES, Plan, encoded};
use sieve::{BEGINNING, Lookout, Sieve};

/// The shortest line of an encoding that is broken into lines, in digits; the last line may be shorter. Fewer than 6
/// base64 digits contain fewer than 4 bytes, which are not a secret.
const SHORTEST_LINE: usize = 6;
/// If the stream ends with the beginning of a form, the beginning is masked from this many bytes on.
const TELLING: usize = 8;
/// The number of bytes to read one by one before asking the sieve again.
const STRETCH: usize = 32;

/// One stream.
#[derive(Serialize, Deserialize)]
pub struct Masker {
    #[serde(skip)]
    plan: Arc<Plan>,
    straight: Straight,
    lines: Wrapped,
    escaped_lines: Wrapped,
    finds: Finds,
    /// The number of bytes of the stream that were read.
    end: u64,
    /// The number of bytes of the stream that are finished: they were written, or are within the first find.
    done: u64,
    /// The bytes from `done` to the beginning of the chunk.
    held: Vec<u8>,
    /// Whether a marker takes as many columns as what it replaces.
    #[serde(skip)]
    keeps_width: bool,
    /// Set when the first marker is written.
    #[serde(skip)]
    noted: Arc<AtomicBool>,
}

impl Masker {
    /// A stream masked by `plan`.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            straight: Straight::new(),
            lines: Wrapped::new(LineEnds::Plain),
            escaped_lines: Wrapped::new(LineEnds::Escaped),
            finds: Finds::default(),
            end: 0,
            done: 0,
            held: Vec::new(),
            keeps_width: false,
            noted: Arc::default(),
        }
    }

    /// For a terminal: a marker is cut or filled to the width of what it replaces.
    #[must_use]
    pub fn for_terminal(self) -> Self {
        Self { keeps_width: true, ..self }
    }

    /// Called when the stream has been silent.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, clippy::needless_pass_by_ref_mut)]
    pub fn idle(&mut self, _out: &mut impl Write) -> io::Result<()> {
        Ok(())
    }

    /// Sets `noted` when the first marker is written, for a caller who gives the masker away.
    #[must_use]
    pub fn noting(self, noted: Arc<AtomicBool>) -> Self {
        Self { noted, ..self }
    }

    /// Takes the next bytes of the stream and writes all that is certain. After an error of `out` the masker must not
    /// be used again.
    pub fn write(&mut self, chunk: &[u8], out: &mut impl Write) -> io::Result<()> {
        let plan = Arc::clone(&self.plan);
        let base = self.end;
        let mut lookout = plan.sieve.over(chunk);
        let mut at = 0;
        while at < chunk.len() {
            let stretch_end = chunk.len().min(at + STRETCH);
            while at < stretch_end {
                if self.is_idle() {
                    let idle = idle_bytes(&plan.sieve, &chunk[at..], stretch_end - at);
                    at += idle;
                    self.end += idle as u64;
                    if at == stretch_end {
                        break;
                    }
                }
                if self.step(&plan, chunk[at]) {
                    self.settle(&plan, chunk, base, out)?;
                }
                at += 1;
            }
            if at < chunk.len()
                && let Some(next) = self.skip(&plan, &mut lookout, at)
            {
                at = next;
            }
        }
        self.settle(&plan, chunk, base, out)?;
        self.keep(chunk, base);
        Ok(())
    }

    /// Ends the stream: masks the beginning of a form that reveals too much, and writes the other bytes held back.
    pub fn finish(mut self, out: &mut impl Write) -> io::Result<()> {
        let plan = Arc::clone(&self.plan);
        let unfinished = [
            self.straight.unfinished(&plan.straight, self.end),
            self.lines.unfinished(&plan.wrapped, self.end),
            self.escaped_lines.unfinished(&plan.wrapped, self.end),
        ];
        for find in unfinished.into_iter().flatten() {
            self.finds.add(find);
        }
        self.straight = Straight::new();
        self.lines = Wrapped::new(LineEnds::Plain);
        self.escaped_lines = Wrapped::new(LineEnds::Escaped);
        let end = self.end;
        self.settle(&plan, &[], end, out)
    }

    /// Reads one byte. Returns whether a form ends with it.
    #[inline]
    fn step(&mut self, plan: &Plan, byte: u8) -> bool {
        let at = self.end;
        self.end += 1;
        let mut found = false;
        if let Some(find) = self.straight.step(&plan.straight, byte, at) {
            self.finds.add(find);
            found = true;
        }
        let together = self.escaped_lines.walks_with(&self.lines) && !matches!(byte, b'\n' | b'\r' | b'\\');
        if let Some(find) = self.lines.step(&plan.wrapped, byte, at) {
            self.finds.add(find);
            found = true;
        }
        if together {
            self.escaped_lines.follow(&self.lines);
        } else if let Some(find) = self.escaped_lines.step(&plan.wrapped, byte, at) {
            self.finds.add(find);
            found = true;
        }
        found
    }

    /// Whether the state is the same as at the start of a text.
    #[inline]
    fn is_idle(&self) -> bool {
        self.straight.is_idle() && self.lines.is_idle() && self.escaped_lines.is_idle()
    }

    /// Skips the text in which the sieve finds nothing. Returns where in the chunk to continue, if that is behind `at`.
    fn skip(&mut self, plan: &Plan, lookout: &mut Lookout<'_>, at: usize) -> Option<usize> {
        let base = self.end - at as u64;
        let origin = self.origin(plan);
        if origin < base || !self.is_settled(plan) {
            return None;
        }
        let found = lookout.next(offset(origin, base));
        let next = found.checked_sub(plan.sieve.window).filter(|&next| next > at)?;
        self.end = base + next as u64;
        self.straight = Straight::new();
        self.lines = Wrapped::new(LineEnds::Plain);
        self.escaped_lines = Wrapped::new(LineEnds::Escaped);
        Some(next)
    }

    /// The start of the first beginning that can still become a form.
    fn live(&self, plan: &Plan) -> u64 {
        [
            self.straight.live(&plan.straight, self.end),
            self.lines.live(&plan.wrapped, self.end),
            self.escaped_lines.live(&plan.wrapped, self.end),
        ]
        .into_iter()
        .flatten()
        .fold(self.end, u64::min)
    }

    /// A position from which reading leads to the current state of all cursors.
    fn origin(&self, plan: &Plan) -> u64 {
        self.straight
            .origin(&plan.straight, self.end)
            .min(self.lines.origin(&plan.wrapped, self.end))
            .min(self.escaped_lines.origin(&plan.wrapped, self.end))
    }

    /// Whether no find can still grow.
    fn is_settled(&self, plan: &Plan) -> bool {
        self.finds.last().is_none_or(|last| last.end <= self.live(plan))
    }

    /// Writes all that is certain: text that cannot become a secret, and markers of finds that cannot grow.
    fn settle(&mut self, plan: &Plan, chunk: &[u8], base: u64, out: &mut impl Write) -> io::Result<()> {
        let live = self.live(plan);
        while let Some(find) = self.finds.first().filter(|find| find.end <= live).copied() {
            self.pass(find.start, chunk, base, out)?;
            let marker = &plan.markers[find.name() as usize];
            if self.keeps_width {
                out.write_all(&of_width(marker, usize::try_from(find.end - find.start).unwrap_or(marker.len())))?;
            } else {
                out.write_all(marker)?;
            }
            self.noted.store(true, Ordering::Relaxed);
            self.done = find.end;
            self.finds.take_first();
        }
        let certain = self.finds.first().map_or(live, |find| find.start.min(live));
        self.pass(certain, chunk, base, out)
    }

    /// Writes the text from `done` to `to`, which may be partly held and partly in the chunk.
    fn pass(&mut self, to: u64, chunk: &[u8], base: u64, out: &mut impl Write) -> io::Result<()> {
        if self.done < to.min(base) {
            let first = self.held.len() - offset(base, self.done);
            let last = self.held.len() - offset(base, to.min(base));
            out.write_all(&self.held[first..last])?;
        }
        if to > base.max(self.done) {
            out.write_all(&chunk[offset(self.done.max(base), base)..offset(to, base)])?;
        }
        self.done = self.done.max(to);
        Ok(())
    }

    /// Keeps the unfinished bytes. Of the first find it keeps only the position, so an endless find takes no memory.
    fn keep(&mut self, chunk: &[u8], base: u64) {
        if let Some(first) = self.finds.first().filter(|find| find.start <= self.done) {
            self.done = self.done.max(first.end);
        }
        if self.done >= base {
            self.held.clear();
            self.held.extend(&chunk[offset(self.done, base)..]);
        } else {
            self.held.drain(..self.held.len() - offset(base, self.done));
            self.held.extend(chunk);
        }
    }
}

/// The marker, cut or filled to a width.
fn of_width(marker: &[u8], width: usize) -> Vec<u8> {
    let mut marker = marker.to_vec();
    let fill = width.saturating_sub(marker.len());
    marker.splice(marker.len() - 1..marker.len() - 1, std::iter::repeat_n(b'*', fill));
    marker.truncate(width);
    marker
}

/// Whether this beginning of a form must be masked at the end of a stream: 8 bytes or more, not counting a PEM armour
/// line.
fn is_telling(beginning: &[u8]) -> bool {
    beginning.len() - forms::armour_prefix(beginning) >= TELLING
}

/// The number of bytes of `text`, at most `most`, before one with which a form may begin.
#[inline]
fn idle_bytes(sieve: &Sieve, text: &[u8], most: usize) -> usize {
    text.windows(BEGINNING)
        .take(most)
        .take_while(|next| !sieve.may_begin(*next.first_chunk().expect("a window is as long")))
        .count()
}

/// The distance between two positions within one chunk and the bytes held before it.
fn offset(to: u64, from: u64) -> usize {
    usize::try_from(to - from).expect("the distance of two bytes in memory")
}

#[cfg(test)]
mod tests;
