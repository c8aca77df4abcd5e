//! A moment, to the second, as vaults and listings write it; and lengths of time, for asking how long ago it was.

use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize};

/// A point in time in UTC, to the second; RFC 3339 in files and JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Timestamp(toml::value::Datetime);

impl Timestamp {
    /// Now.
    pub(crate) fn now() -> Self {
        Self::from_jiff(jiff::Timestamp::now())
    }

    /// When a file was changed, as the system says it.
    pub(crate) fn from_system(time: std::time::SystemTime) -> Option<Self> {
        jiff::Timestamp::try_from(time).ok().map(Self::from_jiff)
    }

    /// Reads RFC 3339 with any offset.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::from_jiff)
    }

    /// As programs in Rust know it.
    pub(crate) fn to_system(self) -> std::time::SystemTime {
        let moment = self.moment().and_then(|moment| std::time::SystemTime::try_from(moment).ok());
        moment.unwrap_or(std::time::UNIX_EPOCH)
    }

    fn from_jiff(moment: jiff::Timestamp) -> Self {
        let text = moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Self(text.parse().expect("strftime wrote RFC 3339"))
    }

    /// For people: `2026-01-15 10:30:00` in the time zone of this machine.
    pub(crate) fn local(&self) -> String {
        self.moment().map_or_else(
            || self.0.to_string(),
            |moment| moment.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        )
    }

    /// Whether this is longer ago than `span`, by the calendar of this machine's time zone.
    pub(crate) fn is_older_than(&self, span: TimeSpan) -> bool {
        let limit = jiff::ZonedDateTime::now().checked_sub(span.0);
        // A span that leads out of the calendar is longer than anything.
        limit.is_ok_and(|limit| self.moment().is_some_and(|moment| moment < limit.timestamp()))
    }

    fn moment(&self) -> Option<jiff::Timestamp> {
        self.0.to_string().parse().ok()
    }
}

/// RFC 3339 in UTC: `2026-01-15T10:30:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A length of time as people say it: `90d`, `12w`, `3m` (months), `1y`; or as jiff reads spans: `2 months 3 days`, `P90D`. Not negative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeSpan(jiff::Span);

impl TimeSpan {
    /// Reads a word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
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
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom("not a length of time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse().unwrap())
    }

    #[test]
    fn ages() {
        let day =
            |days: i64| Timestamp::from_jiff(jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days));
        for (word, days) in
            [("90d", 90), ("12w", 84), ("1y", 365), ("3m", 91), ("2 months", 60), ("P90D", 90), ("24h", 1), ("0d", 0)]
        {
            let span = TimeSpan::parse(word).unwrap();
            assert!(day(days + 4).is_older_than(span), "{word}");
            assert!(!day(days - 4).is_older_than(span), "{word}");
        }
        for word in ["", "d", "90", "-90d", "-P1D", "90 q", "d90", "1.5d", "9999999999d", "sk-live"] {
            assert!(TimeSpan::parse(word).is_none(), "{word}");
        }
        // Before the beginning of time.
        assert!(!at("0001-01-01T00:00:00Z").is_older_than(TimeSpan::parse("19000y").unwrap()));
        assert!(at("0001-01-01T00:00:00Z").is_older_than(TimeSpan::parse("1000y").unwrap()));
    }
}
