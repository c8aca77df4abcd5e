//! `cast secrets import`: imports the assignments of a `.env` file, all of them or none.

use std::collections::BTreeMap;
use std::path::Path;

use crate::args::ImportArgs;
use crate::plaintext::{self, is_standard_input, shown};
use crate::report::Report;
use crate::table;
use crate::words;
use cast_core::change::Missing;
use cast_core::dotenv::{self, Dotenv, Doubt};
use cast_core::failure::{Failure, Kind};
use cast_core::masking::exemption;
use cast_core::session::Session;
use cast_core::verbs::import::{Admit, Import, preview};
use cast_vault::Change;
use cast_vault::SecretValue;
use cast_vault::{AgentName, SecretName};

pub(crate) fn run(args: &ImportArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = words::agent(&args.agent)?;
    let from_file = !is_standard_input(&args.file);
    let text = if from_file { plaintext::read(&args.file) } else { plaintext::read_standard_input() };
    let file = dotenv::parse(&text.map_err(|failure| unsaid(failure, &args.file))?);
    let mut remarks = remarks(&file);
    let secrets = session.perform(Admit { agent: &agent, file, dangerous: args.allow_dangerous_name })?;
    if secrets.is_empty() {
        let failure = Failure::new(Kind::Usage, format!("no assignments in {}", shown(&args.file)));
        return Err(remarks.into_iter().take(1).fold(failure, Failure::hint).into());
    }
    remarks.extend(remarks_on_secrets(&secrets));
    let changes = if args.dry_run { Some(preview(session, &agent, &secrets)?) } else { None };
    if let Some(changes) = &changes {
        let rows = changes.iter().map(|(name, change)| [name.to_string(), word(*change).to_owned()]);
        report.data(&table::lay_out(["KEY", "CHANGE"], rows))?;
    } else {
        let missing = if args.new { Missing::CreateAnew } else { Missing::Create };
        let import = Import { agent: &agent, secrets, dangerous: args.allow_dangerous_name, missing };
        success(&session.perform(import)?, &agent, report);
    }
    for remark in remarks {
        report.hint(remark);
    }
    // A pipe is empty by now and holds no values.
    if from_file && args.file.is_file() {
        if let Some(hint) = plaintext::exposure_hint(&args.file) {
            report.hint(hint);
        }
        if changes.is_none() {
            let file = plaintext::real(&args.file);
            report.hint(format_args!("'{0}' still holds the values in plain text: 'rm {0}'", file.display()));
        }
    }
    Ok(())
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

/// Remarks about what the user may have meant in another way than cast read it. They name only valid names.
fn remarks(file: &Dotenv) -> Vec<String> {
    let mut remarks = Vec::new();
    if !file.ignored.is_empty() {
        let lines = plaintext::lines(&file.ignored);
        remarks.push(format!("skipped, not an assignment: {lines}"));
    }
    let lines = |doubt| -> Vec<usize> {
        file.assignments.iter().filter(|found| found.doubt == Some(doubt)).map(|found| found.line).collect()
    };
    let (cut, open) = (lines(Doubt::CutAtHash), lines(Doubt::OpenQuote));
    if !cut.is_empty() {
        remarks.push(format!(
            "text after '#' is a comment; if it belongs to the value, put the value in quotes: {}",
            plaintext::lines(&cut)
        ));
    }
    if !open.is_empty() {
        remarks.push(format!("a quote that is not closed became part of the value: {}", plaintext::lines(&open)));
    }
    let mut counts: BTreeMap<SecretName, usize> = BTreeMap::new();
    for name in file.assignments.iter().filter_map(|found| SecretName::parse(&found.key).ok()) {
        *counts.entry(name).or_default() += 1;
    }
    let several: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).map(|(name, _)| name.as_str()).collect();
    if !several.is_empty() {
        remarks.push(format!("assigned more than once, and the last one counts: {}", several.join(", ")));
    }
    remarks
}

fn remarks_on_secrets(secrets: &BTreeMap<SecretName, SecretValue>) -> Vec<String> {
    let unmasked: Vec<_> =
        secrets.iter().filter_map(|(name, value)| Some(format!("'{name}', because {}", exemption(value)?))).collect();
    let named = |which: &dyn Fn(&SecretName, &SecretValue) -> bool| {
        let names = secrets.iter().filter(|(name, value)| which(name, value)).map(|(name, _)| name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let unexpanded = named(&|_, value| value.has_reference());
    let foreign = named(&|_, value| value.is_foreign());
    let unfilled = named(&|_, value| value.is_placeholder(None));
    let unusual = named(&|name, _| !name.is_conventional());
    let mut remarks = Vec::new();
    if !unmasked.is_empty() {
        remarks.push(format!("not masked in output: {}", unmasked.join("; ")));
    }
    if !unexpanded.is_empty() {
        remarks.push(format!("'${{...}}' is not expanded and stays as it is: {unexpanded}"));
    }
    if !foreign.is_empty() {
        remarks.push(format!("stored as it is, though only dotenvx or 1Password can read it: {foreign}"));
    }
    if !unfilled.is_empty() {
        remarks.push(format!("the value looks like a placeholder: {unfilled}"));
    }
    if !unusual.is_empty() {
        remarks.push(format!("not UPPERCASE_WITH_UNDERSCORES, as environment variables usually are: {unusual}"));
    }
    remarks
}
