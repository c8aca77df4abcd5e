//! The settings file, `config.toml`. Most users have none, and then nothing is read but that.

use std::path::Path;

use serde::Deserialize;

use crate::clock::TimeSpan;
use crate::disk;
use crate::failure::{Failure, Kind, Result};
use cast_vault::AgentName;

/// Far more than there is to set.
const MAX_SETTINGS: usize = 64 << 10;

/// The user's settings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether `cast run` masks secrets in output that leaves the terminal.
    pub mask: Mask,
    /// The agents that the built-in secrets do not go into.
    pub no_builtin: Vec<AgentName>,
    /// How old a secret may become before `cast doctor` mentions it; off where it is not given.
    pub stale_after: Option<TimeSpan>,
    /// Whether it is noted who uses what.
    pub audit: Audit,
}

/// When to mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mask {
    /// Whatever leaves the terminal.
    #[default]
    Auto,
    /// Nothing, as with `--no-mask`.
    Never,
}

/// Whether events go into the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audit {
    /// As far as it can be written.
    #[default]
    On,
    /// All, or nothing is done.
    Required,
    /// None.
    Off,
}

impl Settings {
    /// Reads the file at `path`, through symlinks; without one, the settings are those of everybody. So they are where this user may not
    /// even enter the folder: a container's user with root's home. A file that is there and cannot be read is an error: it may require something.
    pub fn load(path: &Path) -> Result<Self> {
        let opened = match disk::open_regular_behind_links(path) {
            Err(_) if disk::is_out_of_reach(path) => None,
            opened => opened?,
        };
        let Some(file) = opened else { return Ok(Self::default()) };
        let bad = |what: &str| Failure::new(Kind::Io, format!("the settings are {what}: '{}'", path.display()));
        let bytes = disk::read_limited(&file, path, MAX_SETTINGS)?;
        if bytes.len() > MAX_SETTINGS {
            return Err(bad(&format!("larger than {} KiB", MAX_SETTINGS >> 10)));
        }
        Self::parse(std::str::from_utf8(&bytes).map_err(|_| bad("not valid UTF-8"))?, path)
    }

    /// Reads the text of the file at `path`. A failure names the line and quotes nothing of it.
    fn parse(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            Failure::new(Kind::Usage, format!("line {line} of the settings is not valid: '{}'", path.display()))
                .hint("valid settings are: mask = \"auto\" or \"never\"; audit = \"on\", \"required\" or \"off\"")
                .hint("and: no_builtin = [\"my-agent\"], stale_after = \"90d\"")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings> {
        Settings::parse(text, Path::new("config.toml"))
    }

    #[test]
    fn settings() {
        assert_eq!(parse("").unwrap().mask, Mask::Auto);
        assert_eq!(parse("mask = \"never\"\n").unwrap().mask, Mask::Never);
        let failure = parse("mask = \"auto\"\nmaks = \"hunter2\"\n").unwrap_err();
        assert!(failure.message().contains("line 2") && !failure.message().contains("hunter2"), "{failure}");
        assert!(parse("mask = \"sometimes\"").is_err());
        let settings = parse("no_builtin = [\"a\", \"my-agent\"]\nstale_after = \"90d\"").unwrap();
        assert_eq!(settings.no_builtin.iter().map(AgentName::as_str).collect::<Vec<_>>(), ["a", "my-agent"]);
        assert!(settings.stale_after.is_some() && parse("").unwrap().stale_after.is_none());
        for bad in ["no_builtin = \"a\"", "no_builtin = [\"Hunter2\"]", "stale_after = \"hunter2\"", "stale_after = 90"]
        {
            assert!(!parse(bad).unwrap_err().message().to_lowercase().contains("hunter2"), "{bad}");
        }
        assert_eq!(parse("").unwrap().audit, Audit::On);
        assert_eq!(parse("audit = \"required\"").unwrap().audit, Audit::Required);
        assert_eq!(parse("audit = \"off\"").unwrap().audit, Audit::Off);
        assert!(parse("audit = true").is_err());
    }
}
