//! D-Bus values as bytes (D-Bus Specification, "Marshaling (Wire Format)"): the types that a Secret Service client
//! sends and reads. Promises that no input makes the reader panic, loop or read past the end: it compares every length
//! with the bytes that are there.

#[cfg(feature = "fuzz")]
pub(super) mod fuzz;

use age::secrecy::zeroize::{Zeroize, Zeroizing};

/// The bytes do not match the specification or the expected signature. The error contains none of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

type Result<T> = std::result::Result<T, Malformed>;

/// The deepest nesting in a skipped value: the specification's limit.
const DEEPEST: u8 = 64;

/// Reads values in order. Positions count from the start of the message, because the alignment does.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], big_endian: bool) -> Self {
        Self { bytes, at: 0, big_endian }
    }

    pub(crate) fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn is_at(&self, position: usize) -> bool {
        self.at == position
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length).ok_or(Malformed)?;
        let taken = self.bytes.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(taken)
    }

    pub(crate) fn align(&mut self, to: usize) -> Result<()> {
        let padding = self.at.next_multiple_of(to) - self.at;
        if self.take(padding)?.iter().any(|&byte| byte != 0) { Err(Malformed) } else { Ok(()) }
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn number(&mut self) -> Result<u32> {
        self.align(4)?;
        let bytes = self.take(4)?.try_into().map_err(|_| Malformed)?;
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn length(&mut self) -> Result<usize> {
        usize::try_from(self.number()?).map_err(|_| Malformed)
    }

    pub(crate) fn boolean(&mut self) -> Result<bool> {
        match self.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let length = self.length()?;
        self.terminated(length)
    }

    pub(crate) fn path(&mut self) -> Result<&'a str> {
        let path = self.text()?;
        if is_path(path) { Ok(path) } else { Err(Malformed) }
    }

    pub(crate) fn signature(&mut self) -> Result<&'a str> {
        let length = self.byte()?;
        self.terminated(length.into())
    }

    fn terminated(&mut self, length: usize) -> Result<&'a str> {
        let text = self.take(length)?;
        if self.byte()? != 0 || text.contains(&0) {
            return Err(Malformed);
        }
        std::str::from_utf8(text).map_err(|_| Malformed)
    }

    /// The bytes of an `ay`, without a copy.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    /// A reader of the array's elements, which begin at multiples of `alignment`.
    pub(crate) fn array(&mut self, alignment: usize) -> Result<Self> {
        let length = self.length()?;
        self.align(alignment)?;
        let start = self.at;
        self.take(length)?;
        Ok(Self { bytes: &self.bytes[..self.at], at: start, big_endian: self.big_endian })
    }

    /// The object paths of an `ao`.
    pub(crate) fn paths(&mut self) -> Result<Vec<&'a str>> {
        let mut elements = self.array(4)?;
        let mut paths = Vec::new();
        while !elements.at_end() {
            paths.push(elements.path()?);
        }
        Ok(paths)
    }

    /// Skips a variant of any type.
    pub(crate) fn skip_variant(&mut self) -> Result<()> {
        self.skip_variant_within(DEEPEST)
    }

    fn skip_variant_within(&mut self, depth: u8) -> Result<()> {
        let signature = self.signature()?.as_bytes();
        if self.skip(signature, depth)?.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// Skips one value of the first type in `signature`. Returns the types after it.
    fn skip<'s>(&mut self, signature: &'s [u8], depth: u8) -> Result<&'s [u8]> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        let (&first, mut rest) = signature.split_first().ok_or(Malformed)?;
        match first {
            b'y' => self.take(1).map(drop)?,
            b'n' | b'q' => self.align(2).and_then(|()| self.take(2)).map(drop)?,
            b'b' | b'i' | b'u' | b'h' => self.number().map(drop)?,
            b'x' | b't' | b'd' => self.align(8).and_then(|()| self.take(8)).map(drop)?,
            b's' | b'o' => self.text().map(drop)?,
            b'g' => self.signature().map(drop)?,
            b'v' => self.skip_variant_within(depth)?,
            b'a' => {
                self.array(alignment(*rest.first().ok_or(Malformed)?)?)?;
                rest = after_type(rest, depth)?;
            }
            b'(' => {
                self.align(8)?;
                while !rest.starts_with(b")") {
                    rest = self.skip(rest, depth)?;
                }
                rest = &rest[1..];
            }
            _ => return Err(Malformed),
        }
        Ok(rest)
    }
}

/// The alignment of a type, by its first character.
fn alignment(first: u8) -> Result<usize> {
    match first {
        b'y' | b'g' | b'v' => Ok(1),
        b'n' | b'q' => Ok(2),
        b'b' | b'i' | b'u' | b'h' | b's' | b'o' | b'a' => Ok(4),
        b'x' | b't' | b'd' | b'(' | b'{' => Ok(8),
        _ => Err(Malformed),
    }
}

/// The part of `signature` after its first complete type.
fn after_type(signature: &[u8], depth: u8) -> Result<&[u8]> {
    let depth = depth.checked_sub(1).ok_or(Malformed)?;
    let (&first, mut rest) = signature.split_first().ok_or(Malformed)?;
    alignment(first)?;
    let end = match first {
        b'a' => return after_type(rest, depth),
        b'(' => b')',
        b'{' => b'}',
        _ => return Ok(rest),
    };
    while rest.first() != Some(&end) {
        rest = after_type(rest, depth)?;
    }
    Ok(&rest[1..])
}

/// Whether `text` is an object path: `/`, or `/name/name`. A match rule can contain such a text without escapes.
pub(crate) fn is_path(text: &str) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    text == "/" || text.strip_prefix('/').is_some_and(|names| names.split('/').all(is_name))
}

/// Writes values in order, little-endian. Wiped on drop, because it may have contained a key.
pub(crate) struct Writer {
    bytes: Zeroizing<Vec<u8>>,
    /// The start of the current message. Alignment counts from here.
    start: usize,
}

impl Writer {
    /// Reserves `capacity` bytes. A caller that writes a key must reserve enough, because growing would leave a copy
    /// behind.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(capacity)), start: 0 }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Empties the writer and overwrites its bytes with zeros.
    pub(super) fn wipe(&mut self) {
        self.bytes.zeroize();
        self.start = 0;
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Starts a new message here.
    pub(super) fn begin(&mut self) {
        self.start = self.bytes.len();
    }

    pub(super) fn position(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the number of bytes since `from` into the length field at `at`.
    pub(super) fn set_length(&mut self, at: usize, from: usize) {
        let length = size(self.bytes.len() - from);
        self.bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }

    pub(crate) fn align(&mut self, to: usize) {
        let length = self.bytes.len() - self.start;
        self.bytes.resize(self.start + length.next_multiple_of(to), 0);
    }

    pub(crate) fn number(&mut self, number: u32) {
        self.align(4);
        self.raw(&number.to_le_bytes());
    }

    /// A string or an object path.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.raw(&[0]);
    }

    pub(crate) fn signature(&mut self, signature: &str) {
        debug_assert!(signature.len() < 256, "signatures are constants");
        self.raw(&[u8::try_from(signature.len()).unwrap_or(0)]);
        self.raw(signature.as_bytes());
        self.raw(&[0]);
    }

    /// An `ay`.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(size(bytes.len()));
        self.raw(bytes);
    }

    /// An array whose elements begin at multiples of `alignment`.
    pub(crate) fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self)) {
        self.number(0);
        let length = self.position() - 4;
        self.align(alignment); // the padding does not count in the length
        let first = self.position();
        elements(self);
        self.set_length(length, first);
    }
}

/// D-Bus lengths have 32 bits. Messages here have a few kB; the bus would refuse one whose length does not fit.
fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: &[u8], write: impl FnOnce(&mut Writer)) {
        let mut writer = Writer::with_capacity(0);
        write(&mut writer);
        assert_eq!(writer.as_bytes(), expected);
    }

    #[test]
    fn values_are_written_as_the_specification_shows() {
        // The specification's own examples: "foo", "+" and "bar" in a row; an array of one 64-bit aligned element.
        check(b"\x03\0\0\0foo\0\x01\0\0\0+\0\0\0\x03\0\0\0bar\0", |writer| {
            writer.text("foo");
            writer.text("+");
            writer.text("bar");
        });
        check(b"\x08\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0", |writer| {
            writer.array(8, |writer| writer.raw(&5_u64.to_le_bytes()));
        });
        check(b"\0\0\0\0\0\0\0\0", |writer| writer.array(8, |_| ()));
        check(b"\x02ao\0", |writer| writer.signature("ao"));
        check(b"\x02\0\0\0\xff\0", |writer| writer.bytes(&[255, 0]));
    }

    #[test]
    fn alignment_counts_from_the_message_and_not_from_the_buffer() {
        check(b"abc\x01\0\0\0\x07\0\0\0", |writer| {
            writer.raw(b"abc");
            writer.begin();
            writer.number(1);
            writer.number(7);
        });
    }

    #[test]
    fn values_are_read_in_both_byte_orders() {
        let mut little = Reader::new(b"\x01\0\0\0\x02\0\0\0/a\0", false);
        assert_eq!((little.boolean(), little.path(), little.at_end()), (Ok(true), Ok("/a"), true));
        let mut big = Reader::new(b"\0\0\0\x01\0\0\0\x02/a\0", true);
        assert_eq!((big.boolean(), big.path(), big.at_end()), (Ok(true), Ok("/a"), true));
        let mut paths = Reader::new(b"\x0e\0\0\0\x02\0\0\0/a\0\0\x01\0\0\0/\0", false);
        assert_eq!(paths.paths(), Ok(vec!["/a", "/"]));
    }

    #[test]
    fn a_variant_of_any_type_is_passed_over() {
        for (types, value) in [
            ("s", b"\x01\0\0\0x\0".as_slice()),
            ("ao", b"\x06\0\0\0\x01\0\0\0/\0"),
            ("a{sv}", b"\0\0\0\0"),
            ("a(yy)", b"\0\0\0\0"),
            ("y", b"\x01"),
            ("v", b"\x01y\0\x05"),
        ] {
            let mut bytes = vec![u8::try_from(types.len()).unwrap()];
            bytes.extend_from_slice(types.as_bytes());
            bytes.push(0);
            let alignment = alignment(types.as_bytes()[0]).unwrap();
            bytes.resize(bytes.len().next_multiple_of(alignment), 0);
            // The element's padding belongs to the array.
            bytes.extend_from_slice(value);
            if types.starts_with("a{") || types.starts_with("a(") {
                bytes.resize(bytes.len().next_multiple_of(8), 0);
            }
            let mut reader = Reader::new(&bytes, false);
            assert_eq!(reader.skip_variant(), Ok(()), "{types}");
            assert!(reader.at_end(), "{types}");
        }
    }

    #[test]
    fn what_lies_about_itself_is_refused() {
        for bytes in [
            b"".as_slice(),
            b"\xff\xff\xff\xff",
            b"\x02\0\0\0ab",
            b"\x01\0\0\0a\x01",
            b"\x01\0\0\0\0\0",
            b"\x01\0\0\0\xff\0",
        ] {
            assert_eq!(Reader::new(bytes, false).text(), Err(Malformed), "{bytes:?}");
        }
        for types in ["", "ss", "(", "(s", "a", "a{s", "r", "{sv}", "m", "a)"] {
            let mut bytes = vec![u8::try_from(types.len()).unwrap()];
            bytes.extend_from_slice(types.as_bytes());
            bytes.resize(64, 0);
            assert_eq!(Reader::new(&bytes, false).skip_variant(), Err(Malformed), "{types}");
        }
        let mut padded = Reader::new(b"\x01\0\x07\0\0\0\0\0", false);
        assert_eq!((padded.byte(), padded.align(8)), (Ok(1), Err(Malformed)), "padding is zeros");
        let deep = [b"\x01v\0".repeat(200), b"\x01y\0\0".to_vec()].concat();
        assert_eq!(Reader::new(&deep, false).skip_variant(), Err(Malformed));
    }

    #[test]
    fn object_paths_are_known() {
        for path in ["/", "/a", "/org/freedesktop/secrets/collection/login/1", "/_/B2"] {
            assert!(is_path(path), "{path}");
        }
        for path in ["", "a", "/a/", "//", "/a b", "/a'", "/é"] {
            assert!(!is_path(path), "{path}");
        }
    }
}
