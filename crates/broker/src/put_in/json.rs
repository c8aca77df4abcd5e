//! A string at a pointer in JSON (RFC 8259, RFC 6901). The whole text is checked: in what is not JSON nothing is put
//! in, as another reader could see other strings there.

use super::Key;
use super::parameters::is_unreserved;
use crate::http::Edit;
use crate::limits;

/// The reference tokens of a pointer.
pub(super) fn tokens(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

/// The values in the places of their stand-ins, or none if `body` is not JSON in UTF-8 or deeper than the limit. Where
/// an object has a name twice, both are looked at.
pub(super) fn edits(body: &[u8], keys: &[Key]) -> Vec<Edit> {
    let Ok(text) = str::from_utf8(body) else { return Vec::new() };
    let pointers = keys.iter().flat_map(|key| key.json.iter().map(move |tokens| Wanted { tokens, key }));
    let mut reader = Reader { text: text.as_bytes(), at: 0, edits: Vec::new() };
    reader.document(&pointers.collect::<Vec<_>>()).map_or_else(Vec::new, |()| reader.edits)
}

/// A key that may be below the current place.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    /// What is left of its pointer.
    tokens: &'a [String],
    key: &'a Key,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    edits: Vec<Edit>,
}

/// The content of a string: where it begins, and what it stands for.
struct Content {
    start: usize,
    decoded: String,
}

impl Reader<'_> {
    fn document(&mut self, wanted: &[Wanted<'_>]) -> Option<()> {
        self.value(wanted, 0)?;
        self.blanks();
        (self.at == self.text.len()).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, expected: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(expected).then(|| self.at += expected.len())
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn value(&mut self, wanted: &[Wanted<'_>], depth: usize) -> Option<()> {
        self.blanks();
        match self.peek()? {
            b'{' | b'[' if depth == limits::JSON_DEPTH => None,
            b'{' => self.members(b'}', wanted, depth),
            b'[' => self.members(b']', wanted, depth),
            b'"' => {
                let content = self.string()?;
                let here = wanted.iter().filter(|one| one.tokens.is_empty());
                let key = here.map(|one| one.key).find(|key| content.decoded.as_bytes() == key.stand_in());
                if let Some(key) = key {
                    let written = &self.text[content.start..self.at - 1];
                    // In escapes, CMD would choose how an echo of the body is spelled; and a host may take the body for a form, in which
                    // marks are read in more than one way.
                    if written == key.stand_in() && written.iter().all(|byte| is_unreserved(*byte)) {
                        self.edits.push(Edit { at: content.start, with: key.value().to_vec().into() });
                    }
                }
                Some(())
            }
            b't' => self.take(b"true"),
            b'f' => self.take(b"false"),
            b'n' => self.take(b"null"),
            _ => self.number(),
        }
    }

    /// An object or an array, which ends with `end`.
    fn members(&mut self, end: u8, wanted: &[Wanted<'_>], depth: usize) -> Option<()> {
        self.at += 1;
        self.blanks();
        if self.peek()? == end {
            self.at += 1;
            return Some(());
        }
        for index in 0_usize.. {
            self.blanks();
            let token = if end == b'}' {
                let name = self.string()?.decoded;
                self.blanks();
                self.take(b":")?;
                name
            } else if wanted.is_empty() {
                String::new()
            } else {
                index.to_string()
            };
            let below = wanted.iter().filter_map(|one| {
                let (first, tokens) = one.tokens.split_first()?;
                (*first == token).then_some(Wanted { tokens, key: one.key })
            });
            self.value(&below.collect::<Vec<_>>(), depth + 1)?;
            self.blanks();
            let next = self.peek()?;
            self.at += 1;
            match next {
                b',' => {}
                next if next == end => return Some(()),
                _ => return None,
            }
        }
        None
    }

    fn string(&mut self) -> Option<Content> {
        self.take(b"\"")?;
        let start = self.at;
        let mut decoded = Vec::new();
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(Content { start, decoded: String::from_utf8(decoded).ok()? }),
                b'\\' => {
                    let letter = self.escaped()?;
                    decoded.extend(letter.encode_utf8(&mut [0; 4]).bytes());
                }
                0..b' ' => return None,
                byte => decoded.push(byte),
            }
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Option<char> {
        let kind = self.peek()?;
        self.at += 1;
        Some(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.unit()?;
                if (0xD800..0xDC00).contains(&first) {
                    self.take(b"\\u")?;
                    let second = self.unit()?.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
                    char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + second)?
                } else {
                    char::from_u32(first)?
                }
            }
            _ => return None,
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |sum, digit| Some(sum << 4 | char::from(*digit).to_digit(16)?))
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b"-");
        if self.take(b"0").is_none() {
            self.digits()?;
        }
        if self.take(b".").is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }
}
