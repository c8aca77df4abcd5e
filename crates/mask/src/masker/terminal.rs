//! What a terminal does not show as text: titles, links, the clipboard, images (OSC, APC, PM, SOS and DCS strings). It
//! passes untouched.
//!
//! A string ends as it does for a terminal: with BEL, with `ESC \`, with CAN and SUB. It ends with a line end too, so
//! that a stray `ESC ]` in binary output does not leave all the rest unmasked.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Strings {
    /// Outside.
    Text,
    /// Outside, behind ESC.
    Escape,
    Inside,
    /// Inside, behind ESC.
    InsideEscape,
}

/// What a byte is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Text,
    /// The first byte of a string that tells that it is one.
    Opens,
    String,
}

impl Strings {
    pub(super) fn step(&mut self, byte: u8) -> Part {
        let opens = matches!(byte, b']' | b'P' | b'_' | b'^' | b'X');
        let (next, part) = match (*self, byte) {
            (Self::Text | Self::Escape, b'\x1b') => (Self::Escape, Part::Text),
            (Self::Escape, _) if opens => (Self::Inside, Part::Opens),
            (Self::Inside | Self::InsideEscape, b'\x1b') => (Self::InsideEscape, Part::String),
            (Self::Inside, b'\x07' | b'\x18' | b'\x1a' | b'\r' | b'\n') | (Self::InsideEscape, b'\\') => {
                (Self::Text, Part::String)
            }
            (Self::Inside, _) => (Self::Inside, Part::String),
            (Self::InsideEscape, _) if opens => (Self::Inside, Part::String),
            (Self::Text | Self::Escape | Self::InsideEscape, _) => (Self::Text, Part::Text),
        };
        *self = next;
        part
    }
}
