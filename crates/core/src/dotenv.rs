//! `.env` text, read as the npm package `dotenv` reads it, so that a program gets from a vault what it got from the file. Keeps the
//! promise that no line is dropped in silence: dotenv passes over what it does not understand, and here each such line is told by its number.
//!
//! Nothing is expanded but `\n` and `\r` in double quotes. A quoted value may go over several lines; other values end at a `#`. Blank
//! space and line ends are those of JavaScript. One thing differs: `__proto__` is a name like any other here.

use std::ops::Range;

use age::secrecy::zeroize::Zeroizing;

/// What a file says, in its order.
#[derive(Default)]
pub struct Dotenv {
    pub assignments: Vec<Assignment>,
    /// The numbers, from 1, of lines that are neither blank nor comments nor part of an assignment.
    pub ignored: Vec<usize>,
}

/// `KEY=value`.
pub struct Assignment {
    /// As it stands. It may be no valid name, and even a piece of a secret: not to be shown before it is checked.
    pub key: String,
    pub value: Zeroizing<String>,
    /// The number of the line that the key is on, from 1.
    pub line: usize,
    pub doubt: Option<Doubt>,
}

/// What dotenv reads in one way and its writer may have meant in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The value ends before a `#` that has no blank before it.
    CutAtHash,
    /// The value begins with a quote that does not close it, and keeps it.
    OpenQuote,
}

/// Reads the text of a file.
pub fn parse(text: &str) -> Dotenv {
    let text = Zeroizing::new(text.replace("\r\n", "\n").replace('\r', "\n"));
    let mut found = Dotenv::default();
    let (mut begin, mut line) = (0, Line { at: 0, number: 1 });
    while begin < text.len() {
        let end = match Found::at(&text, begin) {
            Ok(assignment) => {
                let number = line.of(&text, assignment.key.start);
                let end = assignment.end;
                found.assignments.push(assignment.read(&text, number));
                end
            }
            // Blank lines, and one that is something else.
            Err(other) => {
                if !text[other..].starts_with('#') && other < text.len() {
                    found.ignored.push(line.of(&text, other));
                }
                line_end(&text, other)
            }
        };
        begin = end + text[end..].chars().next().map_or(0, char::len_utf8);
    }
    found.ignored.dedup();
    found
}

/// Counts lines, as editors do.
struct Line {
    at: usize,
    number: usize,
}

impl Line {
    /// The number of the line that `at` is in; never called with less than before.
    fn of(&mut self, text: &str, at: usize) -> usize {
        self.number += text[self.at..at].matches('\n').count();
        self.at = at;
        self.number
    }
}

/// Where an assignment is in the text.
struct Found {
    key: Range<usize>,
    /// With the blanks and quotes around it.
    value: Range<usize>,
    quoted: bool,
    /// The end of its last line.
    end: usize,
}

impl Found {
    /// The assignment that begins at or after `begin`, a line's beginning, with only blanks before it; else where the blanks end.
    fn at(text: &str, begin: usize) -> Result<Self, usize> {
        let start = skip_blanks(text, begin);
        let exported = text[start..].strip_prefix("export").and_then(|rest| {
            let word_end = text.len() - rest.len();
            let name = skip_blanks(text, word_end);
            (name > word_end).then_some(name)
        });
        // `export` may be the name itself.
        let head = [exported, Some(start)].into_iter().flatten().find_map(|start| {
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
            let end = text[start..].find(|letter| !is_name(letter)).map_or(text.len(), |length| start + length);
            (end > start).then_some(start..end).zip(after_separator(text, end))
        });
        let (key, at) = head.ok_or(start)?;
        for quote in ['\'', '"', '`'] {
            if let Some((value, end)) = quoted(text, at, quote) {
                return Ok(Self { key, value, quoted: true, end });
            }
        }
        let value_end = text[at..].find(['#', '\n']).map_or(text.len(), |length| at + length);
        let end = tail(text, value_end).expect("a comment, a line's end and the text's end are ends");
        Ok(Self { key, value: at..value_end, quoted: false, end })
    }

    fn read(self, text: &str, line: usize) -> Assignment {
        let raw = text[self.value.clone()].trim_matches(is_blank);
        let mut value = unquote(raw);
        let doubt = if self.quoted {
            None
        } else if text[self.value.end..].starts_with('#') && !text[..self.value.end].ends_with(is_blank) {
            Some(Doubt::CutAtHash)
        } else {
            (raw.starts_with(['\'', '"', '`']) && *value == raw).then_some(Doubt::OpenQuote)
        };
        if raw.starts_with('"') {
            value = Zeroizing::new(value.replace("\\n", "\n").replace("\\r", "\r"));
        }
        Assignment { key: text[self.key].to_owned(), value, line, doubt }
    }
}

/// Where the value begins after the `=`, or the `:` and a blank, that follows a key which ends at `at`.
fn after_separator(text: &str, at: usize) -> Option<usize> {
    let next = skip_blanks(text, at);
    if text[next..].starts_with('=') {
        return Some(next + 1);
    }
    let blank = text[at..].strip_prefix(':')?.chars().next().filter(|letter| is_blank(*letter))?;
    Some(at + 1 + blank.len_utf8())
}

/// A value between quotes, with nothing after it but a comment, and the end of its line. A quote after a backslash closes it only where
/// no other does.
fn quoted(text: &str, at: usize, quote: char) -> Option<(Range<usize>, usize)> {
    let open = skip_blanks(text, at);
    let body = open + text[open..].strip_prefix(quote).map(|_| 1)?;
    let mut escaped = Vec::new();
    let mut plain = None;
    for (index, _) in text[body..].match_indices(quote) {
        if !text[body..body + index].ends_with('\\') {
            plain = Some(body + index);
            break;
        }
        escaped.push(body + index);
    }
    let mut closing = plain.into_iter().chain(escaped.into_iter().rev());
    closing.find_map(|close| Some((open..close + 1, tail(text, close + 1)?)))
}

/// The end of the line if nothing but blanks and a comment, perhaps on a later line, follows from `at` on.
fn tail(text: &str, at: usize) -> Option<usize> {
    let next = skip_blanks(text, at);
    match text[next..].chars().next() {
        None => Some(next),
        Some('#') => Some(line_end(text, next)),
        Some(_) => text[at..next].rfind(is_line_end).map(|index| at + index),
    }
}

/// Takes the quotes off, if what begins with one ends with the same one. Text in several lines, as JavaScript counts them, has several
/// beginnings.
fn unquote(raw: &str) -> Zeroizing<String> {
    let mut value = Zeroizing::new(String::with_capacity(raw.len()));
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let closes = |at: usize| at > 0 && rest[at + 1..].chars().next().is_none_or(is_line_end);
        let close = if "'\"`".contains(first) {
            rest.rmatch_indices(first).map(|(at, _)| at).find(|at| closes(*at))
        } else {
            None
        };
        let mut end = 0;
        if let Some(close) = close {
            value.push_str(&rest[1..close]);
            end = close + 1;
        }
        let next = rest[end..].find(is_line_end).map_or(rest.len(), |index| {
            let at = end + index;
            at + rest[at..].chars().next().map_or(0, char::len_utf8)
        });
        value.push_str(&rest[end..next]);
        rest = &rest[next..];
    }
    value
}

fn skip_blanks(text: &str, at: usize) -> usize {
    text[at..].find(|letter| !is_blank(letter)).map_or(text.len(), |length| at + length)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find(is_line_end).map_or(text.len(), |length| at + length)
}

/// White space of JavaScript (ECMA-262, sections "White Space" and "Line Terminators"): that of Unicode, without U+0085, and the byte
/// order mark.
fn is_blank(letter: char) -> bool {
    (letter.is_whitespace() && letter != '\u{85}') || letter == '\u{feff}'
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests;
