//! The same for values that the program does not have: only a whole value changes anything, and what is held depends on
//! kinds of bytes. All of it is decided from the whole text, read forwards.

use super::decoders::{Unit, VIEWS, View};
use super::{Event, Find, Mode, Needle, Outcome, Stream, find, read, segments};

/// What the masker must have written after each event: with markers, or with stand-ins of the same shape. `None` if a
/// value is spelled at more length than is promised: then all of it that is left may become anything.
pub fn whole_outputs(
    needles: &[Needle],
    stand_ins: Option<&[Vec<u8>]>,
    text: &[u8],
    script: &[Event],
    mode: Mode,
) -> Option<Vec<Vec<u8>>> {
    let needles: Vec<(usize, &Needle)> = needles.iter().enumerate().filter(|(_, n)| n.bytes.len() >= 8).collect();
    let is_long = |found: &Occurrence| found.find.end - found.find.start > longest(&needles);
    if stand_ins.is_some() && occurrences(&needles, text, mode).iter().any(is_long) {
        return None;
    }
    let mut stream = Stream { needles: &[], mode, read: 0, gone: 0, silences: Vec::new(), out: Vec::new() };
    let outputs = script
        .iter()
        .map(|event| {
            stream.read += if let Event::Read(len) = event { *len } else { 0 };
            let text = &text[..stream.read];
            let held = match event {
                Event::Read(_) if !mode.terminal => held(&needles, stand_ins.is_some(), text),
                _ => 0,
            };
            let limit = (text.len() - held).max(stream.gone);
            let occurrences = occurrences(&needles, text, mode);
            match stand_ins {
                None => {
                    let finds = occurrences.iter().map(|found| found.find.clone()).collect();
                    stream.emit(text, finds, limit, true);
                }
                Some(stand_ins) => {
                    let painted = painted(text, occurrences, stand_ins);
                    stream.pass(&painted, limit);
                }
            }
            stream.out.clone()
        })
        .collect();
    Some(outputs)
}

struct Occurrence {
    find: Find,
    needle: usize,
    view: View,
    /// The units of the needle's bytes.
    units: Vec<Unit>,
}

fn occurrences(needles: &[(usize, &Needle)], text: &[u8], mode: Mode) -> Vec<Occurrence> {
    let mut found = Vec::new();
    let segments = if mode.terminal { segments(text) } else { vec![(0, text.len())] };
    for (from, to) in segments {
        for view in VIEWS {
            let has_blank = needles.iter().any(|(_, needle)| needle.bytes.contains(&b' '));
            let has_escape = view == View::Raw || text[from..to].iter().any(|byte| view.starts().contains(byte));
            if !has_escape || view == View::Colour && !mode.terminal || view == View::Form && !has_blank {
                continue;
            }
            let units = view.units(text, from, to);
            for (index, needle) in needles {
                for first in (0..units.len()).filter(|first| units[*first].byte == needle.bytes[0]) {
                    if let Outcome::Whole(_, last) = read(needle, &units, first) {
                        let (start, end) = (units[first].start, units[last].end);
                        let is_gap = |unit: &&Unit| !needle.wraps || !b" \t\r\n".contains(&unit.byte);
                        let units = units[first..=last].iter().filter(is_gap).copied().collect();
                        let find = find(needle, start, end, needle.bytes.len(), false);
                        found.push(Occurrence { find, needle: *index, view, units });
                    }
                }
            }
        }
    }
    // Of two readings of one value at one place, the narrower counts.
    let all: Vec<Find> = found.iter().map(|found| found.find.clone()).collect();
    let is_within = |inner: &Find, outer: &Find| {
        (&inner.rank.3, inner.rank.0) == (&outer.rank.3, outer.rank.0)
            && (inner.start, inner.end) != (outer.start, outer.end)
            && inner.start >= outer.start
            && inner.end <= outer.end
    };
    found.retain(|found| !all.iter().any(|other| is_within(other, &found.find)));
    found
}

/// The text with stand-ins. Where values overlap, the longest counts, then the first, then the lowest name.
fn painted(text: &[u8], mut occurrences: Vec<Occurrence>, stand_ins: &[Vec<u8>]) -> Vec<u8> {
    let mut painted = text.to_vec();
    occurrences.sort_by_key(|found| (found.find.rank.clone(), found.needle));
    for found in occurrences.iter().rev() {
        let large = found.units.iter().find_map(|unit| is_large(found.view, &text[unit.start..unit.end]));
        let large = large.unwrap_or(found.view == View::Percent);
        for (unit, new) in found.units.iter().zip(&stand_ins[found.needle]) {
            let old = &text[unit.start..unit.end];
            let new = if unit.byte == *new { old.to_vec() } else { spelled(found.view, old, *new, large) };
            assert_eq!(old.len(), new.len(), "a stand-in changes no length");
            painted[unit.start..unit.end].copy_from_slice(&new);
        }
    }
    painted
}

/// Whether the digits of an escape have large letters, if they have letters.
fn is_large(view: View, escape: &[u8]) -> Option<bool> {
    let digits = match view {
        _ if escape.len() == 1 => return None,
        View::Twice => {
            let inner: Vec<u8> = View::Json.units(escape, 0, escape.len()).iter().map(|unit| unit.byte).collect();
            return is_large(View::Json, if inner.len() == 1 { escape } else { &inner });
        }
        View::Percent => &escape[1..],
        _ => &escape[2..],
    };
    let letters: Vec<&u8> = digits.iter().filter(|byte| b"abcdefABCDEF".contains(byte)).collect();
    letters.first().map(|letter| letter.is_ascii_uppercase())
}

/// `new`, spelled as `old` is.
fn spelled(view: View, old: &[u8], new: u8, large: bool) -> Vec<u8> {
    let (len, text) = (old.len(), String::from_utf8_lossy(old));
    if len == 1 {
        return vec![new];
    }
    let sized = |digits: String| if large { digits.to_ascii_uppercase() } else { digits };
    let spelled = match view {
        View::Percent | View::Form => format!("%{}", sized(format!("{new:02x}"))),
        View::Json if text.starts_with("\\x") => format!("\\x{}", sized(format!("{new:02x}"))),
        View::Json if text.starts_with("\\u{") => {
            format!("\\u{{{}}}", sized(format!("{new:0width$x}", width = len - 4)))
        }
        View::Json if text.starts_with("\\u") => format!("\\u{}", sized(format!("{new:04x}"))),
        View::Json if text.starts_with("\\U") => format!("\\U{}", sized(format!("{new:08x}"))),
        View::Json => format!("\\{new:03o}"),
        View::Entity if text.to_ascii_lowercase().starts_with("&#x") => {
            format!("{}{};", &text[..3], sized(format!("{new:0width$x}", width = len - 4)))
        }
        View::Entity => {
            let all = format!("&#{new:0width$};", width = len - 3);
            // There is no room for three digits.
            if all.len() == len { all } else { format!("&#{};", new.to_ascii_uppercase()) }
        }
        View::Twice => {
            let units = View::Json.units(old, 0, len);
            let inner: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
            let changed = spelled(View::Json, &inner, new, large);
            let mut out = old.to_vec();
            for (unit, byte) in units.iter().zip(changed).filter(|(unit, byte)| unit.byte != *byte) {
                let old = &old[unit.start..unit.end];
                out[unit.start..unit.end].copy_from_slice(&spelled(View::Json, old, byte, large));
            }
            return out;
        }
        View::Raw | View::Colour => unreachable!("no escape of a character"),
    };
    spelled.into_bytes()
}

/// The most bytes of the stream that a value may take.
fn longest(needles: &[(usize, &Needle)]) -> usize {
    let spelled = |needle: &Needle| {
        let lines = if needle.wraps { needle.bytes.len() / 6 + 2 } else { 0 };
        needle.bytes.len() * 12 + lines * 96
    };
    needles.iter().map(|(_, needle)| spelled(needle)).max().unwrap_or(0)
}

/// How many bytes at the end are held. The rule of `docs/design/masker.md`.
fn held(needles: &[(usize, &Needle)], paints: bool, text: &[u8]) -> usize {
    let short = needles.iter().map(|(_, needle)| needle.bytes.len() - 1).max().unwrap_or(0);
    let long = longest(needles).saturating_sub(1);
    let is_token = |at: usize| {
        let byte = text[at];
        let in_braces = || {
            let open = text[..at]
                .iter()
                .rposition(|byte| *byte == b'{')
                .filter(|open| (2..8).contains(&(at - open)) && text[open + 1..at].iter().all(u8::is_ascii_hexdigit));
            open.is_some_and(|open| text[..open].ends_with(b"\\u"))
        };
        byte.is_ascii_alphanumeric()
            || b"+/=_-.~%\\:&;#".contains(&byte)
            || needles.iter().any(|(_, needle)| needle.bytes.contains(&byte))
            || byte == b'{' && text[..at].ends_with(b"\\u")
            || byte == b'}' && in_braces()
    };
    let starts = |bytes: &[u8]| bytes.iter().any(|byte| b"\\%&".contains(byte));
    let (least, full_line) = if paints { (1, 1) } else { (8, 60) };
    let mut run = None;
    let mut at = 0;
    while at < text.len() {
        if is_token(at) {
            run.get_or_insert(at);
            at += 1;
            continue;
        }
        let rest = &text[at..];
        let line_end = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest[0] == b'\n') };
        let blanks = rest[line_end..].iter().take_while(|byte| b" \t".contains(byte)).count();
        let is_half = rest == b"\r";
        let next = at + line_end + blanks + usize::from(is_half);
        let is_gap = line_end > 0 || is_half || blanks > 0 && starts(&text[at.saturating_sub(20)..at]);
        let goes_on =
            if next == text.len() { at >= full_line && (at - full_line..at).all(is_token) } else { is_token(next) };
        if run.is_none() || !is_gap || blanks > 64 || !goes_on {
            run = None;
            at += 1;
            continue;
        }
        at = next;
    }
    let len = run.map_or(0, |run| text.len() - run);
    if len < least {
        return 0;
    }
    let tail = &text[text.len() - len.min(long)..];
    let is_plain = !starts(tail) && (text.len() - tail.len()..text.len()).all(is_token);
    len.min(if is_plain { short } else { long })
}
