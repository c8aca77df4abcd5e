//! The clock and calendar of this machine: the current time, the age of a moment, and its text for people.

use std::time::SystemTime;

use cast_vault::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

/// The current time, to the second.
pub fn now() -> Timestamp {
    Timestamp::new(jiff::Timestamp::now())
}

/// Converts a file time from the operating system.
pub fn from_system(time: SystemTime) -> Option<Timestamp> {
    jiff::Timestamp::try_from(time).ok().map(Timestamp::new)
}

/// Converts to the type of Rust's standard library.
pub fn to_system(moment: Timestamp) -> SystemTime {
    SystemTime::try_from(moment.moment()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Formats for people: `2026-01-15 10:30:00`, in the time zone of this machine.
pub fn local(moment: Timestamp) -> String {
    moment.moment().to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Whether `moment` is longer ago than `span`, by the calendar of this machine's time zone.
pub fn is_older(moment: Timestamp, span: TimeSpan) -> bool {
    let limit = jiff::ZonedDateTime::now().checked_sub(span.0);
    // A span that reaches beyond the calendar is longer than any age.
    limit.is_ok_and(|limit| moment.moment() < limit.timestamp())
}

/// A duration: `90d`, `12w`, `3m` (months) or `1y`, or any span that jiff parses, such as `2 months 3 days` or `P90D`.
/// Never negative.
#[derive(Clone, Copy, Debug)]
pub struct TimeSpan(jiff::Span);

impl TimeSpan {
    /// Parses a duration. `None` if it is not valid.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim();
        let short = ['d', 'w', 'm', 'y']
            .into_iter()
            .find_map(|unit| Some((unit, word.strip_suffix(unit)?.parse::<u32>().ok()?)));
        let span = match short {
            Some(('d', number)) => jiff::Span::new().try_days(number),
            Some(('w', number)) => jiff::Span::new().try_weeks(number),
            Some(('m', number)) => jiff::Span::new().try_months(number),
            Some((_, number)) => jiff::Span::new().try_years(number),
            None => word.parse(),
        };
        span.ok().filter(|span| !span.is_negative()).map(Self)
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom("not a valid duration"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn ages() {
        let day = |days: i64| Timestamp::new(jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days));
        for (word, days) in
            [("90d", 90), ("12w", 84), ("1y", 365), ("3m", 91), ("2 months", 60), ("P90D", 90), ("24h", 1), ("0d", 0)]
        {
            let span = TimeSpan::parse(word).unwrap();
            assert!(is_older(day(days + 4), span), "{word}");
            assert!(!is_older(day(days - 4), span), "{word}");
        }
        for word in ["", "d", "90", "-90d", "-P1D", "90 q", "d90", "1.5d", "9999999999d", "sk-live"] {
            assert!(TimeSpan::parse(word).is_none(), "{word}");
        }
        // A span that reaches beyond the calendar.
        assert!(!is_older(at("0001-01-01T00:00:00Z"), TimeSpan::parse("19000y").unwrap()));
        assert!(is_older(at("0001-01-01T00:00:00Z"), TimeSpan::parse("1000y").unwrap()));
    }
}
