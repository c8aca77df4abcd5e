//! Parses `.env` text as the npm package `dotenv` does, so that a program gets the same values from a vault as from the
//! file. Promises to drop no line silently: dotenv skips what it does not understand; this parser reports each such
//! line by its number.
//!
//! Only `\n` and `\r` in double quotes are expanded. A quoted value may span several lines; other values end at a `#`.
//! White space and line ends are those of JavaScript. There are two differences: `__proto__` is an ordinary name here,
//! and the lines of a PEM key without quotes are no assignments of their own, because dotenv would take a line of the
//! key for a name.

use std::ops::Range;

use age::secrecy::zeroize::Zeroizing;

/// The contents of a file, in order.
#[derive(Default)]
pub struct Dotenv {
    pub assignments: Vec<Assignment>,
    /// The numbers, from 1, of lines that are neither blank nor comments nor part of an assignment.
    pub ignored: Vec<usize>,
}

/// `KEY=value`.
pub struct Assignment {
    /// The name as written. It may be invalid or even part of a secret, so it must be checked before it is shown.
    pub key: String,
    pub value: Zeroizing<String>,
    /// The number of the line that the key is on, from 1.
    pub line: usize,
    pub doubt: Option<Doubt>,
}

/// A value that dotenv may read differently from what its author meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The value was cut at a `#` that has no blank before it, or that is behind an unclosed quote.
    CutAtHash,
    /// The value begins with an unclosed quote, which stays part of it.
    OpenQuote,
    /// The value is the first line of a PEM key without quotes around it, whose other lines were passed over.
    OneLineOfKey,
}

/// Parses the text of a file.
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
            // Skips blank lines up to a line that is not an assignment.
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
    /// The number of the line that contains `at`. `at` must not decrease between calls.
    fn of(&mut self, text: &str, at: usize) -> usize {
        self.number += text[self.at..at].matches('\n').count();
        self.at = at;
        self.number
    }
}

/// The position of an assignment in the text.
struct Found {
    key: Range<usize>,
    /// Includes the surrounding blanks and quotes.
    value: Range<usize>,
    quoted: bool,
    /// The value begins a PEM key, and `end` is behind that.
    is_key: bool,
    /// The end of its last line.
    end: usize,
}

impl Found {
    /// The assignment that follows `begin`, the start of a line, with only blanks between; otherwise the position where
    /// the blanks end.
    fn at(text: &str, begin: usize) -> Result<Self, usize> {
        let start = skip_blanks(text, begin);
        let exported = text[start..].strip_prefix("export").and_then(|rest| {
            let word_end = text.len() - rest.len();
            let name = skip_blanks(text, word_end);
            (name > word_end).then_some(name)
        });
        // `export` may itself be the name.
        let head = [exported, Some(start)].into_iter().flatten().find_map(|start| {
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
            let end = text[start..].find(|letter| !is_name(letter)).map_or(text.len(), |length| start + length);
            (end > start).then_some(start..end).zip(after_separator(text, end))
        });
        let (key, at) = head.ok_or(start)?;
        for quote in ['\'', '"', '`'] {
            if let Some((value, end)) = quoted(text, at, quote) {
                return Ok(Self { key, value, quoted: true, is_key: false, end });
            }
        }
        let value_end = text[at..].find(['#', '\n']).map_or(text.len(), |length| at + length);
        let end = tail(text, value_end).expect("a comment, a line's end and the text's end are ends");
        let key_end = key_end(text, at..value_end);
        let (is_key, end) = (key_end.is_some(), key_end.unwrap_or(end));
        Ok(Self { key, value: at..value_end, quoted: false, is_key, end })
    }

    fn read(self, text: &str, line: usize) -> Assignment {
        let raw = text[self.value.clone()].trim_matches(is_blank);
        let mut value = unquote(raw);
        let is_open = raw.starts_with(['\'', '"', '`']) && *value == raw;
        let doubt = if self.quoted {
            None
        } else if self.is_key {
            Some(Doubt::OneLineOfKey)
        } else if text[self.value.end..].starts_with('#') && (is_open || !text[..self.value.end].ends_with(is_blank)) {
            Some(Doubt::CutAtHash)
        } else {
            is_open.then_some(Doubt::OpenQuote)
        };
        if raw.starts_with('"') {
            value = Zeroizing::new(value.replace("\\n", "\n").replace("\\r", "\r"));
        }
        Assignment { key: text[self.key].to_owned(), value, line, doubt }
    }
}

/// The start of the value after a key that ends at `at`: behind `=`, or behind `:` and a blank.
fn after_separator(text: &str, at: usize) -> Option<usize> {
    let next = skip_blanks(text, at);
    if text[next..].starts_with('=') {
        return Some(next + 1);
    }
    let blank = text[at..].strip_prefix(':')?.chars().next().filter(|letter| is_blank(*letter))?;
    Some(at + 1 + blank.len_utf8())
}

/// A quoted value with nothing but a comment after it, and the end of its line. A quote after a backslash closes the
/// value only if no other quote does.
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

/// The end of the line that ends a PEM key, or of the text if none does, where a value without quotes is the first line
/// of such a key.
fn key_end(text: &str, value: Range<usize>) -> Option<usize> {
    let first = text[value.clone()].trim_matches(is_blank).trim_start_matches(['\'', '"', '`']);
    let label = first.strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
    if label.contains('-') {
        return None;
    }
    let rest = &text[value.end..];
    let is_last = |line: &str| line.trim_start_matches([' ', '\t']).starts_with("-----END ");
    let last = rest.match_indices('\n').find(|(at, _)| is_last(&rest[at + 1..]));
    Some(last.map_or(text.len(), |(at, _)| line_end(text, value.end + at + 1)))
}

/// The end of the line, if only blanks and a comment (possibly on a later line) follow `at`.
fn tail(text: &str, at: usize) -> Option<usize> {
    let next = skip_blanks(text, at);
    match text[next..].chars().next() {
        None => Some(next),
        Some('#') => Some(line_end(text, next)),
        Some(_) => text[at..next].rfind(is_line_end).map(|index| at + index),
    }
}

/// Removes matching quotes. In text of several lines, as JavaScript counts them, each line can begin with a quote.
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

/// White space in JavaScript (ECMA-262, sections "White Space" and "Line Terminators"): Unicode white space without
/// U+0085, plus the byte order mark.
fn is_blank(letter: char) -> bool {
    (letter.is_whitespace() && letter != '\u{85}') || letter == '\u{feff}'
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests;
