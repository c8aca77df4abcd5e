//! A moment, to the second, as vaults and listings write it: RFC 3339 in UTC. Reads no clock.

use std::fmt;

use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::value::{self, Datetime};

/// A point in time, in seconds since 1970-01-01T00:00:00Z; within the years -9999 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// A moment, cut to the second.
    pub fn new(moment: jiff::Timestamp) -> Self {
        Self(jiff::Timestamp::from_second(moment.as_second()).unwrap_or(moment))
    }

    /// Reads RFC 3339 with any offset.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::new)
    }

    /// The same for jiff, which knows calendars and time zones.
    pub fn moment(self) -> jiff::Timestamp {
        self.0
    }

    fn to_toml(self) -> Option<Datetime> {
        let utc = TimeZone::UTC.to_datetime(self.0);
        let field = |number: i8| u8::try_from(number).ok();
        let date =
            value::Date { year: u16::try_from(utc.year()).ok()?, month: field(utc.month())?, day: field(utc.day())? };
        let time = value::Time {
            hour: field(utc.hour())?,
            minute: field(utc.minute())?,
            second: Some(field(utc.second())?),
            nanosecond: None,
        };
        Some(Datetime { date: Some(date), time: Some(time), offset: Some(value::Offset::Z) })
    }

    fn from_toml(text: &Datetime) -> Option<Self> {
        let (date, time) = (text.date?, text.time?);
        let field = |number: u8| i8::try_from(number).ok();
        let (year, month, day) = (i16::try_from(date.year).ok()?, field(date.month)?, field(date.day)?);
        let (hour, minute, second) = (field(time.hour)?, field(time.minute)?, field(time.second.unwrap_or(0))?);
        let offset = match text.offset? {
            value::Offset::Z => Offset::UTC,
            value::Offset::Custom { minutes } => Offset::from_seconds(i32::from(minutes) * 60).ok()?,
        };
        let civil = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        // Only what can be written again.
        offset.to_timestamp(civil).ok().map(Self).filter(|moment| moment.to_toml().is_some())
    }
}

/// RFC 3339 in UTC: `2026-01-15T10:30:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As a TOML date-time.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let datetime = self.to_toml().ok_or_else(|| serde::ser::Error::custom("a year before 0"))?;
        datetime.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let datetime = Datetime::deserialize(deserializer)?;
        Self::from_toml(&datetime).ok_or_else(|| serde::de::Error::custom("not a moment"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Line {
        at: Timestamp,
    }

    fn check(written: &str, read: Option<&str>) {
        let line = toml::from_str::<Line>(&format!("at = {written}")).ok();
        assert_eq!(line.map(|line| line.at.to_string()).as_deref(), read, "{written}");
    }

    #[test]
    fn toml_comes_in_with_any_offset_and_goes_out_in_utc() {
        check("2026-01-15T10:30:00Z", Some("2026-01-15T10:30:00Z"));
        check("2026-01-15 11:30:00.9+01:00", Some("2026-01-15T10:30:00Z"));
        check("2026-01-15T10:30:00", None);
        check("2026-01-15", None);
        check("2026-02-30T10:30:00Z", None);
        check("\"2026-01-15T10:30:00Z\"", None);
        check("0000-01-01T00:00:00+23:59", None);
        let at = Timestamp::parse("2026-01-15T11:30:00.75+01:00").unwrap();
        assert_eq!(toml::to_string(&Line { at }).unwrap(), "at = 2026-01-15T10:30:00Z\n");
    }
}
