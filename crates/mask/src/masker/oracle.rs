//! The masker's promise, implemented naively: it has the whole text and tries every form at every position. For the
//! tests and the fuzz target.

use std::cmp::Reverse;

/// A form and the secret that it belongs to.
#[derive(Clone, Debug)]
pub struct Needle {
    pub name: String,
    pub bytes: Vec<u8>,
    pub wraps: bool,
}

/// What the masker must have written after `text`, which is the whole stream if `ended`.
pub fn masked(needles: &[Needle], text: &[u8], ended: bool) -> Vec<u8> {
    let mut finds = Vec::new();
    let mut live = text.len();
    for needle in needles {
        for start in 0..text.len() {
            for reading in readings(needle) {
                match reading(&needle.bytes, text, start) {
                    Outcome::Whole(seen) => finds.push(find(needle, seen, needle.bytes.len(), false)),
                    Outcome::Beginning(seen, len) if ended => {
                        if telling(needle, &text[seen.0..seen.1], seen.2) {
                            finds.push(find(needle, seen, len, true));
                        }
                    }
                    Outcome::Beginning(seen, _) => live = live.min(seen.0),
                    Outcome::Nothing => {}
                }
            }
        }
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
    let mut out = Vec::new();
    let mut at = 0;
    for Find { start, end, rank } in merged {
        if end > live {
            live = live.min(start);
            break;
        }
        out.extend(&text[at..start]);
        out.extend(format!("[cast:{}]", rank.3).bytes());
        at = end;
    }
    if at < live {
        out.extend(&text[at..live]);
    }
    out
}

struct Find {
    start: usize,
    end: usize,
    rank: (Reverse<usize>, usize, bool, String),
}

fn find(needle: &Needle, (start, end, _): Seen, len: usize, partial: bool) -> Find {
    Find { start, end, rank: (Reverse(len), start, partial, needle.name.clone()) }
}

/// The start and end in the text, and how many bytes of the form they show.
type Seen = (usize, usize, usize);

enum Outcome {
    Nothing,
    /// The text ends with this many bytes of the form; an empty place means that none is held back.
    Beginning(Seen, usize),
    Whole(Seen),
}

type Reading = fn(&[u8], &[u8], usize) -> Outcome;

fn readings(needle: &Needle) -> Vec<Reading> {
    if needle.wraps { vec![plain_lines, escaped_lines] } else { vec![straight] }
}

fn telling(needle: &Needle, seen: &[u8], shown: usize) -> bool {
    if needle.wraps {
        return shown >= 8;
    }
    // Not the first line of a PEM file.
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
    seen.len() - armour >= 8
}

fn straight(form: &[u8], text: &[u8], start: usize) -> Outcome {
    let rest = &text[start..];
    if rest.starts_with(form) {
        Outcome::Whole((start, start + form.len(), form.len()))
    } else if form.starts_with(rest) {
        Outcome::Beginning((start, text.len(), rest.len()), rest.len())
    } else {
        Outcome::Nothing
    }
}

fn plain_lines(form: &[u8], text: &[u8], start: usize) -> Outcome {
    across_lines(form, text, start, &["\n", "\r\n"])
}

fn escaped_lines(form: &[u8], text: &[u8], start: usize) -> Outcome {
    // The letter of an escape is not a digit.
    if start > 0 && text[start - 1] == b'\\' && b"nr".contains(&text[start]) {
        return Outcome::Nothing;
    }
    across_lines(form, text, start, &["\\n", "\\r\\n"])
}

fn across_lines(form: &[u8], text: &[u8], start: usize, line_ends: &[&str]) -> Outcome {
    // The line ends so far: the digits before each, and its start and end in the text.
    let mut met: Vec<(usize, usize, usize)> = Vec::new();
    let (mut at, mut digits) = (start, 0);
    let mut digits_end = at;
    while digits < form.len() && at < text.len() {
        let rest = &text[at..];
        if digits > 0 && met.last().is_none_or(|last| last.0 != digits) {
            let whole = line_ends.iter().find(|end| rest.starts_with(end.as_bytes()));
            let begun = line_ends.iter().any(|end| end.as_bytes().starts_with(rest));
            if whole.is_some() || begun {
                if met.last().is_some_and(|last| digits - last.0 < 6) {
                    return Outcome::Nothing;
                }
                let len = whole.map_or(rest.len(), |end| end.len());
                met.push((digits, at, at + len));
                at += len;
                continue;
            }
        }
        if text[at] != form[digits] {
            return Outcome::Nothing;
        }
        at += 1;
        digits += 1;
        digits_end = at;
    }
    let (from, shown) = match met.first() {
        Some(first) if first.0 < 6 => (first.2, digits - first.0),
        _ => (start, digits),
    };
    if digits == form.len() {
        Outcome::Whole((from, at, shown))
    } else if digits == 0 || shown == 0 {
        Outcome::Nothing
    } else {
        Outcome::Beginning((from, digits_end, shown), digits)
    }
}
