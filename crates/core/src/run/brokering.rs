//! Which secrets of a run are brokered, and what refuses the run before anything of it exists: a value that CMD would
//! have all the same, a variable that cast sets itself, a proxy or roots that cannot be used.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use cast_broker::{Authority, NoProxy, Order, Outer, Place, Proxy, Secret};
use cast_vault::{AgentName, SecretName};

use super::clients::{self, Callers};
use crate::failure::{Failure, Kind, Result};
use crate::injections::{Given, Injections};
use crate::masking::Brokered;
use crate::platform::exec::{Environment, VARIABLES_IGNORE_CASE};
use crate::session::Session;
use crate::settings::Settings;

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
        let outer = outer(settings, cmd.callers)?;
        let roots = settings.usable_roots()?;
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

/// The way to hosts: the broker of a run around this one, which goes by the same settings; else as these say.
fn outer(settings: &Settings, callers: &dyn Fn(&str) -> Option<OsString>) -> Result<Outer> {
    let variable = |names: [&str; 2]| names.into_iter().find_map(callers).and_then(|text| text.into_string().ok());
    match variable(clients::PROXY).and_then(|address| Proxy::parse(&address).ok()) {
        Some(proxy) if proxy.is_broker() => {
            let except = NoProxy::parse(&variable(clients::NO_PROXY).unwrap_or_default());
            Ok(Outer::Through { proxy, except })
        }
        _ => settings.outer(callers),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_broker_of_a_run_around_this_one_comes_first() {
        let broker = format!("http://cast:{}@127.0.0.1:3", "a".repeat(43));
        let is_broker = |callers: &[(&str, &str)]| {
            let callers =
                |name: &str| callers.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
            let settings = Settings::load(Path::new("/no/such/settings")).unwrap();
            matches!(outer(&settings, &callers).unwrap(), Outer::Through { proxy, .. } if proxy.is_broker())
        };
        assert!(is_broker(&[("https_proxy", &broker), ("HTTPS_PROXY", "http://one.test:1")]));
        assert!(!is_broker(&[("HTTPS_PROXY", &broker), ("https_proxy", "http://one.test:1")]));
        assert!(!is_broker(&[]));
    }
}
