//! The masker's promise, implemented naively and apart from it: it decodes the whole text in each view, and tries every
//! form at every position. For the tests and the fuzz target.
//!
//! A stream is a script of reads and silences. What is gone cannot be masked any more, so the oracle goes through the
//! script as the masker does; but at each step it looks at the whole text anew.

mod decoders;
pub mod streams;
mod whole;

use std::cmp::Reverse;

use crate::forms::each_form;
use decoders::{Unit, VIEWS, View, colour, is_escape};
pub use whole::whole_outputs;

/// A form and the secret that it belongs to.
#[derive(Clone, Debug)]
pub struct Needle {
    pub name: String,
    pub bytes: Vec<u8>,
    pub wraps: bool,
}

/// The forms of these secrets, which are (name, value).
pub fn needles(secrets: &[(String, String)]) -> Vec<Needle> {
    let mut needles = Vec::new();
    for (name, value) in secrets {
        each_form(value, &mut |form| {
            needles.push(Needle { name: name.clone(), bytes: form.bytes.to_vec(), wraps: form.wraps });
        });
    }
    needles
}

/// How a stream is treated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    pub fixed: bool,
    pub terminal: bool,
}

/// What happens to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// This many bytes arrive.
    Read(usize),
    Silence,
    End,
}

/// What the masker must have written after each event.
pub fn outputs(needles: &[Needle], text: &[u8], script: &[Event], mode: Mode) -> Vec<Vec<u8>> {
    let mut stream = Stream { needles, mode, read: 0, gone: 0, silences: Vec::new(), out: Vec::new() };
    script
        .iter()
        .map(|event| {
            match event {
                Event::Read(len) => stream.read += len,
                Event::Silence => stream.silences.push(stream.read),
                Event::End => {}
            }
            stream.look(&text[..stream.read], *event);
            stream.out.clone()
        })
        .collect()
}

/// What the masker must write for `text` in one piece.
pub fn masked(needles: &[Needle], text: &[u8]) -> Vec<u8> {
    outputs(needles, text, &[Event::Read(text.len()), Event::End], Mode::default()).pop().unwrap_or_default()
}

/// Whether a form can be read in what was written, as it is; and in the other views too, if `decoded`.
pub fn leaks(needle: &Needle, written: &[u8], decoded: bool) -> bool {
    let is_read = |view: View| match view {
        View::Raw => true,
        View::Colour => false,
        View::Form => decoded && needle.bytes.contains(&b' '),
        _ => decoded,
    };
    needle.bytes.len() >= 8
        && VIEWS.into_iter().filter(|view| is_read(*view)).any(|view| {
            let units = view.units(written, 0, written.len());
            (0..units.len())
                .any(|first| matches!(read(needle, &units, first), Outcome::Whole(shown, _) if shown == first))
        })
}

struct Stream<'a> {
    needles: &'a [Needle],
    mode: Mode,
    read: usize,
    gone: usize,
    silences: Vec<usize>,
    out: Vec<u8>,
}

#[derive(Clone)]
struct Find {
    start: usize,
    end: usize,
    rank: (Reverse<usize>, usize, bool, String),
}

/// The text ends with the beginning of a form.
struct Begun {
    /// Where it begins, and how many of its bytes are shown.
    start: usize,
    shown: usize,
    /// Where it may be cut off by a silence; nowhere if all of it may leave.
    limit: Option<usize>,
}

impl Stream<'_> {
    fn look(&mut self, text: &[u8], event: Event) {
        let (mut finds, mut begun) = (Vec::new(), Vec::new());
        let free = if self.mode.terminal { 3 } else { 0 };
        let segments = if self.mode.terminal { segments(text) } else { vec![(0, text.len())] };
        for (index, (from, to)) in segments.iter().enumerate() {
            let is_last = index + 1 == segments.len() && *to == text.len();
            for view in VIEWS {
                let has_blank =
                    || self.needles.iter().any(|needle| needle.bytes.len() >= 8 && needle.bytes.contains(&b' '));
                if view == View::Colour && !self.mode.terminal || view == View::Form && !has_blank() {
                    continue;
                }
                // Without an escape a view is the raw one.
                if view != View::Raw && !text[*from..*to].iter().any(|byte| view.starts().contains(byte)) {
                    continue;
                }
                let units = view.units(text, *from, *to);
                let mut rest = &text[units.last().map_or(*from, |unit| unit.end)..*to];
                while view == View::Colour
                    && let Some((len, _)) = colour(rest)
                {
                    rest = &rest[len..];
                }
                let open = !rest.is_empty();
                for needle in self.needles.iter().filter(|needle| needle.bytes.len() >= 8) {
                    for first in (0..units.len()).filter(|first| units[*first].byte == needle.bytes[0]) {
                        match read(needle, &units, first) {
                            Outcome::Whole(shown, last) => {
                                finds.push(find(
                                    needle,
                                    units[shown].start,
                                    units[last].end,
                                    needle.bytes.len(),
                                    false,
                                ));
                            }
                            Outcome::Begun(shown, last, digits, len) if is_last => {
                                let open = open && last + 1 == units.len();
                                let end = if open { *to } else { units[last].end };
                                if event == Event::End {
                                    if telling(needle, digits, len) {
                                        finds.push(find(needle, units[shown].start, end, len, true));
                                    }
                                } else {
                                    let seen = self.seen(needle, len).max(free);
                                    let limit = nth_digit(needle, &units, shown, seen);
                                    begun.push(Begun {
                                        start: units[shown].start,
                                        shown: digits,
                                        limit: limit.filter(|_| digits > seen).map(|unit| units[unit].start),
                                    });
                                }
                            }
                            _ => {}
                        }
                    }
                }
            }
            self.brief(text, (*from, *to), is_last.then_some(event), &mut finds, &mut begun);
        }
        let end = text.len();
        let limit = match event {
            Event::Silence => begun.iter().filter_map(|begun| begun.limit).fold(end, usize::min).max(self.gone),
            _ => begun.iter().filter(|begun| begun.shown > free).fold(end, |limit, begun| limit.min(begun.start)),
        };
        self.emit(text, finds, limit, event != Event::Silence);
    }

    /// How much of a beginning of `len` bytes a silence may show: that of the shortest form that begins so.
    fn seen(&self, needle: &Needle, len: usize) -> usize {
        let begins = &needle.bytes[..len];
        let same = |other: &&Needle| {
            other.wraps == needle.wraps
                && (other.bytes.len() < 8) == (needle.bytes.len() < 8)
                && other.bytes.starts_with(begins)
        };
        let shortest = self.needles.iter().filter(same).map(|other| other.bytes.len()).min().unwrap_or(0);
        let public = if needle.wraps || needle.bytes.len() < 8 { 0 } else { crate::forms::public_prefix(begins) };
        public + (shortest / 4).min(7)
    }

    /// Values under 8 bytes, which stand only in the stream itself, between borders.
    fn brief(
        &self,
        text: &[u8],
        (from, to): (usize, usize),
        event: Option<Event>,
        finds: &mut Vec<Find>,
        begun: &mut Vec<Begun>,
    ) {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        for needle in self.needles.iter().filter(|needle| needle.bytes.len() < 8) {
            for start in from..to {
                let here = &text[start..to];
                let same = here.iter().zip(&needle.bytes).take_while(|(a, b)| a == b).count();
                if same < needle.bytes.len() && same < here.len() {
                    continue;
                }
                let border = start == 0
                    || !word(needle.bytes[0])
                    || !word(text[start - 1])
                    || self.silences.contains(&start)
                    || (start.saturating_sub(64)..start).any(|at| is_escape(&text[at..start]));
                if !border {
                    continue;
                }
                if here.starts_with(&needle.bytes) {
                    let end = start + needle.bytes.len();
                    let border = !word(text[end - 1])
                        || text.get(end).is_some_and(|next| !word(*next))
                        || self.silences.contains(&end)
                        || event == Some(Event::End) && end == text.len();
                    if border {
                        finds.push(find(needle, start, end, needle.bytes.len(), false));
                    } else if end == text.len() {
                        begun.push(Begun { start, shown: needle.bytes.len(), limit: None });
                    }
                } else if needle.bytes.starts_with(here) && event.is_some_and(|event| event != Event::End) {
                    let free = if self.mode.terminal { 3 } else { 0 };
                    let seen = self.seen(needle, here.len()).max(free);
                    let limit = (here.len() > seen).then_some(start + seen);
                    begun.push(Begun { start, shown: here.len(), limit });
                }
            }
        }
    }

    /// Writes what is before `limit`; if `whole`, no find that may still grow.
    fn emit(&mut self, text: &[u8], finds: Vec<Find>, mut limit: usize, whole: bool) {
        let finds = merged(finds, self.gone);
        for find in finds {
            // A silence shows what is masked either way; else a find that may still grow waits.
            if find.start > limit || whole && find.end > limit {
                limit = limit.min(find.start);
                break;
            }
            self.pass(text, find.start);
            self.mark(&find, &text[find.start..find.end]);
            self.gone = find.end;
            if !whole && find.end >= limit {
                let rest = &text[find.end..];
                limit = find.end
                    + [&b"\r\n"[..], b"\n"].iter().find(|end| rest.starts_with(end)).map_or(0, |end| end.len());
            }
        }
        self.pass(text, limit);
    }

    fn pass(&mut self, text: &[u8], to: usize) {
        if self.gone < to {
            self.out.extend(&text[self.gone..to]);
            self.gone = to;
        }
    }

    fn mark(&mut self, find: &Find, secret: &[u8]) {
        let marker = format!("[cast:{}]", find.rank.3);
        let fixed = |width: usize| {
            let fill = "*".repeat(width.saturating_sub(marker.len()));
            let whole = format!("{}{fill}]", &marker[..marker.len() - 1]);
            whole[..width.min(whole.len())].to_owned()
        };
        if self.mode.terminal {
            for line in secret.split_inclusive(|byte| *byte == b'\n') {
                let text = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
                let mut visible = Vec::new();
                let mut at = 0;
                while at < text.len() {
                    let code = colour(&text[at..]).map_or(0, |(len, _)| len);
                    visible.extend(text.get(at).filter(|_| code == 0));
                    at += code.max(1);
                }
                // In the tests a character is as wide as a letter, and what is not printed has no width.
                let width = String::from_utf8_lossy(&visible).chars().filter(|c| !c.is_control()).count();
                self.out.extend(fixed(width).bytes());
                self.out.extend(&line[text.len()..]);
            }
        } else if self.mode.fixed {
            self.out.extend(fixed(secret.len()).bytes());
        } else {
            self.out.extend(marker.bytes());
        }
    }
}

/// Overlapping finds become one. What is gone does not count.
fn merged(mut finds: Vec<Find>, gone: usize) -> Vec<Find> {
    finds.retain(|find| find.end > gone);
    for find in &mut finds {
        find.start = find.start.max(gone);
    }
    finds.sort_by_key(|find| (find.start, find.end));
    let mut merged: Vec<Find> = Vec::new();
    for find in finds {
        match merged.last_mut() {
            Some(last) if find.start < last.end => {
                last.end = last.end.max(find.end);
                last.rank = last.rank.clone().min(find.rank);
            }
            _ => merged.push(find),
        }
    }
    merged
}

fn find(needle: &Needle, start: usize, end: usize, len: usize, partial: bool) -> Find {
    Find { start, end, rank: (Reverse(len), start, partial, needle.name.clone()) }
}

/// The parts of a terminal's stream that are text: without the strings of titles and images.
fn segments(text: &[u8]) -> Vec<(usize, usize)> {
    let mut segments = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < text.len() {
        // The last ESC of a run counts.
        if text[at] != 0x1b || text.get(at + 1).is_none_or(|kind| !b"]P_^X".contains(kind)) {
            at += 1;
            continue;
        }
        segments.push((from, at + 1));
        at += 2;
        from = text.len();
        while at < text.len() {
            match text[at] {
                0x07 | 0x18 | 0x1a | b'\r' | b'\n' => {
                    from = at + 1;
                    break;
                }
                0x1b => match text[at..].iter().find(|byte| **byte != 0x1b) {
                    Some(b'\\') => {
                        at += text[at..].iter().take_while(|byte| **byte == 0x1b).count();
                        from = at + 1;
                        break;
                    }
                    Some(kind) if b"]P_^X".contains(kind) => {
                        at += text[at..].iter().take_while(|byte| **byte == 0x1b).count() + 1;
                    }
                    Some(_) => {
                        at += text[at..].iter().take_while(|byte| **byte == 0x1b).count();
                        from = at;
                        break;
                    }
                    None => at = text.len(),
                },
                _ => at += 1,
            }
        }
        at = from;
        if from == text.len() {
            return segments;
        }
    }
    segments.push((from, text.len()));
    segments
}

enum Outcome {
    Nothing,
    /// The first unit that is shown, the last, how many bytes of the form they show, and how many there are.
    Begun(usize, usize, usize, usize),
    Whole(usize, usize),
}

/// Reads a form from `first` on.
fn read(needle: &Needle, units: &[Unit], first: usize) -> Outcome {
    if needle.wraps {
        return across_lines(&needle.bytes, units, first);
    }
    let here = units[first..].iter().map(|unit| unit.byte);
    let same = here.zip(&needle.bytes).take_while(|(a, b)| a == *b).count();
    if same == needle.bytes.len() {
        Outcome::Whole(first, first + same - 1)
    } else if first + same == units.len() && same > 0 {
        Outcome::Begun(first, units.len() - 1, same, same)
    } else {
        Outcome::Nothing
    }
}

/// The length of the line end at the beginning, and whether it is complete.
fn line_end(units: &[Unit]) -> Option<(usize, bool)> {
    let bytes: Vec<u8> = units.iter().map(|unit| unit.byte).take(80).collect();
    let end = if bytes.starts_with(b"\r\n") {
        2
    } else if bytes.starts_with(b"\n") {
        1
    } else {
        return (bytes == b"\r").then_some((1, false));
    };
    let blanks = bytes[end..].iter().take_while(|byte| b" \t".contains(byte)).count();
    (blanks <= 64).then_some((end + blanks, end + blanks < units.len()))
}

fn across_lines(form: &[u8], units: &[Unit], first: usize) -> Outcome {
    // How many digits each line has, and with which unit it begins.
    let mut lines = vec![(0, first)];
    let (mut at, mut digits, mut last) = (first, 0, first);
    while digits < form.len() && at < units.len() {
        let here = lines.len() - 1;
        if lines[here].0 > 0
            && let Some((len, is_whole)) = line_end(&units[at..])
        {
            if here > 0 && lines[here].0 < 6 {
                return Outcome::Nothing;
            }
            at += len;
            lines.push((0, at));
            if !is_whole {
                break;
            }
            continue;
        }
        if units[at].byte != form[digits] {
            return Outcome::Nothing;
        }
        last = at;
        at += 1;
        digits += 1;
        lines[here].0 += 1;
    }
    let skipped = if lines.len() > 1 && lines[0].0 < 6 { lines[0].0 } else { 0 };
    let shown = if skipped > 0 { lines[1].1 } else { first };
    if digits == form.len() {
        Outcome::Whole(shown, last)
    } else if digits - skipped == 0 {
        Outcome::Nothing
    } else {
        Outcome::Begun(shown, last, digits - skipped, digits)
    }
}

/// The unit of the byte of the form that is `count` behind the first that is shown.
fn nth_digit(needle: &Needle, units: &[Unit], first: usize, count: usize) -> Option<usize> {
    if !needle.wraps {
        return (first + count < units.len()).then_some(first + count);
    }
    let digits = (first..units.len()).filter(|at| !b" \t\r\n".contains(&units[*at].byte));
    digits.into_iter().nth(count)
}

fn telling(needle: &Needle, shown: usize, len: usize) -> bool {
    if needle.wraps {
        return shown >= 8;
    }
    // Not the first line of a PEM file.
    let seen = &needle.bytes[..len];
    let mut armour = 0;
    for end in 1..=seen.len() {
        let part = String::from_utf8_lossy(&seen[..end]).into_owned();
        let complete = part.len() > 16 && part.starts_with("-----BEGIN ") && part.ends_with("-----");
        let begun = "-----BEGIN ".starts_with(&part)
            || part.strip_prefix("-----BEGIN ").is_some_and(|label| {
                let name = label.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit() || c.is_ascii_uppercase());
                "-----".starts_with(name)
            });
        if begun && (end == seen.len() || complete) {
            armour = end;
            if complete {
                break;
            }
        }
    }
    len - armour >= 8
}
