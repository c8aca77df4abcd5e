//! A moment, to the second, as vaults and listings write it: RFC 3339 in UTC. Reads no clock.

use std::fmt;

/// A point in time, in seconds since 1970-01-01T00:00:00Z; from 0000-01-01T00:00:00Z, as TOML has no earlier one, to 9999-12-30T22:00:00Z, the last
/// one of jiff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

/// 0000-01-01T00:00:00Z.
const YEAR_ZERO: i64 = -62_167_219_200;

impl Timestamp {
    #[cfg(test)]
    pub(crate) const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// A moment, cut to the second. One before the year 0 becomes the first of that year.
    pub fn new(moment: jiff::Timestamp) -> Self {
        let second = moment.as_second().max(YEAR_ZERO);
        Self(jiff::Timestamp::from_second(second).expect("a moment's second is a moment"))
    }

    /// Reads RFC 3339 with any offset.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::new)
    }

    /// Reads the form in which a vault holds it, and no other: `2026-01-15T10:30:00Z`. A vault has two for each secret, so this neither knows other
    /// forms nor writes the moment down again.
    pub(crate) fn parse_canonical(text: &str) -> Option<Self> {
        let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
        let is_formed = std::iter::zip(bytes, b"0000-00-00T00:00:00Z").all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            sign => byte == sign,
        });
        let number = |digits: std::ops::Range<usize>| {
            bytes[digits].iter().fold(0, |number: i16, digit| number * 10 + i16::from(digit - b'0'))
        };
        // None of them has more than two digits.
        let small = |at: usize| i8::try_from(number(at..at + 2)).ok();
        if !is_formed {
            return None;
        }
        let (month, day, hour, minute, second) = (small(5)?, small(8)?, small(11)?, small(14)?, small(17)?);
        let moment = jiff::civil::DateTime::new(number(0..4), month, day, hour, minute, second, 0).ok()?;
        jiff::tz::Offset::UTC.to_timestamp(moment).ok().map(Self)
    }

    /// The same for jiff, which knows calendars and time zones.
    pub fn moment(self) -> jiff::Timestamp {
        self.0
    }
}

/// RFC 3339 in UTC: `2026-01-15T10:30:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, read: Option<&str>) {
        assert_eq!(Timestamp::parse(written).map(|time| time.to_string()).as_deref(), read, "{written}");
        assert_eq!(Timestamp::parse_canonical(written).is_some(), read == Some(written), "{written}");
    }

    /// The short way and the long one agree.
    #[test]
    fn the_canonical_form_is_what_is_written() {
        let long = |text: &str| Timestamp::parse(text).filter(|time| time.to_string() == text);
        let check = |text: &str| assert_eq!(Timestamp::parse_canonical(text), long(text), "{text}");
        let last = 253_402_207_200;
        for step in 0..4000 {
            let second = YEAR_ZERO + (last - YEAR_ZERO) / 4000 * step + step;
            let text = Timestamp::new(jiff::Timestamp::from_second(second).unwrap()).to_string();
            check(&text);
            let at = usize::try_from(step).unwrap() % text.len();
            for letter in ["0", "1", "2", "3", "6", "9", "-", "T", "t", "Z", "z", " ", ":", "é", ""] {
                check(&format!("{}{letter}{}", &text[..at], &text[at + 1..]));
            }
        }
        for text in [
            "2024-02-29T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-06-30T23:59:60Z",
            "2026-01-01T24:00:00Z",
            "0000-01-01T00:00:00Z",
        ] {
            check(text);
        }
    }

    #[test]
    fn moments_come_in_with_any_offset_and_go_out_in_utc() {
        check("2026-01-15T10:30:00Z", Some("2026-01-15T10:30:00Z"));
        check("2026-01-15 11:30:00.9+01:00", Some("2026-01-15T10:30:00Z"));
        check("-000001-01-15T10:30:00Z", Some("0000-01-01T00:00:00Z"));
        check("9999-12-30T22:00:00Z", Some("9999-12-30T22:00:00Z"));
        check("9999-12-30T22:00:01Z", None);
        check("2026-01-15T10:30:00", None);
        check("2026-01-15", None);
        check("2026-02-30T10:30:00Z", None);
        check("\"2026-01-15T10:30:00Z\"", None);
    }
}
