//! `cast secrets import`: imports the assignments of a `.env` file, all of them or none, and removes the file if the
//! user asks for that and nothing gets lost.

mod remarks;

use std::ffi::OsStr;
use std::path::Path;

use serde::Serialize;

use crate::args::ImportArgs;
use crate::plaintext::{self, is_standard_input};
use crate::report::Report;
use crate::table;
use crate::words;
use cast_core::change::Missing;
use cast_core::dotenv;
use cast_core::failure::{Failure, Kind, Result};
use cast_core::session::Session;
use cast_core::verbs::import::{Admit, Finding, Import, Sifted, confirm, preview, sift};
use cast_vault::{AgentName, Change, SecretName};

/// The result as JSON. A promise: fields are added, never changed.
#[derive(Serialize)]
struct Outcome<'a> {
    agent: &'a str,
    /// Whether the vault has what `changes` lists: not after a refusal or a dry run.
    stored: bool,
    changes: Vec<ChangeLine<'a>>,
    /// The lines that are not stored as they are written.
    findings: Vec<FindingLine<'a>>,
    /// Whether the file was removed.
    removed: bool,
}

#[derive(Serialize)]
struct ChangeLine<'a> {
    key: &'a str,
    change: &'static str,
}

#[derive(Serialize)]
struct FindingLine<'a> {
    line: usize,
    /// The name, if it is a valid one.
    key: Option<&'a str>,
    finding: &'static str,
}

pub(crate) fn run(args: &ImportArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = agent(args)?;
    if args.remove {
        plaintext::check_removable(&args.file).map_err(|failure| unsaid(failure, &args.file))?;
    }
    let from_file = !is_standard_input(&args.file);
    let text = if from_file { plaintext::read(&args.file) } else { plaintext::read_standard_input() };
    let text = text.map_err(|failure| unsaid(failure, &args.file))?;
    let file = dotenv::parse(&text);
    let mut remarks = remarks::on_file(&file);
    let sifted = sift(file, args.allow_dangerous_name, &args.leave_out)?;
    let admit = Admit { agent: &agent, sifted: &sifted, lenient: args.lenient, remove: args.remove };
    if let Err(refusal) = session.perform(admit) {
        if args.json {
            report.json(&Outcome::of(&agent, &sifted.findings))?;
        }
        return Err(refusal.into());
    }
    let Sifted { secrets, findings } = sifted;
    remarks.extend(remarks::on_secrets(&secrets));
    // A pipe is empty by now and holds no values. git is asked while the file is there.
    let is_there = from_file && args.file.is_file();
    remarks.extend(is_there.then(|| plaintext::exposure_hint(&args.file)).flatten());

    let mut outcome = Outcome::of(&agent, &findings);
    let changes = if args.dry_run {
        preview(session, &agent, &secrets)?
    } else {
        let missing = if args.new { Missing::CreateAnew } else { Missing::Create };
        session.perform(Import { agent: &agent, secrets, dangerous: args.allow_dangerous_name, missing })?
    };
    outcome.stored = !args.dry_run;
    outcome.changes = changes.iter().map(|(name, change)| (name.as_str(), word(*change)).into()).collect();
    let removed = (args.remove && !args.dry_run).then(|| remove(args, session, &agent, &text));
    outcome.removed = matches!(removed, Some(Ok(())));

    if args.json {
        report.json(&outcome)?;
    } else if args.dry_run {
        let rows = changes.iter().map(|(name, change)| [name.to_string(), word(*change).to_owned()]);
        report.data(&table::lay_out(["KEY", "CHANGE"], rows))?;
    }
    for finding in &findings {
        report.warning(finding);
    }
    if outcome.stored {
        success(&changes, &agent, report);
    }
    if outcome.removed {
        report.success(format_args!("File '{}' removed", args.file.display()));
    }
    for remark in remarks {
        report.hint(remark);
    }
    if is_there && outcome.stored && removed.is_none() {
        report.hint(still_there(args, &agent, findings.is_empty() && args.leave_out.is_empty()));
    }
    Ok(removed.unwrap_or(Ok(()))?)
}

/// Parses AGENT; notices where AGENT and FILE are exchanged.
fn agent(args: &ImportArgs) -> Result<AgentName> {
    let is_file = |word: &OsStr| is_standard_input(Path::new(word)) || Path::new(word).is_file();
    let (first, second) = (args.agent.as_os_str(), args.file.as_os_str());
    match AgentName::typed(second) {
        Ok(agent) if is_file(first) && !is_file(second) => {
            Err(Failure::new(Kind::Usage, "AGENT and FILE are exchanged")
                .hint(format!("write it as 'cast secrets import {agent} {}'", first.display())))
        }
        _ => words::agent(&args.agent),
    }
}

/// Removes the file once the vault, as it is on the disk, has every secret of `text`, which was read from it.
fn remove(args: &ImportArgs, session: &Session, agent: &AgentName, text: &str) -> Result<()> {
    let Sifted { secrets, .. } = sift(dotenv::parse(text), args.allow_dangerous_name, &[])?;
    let removed = confirm(session, agent, &secrets).and_then(|()| plaintext::remove(&args.file, text));
    removed.map_err(|failure| Failure::new(failure.kind(), format!("imported, but '--remove' failed: {failure}")))
}

/// What to do about the values in the file. `whole`: the vault has all of it.
fn still_there(args: &ImportArgs, agent: &AgentName, whole: bool) -> String {
    let file = plaintext::real(&args.file);
    let file = file.display();
    let still = format!("'{file}' still holds the values in plain text");
    if whole {
        format!("{still}: 'cast secrets import {agent} {file} --remove' deletes it")
    } else {
        format!("{still}, also those that were not stored as they are written")
    }
}

/// Hides the name of a file that does not exist: it may be a secret in the wrong place.
fn unsaid(failure: Failure, file: &Path) -> Failure {
    if is_standard_input(file) || file.exists() {
        return failure;
    }
    Failure::new(Kind::Io, "FILE does not exist").hint("to set one secret: 'cast secrets set AGENT KEY'")
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Replaced => "replaced",
        Change::Unchanged => "unchanged",
    }
}

fn success(changes: &[(SecretName, Change)], agent: &AgentName, report: Report) {
    for kind in [Change::Added, Change::Replaced, Change::Unchanged] {
        let names: Vec<_> =
            changes.iter().filter(|(_, change)| *change == kind).map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            report.success(format_args!("Secrets {} for agent '{agent}': {}", word(kind), names.join(", ")));
        }
    }
}

impl<'a> Outcome<'a> {
    fn of(agent: &'a AgentName, findings: &'a [Finding]) -> Self {
        let line = |finding: &'a Finding| FindingLine {
            line: finding.line,
            key: finding.name.as_ref().map(SecretName::as_str),
            finding: finding.fault.code(),
        };
        let findings = findings.iter().map(line).collect();
        Self { agent: agent.as_str(), stored: false, changes: Vec::new(), findings, removed: false }
    }
}

impl<'a> From<(&'a str, &'static str)> for ChangeLine<'a> {
    fn from((key, change): (&'a str, &'static str)) -> Self {
        Self { key, change }
    }
}
