//! The mode for values that the program does not have: it must not learn them from what is masked, held, cut or late.
//!
//! So only a whole value changes anything, and what is held depends on the kinds of bytes alone (`held`). A whole value
//! becomes a marker, or is painted over with its stand-in, byte by byte (`paint`).

mod held;
mod paint;
mod spelling;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::brief::{Past, SHORTEST_FULL};
use super::cursor::{Place, Reader};
use super::finds::Find;
use super::plan::{Builder, Plan, encoded};
use super::views::Views;
use super::{Masker, SHORTEST_LINE};
use crate::forms::{self, Form, Swap};

/// The most bytes of the stream for one byte of a form: `&#x0000041;`, `\\U00000041`.
const LONGEST_SPELLING: usize = 12;
/// The most bytes of the stream for a line end within an encoding: as an escape, with 64 blanks behind it.
const LONGEST_LINE_END: usize = 96;
/// Longer than what waits for its end and then is no escape: an escape that is itself written in escapes.
const LONGEST_ESCAPE: u64 = 256;
/// How many bytes at the end of the stream decide what is held, besides the longest form.
const AROUND: usize = 128;

/// What a plan needs for this mode.
pub(super) struct Oblivious {
    /// For each secret, by its number in the plan: its number for the caller.
    order: Vec<usize>,
    /// For each form, what stands in its place. Without them, a marker does.
    swaps: Vec<(u32, Swap)>,
    rule: held::Rule,
}

impl Oblivious {
    pub(super) fn paints(&self) -> bool {
        !self.swaps.is_empty()
    }

    /// How many bytes before a chunk are remembered.
    pub(super) fn look_back(&self) -> usize {
        self.rule.long + AROUND
    }

    /// How many bytes at the end of the stream are held.
    pub(super) fn held(&self, past: Past<'_>) -> u64 {
        self.rule.held(past) as u64
    }
}

/// How the forms of a plan look. Of a value it tells no more than its stand-in does.
#[derive(Default)]
struct Shape {
    marks: Vec<u8>,
    /// The most digits or bytes of a form, and the most bytes of the stream that it can take.
    short: usize,
    long: usize,
}

impl Shape {
    fn add(&mut self, form: &[u8], wraps: bool) {
        let marks = form.iter().copied().filter(|byte| !byte.is_ascii_alphanumeric());
        let line_ends = if wraps { form.len() / SHORTEST_LINE + 2 } else { 0 };
        self.marks.extend(marks);
        self.marks.sort_unstable();
        self.marks.dedup();
        self.short = self.short.max(form.len());
        self.long = self.long.max(form.len() * LONGEST_SPELLING + line_ends * LONGEST_LINE_END);
    }
}

impl Plan {
    /// A plan for values, as (name, value), that the program does not have. Only a whole value is masked. No time and
    /// no length of what a masker writes depends on a beginning of one. Values under 8 bytes are not looked for: to
    /// guess one whole is too easy.
    pub fn whole<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut plan, mut shape) = (Builder::default(), Shape::default());
        let secrets: Vec<_> = secrets.into_iter().map(|(name, value)| (name, value, ())).collect();
        let order = each(&secrets, &mut |name, value, (), is_encoded| {
            let name = plan.name(name);
            let mut take = |form: Form<'_>| {
                shape.add(form.bytes, form.wraps);
                plan.add(name, form);
            };
            if is_encoded {
                forms::each_whole_form(value, &mut take);
            } else {
                take(Form { bytes: value.as_bytes(), wraps: false });
            }
        });
        plan.finish_oblivious(order, Vec::new(), &shape)
    }

    /// The same for values with stand-ins, as (name, value, stand-in), of the same shape: letters and digits stand
    /// where letters and digits do, and all other bytes are the same, of printable ASCII. A whole value becomes its
    /// stand-in, spelled as the value was. So lengths stay.
    pub fn swapping<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Self {
        let (mut plan, mut shape, mut swaps) = (Builder::default(), Shape::default(), Vec::new());
        let secrets: Vec<_> = secrets.into_iter().collect();
        let order = each(&secrets, &mut |name, value, stand_in, is_encoded| {
            assert!(have_one_shape(value, stand_in), "a stand-in has the shape of its value");
            let secret = plan.name(name);
            let mut take = |swap: Swap| {
                shape.add(&swap.old, swap.wraps);
                let form = u32::try_from(swaps.len()).expect("fewer forms than 2^32");
                plan.add(form, Form { bytes: &swap.old, wraps: swap.wraps });
                swaps.push((secret, swap));
            };
            if is_encoded {
                forms::each_swap(value, stand_in, &mut take);
            } else {
                let [old, new] = [value, stand_in].map(|text| text.as_bytes().to_vec());
                take(Swap { old, new, wraps: false, before: None });
            }
        });
        plan.finish_oblivious(order, swaps, &shape)
    }

    /// A plan of `whole`, or of `swapping` if there are stand-ins, for the given forms.
    #[cfg(any(test, feature = "oracle"))]
    pub fn of_whole_forms(needles: &[super::oracle::Needle], stand_ins: Option<&[Vec<u8>]>) -> Self {
        let (mut plan, mut shape, mut swaps) = (Builder::default(), Shape::default(), Vec::new());
        let mut order: Vec<usize> = (0..needles.len()).filter(|at| needles[*at].bytes.len() >= SHORTEST_FULL).collect();
        order.sort_by_key(|at| &needles[*at].name);
        for at in &order {
            let super::oracle::Needle { name, bytes, wraps } = &needles[*at];
            let name = plan.name(name);
            shape.add(bytes, *wraps);
            plan.add(name, Form { bytes, wraps: *wraps });
            if let Some(stand_ins) = stand_ins {
                let (old, new) = (bytes.clone(), stand_ins[*at].clone());
                swaps.push((name, Swap { old, new, wraps: *wraps, before: None }));
            }
        }
        plan.finish_oblivious(order, swaps, &shape)
    }

    /// Which secret stands first in `bytes`, whole, in any encoding: its number in the order in which a plan of `whole`
    /// or `swapping` got them.
    pub fn find(&self, bytes: &[u8]) -> Option<usize> {
        let oblivious = self.oblivious.as_ref()?;
        let mut places: Vec<Place> = Vec::new();
        let (mut raw, mut views) = (Reader::new(), Views::new());
        for (at, &byte) in (0..).zip(bytes) {
            let mut take = |place| places.push(place);
            let wakes = self.sieve.wakes(byte) && views.wake(self, byte, &raw, at, false);
            raw.step(self, byte, at, &mut take);
            if wakes || views.are_awake() {
                views.step(self, byte, at, &raw, &mut take);
            }
        }
        let first = places.iter().min_by_key(|place| (place.start, std::cmp::Reverse(place.len), place.name))?;
        let secret = oblivious.swaps.get(first.name as usize).map_or(first.name, |(secret, _)| *secret);
        Some(oblivious.order[secret as usize])
    }
}

/// Passes the secrets that are looked for, in the order of a plan, with what belongs to each and whether to look for
/// their encodings too. Returns their numbers in `secrets`.
fn each<'a, T: Copy>(secrets: &[(&'a str, &'a str, T)], take: &mut dyn FnMut(&'a str, &'a str, T, bool)) -> Vec<usize> {
    let mut order: Vec<usize> = (0..secrets.len()).filter(|at| secrets[*at].1.len() >= SHORTEST_FULL).collect();
    order.sort_by_key(|at| (secrets[*at].0, secrets[*at].1));
    let lengths: Vec<_> = order.iter().map(|at| secrets[*at].1.len()).collect();
    for (at, is_encoded) in order.iter().zip(encoded(&lengths)) {
        let (name, value, rest) = secrets[*at];
        take(name, value, rest, is_encoded);
    }
    order
}

fn have_one_shape(value: &str, stand_in: &str) -> bool {
    let fits = |(old, new): (u8, u8)| {
        old.is_ascii_graphic() && if old.is_ascii_alphanumeric() { new.is_ascii_alphanumeric() } else { old == new }
    };
    value.len() == stand_in.len() && value.bytes().zip(stand_in.bytes()).all(fits)
}

impl Builder {
    fn finish_oblivious(self, order: Vec<usize>, swaps: Vec<(u32, Swap)>, shape: &Shape) -> Plan {
        let rule = held::Rule::new(shape, !swaps.is_empty());
        Plan { oblivious: Some(Oblivious { order, swaps, rule }), ..self.finish() }
    }
}

/// What was found in a stream, and is painted over bytes that have not left yet.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Painted {
    /// What ends with the byte that was just read. Empty between calls.
    #[serde(skip)]
    pub(super) places: Vec<Place>,
    /// What ended lately.
    recent: Vec<Place>,
    bytes: BTreeMap<u64, (Rank, u8)>,
}

/// Where forms overlap, the longest counts, then the first, then the lowest name: as for markers.
type Rank = (std::cmp::Reverse<u32>, u64, u32);

impl Painted {
    /// Whether it is as at the beginning of a stream.
    pub(super) fn is_new(&self) -> bool {
        self.recent.is_empty() && self.bytes.is_empty()
    }

    pub(super) fn is_clear(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes what ends with the byte that was just read.
    ///
    /// `%3` before a value that begins with a digit is an escape of that digit to one reader, and not to another. To
    /// show that it was one would tell that it is a digit. So of two readings of one form only the narrower counts; it
    /// is found first.
    fn take(&mut self) -> Vec<Place> {
        let mut places = std::mem::take(&mut self.places);
        places.retain(|place| {
            self.forget(place.end);
            let same = |other: &Place| (other.name, other.len) == (place.name, place.len);
            let within = |other: &Place| other.start >= place.start && other.end <= place.end;
            let is_new = !self.recent.iter().any(|other| same(other) && within(other));
            self.recent.push(*place);
            is_new
        });
        places
    }

    /// Forgets what ended so long before `end` that no reader can find it again.
    fn forget(&mut self, end: u64) {
        self.recent.retain(|place| place.end + LONGEST_ESCAPE > end);
    }

    /// Paints `text`, which stands at `at`, and forgets what is painted up to its end.
    fn onto(&mut self, text: &mut [u8], at: u64) {
        let end = at + text.len() as u64;
        for (place, (_, byte)) in self.bytes.range(at..end) {
            text[super::offset(*place, at)] = *byte;
        }
        self.bytes = self.bytes.split_off(&end);
    }
}

impl Masker {
    /// Writes all that is held: the source is silent, or the stream ends. Nothing of it depends on a value.
    pub(super) fn let_go(&mut self, plan: &Plan, out: &mut impl Write) -> io::Result<()> {
        let before = std::mem::take(&mut self.before);
        let past = Past { before: &before, chunk: &[], base: self.end };
        self.settle(plan, self.end, past, out)?;
        self.keep(plan, past, out)?;
        self.before = before;
        Ok(())
    }

    /// Writes the text to `to` as it is painted.
    pub(super) fn pass_painted(&mut self, to: u64, past: Past<'_>, out: &mut impl Write) -> io::Result<()> {
        let mut text = self.pieces(self.done, to, past).concat();
        self.painted.onto(&mut text, self.done);
        out.write_all(&text)
    }

    /// Takes what ends with the byte that was just read, for a marker or to be painted. What is gone is not painted any
    /// more.
    pub(super) fn take_whole(&mut self, oblivious: &Oblivious, past: Past<'_>) {
        for place in self.painted.take() {
            if !oblivious.paints() {
                self.add(Find::new(place));
                continue;
            }
            let (_, swap) = &oblivious.swaps[place.name as usize];
            let from = place.start.saturating_sub(AROUND as u64).max(past.begin());
            let text: Vec<u8> = (from..place.end).filter_map(|at| past.byte(at)).collect();
            let rank = (std::cmp::Reverse(place.len), place.start, place.name);
            let mut take = |at: usize, byte| {
                let at = from + at as u64;
                if at >= self.done {
                    let known = self.painted.bytes.entry(at).or_insert((rank, byte));
                    *known = (*known).min((rank, byte));
                }
            };
            match place.start.checked_sub(from) {
                Some(_) => paint::over(&text, super::offset(place.start, from), swap, &mut take),
                None => paint::conceal(&text, 0, &mut take),
            }
            self.noted.store(true, Ordering::Relaxed);
        }
    }
}
