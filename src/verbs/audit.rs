//! `cast audit`: who used which secrets and when, by name only.

use std::ffi::OsString;

use serde::Serialize;

use crate::args::AuditArgs;
use crate::report::{Printable, Report};
use crate::table;
use crate::words;
use cast_core::audit_log::{Entry, HostCount};
use cast_core::clock;
use cast_core::clock::TimeSpan;
use cast_core::failure::{Failure, Kind, Result};
use cast_core::session::Session;
use cast_core::verbs::audit;
use cast_vault::AgentName;

/// One event as JSON. A promise: fields are added, never changed.
#[derive(Serialize)]
struct Line<'a> {
    time: &'a str,
    action: &'a str,
    agent: Option<&'a str>,
    from: Option<&'a str>,
    person: Option<&'a str>,
    vault: Option<&'a str>,
    epoch: Option<u64>,
    keys: &'a [String],
    program: Option<&'a str>,
    by: Option<&'a str>,
    pid: u32,
    user: &'a str,
    result: &'a str,
    unmasked_below: Option<&'a str>,
    brokered: Option<&'a [String]>,
    hosts: Option<&'a [HostCount]>,
}

/// The most names of secrets that a row shows.
const SHOWN_KEYS: usize = 4;

pub(crate) fn run(args: &AuditArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = args.agent.as_ref().map(words::agent).transpose()?;
    let since = args.since.as_ref().map(since).transpose()?;
    let last = args.lines.as_ref().map(|word| words::number(word, 1..=usize::MAX)).transpose()?;
    let log = audit::audit(session)?;
    let wanted = |entry: &&Entry| {
        let named =
            |agent: &AgentName| [&entry.agent, &entry.from].into_iter().flatten().any(|name| name == agent.as_str());
        agent.as_ref().is_none_or(named)
            && since.is_none_or(|since| entry.moment().is_some_and(|moment| !clock::is_older(moment, since)))
    };
    let mut entries: Vec<_> = log.entries.iter().filter(wanted).collect();
    entries.drain(..last.map_or(0, |last| entries.len().saturating_sub(last)));
    if args.json {
        let lines: Vec<_> = entries.iter().map(|entry| line(entry)).collect();
        report.data(&(serde_json::to_string_pretty(&lines)? + "\n"))?;
    } else if entries.is_empty() {
        report.hint("no matching entries");
    } else {
        let header = ["TIME", "ACTION", "AGENT", "KEYS", "PROGRAM", "BY", "RESULT"];
        report.data(&table::lay_out(header, entries.iter().map(|entry| row(entry))))?;
    }
    match log.damaged {
        0 => {}
        1 => report.hint("skipped 1 damaged line of the audit log"),
        lines => report.hint(format_args!("skipped {lines} damaged lines of the audit log")),
    }
    Ok(())
}

fn line(entry: &Entry) -> Line<'_> {
    Line {
        time: &entry.time,
        action: &entry.action,
        agent: entry.agent.as_deref(),
        from: entry.from.as_deref(),
        person: entry.person.as_deref(),
        vault: entry.vault.as_deref(),
        epoch: entry.epoch,
        keys: &entry.keys,
        program: entry.program.as_deref(),
        by: entry.by.as_deref(),
        pid: entry.pid,
        user: &entry.user,
        result: &entry.result,
        unmasked_below: entry.unmasked_below.as_deref(),
        brokered: entry.brokered.as_deref(),
        hosts: entry.hosts.as_deref(),
    }
}

fn row(entry: &Entry) -> [String; 7] {
    // Any program of this user can write to the log.
    let shown = |text: &str| Printable(text).to_string();
    let optional = |text: &Option<String>| text.as_deref().map(shown).unwrap_or_default();
    let agent = match (&entry.from, &entry.person) {
        (Some(from), _) => format!("{} (from {})", optional(&entry.agent), shown(from)),
        (None, Some(person)) => format!("{} (person {})", optional(&entry.agent), shown(person)),
        (None, None) => optional(&entry.agent),
    };
    let first = shown(&entry.keys.iter().take(SHOWN_KEYS).map(String::as_str).collect::<Vec<_>>().join(","));
    let keys = match entry.keys.len().saturating_sub(SHOWN_KEYS) {
        0 => first,
        more => format!("{first} +{more}"),
    };
    let result = match (&entry.unmasked_below, &entry.hosts) {
        (_, Some(hosts)) if !hosts.is_empty() => hosts.iter().map(counts).collect::<Vec<_>>().join("; "),
        (Some(variable), _) => format!("{}, unmasked below {}", shown(&entry.result), shown(variable)),
        (None, _) => shown(&entry.result),
    };
    let time = entry.moment().map(clock::local).unwrap_or_default();
    [time, shown(&entry.action), agent, keys, optional(&entry.program), optional(&entry.by), result]
}

/// How often a host was asked, in a few words.
fn counts(count: &HostCount) -> String {
    let HostCount { host, requests, refused, failed } = count;
    let host = Printable(host.as_deref().unwrap_or("unknown"));
    let more = [(refused, "refused"), (failed, "failed")].into_iter().filter(|(count, _)| **count > 0);
    let more: String = more.map(|(count, what)| [", ", what, " ", &count.to_string()].concat()).collect();
    format!("{host} {requests}{more}")
}

fn since(word: &OsString) -> Result<TimeSpan> {
    word.to_str().and_then(TimeSpan::parse).ok_or_else(|| {
        Failure::new(Kind::Usage, "AGE is not a valid duration").hint("write it as 24h, 7d, 2w or 3m (months)")
    })
}
