//! Paints a whole value over with its stand-in: each byte, escape or digit that stands for a byte of the value becomes
//! the same kind of byte, escape or digit for that byte of the stand-in. So no length changes.

use super::super::decode::{Decoded, Decoder, Kind, Unit};
use super::spelling::{is_upper, respell};
use crate::forms::{Shared, Swap, digit, number};

/// How far before a value the digit is looked for that shares bits with it, in bytes.
const LONGEST_GAP: usize = 112;

/// How the stream was decoded in which the value stands.
#[derive(Clone, Copy)]
struct Reading {
    once: Option<Kind>,
    twice: bool,
}

const READINGS: [Reading; 6] = [
    Reading { once: None, twice: false },
    Reading { once: Some(Kind::Backslash), twice: false },
    Reading { once: Some(Kind::Backslash), twice: true },
    Reading { once: Some(Kind::Percent), twice: false },
    Reading { once: Some(Kind::Form), twice: false },
    Reading { once: Some(Kind::Entity), twice: false },
];

/// How what stands before a value is read: an escape of an escape is no escape to who undoes one.
const BEFORE: [Reading; 5] = [
    Reading { once: Some(Kind::Backslash), twice: true },
    Reading { once: Some(Kind::Backslash), twice: false },
    Reading { once: Some(Kind::Percent), twice: false },
    Reading { once: Some(Kind::Entity), twice: false },
    Reading { once: None, twice: false },
];

/// Passes the new byte for each place of `text` where the value stands, which begins at `start` and ends with `text`.
/// `text` has some bytes before it, unless the stream begins there.
pub(super) fn over(text: &[u8], start: usize, swap: &Swap, take: &mut impl FnMut(usize, u8)) {
    let value = &text[start..];
    let found = READINGS.iter().find_map(|reading| Some((reading, match_units(&reading.units(value), swap)?)));
    let Some((reading, units)) = found else { return conceal(text, start, take) };
    let mut new = value.to_vec();
    // Without a letter among all its digits, they become what is usual in this kind of escape.
    let escapes = || units.iter().map(|unit| &value[offset(unit.begin)..offset(unit.end)]);
    let is_upper = escapes().find_map(|text| reading.is_upper(text)).unwrap_or(reading.once == Some(Kind::Percent));
    for (unit, (old, painted)) in units.iter().zip(swap.old.iter().zip(&swap.new)) {
        let (from, to) = (offset(unit.begin), offset(unit.end));
        if old != painted {
            reading.respell(&mut new[from..to], *painted, is_upper);
        }
        (from..to).for_each(|at| take(start + at, new[at]));
    }
    if let Some(shared) = swap.before {
        before(text, start, shared, take);
    }
}

/// For a value that is spelled in a way that cannot be spelled again: nothing of it stays.
pub(super) fn conceal(text: &[u8], start: usize, take: &mut impl FnMut(usize, u8)) {
    for (at, byte) in text.iter().enumerate().skip(start) {
        take(at, if byte.is_ascii_alphanumeric() { b'0' } else { *byte });
    }
}

impl Reading {
    /// What `text` decodes to; places count from its beginning.
    fn units(self, text: &[u8]) -> Vec<Unit> {
        let raw: Vec<Unit> = (0..).zip(text).map(|(at, byte)| Unit { byte: *byte, begin: at, end: at + 1 }).collect();
        let Some(kind) = self.once else { return raw };
        let once = decode(kind, &raw);
        if self.twice { decode(kind, &once) } else { once }
    }

    /// Whether an escape is written with large letters, if it has any.
    fn is_upper(self, text: &[u8]) -> Option<bool> {
        let kind = self.once.filter(|_| text.len() > 1)?;
        if !self.twice {
            return is_upper(kind, text);
        }
        let inner: Vec<u8> = Self { twice: false, ..self }.units(text).iter().map(|unit| unit.byte).collect();
        is_upper(kind, if inner.len() > 1 { &inner } else { text })
    }

    /// Spells `new` in the place of one unit.
    fn respell(self, text: &mut [u8], new: u8, is_upper: bool) {
        let kind = self.once.unwrap_or(Kind::Backslash);
        if !self.twice {
            return respell(kind, text, new, is_upper);
        }
        let inner = Self { twice: false, ..self }.units(text);
        let mut spelled: Vec<u8> = inner.iter().map(|unit| unit.byte).collect();
        respell(kind, &mut spelled, new, is_upper);
        for (unit, byte) in inner.iter().zip(spelled).filter(|(unit, byte)| unit.byte != *byte) {
            respell(kind, &mut text[offset(unit.begin)..offset(unit.end)], byte, is_upper);
        }
    }
}

/// What `units` decode to. They end where a value does, so what may become an escape at their end is none.
fn decode(kind: Kind, units: &[Unit]) -> Vec<Unit> {
    let (mut decoder, mut out) = (Decoder::new(kind), Vec::new());
    for unit in units {
        decoder.push(*unit, &mut |decoded| {
            if let Decoded::Byte(unit) = decoded {
                out.push(unit);
            }
        });
    }
    let end = out.last().map_or(0, |last| last.end);
    out.extend(units.iter().filter(|unit| unit.begin >= end));
    out
}

/// The units of the value, if they are all of `units` but line ends and blanks between them.
fn match_units(units: &[Unit], swap: &Swap) -> Option<Vec<Unit>> {
    let is_gap = |unit: &&Unit| !(swap.wraps && b" \t\r\n".contains(&unit.byte));
    let units: Vec<Unit> = units.iter().filter(is_gap).copied().collect();
    units.iter().map(|unit| unit.byte).eq(swap.old.iter().copied()).then_some(units)
}

/// Paints the value's bits in the digit before its own, which may stand in the line before. What is between them may be escapes, of whatever
/// kind: the value itself has none, as a digit needs none.
fn before(text: &[u8], start: usize, shared: Shared, take: &mut impl FnMut(usize, u8)) {
    let from = start.saturating_sub(LONGEST_GAP);
    let digit_before = |reading: &Reading| {
        let units = reading.units(&text[from..start]);
        let gap = units.iter().rev().take_while(|unit| b" \t\r\n".contains(&unit.byte)).count();
        let (digit, gap) = units.split_at(units.len() - gap);
        let digit = digit.last().copied()?;
        let has_escape = gap.iter().chain([&digit]).any(|unit| unit.end - unit.begin > 1);
        has_escape.then_some((*reading, digit)).or_else(|| reading.once.is_none().then_some((*reading, digit)))
    };
    let Some((reading, unit)) = BEFORE.iter().find_map(digit_before) else { return };
    let Some(bits) = number(unit.byte).filter(|bits| bits & shared.mask == shared.old) else { return };
    let (begin, end) = (from + offset(unit.begin), from + offset(unit.end));
    let mut new = text[begin..end].to_vec();
    let is_upper = reading.is_upper(&new).unwrap_or(reading.once == Some(Kind::Percent));
    reading.respell(&mut new, digit(bits & !shared.mask | shared.new), is_upper);
    (begin..end).zip(new).for_each(|(at, byte)| take(at, byte));
}

fn offset(at: u64) -> usize {
    usize::try_from(at).expect("a place in a text in memory")
}
