//! What `cast secrets set` reads and says of a brokered secret: its hosts, places and prefix, and what its owner should
//! know before the first run.

use std::ffi::{OsStr, OsString};

use crate::args::SetArgs;
use crate::report::Report;
use cast_core::brokered::{self, Brokering, Doubt};
use cast_core::failure::{Failure, Kind, Result};
use cast_core::verbs::set::Stored;
use cast_vault::{AgentName, Error, FlagFault, Flags, SecretName};

/// What the words ask for. Nothing was asked or read before, so a word that is refused costs nothing.
pub(super) fn asked(args: &SetArgs) -> Result<Brokering> {
    let prefix = args.prefix.as_deref().map(|word| text(word, FlagFault::Prefix)).transpose()?;
    let brokering =
        Brokering { hosts: list(&args.host, FlagFault::Host)?, places: list(&args.places, FlagFault::Place)?, prefix };
    let brokering = brokering.checked()?;
    if args.unmasked && brokering.hosts.as_ref().is_some_and(|hosts| !hosts.is_empty()) {
        return Err(Failure::new(Kind::Usage, "'--unmasked' cannot be used with '--host'"));
    }
    if args.keep && brokering.is_nothing() && !args.unmasked {
        return Err(Failure::new(Kind::Usage, "'--keep' leaves the value, and nothing else is to change")
            .hint("add '--host', '--in', '--prefix' or '--unmasked'"));
    }
    Ok(brokering)
}

/// The words of an option that may be given several times; `None` if it was not given. One empty word is for none.
fn list(words: &[OsString], fault: FlagFault) -> Result<Option<Vec<String>>> {
    match words {
        [] => Ok(None),
        [word] if word.is_empty() => Ok(Some(Vec::new())),
        words => words.iter().map(|word| text(word, fault)).collect::<Result<_>>().map(Some),
    }
}

fn text(word: &OsStr, fault: FlagFault) -> Result<String> {
    Ok(word.to_str().map(str::to_owned).ok_or(Error::Flag(fault))?)
}

/// What is said behind "set" and "replaced".
pub(super) fn addition(stored: &Stored, asked: &Brokering) -> String {
    match &stored.flags.hosts[..] {
        _ if asked.hosts.is_none() => String::new(),
        [] if stored.was_brokered => ", and now given as it is".to_owned(),
        [] => String::new(),
        hosts => format!(", brokered to {}", hosts.join(", ")),
    }
}

/// How a secret whose value stays is treated now.
pub(super) fn state(flags: &Flags, asked: &Brokering) -> String {
    match &flags.hosts[..] {
        [] if asked.hosts.is_none() && flags.unmasked => "unmasked; its value stays".to_owned(),
        [] => "given as it is".to_owned(),
        hosts => format!("brokered to {}; its value stays", hosts.join(", ")),
    }
}

/// What to know of it, or that it could be brokered.
pub(super) fn hints(agent: &AgentName, name: &SecretName, stored: &Stored, asked: &Brokering, report: Report) {
    let Flags { hosts, places, unmasked, .. } = &stored.flags;
    if hosts.is_empty() {
        let usual = brokered::usual_hosts(name);
        if stored.is_fit && !unmasked && !usual.is_empty() {
            let who = if agent.is_builtin() { "each agent".to_owned() } else { format!("'{agent}'") };
            let hosts = usual.join(" --host ");
            report.hint(format_args!(
                "{who} can use this key without holding it: 'cast secrets set {agent} {name} --keep --host {hosts}'"
            ));
        }
        return;
    }
    if asked.hosts.is_some() || asked.places.is_some() {
        if places.iter().any(|place| !place.starts_with("header:")) {
            report.hint(format_args!("{} may store or log what is sent there", quoted(hosts)));
        }
        if places.is_empty() && hosts.iter().any(|host| !brokered::is_usual_host(host)) {
            let headers = brokered::usual_headers(name, hosts.iter().map(String::as_str));
            let headers: Vec<_> = ["Authorization"].into_iter().chain(headers).collect();
            report.hint(format_args!(
                "the value goes into {}; another header is named with '--in header:NAME'",
                quoted(&headers)
            ));
        }
    }
    if let Some(doubt) = brokered::doubt(name).filter(|_| asked.hosts.is_some()) {
        match doubt {
            Doubt::Signs => report.hint(format_args!(
                "a program usually signs with '{name}', for which it needs the value itself: brokered, it will fail"
            )),
            Doubt::LogsIn => report.hint(format_args!(
                "a program usually logs in to a database with '{name}', for which it needs the value itself: brokered, it will fail"
            )),
            Doubt::InPath => report.hint(format_args!(
                "a program usually puts '{name}' into the path, where no value is put in: brokered, it will fail"
            )),
        }
    }
}

/// Names in quotes.
fn quoted(names: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("'{}'", name.as_ref())).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
