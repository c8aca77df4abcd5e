//! A view: the stream as one decoder passes it on, read by a reader of its own, with the way back from each decoded
//! byte to the bytes of the stream.
//!
//! A view sleeps while it would do what the raw reader does. It wakes when a byte arrives with which one of its escapes
//! may begin, and falls asleep again when no beginning that it follows contains an escape. Text without escapes costs
//! nothing.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::cursor::{Place, Reader};
use super::decode::{Decoded, Decoder, Kind, Unit};
use super::plan::Plan;

/// A decoded byte that is not one byte of the stream, or an escape of nothing.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Escape {
    /// Its place in the decoded text.
    at: u64,
    /// How many decoded bytes it is: one, or none.
    len: u64,
    /// Its place in the stream.
    begin: u64,
    end: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct View {
    decoder: Decoder,
    awake: bool,
    reader: Reader,
    /// The length of the decoded text. Only differences matter.
    len: u64,
    /// The escapes within the beginnings that the reader follows.
    escapes: VecDeque<Escape>,
    /// A position in the decoded text, before all of these escapes, and the same in the stream.
    anchor: (u64, u64),
}

impl View {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            decoder: Decoder::new(kind),
            awake: false,
            reader: Reader::new(),
            len: 0,
            escapes: VecDeque::new(),
            anchor: (0, 0),
        }
    }

    #[inline]
    pub(super) fn is_awake(&self) -> bool {
        self.awake
    }

    /// Continues where the raw reader is, at `at`.
    pub(super) fn wake(&mut self, raw: &Reader, at: u64) {
        self.awake = true;
        self.reader.clone_from(raw);
        self.len = at;
        self.escapes.clear();
        self.anchor = (0, 0);
    }

    /// Takes the next byte. Passes what was found, by its place in the stream, and what it decoded.
    pub(super) fn step(&mut self, plan: &Plan, unit: Unit, take: &mut impl FnMut(Place), pass: &mut impl FnMut(Unit)) {
        let Self { decoder, reader, len, escapes, anchor, .. } = self;
        decoder.push(unit, &mut |decoded| {
            let unit = match decoded {
                Decoded::Byte(unit) => unit,
                Decoded::Nothing(end) => return escapes.push_back(Escape { at: *len, len: 0, begin: end, end }),
            };
            if unit.end - unit.begin != 1 {
                escapes.push_back(Escape { at: *len, len: 1, begin: unit.begin, end: unit.end });
            }
            let at = *len;
            *len += 1;
            let way = Way { escapes, anchor: *anchor };
            reader.step(plan, unit.byte, at, &mut |place| {
                take(Place { start: way.start(place.start), end: way.end(place.end), ..place });
            });
            if !escapes.is_empty() {
                forget(escapes, anchor, reader.origin(plan, *len));
            }
            pass(unit);
        });
    }

    /// Falls asleep if it does what the raw reader does.
    pub(super) fn doze(&mut self, plan: &Plan, raw: &Reader) {
        if self.decoder.open().is_none() {
            forget(&mut self.escapes, &mut self.anchor, self.reader.origin(plan, self.len));
            self.awake = !(self.escapes.is_empty() && self.reader.agrees(raw));
        }
    }

    /// Where in the stream the longest beginning of more than `free` bytes begins.
    pub(super) fn live(&self, plan: &Plan, free: u64) -> Option<u64> {
        self.reader.live(plan, self.len, free).map(|start| self.way().start(start))
    }

    /// Where in the stream an escape begins that is not complete.
    pub(super) fn open(&self) -> Option<u64> {
        self.decoder.open()
    }

    /// How far a silence lets the stream out.
    pub(super) fn limit(&self, plan: &Plan, free: u64) -> Option<u64> {
        self.reader.limit(plan, self.len, free).map(|limit| self.way().start(limit))
    }

    /// The beginnings that tell too much, at the end of the stream; with the beginning of an escape, if one is open.
    pub(super) fn unfinished(&self, plan: &Plan, end: u64, is_open: bool) -> impl Iterator<Item = Place> {
        self.reader.unfinished(plan, self.len).map(move |place| {
            let is_last = place.end == self.len && is_open;
            let end = if is_last { end } else { self.way().end(place.end) };
            Place { start: self.way().start(place.start), end, ..place }
        })
    }

    fn way(&self) -> Way<'_> {
        Way { escapes: &self.escapes, anchor: self.anchor }
    }
}

/// Forgets the escapes before `start`.
#[inline]
fn forget(escapes: &mut VecDeque<Escape>, anchor: &mut (u64, u64), start: u64) {
    while let Some(first) = escapes.front().filter(|first| first.at + first.len <= start) {
        *anchor = (first.at + first.len, first.end);
        escapes.pop_front();
    }
}

/// The way from the decoded text back to the stream.
#[derive(Clone, Copy)]
struct Way<'a> {
    escapes: &'a VecDeque<Escape>,
    anchor: (u64, u64),
}

impl Way<'_> {
    /// Where the decoded byte at `at` begins in the stream.
    fn start(self, at: u64) -> u64 {
        match self.last(at) {
            Some(escape) if escape.at + escape.len > at => escape.begin,
            Some(escape) => escape.end + (at - escape.at - escape.len),
            None => self.anchor.1 + (at - self.anchor.0),
        }
    }

    /// Where the decoded byte before `at` ends in the stream.
    fn end(self, at: u64) -> u64 {
        match self.last(at - 1) {
            Some(escape) => escape.end + (at - escape.at - escape.len),
            None => self.anchor.1 + (at - self.anchor.0),
        }
    }

    /// The last escape at or before the decoded byte at `at`.
    fn last(self, at: u64) -> Option<Escape> {
        let before = self.escapes.partition_point(|escape| escape.at <= at);
        before.checked_sub(1).map(|before| self.escapes[before])
    }
}
