//! How the broker reaches hosts, and whom it believes: `roots` and `proxy`. Keeps the promise that nothing but the user's
//! own settings adds to the roots: a file that other users can write is not used.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cast_broker::tls::roots::PemFile;
use cast_broker::{NoProxy, NoUse, Outer, Proxy};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use age::secrecy::zeroize::Zeroizing;

use super::Settings;
use crate::advice;
use crate::disk;
use crate::failure::{Failure, Kind, Result};
use crate::platform::files;

/// The longest file of roots, in bytes: all public authorities take a quarter of a MiB.
const MAX_ROOTS: usize = 4 << 20;

/// The setting `proxy`. `Debug` shows no password.
#[derive(Clone, Debug)]
pub enum OuterProxy {
    /// No proxy, whatever the caller's variables say.
    Direct,
    /// This one, for all hosts.
    Through(Proxy),
}

// What is wrong with a setting, from where it is read to where its line is known. They quote nothing.
const RELATIVE: &str = "relative";
const SCHEME: &str = "scheme";
const FORM: &str = "form";

/// The rest of "line 2 of the settings", and what to type.
pub(super) fn fault(message: &str) -> Option<(&'static str, &'static str)> {
    let roots = "write the whole path of each file, as in: roots = [\"/etc/corp/root.pem\"]";
    let proxy = "write it as proxy = \"http://HOST:PORT\", \"http://USER:PASSWORD@HOST:PORT\" or \"none\"";
    match message {
        RELATIVE => Some(("has a path in 'roots' that is not absolute", roots)),
        SCHEME => Some(("has a proxy that cast cannot use: only 'http://' is supported", proxy)),
        FORM => Some(("has a proxy that cast cannot use: it is not the address of one", proxy)),
        _ => None,
    }
}

/// Paths that are the same wherever cast is started.
pub(super) fn absolute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    let paths = Vec::<PathBuf>::deserialize(deserializer)?;
    if paths.iter().all(|path| path.is_absolute()) { Ok(paths) } else { Err(D::Error::custom(RELATIVE)) }
}

impl<'de> Deserialize<'de> for OuterProxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        match &**text {
            "none" => Ok(Self::Direct),
            address => Proxy::parse(address).map(Self::Through).map_err(|no_use| D::Error::custom(name(no_use))),
        }
    }
}

fn name(no_use: NoUse) -> &'static str {
    match no_use {
        NoUse::Scheme => SCHEME,
        NoUse::Form => FORM,
    }
}

impl Settings {
    /// What is in the files of `roots`. Fails for one that is missing, or that other users can write or led to.
    pub fn usable_roots(&self) -> Result<Vec<PemFile>> {
        self.roots.iter().map(|path| read_root(path)).collect()
    }

    /// The way to all hosts: `proxy`, or else the caller's variables as curl reads them.
    pub fn outer(&self, variable: impl Fn(&str) -> Option<OsString>) -> Result<Outer> {
        match &self.proxy {
            Some(OuterProxy::Direct) => return Ok(Outer::Direct),
            Some(OuterProxy::Through(proxy)) => {
                return Ok(Outer::Through { proxy: proxy.clone(), except: NoProxy::default() });
            }
            None => {}
        }
        let first = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, variable(name)?)));
        let Some((name, address)) = first(["https_proxy", "HTTPS_PROXY"]) else { return Ok(Outer::Direct) };
        // An empty one is none.
        if address.is_empty() {
            return Ok(Outer::Direct);
        }
        let proxy = address.to_str().ok_or(NoUse::Form).and_then(Proxy::parse).map_err(|no_use| {
            let why = match no_use {
                NoUse::Scheme => "only 'http://' is supported",
                NoUse::Form => "it is not the address of one",
            };
            Failure::new(Kind::Usage, format!("cast cannot use the proxy in '{name}': {why}"))
                .hint("name another in the settings: proxy = \"http://HOST:PORT\", or \"none\" for a direct connection")
        })?;
        let except = first(["no_proxy", "NO_PROXY"]).and_then(|(_, list)| list.into_string().ok());
        Ok(Outer::Through { proxy, except: NoProxy::parse(&except.unwrap_or_default()) })
    }
}

/// Reads a file of roots, if it can be used: who writes it, or leads to it, decides whom the broker believes.
pub(crate) fn read_root(path: &Path) -> Result<PemFile> {
    let file = disk::open_regular_behind_links(path)?.ok_or_else(|| {
        Failure::new(Kind::Io, format!("the settings name roots that are missing: '{}'", path.display()))
            .hint("put the file there, or take it out of 'roots' in the settings")
    })?;
    let refused = |what: &str| {
        let what = format!("cast does not use the roots, because other users {what}: '{}'", path.display());
        Failure::new(Kind::Io, what)
    };
    if files::is_writable_by_others(&file) {
        let fix = format!("if they are the right ones, run: {}", advice::own_and_close(path));
        return Err(refused("can write them").hint(fix));
    }
    if disk::is_led_by_others(&file, path) {
        return Err(
            refused("chose the link that leads to them").hint("name the file itself in 'roots' in the settings")
        );
    }
    let text = disk::read_limited(&file, path, MAX_ROOTS)?;
    if text.len() > MAX_ROOTS {
        let too_large = format!("the roots are larger than {} MiB: '{}'", MAX_ROOTS >> 20, path.display());
        return Err(Failure::new(Kind::Io, too_large).hint("take the file out of 'roots' in the settings"));
    }
    Ok(PemFile { path: path.to_owned(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outer(settings: &str, variables: &[(&str, &str)]) -> Result<Outer> {
        let settings: Settings = toml::from_str(settings).unwrap();
        settings.outer(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[track_caller]
    fn check(settings: &str, variables: &[(&str, &str)], expected: Option<&str>) {
        let found = match outer(settings, variables).unwrap() {
            Outer::Direct => None,
            Outer::Through { proxy, except } => Some(format!("{proxy:?} {except:?}")),
        };
        match expected {
            None => assert_eq!(found, None),
            Some(host) => assert!(found.as_ref().is_some_and(|found| found.contains(host)), "{found:?}"),
        }
    }

    #[test]
    fn the_settings_win_over_the_variables() {
        let caller = [("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "http://lower:1"), ("no_proxy", "a.b")];
        check("", &[], None);
        check("", &caller, Some("\"lower\""));
        check("", &caller, Some("\"a.b\""));
        check("", &caller[..1], Some("\"upper\""));
        check("proxy = \"http://me:hunter2@own:1\"", &caller, Some("\"own\""));
        check("proxy = \"none\"", &caller, None);
        check("", &[("https_proxy", ""), ("HTTPS_PROXY", "http://upper:1")], None);
        // No other variable counts.
        check("", &[("HTTP_PROXY", "http://a:1"), ("ALL_PROXY", "http://a:1")], None);
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_not_shown() {
        for address in ["https://me:hunter2@h:1", "socks5://hunter2:1", "http://hunter2/path", "http://u:%hunter2@h:1"]
        {
            let refused = outer("", &[("HTTPS_PROXY", address)]).unwrap_err();
            assert!(refused.message().starts_with("cast cannot use the proxy in 'HTTPS_PROXY': "), "{refused}");
            assert!(!refused.message().contains("hunter2"));
            let error = toml::from_str::<Settings>(&format!("proxy = \"{address}\"")).unwrap_err();
            assert!(fault(error.message()).is_some());
        }
        // Neither is the password of one that can be.
        let shown = format!("{:?}", outer("proxy = \"http://me:hunter2@h:1\"", &[]).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        let missing = Settings { roots: vec!["/no/such/root.pem".into()], ..Settings::default() };
        assert_eq!(missing.usable_roots().unwrap_err().kind(), Kind::Io);
        assert!(Settings::default().usable_roots().unwrap().is_empty());
        let error = toml::from_str::<Settings>("roots = [\"root.pem\"]").unwrap_err();
        assert!(fault(error.message()).is_some_and(|(what, _)| what.contains("not absolute")));
    }
}
