//! Which secrets of a run are brokered, and what refuses the run before anything of it exists: a value that CMD would
//! have all the same, a variable that cast sets itself, a proxy or roots that cannot be used.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use cast_broker::{Authority, NoProxy, NoUse, Order, Outer, Place, Proxy, Secret};
use cast_vault::{AgentName, SecretName};

use super::clients::{self, Callers};
use crate::failure::{Failure, Kind, Result};
use crate::injections::{Given, Injections};
use crate::masking::Brokered;
use crate::platform::exec::{Environment, VARIABLES_IGNORE_CASE};
use crate::session::Session;
use crate::settings::WayOut;

/// What the broker of a run is made from.
pub(super) struct Brokering {
    pub(super) order: Order,
    pub(super) callers: Callers,
    /// The folder for state of this machine.
    pub(super) state: PathBuf,
}

/// What CMD would have, but for what cast sets for the broker.
pub(super) struct Cmd<'a> {
    /// The caller's variables, whether CMD gets them or not.
    pub(super) callers: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) environment: &'a Environment,
    /// The program and its arguments.
    pub(super) words: &'a [&'a OsStr],
}

impl Brokering {
    /// With the values that CMD does not have. `None` if no secret is brokered: then nothing is looked at.
    pub(super) fn of(
        session: &Session,
        agent: &AgentName,
        injections: &Injections,
        cmd: &Cmd<'_>,
    ) -> Result<Option<(Self, Brokered)>> {
        let (mut secrets, mut masked) = (Vec::new(), Vec::new());
        for (name, injection) in injections.iter() {
            let Given::Brokered { value, stand_in: Ok(stand_in) } = &injection.given else { continue };
            let flags = &injection.flags;
            let hosts = flags.hosts.iter().map(|host| Authority::parse(host.as_bytes()));
            let places = flags.places.iter().map(|place| Place::parse(place));
            let (Some(hosts), Some(places)) = (hosts.collect(), places.collect()) else {
                let what =
                    format!("secret '{name}' of agent '{agent}' has a host or place that this version does not know");
                return Err(Failure::new(Kind::Integrity, what).hint("install a newer version"));
            };
            let (name, stand_in) = (name.to_string(), stand_in.clone());
            masked.push((name.clone(), value.clone()));
            secrets.push(Secret { name, value: value.expose().to_owned().into(), stand_in, hosts, places });
        }
        let Some(brokered) = Brokered::new(masked) else { return Ok(None) };
        refuse_names(injections)?;
        refuse_elsewhere(&brokered, injections, cmd)?;
        let settings = session.settings()?;
        let outer = outer(settings.proxy.as_ref(), cmd.callers)?;
        let roots = settings.trusted_roots()?.to_vec();
        let callers = Callers::read(cmd.callers, cmd.environment.each().map(|(name, _)| name));
        let state = session.places.state()?.to_owned();
        Ok(Some((Self { order: Order { secrets, outer, roots }, callers, state }, brokered)))
    }
}

/// Refuses secrets in whose place CMD would find what cast sets.
fn refuse_names(injections: &Injections) -> Result<()> {
    let is_set = |name: &&SecretName| {
        clients::sets(name.as_str()) || VARIABLES_IGNORE_CASE && clients::sets(&name.as_str().to_ascii_uppercase())
    };
    let Some(name) = injections.iter().map(|(name, _)| name).find(is_set) else { return Ok(()) };
    Err(Failure::new(Kind::Usage, format!("'{name}' is set by cast when a secret is brokered"))
        .hint(format!("leave it out: '--except {name}'")))
}

/// Refuses a value that CMD would also find elsewhere, in whatever encoding.
fn refuse_elsewhere(brokered: &Brokered, injections: &Injections, cmd: &Cmd<'_>) -> Result<()> {
    let refused = |at: usize, place: &str| {
        let (name, _) = &brokered.secrets[at];
        let what = format!("the value of '{name}' is also in {place}, which CMD gets: it would have it all the same");
        Failure::new(Kind::Usage, what)
    };
    for (name, value) in cmd.environment.each() {
        let shown = name.to_string_lossy();
        if clients::replaces(&shown) {
            continue;
        }
        if let Some(at) = brokered.plan.find(value) {
            let is_secret = injections.iter().any(|(secret, _)| secret.as_str() == shown);
            let failure = refused(at, &format!("'{shown}'"));
            return Err(if is_secret {
                failure.hint(format!("broker or leave out that one, too: '--except {shown}'"))
            } else {
                failure
                    .hint(format!("unset '{shown}' for this run, or start with a minimal environment: '--clean-env'"))
            });
        }
    }
    for (word, number) in cmd.words.iter().zip(1..) {
        if let Some(at) = brokered.plan.find(word.as_encoded_bytes()) {
            let (name, _) = &brokered.secrets[at];
            return Err(refused(at, &format!("word {number} of the command"))
                .hint(format!("CMD finds what stands for it in '{name}'")));
        }
    }
    Ok(())
}

/// The way to hosts: the broker of a run around this one, which goes by the same settings; else that of the settings,
/// else that of the caller, as curl reads it.
fn outer(settings: Option<&WayOut>, callers: &dyn Fn(&str) -> Option<OsString>) -> Result<Outer> {
    let text = |names: [&'static str; 2]| {
        let found = names.into_iter().find_map(|name| Some((name, callers(name)?)));
        found.map(|(name, value)| (name, value.to_string_lossy().into_owned()))
    };
    let through = |proxy| {
        let except = NoProxy::parse(&text(clients::NO_PROXY).unwrap_or_default().1);
        Ok(Outer::Through { proxy, except })
    };
    let callers = text(clients::PROXY).filter(|(_, address)| !address.is_empty());
    let callers = callers.map(|(name, address)| (name, Proxy::parse(&address)));
    match (settings, callers) {
        (_, Some((_, Ok(proxy)))) if proxy.is_broker() => through(proxy),
        (Some(WayOut::Through(proxy)), _) => through(proxy.clone()),
        (Some(WayOut::Direct), _) | (None, None) => Ok(Outer::Direct),
        (None, Some((name, proxy))) => through(proxy.map_err(|no_use| no_proxy(name, no_use))?),
    }
}

fn no_proxy(name: &str, no_use: NoUse) -> Failure {
    let why = match no_use {
        NoUse::Scheme => "only 'http://' is supported",
        NoUse::Form => "it is not 'http://HOST:PORT'",
    };
    Failure::new(Kind::Usage, format!("cast cannot use the proxy in '{name}': {why}"))
        .hint("'proxy' in 'config.toml' names another one, or \"none\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(settings: Option<&WayOut>, callers: &[(&str, &str)], expected: Result<&str, &str>) {
        let callers =
            |name: &str| callers.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        let host = |name: &str| Authority::parse(name.as_bytes()).unwrap();
        let found = outer(settings, &callers).map(|outer| match outer {
            Outer::Direct => "direct".to_owned(),
            Outer::Through { proxy, except } => {
                let past = except.has(&host("past.test"));
                let shown = format!("{proxy:?}");
                let name = match [shown.contains("\"one.test\""), proxy.is_broker()] {
                    [true, _] => "one",
                    [_, true] => "broker",
                    _ => "two",
                };
                format!("{name}{}", if past { " and past" } else { "" })
            }
        });
        let found = found.map_err(|failure| failure.message().to_owned());
        assert_eq!(found.as_deref().map_err(|message| &message[..]), expected);
    }

    #[test]
    fn the_way_to_hosts() {
        let (one, two, no) = ("http://one.test:1", "http://two.test:2", "past.test");
        let set = WayOut::Through(Proxy::parse(two).unwrap());
        check(None, &[], Ok("direct"));
        check(None, &[("HTTPS_PROXY", one)], Ok("one"));
        check(None, &[("HTTPS_PROXY", two), ("https_proxy", one)], Ok("one"));
        check(None, &[("HTTPS_PROXY", one), ("https_proxy", "")], Ok("direct"));
        check(None, &[("HTTPS_PROXY", one), ("NO_PROXY", no)], Ok("one and past"));
        check(None, &[("HTTPS_PROXY", one), ("NO_PROXY", no), ("no_proxy", "")], Ok("one"));
        check(None, &[("HTTP_PROXY", one), ("ALL_PROXY", one)], Ok("direct"));
        check(Some(&set), &[("HTTPS_PROXY", one)], Ok("two"));
        check(Some(&set), &[("HTTPS_PROXY", "https://bad"), ("no_proxy", no)], Ok("two and past"));
        check(Some(&WayOut::Direct), &[("HTTPS_PROXY", one)], Ok("direct"));
        let broker = format!("http://cast:{}@127.0.0.1:3", "a".repeat(43));
        for settings in [None, Some(&set), Some(&WayOut::Direct)] {
            check(settings, &[("https_proxy", &broker), ("HTTPS_PROXY", one)], Ok("broker"));
        }
        let scheme = "cast cannot use the proxy in 'https_proxy': only 'http://' is supported";
        check(None, &[("https_proxy", "socks5://hunter2")], Err(scheme));
        let form = "cast cannot use the proxy in 'HTTPS_PROXY': it is not 'http://HOST:PORT'";
        check(None, &[("HTTPS_PROXY", "http://hunter2/path")], Err(form));
    }
}
