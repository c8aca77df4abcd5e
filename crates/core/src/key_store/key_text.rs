//! The text of a key as editors and shells leave it: with a byte order mark, in UTF-16, in quotes.

use std::char::{REPLACEMENT_CHARACTER, decode_utf16};

use age::secrecy::zeroize::Zeroizing;

/// The text, as UTF-8, without a byte order mark, and each line without the quotes around it. `None` if it is not text.
pub(super) fn decode(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => Zeroizing::new(str::from_utf8(rest).ok()?.to_owned()),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        _ => Zeroizing::new(str::from_utf8(bytes).ok()?.to_owned()),
    };
    let mut lines = Zeroizing::new(String::with_capacity(text.len()));
    for line in text.split_inclusive('\n') {
        let key = line.trim();
        lines.push_str(['"', '\''].iter().find_map(|quote| unquoted(key, *quote)).unwrap_or(key));
        lines.push('\n');
    }
    Some(lines)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Zeroizing<String>> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text: Zeroizing<String> = Zeroizing::new(
        decode_utf16(units.iter().copied().map(unit)).map(|found| found.unwrap_or(REPLACEMENT_CHARACTER)).collect(),
    );
    (rest.is_empty() && !text.contains(REPLACEMENT_CHARACTER)).then_some(text)
}

fn unquoted(line: &str, quote: char) -> Option<&str> {
    line.strip_prefix(quote)?.strip_suffix(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Option<&str>) {
        assert_eq!(decode(bytes).as_ref().map(|text| text.as_str()), expected, "{bytes:?}");
    }

    #[test]
    fn as_editors_and_shells_leave_it() {
        let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        check(b"# c\nAGE-1\n", Some("# c\nAGE-1\n"));
        check(b"AGE-1", Some("AGE-1\n"));
        check(b" AGE-1\r\n", Some("AGE-1\n"));
        check(b"\xef\xbb\xbfAGE-1\r\n", Some("AGE-1\n"));
        check(&utf16("\u{feff}AGE-1\r\n", u16::to_le_bytes), Some("AGE-1\n"));
        check(&utf16("\u{feff}AGE-1", u16::to_be_bytes), Some("AGE-1\n"));
        check(b"\"AGE-1\"\n", Some("AGE-1\n"));
        check(b"'AGE-1'", Some("AGE-1\n"));
        check(b"\"AGE-1", Some("\"AGE-1\n"));
        check(b"\"", Some("\"\n"));
        check(b"", Some(""));
    }

    #[test]
    fn what_is_no_text() {
        check(b"\xff\xfeA", None);
        check(b"\xff\xfe\x00\xd8", None);
        check(b"\x80", None);
    }
}
