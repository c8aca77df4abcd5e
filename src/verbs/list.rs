//! `cast secrets list`: lists agents, or an agent's secrets: names and times, never values.

use std::ffi::OsString;

use serde::Serialize;

use crate::args::ListArgs;
use crate::report::Report;
use crate::table;
use crate::words;
use cast_core::clock;
use cast_core::clock::TimeSpan;
use cast_core::failure::{Failure, Kind, Result};
use cast_core::listing::{self, OWNER};
use cast_core::session::Session;
use cast_core::verbs::list::{self, AgentInfo, List, SecretInfo, Stale};
use cast_vault::{AgentName, Timestamp};

/// One secret as JSON. A promise: fields are added, never changed.
#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools)] // each is a field of its own in the JSON
struct SecretLine<'a> {
    key: &'a str,
    created_at: Option<String>,
    updated_at: Option<String>,
    builtin: bool,
    masked: bool,
    dangerous: bool,
    unmasked: bool,
    hosts: &'a [String],
    #[serde(rename = "in")]
    places: &'a [String],
    prefix: Option<&'a str>,
    file: bool,
    from: Option<&'a [String]>,
    /// `owner`, or the person who sealed the values last.
    sealer: &'a str,
}

/// One secret in a list of several agents.
#[derive(Serialize)]
struct OwnedLine<'a> {
    agent: &'a str,
    #[serde(flatten)]
    secret: SecretLine<'a>,
}

/// One agent as JSON; also a promise.
#[derive(Serialize)]
struct AgentLine<'a> {
    agent: &'a str,
    modified_at: Option<String>,
}

impl<'a> From<&'a SecretInfo> for SecretLine<'a> {
    fn from(secret: &'a SecretInfo) -> Self {
        Self {
            key: secret.name.as_str(),
            created_at: secret.created.map(|time| time.to_string()),
            updated_at: secret.updated.map(|time| time.to_string()),
            builtin: secret.builtin,
            masked: secret.masked,
            dangerous: secret.flags.dangerous,
            unmasked: secret.flags.unmasked,
            hosts: &secret.flags.hosts,
            places: &secret.flags.places,
            prefix: secret.flags.prefix.as_deref(),
            file: secret.flags.file,
            from: secret.flags.from.as_deref(),
            sealer: &secret.sealer,
        }
    }
}

impl<'a> From<&'a (AgentName, SecretInfo)> for OwnedLine<'a> {
    fn from((agent, secret): &'a (AgentName, SecretInfo)) -> Self {
        Self { agent: agent.as_str(), secret: secret.into() }
    }
}

impl<'a> From<&'a AgentInfo> for AgentLine<'a> {
    fn from(agent: &'a AgentInfo) -> Self {
        Self { agent: agent.name.as_str(), modified_at: agent.modified.map(|time| time.to_string()) }
    }
}

pub(crate) fn run(args: &ListArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = args.agent.as_ref().map(words::agent).transpose()?;
    let stale = args.stale.as_ref().map(age).transpose()?;
    match (agent, stale) {
        (Some(agent), None) => secrets(&session.perform(List { agent: &agent })?, &agent, args.json, report),
        (Some(agent), Some(age)) => {
            let mut old = session.perform(List { agent: &agent })?;
            old.retain(|secret| secret.updated.is_some_and(|updated| clock::is_older(updated, age)));
            if old.is_empty() && !args.json {
                report.success(format_args!("No secret of agent '{agent}' is that old"));
                return Ok(());
            }
            secrets(&old, &agent, args.json, report)
        }
        (None, Some(age)) => stale_secrets(list::stale(session, age)?, args.json, report),
        (None, None) => agents(&list::agents(session)?, args.json, session, report),
    }
}

fn age(word: &OsString) -> Result<TimeSpan> {
    word.to_str().and_then(TimeSpan::parse).ok_or_else(|| {
        Failure::new(Kind::Usage, "AGE is not a valid duration")
            .hint("write it as 90d, 12w, 3m (months) or 1y, or as '2 months 3 days'")
    })
}

/// Lists the old secrets; then warns about each refused vault, and fails with the last of them.
fn stale_secrets(Stale { secrets, mut refused }: Stale, json: bool, report: Report) -> anyhow::Result<()> {
    let failure = refused.pop();
    if !secrets.is_empty() || failure.is_none() {
        old_secrets(&secrets, json, report)?;
    }
    for other in refused {
        report.warning(other);
    }
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}

fn old_secrets(secrets: &[(AgentName, SecretInfo)], json: bool, report: Report) -> anyhow::Result<()> {
    if json {
        return report.json(&secrets.iter().map(OwnedLine::from).collect::<Vec<_>>());
    }
    if secrets.is_empty() {
        report.success("No secret is that old");
        return Ok(());
    }
    let row = |(agent, secret): &(AgentName, SecretInfo)| {
        [agent.to_string(), secret.name.to_string(), time(secret.created), time(secret.updated)]
    };
    report.data(&table::lay_out(["AGENT", "KEY", "CREATED", "UPDATED"], secrets.iter().map(row)))
}

fn secrets(secrets: &[SecretInfo], agent: &AgentName, json: bool, report: Report) -> anyhow::Result<()> {
    if json {
        return report.json(&secrets.iter().map(SecretLine::from).collect::<Vec<_>>());
    }
    if secrets.is_empty() {
        report.hint(format_args!("agent '{agent}' has no secrets: add one with 'cast secrets set {agent} KEY'"));
        return Ok(());
    }
    let row = |secret: &SecretInfo| {
        let name = secret.name.as_str();
        let name = if secret.builtin && !agent.is_builtin() { format!("{name} (built-in)") } else { name.to_owned() };
        [name, time(secret.created), time(secret.updated), listing::line(&listing::flags(&secret.flags))]
    };
    let rows: Vec<_> = secrets.iter().map(row).collect();
    if rows.iter().all(|[.., flags]| flags.is_empty()) {
        let rows = rows.into_iter().map(|[key, created, updated, _]| [key, created, updated]);
        report.data(&table::lay_out(["KEY", "CREATED", "UPDATED"], rows))?;
    } else {
        report.data(&table::lay_out(["KEY", "CREATED", "UPDATED", "FLAGS"], rows))?;
    }
    if let Some(person) = secrets.iter().find(|secret| !secret.builtin && secret.sealer != OWNER) {
        report
            .hint(format_args!("'{}' set values of agent '{agent}' last, and vouches for all of them", person.sealer));
    }
    Ok(())
}

/// A moment for people; nothing for a secret that has none.
fn time(moment: Option<Timestamp>) -> String {
    moment.map(clock::local).unwrap_or_default()
}

fn agents(agents: &[AgentInfo], json: bool, session: &Session, report: Report) -> anyhow::Result<()> {
    if json {
        return report.json(&agents.iter().map(AgentLine::from).collect::<Vec<_>>());
    }
    if agents.is_empty() {
        // Named by CAST_VAULTS, it may be a slip.
        if let Some(folder) = session.missing_vaults() {
            report.hint(format_args!("the folder that CAST_VAULTS names does not exist: '{}'", folder.display()));
        }
        report.hint("there are no agents yet: create one with 'cast secrets set AGENT KEY'");
        return Ok(());
    }
    let row = |agent: &AgentInfo| [agent.name.to_string(), agent.modified.map(clock::local).unwrap_or_default()];
    report.data(&table::lay_out(["AGENT", "MODIFIED"], agents.iter().map(row)))
}
