//! What stands in the place of a secret.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthChar;

/// How long a marker is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Width {
    /// As long as the name makes it.
    Own,
    /// As many bytes as what it replaces.
    Bytes,
    /// As many columns of a terminal as what it replaces, line by line.
    Columns,
}

/// Writes `marker` in as many bytes as `len`: cut, or filled before its last byte.
pub(super) fn write_fixed(marker: &[u8], len: u64, out: &mut impl Write) -> io::Result<()> {
    let Some(fill) = len.checked_sub(marker.len() as u64) else {
        return out.write_all(&marker[..usize::try_from(len).expect("shorter than a marker")]);
    };
    let (last, name) = marker.split_last().expect("a marker has bytes");
    out.write_all(name)?;
    let stars = [b'*'; 256];
    let mut left = usize::try_from(fill).unwrap_or(usize::MAX);
    while left > 0 {
        let some = left.min(stars.len());
        out.write_all(&stars[..some])?;
        left -= some;
    }
    out.write_all(&[*last])
}

/// Writes `marker` in as many columns as `secret` takes on a terminal, for each line of it; the line ends stay.
pub(super) fn write_columns(marker: &[u8], secret: &[u8], out: &mut impl Write) -> io::Result<()> {
    for line in secret.split_inclusive(|byte| *byte == b'\n') {
        let text = without_end(line);
        let columns = columns(text);
        if columns > 0 {
            write_fixed(marker, columns, out)?;
        }
        out.write_all(&line[text.len()..])?;
    }
    Ok(())
}

/// A line without its line end.
fn without_end(line: &[u8]) -> &[u8] {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    text.strip_suffix(b"\r").unwrap_or(text)
}

fn columns(text: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(text);
    let mut rest = text.as_ref();
    let mut columns = 0;
    while let Some(c) = rest.chars().next() {
        let colour = colour(rest);
        rest = &rest[colour.max(c.len_utf8())..];
        if colour == 0 {
            columns += c.width().unwrap_or(0) as u64;
        }
    }
    columns
}

/// The length of the colour code at the beginning of `text`.
fn colour(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\x1b[") else { return 0 };
    let parameters = rest.find(|c: char| !matches!(c, '0'..='9' | ';' | ':')).unwrap_or(rest.len());
    if rest[parameters..].starts_with('m') { 2 + parameters + 1 } else { 0 }
}
