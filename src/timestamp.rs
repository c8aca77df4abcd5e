//! A moment, to the second, as vaults and listings write it.

use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

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

    fn from_jiff(moment: jiff::Timestamp) -> Self {
        let text = moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Self(text.parse().expect("strftime wrote RFC 3339"))
    }

    /// For people: `2026-01-15 10:30:00` in the time zone of this machine.
    pub(crate) fn local(&self) -> String {
        self.0.to_string().parse::<jiff::Timestamp>().map_or_else(
            |_| self.0.to_string(),
            |moment| moment.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        )
    }
}

/// RFC 3339 in UTC: `2026-01-15T10:30:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
