//! The settings file, `config.toml`. Most users have none. A setting that is not known is no error, because a newer cast
//! may know it; a value that is not valid is one, because a default in its place would surprise.

mod network;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::advice;
use crate::clock::TimeSpan;
use crate::disk;
use crate::failure::{Failure, Kind, Result};
use crate::platform::files;
use crate::suggestion;
use cast_vault::AgentName;

pub use network::OuterProxy;
pub(crate) use network::read_root;

/// Far more than all settings need, in bytes.
const MAX_SETTINGS: usize = 64 << 10;

/// The user's settings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What `cast run` masks secrets in.
    pub mask: Mask,
    /// The agents that do not get the built-in secrets.
    pub no_builtin: Vec<AgentName>,
    /// The age at which `cast doctor` reports a secret as old; `None` turns this off.
    pub stale_after: Option<TimeSpan>,
    /// Whether cast records events in the audit log.
    pub audit: Audit,
    /// Files of root certificates that the broker trusts besides the system's.
    #[serde(deserialize_with = "network::absolute")]
    pub roots: Vec<PathBuf>,
    /// The proxy that the broker uses instead of the caller's.
    pub proxy: Option<OuterProxy>,
    /// What the file sets that cast does not know: a warning each.
    #[serde(skip)]
    pub unknown: Vec<String>,
}

/// All settings, as the file calls them.
pub const NAMES: [&str; 6] = ["mask", "no_builtin", "stale_after", "audit", "roots", "proxy"];

/// When to mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mask {
    /// All output that does not go to a terminal, and that too where a person does not read it alone.
    #[default]
    Auto,
    /// All output, as with `--mask`.
    Always,
    /// Nothing, as with `--no-mask`.
    Never,
}

/// Whether cast records events in the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audit {
    /// Yes, but a log that cannot be written is not an error.
    #[default]
    On,
    /// Yes, and cast does nothing that it cannot record.
    Required,
    /// No.
    Off,
}

impl Settings {
    /// Reads the file at `path` and follows symlinks. Returns the defaults if there is no file, or if this user may not
    /// enter its folder, like a container's user with root's home. A file that exists but cannot be read is an error,
    /// because it may require the audit log.
    pub fn load(path: &Path) -> Result<Self> {
        let opened = match disk::open_regular_behind_links(path) {
            Err(_) if disk::is_out_of_reach(path) => None,
            Err(_) if path.exists() && !path.is_file() => return Err(disk::in_the_place_of_a_file(path)),
            opened => opened?,
        };
        let Some(file) = opened else { return Ok(Self::default()) };
        let bad = |what: &str, hint: String| {
            Failure::new(Kind::Io, format!("the settings are {what}: '{}'", path.display())).hint(hint)
        };
        // Who can write the settings can switch masking and the audit log off.
        if files::is_writable_by_others(&file) {
            return Err(Failure::new(
                Kind::Io,
                format!("cast does not use the settings, because other users can write them: '{}'", path.display()),
            )
            .hint(format!("if they contain what you want, run: {}", advice::own_and_close(path))));
        }
        let bytes = disk::read_limited(&file, path, MAX_SETTINGS)?;
        if bytes.len() > MAX_SETTINGS {
            let away = format!("if the file is something else, move it away: {}", advice::move_away(path));
            return Err(bad(&format!("larger than {} KiB", MAX_SETTINGS >> 10), away));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| bad("not valid UTF-8", "save them as UTF-8".to_owned()))?;
        Self::parse(text, path)
    }

    /// Parses the text of the file at `path`. A failure names the line but does not quote it.
    fn parse(text: &str, path: &Path) -> Result<Self> {
        let settings: Self = toml::from_str(text).map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| line(text, span.start));
            if let Some((what, hint)) = network::fault(error.message()) {
                let what = format!("line {line} of the settings {what}: '{}'", path.display());
                return Failure::new(Kind::Usage, what).hint(hint);
            }
            Failure::new(Kind::Usage, format!("line {line} of the settings is not valid: '{}'", path.display()))
                .hint("valid settings are: mask = \"auto\", \"always\" or \"never\"; audit = \"on\", \"required\" or \"off\"")
                .hint("and: no_builtin = [\"my-agent\"], stale_after = \"90d\", roots = [\"/etc/corp/root.pem\"], proxy = \"http://HOST:PORT\"")
        })?;
        Ok(Self { unknown: unknown(text, path), ..settings })
    }
}

/// The names in the file, with their places, and nothing of their values.
#[derive(Default)]
struct Names(Vec<Spanned<String>>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;
        impl<'de> Visitor<'de> for Table {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut table: M) -> Result<Names, M::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = table.next_entry()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(Table)
    }
}

/// A warning for each setting that cast does not know, with the line and the nearest name. It does not quote the line.
fn unknown(text: &str, path: &Path) -> Vec<String> {
    let Names(mut names) = toml::from_str(text).unwrap_or_default();
    names.retain(|name| !NAMES.contains(&name.get_ref().as_str()));
    names.sort_by_key(|name| name.span().start);
    let warning = |name: Spanned<String>| {
        let known = match suggestion::closest(name.get_ref(), NAMES.into_iter()) {
            Some(known) => format!("did you mean '{known}'?"),
            None => format!("cast knows {}", NAMES.map(|known| format!("'{known}'")).join(", ")),
        };
        let line = line(text, name.span().start);
        format!("line {line} of the settings is not a setting that cast knows ({known}): '{}'", path.display())
    };
    names.into_iter().map(warning).collect()
}

/// The line of a position in `text`.
fn line(text: &str, position: usize) -> usize {
    text[..position].matches('\n').count() + 1
}

/// The fuzzer's door: reads the text of a settings file.
#[cfg(feature = "fuzz")]
pub fn parse(text: &str) -> Result<Settings> {
    Settings::parse(text, Path::new("config.toml"))
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
        assert_eq!(parse("mask = \"always\"\n").unwrap().mask, Mask::Always);
        let failure = parse("audit = \"on\"\nmask = \"hunter2\"\n").unwrap_err();
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

    #[test]
    fn unknown_settings_are_warnings() {
        let text = "mask = \"never\"\nmaks = \"hunter2\"\n\"sk-live-abc\" = 1\n[table]\nmask = 1\n[a.b]\n";
        let settings = parse(text).unwrap();
        assert_eq!(settings.mask, Mask::Never);
        let known = "cast knows 'mask', 'no_builtin', 'stale_after', 'audit', 'roots', 'proxy'";
        let expected = [(2, "did you mean 'mask'?"), (3, known), (4, known), (6, known)];
        let warning = |(line, known)| {
            format!("line {line} of the settings is not a setting that cast knows ({known}): 'config.toml'")
        };
        assert_eq!(settings.unknown, expected.map(warning));
        assert!(parse("mask = \"never\"").unwrap().unknown.is_empty());
    }

    /// A new setting gets its name in the list.
    #[test]
    fn all_names_are_known() {
        let all =
            "mask = \"auto\"\nno_builtin = []\nstale_after = \"90d\"\naudit = \"on\"\nroots = []\nproxy = \"none\"\n";
        assert_eq!(all.lines().filter_map(|line| line.split(' ').next()).collect::<Vec<_>>(), NAMES);
        assert!(parse(all).unwrap().unknown.is_empty());
        for name in NAMES {
            assert!(parse(&format!("{name} = {{}}")).is_err(), "{name} is not read");
        }
    }
}
