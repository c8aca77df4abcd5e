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

    /// Reads the form in which a vault holds it, and no other: `2026-01-15T10:30:00Z`.
    pub(crate) fn parse_canonical(text: &str) -> Option<Self> {
        Self::parse(text).filter(|time| time.to_string() == text)
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
