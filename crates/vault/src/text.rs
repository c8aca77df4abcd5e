//! The few shapes of TOML that a vault is made of, written in one form and read only in that form. Keeps the promise that nothing in a vault
//! has two readings: what is read here is written again byte for byte. SECURITY.md has the grammar. A reason for a refusal is never given: it
//! would quote a secret.

use std::fmt::{self, Write};

use crate::time::Timestamp;

/// The characters that TOML writes as `\u0001` and so on, in order: those below a blank, and the last.
const CONTROLS: &str = "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{9}\u{a}\u{b}\u{c}\u{d}\u{e}\u{f}\u{10}\
                        \u{11}\u{12}\u{13}\u{14}\u{15}\u{16}\u{17}\u{18}\u{19}\u{1a}\u{1b}\u{1c}\u{1d}\u{1e}\u{1f}";
const DELETE: &str = "\u{7f}";

/// Writes a string: with lines of its own where it has more than one, so that a PEM key can be copied out of the plain text.
pub(crate) fn write_string(out: &mut impl Write, text: &str) -> fmt::Result {
    let lines = text.contains('\n');
    out.write_str(if lines { "\"\"\"\n" } else { "\"" })?;
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'\n' => false,
            // In lines a quote is plain unless it could be taken for an end.
            b'"' if lines => at + 1 == text.len() || text[..at].ends_with('"'),
            byte => byte == b'"' || byte == b'\\' || byte.is_ascii_control(),
        };
        if escaped {
            out.write_str(&text[start..at])?;
            start = at + 1;
            match byte {
                b'"' => out.write_str("\\\"")?,
                b'\\' => out.write_str("\\\\")?,
                0x8 => out.write_str("\\b")?,
                b'\t' => out.write_str("\\t")?,
                0xc => out.write_str("\\f")?,
                b'\r' => out.write_str("\\r")?,
                control => write!(out, "\\u{control:04X}")?,
            }
        }
    }
    out.write_str(&text[start..])?;
    out.write_str(if lines { "\"\"\"" } else { "\"" })
}

/// Writes a list of strings on one line.
pub(crate) fn write_strings<'a>(out: &mut impl Write, words: impl IntoIterator<Item = &'a str>) -> fmt::Result {
    for (index, word) in words.into_iter().enumerate() {
        out.write_str(if index == 0 { "[" } else { ", " })?;
        write_string(out, word)?;
    }
    out.write_str("]")
}

/// Counts what would be written, so that a secret is written into memory of the right size and never moved.
#[derive(Default)]
pub(crate) struct Length(pub(crate) usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

/// What is left to be read.
pub(crate) struct Reader<'t>(&'t str);

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self(text)
    }

    /// Whether everything was read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `token` comes next.
    pub(crate) fn is_next(&self, token: &str) -> bool {
        self.0.starts_with(token)
    }

    /// Reads `token` if it comes next.
    pub(crate) fn has(&mut self, token: &str) -> bool {
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Reads `token`.
    pub(crate) fn token(&mut self, token: &str) -> Option<()> {
        self.has(token).then_some(())
    }

    /// Reads up to `end`, and `end`.
    fn until(&mut self, end: char) -> Option<&'t str> {
        let (text, rest) = self.0.split_once(end)?;
        self.0 = rest;
        Some(text)
    }

    /// Reads what is left of the heading of a table.
    pub(crate) fn heading(&mut self) -> Option<&'t str> {
        let name = self.until(']')?;
        self.token("\n")?;
        Some(name)
    }

    /// Reads `name = true` if that comes next.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        if self.has(name) { self.token(" = true\n").map(|()| true) } else { Some(false) }
    }

    /// Reads `name = ` a moment.
    pub(crate) fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.token(name)?;
        self.token(" = ")?;
        Timestamp::parse_canonical(self.until('\n')?)
    }

    /// Reads `name = ` a string.
    pub(crate) fn entry(&mut self, name: &str) -> Option<String> {
        self.token(name)?;
        self.token(" = ")?;
        let text = self.string()?;
        self.token("\n")?;
        Some(text)
    }

    /// Reads `name = ` a list, if that comes next. One without strings is not written: it is the same as none.
    pub(crate) fn list(&mut self, name: &str) -> Option<Vec<String>> {
        if !self.has(name) {
            return Some(Vec::new());
        }
        self.token(" = [")?;
        let mut words = vec![self.string()?];
        while self.has(", ") {
            words.push(self.string()?);
        }
        self.token("]\n")?;
        Some(words)
    }

    /// Reads a string into memory of exactly its size.
    pub(crate) fn string(&mut self) -> Option<String> {
        let lines = self.has("\"\"\"\n");
        if !lines {
            self.token("\"")?;
        }
        let mut length = 0;
        let end = pieces(self.0, lines, |piece| length += piece.len())?;
        let mut text = String::with_capacity(length);
        pieces(self.0, lines, |piece| text.push_str(piece))?;
        self.0 = &self.0[end..];
        Some(text)
    }
}

/// Passes what a string consists of to `take`, piece by piece; returns where it has ended.
fn pieces<'t>(text: &'t str, lines: bool, mut take: impl FnMut(&'t str)) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut start, mut at) = (0, 0);
    let (mut after_quote, mut has_newline) = (false, false);
    loop {
        let mut quote = false;
        match *bytes.get(at)? {
            b'"' if !lines => {
                take(&text[start..at]);
                return Some(at + 1);
            }
            b'"' if bytes[at..].starts_with(b"\"\"\"") => {
                take(&text[start..at]);
                return has_newline.then_some(at + 3);
            }
            b'"' if after_quote => return None,
            b'"' => quote = true,
            b'\\' => {
                take(&text[start..at]);
                let (piece, length) = escape(&text[at + 1..])?;
                quote = piece == "\"";
                // A quote that could stand for itself does.
                if quote && lines && !after_quote && !bytes[at + 2..].starts_with(b"\"\"\"") {
                    return None;
                }
                take(piece);
                at += length;
                start = at + 1;
            }
            b'\n' if lines => has_newline = true,
            byte if byte.is_ascii_control() => return None,
            _ => {}
        }
        after_quote = quote;
        at += 1;
    }
}

/// What an escape stands for, and how long it is without its backslash.
fn escape(text: &str) -> Option<(&'static str, usize)> {
    let short = |text| Some((text, 1));
    match text.as_bytes().first()? {
        b'"' => short("\""),
        b'\\' => short("\\"),
        b'b' => short("\u{8}"),
        b't' => short("\t"),
        b'f' => short("\u{c}"),
        b'r' => short("\r"),
        b'u' => {
            let digits = text.get(1..5)?;
            let number = usize::from_str_radix(digits, 16).ok().filter(|number| format!("{number:04X}") == digits)?;
            match number {
                // These have a shorter form, and a newline stands for itself.
                0 | 0x8 | 0x9 | 0xa | 0xc | 0xd => None,
                0x7f => Some((DELETE, 5)),
                number => Some((CONTROLS.get(number - 1..number)?, 5)),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
