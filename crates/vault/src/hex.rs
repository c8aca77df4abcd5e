//! Numbers and bytes in the one form that the first lines of a vault allow: what has two spellings has two signatures.

use std::fmt;

/// Bytes as lower-case hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads exactly `2 * N` lower-case hexadecimal digits.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// The first number that is too large for a counter: up to here every program that reads a vault can hold it exactly.
pub(crate) const COUNTER_LIMIT: u64 = 1 << 53;

/// Reads a counter: decimal, from 1, without leading zeros.
pub(crate) fn parse_counter(text: &str) -> Option<u64> {
    parse_number(text).filter(|number| (1..COUNTER_LIMIT).contains(number))
}

/// Reads a decimal number without sign or leading zeros.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        assert_eq!(parse_number("0"), Some(0));
        assert_eq!(parse_number("17"), Some(17));
        for text in ["017", "00", "+1", "", "-1", " 1", "1 ", "99999999999999999999"] {
            assert_eq!(parse_number(text), None, "{text:?}");
        }
        assert_eq!(parse_counter("9007199254740991"), Some(COUNTER_LIMIT - 1));
        for text in ["0", "9007199254740992"] {
            assert_eq!(parse_counter(text), None, "{text:?}");
        }
    }

    #[test]
    fn bytes_have_one_form() {
        assert_eq!(parse_hex::<2>("a0ff"), Some([0xa0, 0xff]));
        assert_eq!(Hex(&[0xa0, 0x0f]).to_string(), "a00f");
        for text in ["A0ff", "a0f", "a0fff", "", "éé", "a0fg", "+0ff"] {
            assert!(parse_hex::<2>(text).is_none(), "{text:?}");
        }
    }
}
