//! A line as the user types it: bytes in, text out. It knows the keys that correct a line and the marks of a bracketed
//! paste, whose line endings belong to the text.

use std::mem;

use age::secrecy::zeroize::Zeroizing;

const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// What a byte did to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    More,
    /// Enter.
    Done,
    /// Ctrl-C as a byte, or Ctrl-D on an empty line.
    Stop,
}

#[derive(Default)]
pub(super) struct Line {
    text: Zeroizing<Vec<u8>>,
    /// An escape sequence that has begun.
    escape: Vec<u8>,
    is_pasted: bool,
    /// The last byte was a carriage return of a paste.
    after_return: bool,
    /// Whether Enter inside of a PEM block belongs to the text.
    takes_pem: bool,
}

impl Line {
    /// With room for `capacity` bytes, so that no copy stays behind. With `takes_pem`, a PEM block is taken whole.
    pub(super) fn new(capacity: usize, takes_pem: bool) -> Self {
        Self { text: Zeroizing::new(Vec::with_capacity(capacity)), takes_pem, ..Self::default() }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn into_text(mut self) -> Vec<u8> {
        mem::take(&mut *self.text)
    }

    pub(super) fn take(&mut self, byte: u8) -> Step {
        if !self.escape.is_empty() || byte == b'\x1b' {
            self.take_escape(byte);
            return Step::More;
        }
        if self.is_pasted {
            self.take_pasted(byte);
            return Step::More;
        }
        match byte {
            // A key pasted without marks: its remaining lines must not end up in the shell.
            b'\r' | b'\n' if self.takes_pem && is_open_pem(&self.text) => self.text.push(b'\n'),
            b'\r' | b'\n' => return Step::Done,
            0x03 | 0x1c => return Step::Stop,
            0x04 if self.text.is_empty() => return Step::Stop,
            0x08 | 0x7f => self.erase(),
            0x15 => self.text.clear(),
            b'\t' | 0x20.. => self.text.push(byte),
            _ => {}
        }
        Step::More
    }

    /// Drops the keys that no text has, such as arrows.
    fn take_escape(&mut self, byte: u8) {
        self.escape.push(byte);
        let sequence = &self.escape[..];
        if self.is_pasted {
            if sequence == PASTE_ENDS {
                self.is_pasted = false;
            } else if PASTE_ENDS.starts_with(sequence) {
                return;
            } else {
                // It belongs to the text, except where the next sequence begins.
                let last = self.escape.pop().filter(|_| byte == b'\x1b');
                for byte in mem::take(&mut self.escape) {
                    self.take_pasted(byte);
                }
                match last {
                    Some(escape) => self.escape.push(escape),
                    None => self.take_pasted(byte),
                }
                return;
            }
        } else if sequence == PASTE_BEGINS {
            self.is_pasted = true;
            self.after_return = false;
        } else {
            let is_whole = match sequence {
                [_] | [_, b'[' | b'O'] => false,
                [_, b'[', .., last] => (0x40..=0x7e).contains(last),
                _ => true,
            };
            if !is_whole {
                return;
            }
        }
        self.escape.clear();
    }

    /// Terminals send a carriage return for each line ending of pasted text.
    fn take_pasted(&mut self, byte: u8) {
        let after_return = mem::replace(&mut self.after_return, byte == b'\r');
        match byte {
            b'\r' => self.text.push(b'\n'),
            b'\n' if after_return => {}
            _ => self.text.push(byte),
        }
    }

    /// Removes the last character.
    fn erase(&mut self) {
        while let Some(byte) = self.text.pop() {
            if byte & 0b1100_0000 != 0b1000_0000 {
                break;
            }
        }
    }
}

/// Whether a PEM block has begun and not ended (RFC 7468).
fn is_open_pem(text: &[u8]) -> bool {
    let last = text.strip_suffix(b"\n").unwrap_or(text).rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    text.starts_with(b"-----BEGIN ") && !last.starts_with(b"-----END ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: &str, end: Step) {
        let mut line = Line::new(0, true);
        let mut steps = typed.bytes().map(|byte| line.take(byte));
        let last = steps.by_ref().find(|step| *step != Step::More).unwrap_or(Step::More);
        assert_eq!(steps.count(), 0, "{typed:?}: ended early");
        assert_eq!((String::from_utf8_lossy(line.text()).as_ref(), last), (expected, end), "{typed:?}");
    }

    #[test]
    fn keys_that_correct_a_line() {
        check("abc\r", "abc", Step::Done);
        check("abc\n", "abc", Step::Done);
        check("aé\x7fb\r", "ab", Step::Done);
        check("日本\x08\x08\x08x\r", "x", Step::Done);
        check("wrong\x15right\r", "right", Step::Done);
        check("a\x1b[Db\x1bOPc\x1b[1;5Cd\x1bxe\x01\0\r", "abcde", Step::Done);
        check("a\x04b\x03", "ab", Step::Stop);
        check("\x04", "", Step::Stop);
    }

    #[test]
    fn a_paste_is_text() {
        check("a\x1b[200~b\rc\r\nd\n\x7f\x1b[201~e\r", "ab\nc\nd\n\x7fe", Step::Done);
        check("\x1b[200~\x1b[31mred\x1b\x1b[201~\r", "\x1b[31mred\x1b", Step::Done);
        check("\x1b[200~\x1b[20\x1b[201~\r", "\x1b[20", Step::Done);
        check("\x1b[200~open\r", "open\n", Step::More);
    }

    #[test]
    fn a_pem_block_stays_open_until_its_end() {
        check(
            "-----BEGIN KEY-----\rabc\r-----END KEY-----\r",
            "-----BEGIN KEY-----\nabc\n-----END KEY-----",
            Step::Done,
        );
        check("-----BEGIN KEY-----\r", "-----BEGIN KEY-----\n", Step::More);
        check("sk-1\r", "sk-1", Step::Done);
        let mut passphrase = Line::new(0, false);
        assert!(b"-----BEGIN x".iter().all(|byte| passphrase.take(*byte) == Step::More));
        assert_eq!(passphrase.take(b'\r'), Step::Done);
    }
}
