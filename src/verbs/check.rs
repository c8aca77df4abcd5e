//! `cast secrets check`: compares an agent's secrets with its project's `.env.example`.

use std::path::Path;

use serde::Serialize;

use crate::args::CheckArgs;
use crate::plaintext::{self, shown};
use crate::report::Report;
use crate::table;
use crate::words;
use cast_core::dotenv;
use cast_core::example::Example;
use cast_core::failure::Result;
use cast_core::git::{self, Exposure};
use cast_core::read::Builtin;
use cast_core::run::{Gather, Gathered, Request};
use cast_core::session::Session;
use cast_vault::SecretName;

/// The findings as JSON. A promise: fields are added, never changed.
#[derive(Serialize)]
struct Findings<'a> {
    agent: &'a str,
    missing: &'a [SecretName],
    extra: &'a [SecretName],
    placeholders: &'a [SecretName],
    /// Why git may commit the `.env` beside the example; `null` if it cannot.
    env_file: Option<&'static str>,
}

pub(crate) fn run(args: &CheckArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = words::agent(&args.agent)?;
    let example = read(&args.example, "--example FILE")?;
    let request = Request { builtin: true, ..Request::default() };
    let Gathered { injections, builtin, .. } = session.perform(Gather { agent: &agent, request: &request })?;
    let findings = example.check(&agent, &injections);
    let env_file = args.example.with_file_name(".env");
    if args.json {
        let env_file = git::exposure(&env_file).map(|exposure| match exposure {
            Exposure::Tracked => "tracked",
            Exposure::NotIgnored => "not ignored",
            Exposure::Unknown => "unknown",
        });
        let (missing, extra, placeholders) = (&findings.missing[..], &findings.extra[..], &findings.placeholders[..]);
        report.json(&Findings { agent: agent.as_str(), missing, extra, placeholders, env_file })?;
    } else {
        let rows = [
            (&findings.missing, "missing"),
            (&findings.placeholders, "looks like a placeholder"),
            (&findings.extra, "not in the example"),
        ];
        let rows: Vec<_> = rows
            .iter()
            .flat_map(|(names, what)| names.iter().map(|name| [name.to_string(), (*what).to_owned()]))
            .collect();
        if !rows.is_empty() {
            report.data(&table::lay_out(["KEY", "FINDING"], rows))?;
        }
    }
    if let Some(hint) = plaintext::exposure_hint(&env_file) {
        report.hint(hint);
    }
    if !example.invalid.is_empty() {
        let lines = plaintext::lines(&example.invalid);
        report.hint(format_args!("not a valid secret name: {lines} of {}", shown(&args.example)));
    }
    if builtin == Builtin::Closed && !findings.missing.is_empty() {
        report.hint("the missing secret may be built-in: an agent key cannot open the built-in secrets");
    }
    findings.complete(&agent, &shown(&args.example))?;
    report.success(format_args!("Agent '{agent}' has every secret of {}", shown(&args.example)));
    Ok(())
}

/// Reads the example that a run is checked against; returns it with its name for messages.
pub(super) fn example(path: &Path) -> Result<(Example, String)> {
    Ok((read(path, "--check=FILE")?, shown(path)))
}

/// Reads the example; `option` is the one that names another file.
fn read(path: &Path, option: &str) -> Result<Example> {
    let text = plaintext::read(path).map_err(|failure| {
        if path.exists() {
            return failure;
        }
        failure.hint(format!("make this file, with one line 'KEY=' for each secret, or name another: '{option}'"))
    })?;
    Ok(Example::from(dotenv::parse(&text)))
}
