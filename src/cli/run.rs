//! `cast run`: CMD with the agent's secrets in its environment.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use super::args::RunArgs;
use super::report::{self, Report};
use super::{check, table};
use crate::client::{Builtin, Client, RunOptions};
use crate::environment::{Injection, Injections, Selection, Source, is_inherited};
use crate::failure::{Cause, Failure, Kind, Result};
use crate::names::{AgentName, SecretName};
use crate::needles;
use crate::process::{self, Carries, Done, Masking, NotStarted, Start};
use crate::settings::Mask;

pub(super) fn run(args: RunArgs, client: &Client, report: Report) -> ExitCode {
    if args.explain {
        return match explain(&args, client, report) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => report.error(&error),
        };
    }
    let program = args.command.first().cloned().unwrap_or_default();
    let outcome = prepare(args, client, report)
        .and_then(|(agent, injections, start, masking)| client.run(&agent, &injections, start, masking.as_ref()));
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(failure) => {
            report.error(&failure.into());
            return report::RUN_FAILED.into();
        }
    };
    match outcome {
        Ok(Done { ended, trouble }) => {
            if let Some(cause) = trouble {
                let what = format!("some output of {} was not written: {}", process::shown(&program), Cause(&cause));
                report.error(&Failure::new(Kind::Io, what).into());
            }
            process::end_like(ended).into()
        }
        Err(not_started) => {
            let code = code(&not_started);
            report.error(&not_started.into_failure(&program).into());
            code.into()
        }
    }
}

fn prepare(args: RunArgs, client: &Client, report: Report) -> Result<(AgentName, Injections, Start, Option<Masking>)> {
    let agent = AgentName::parse(&args.agent)?;
    // Before any key is asked for.
    if args.command.is_empty() {
        return Err(Failure::new(Kind::Usage, "there is no command to run").hint(right_form(&agent)));
    }
    let Prepared { agent, injections, .. } = injections(&args, client, report)?;
    // Making a plan takes its time: not for a terminal.
    let masks = masks(&args, client)? && !process::masked_outputs().is_empty();
    let masking = if masks { Masking::new(to_mask(&injections)) } else { None };
    let mut command = args.command.into_iter();
    let program = command.next().unwrap_or_default();
    let environment = injections.over(env::vars_os(), args.clean_env);
    Ok((agent, injections, Start { program, arguments: command.collect(), environment }, masking))
}

fn masks(args: &RunArgs, client: &Client) -> Result<bool> {
    Ok(!args.no_mask && client.settings()?.mask == Mask::Auto)
}

fn to_mask(injections: &Injections) -> Vec<(String, String)> {
    injections
        .iter()
        .filter(|(_, injection)| !injection.unmasked)
        .map(|(name, injection)| (name.to_string(), injection.value.expose().to_owned()))
        .collect()
}

/// What CMD would be started with.
struct Prepared {
    agent: AgentName,
    injections: Injections,
    builtin: Builtin,
}

fn injections(args: &RunArgs, client: &Client, report: Report) -> Result<Prepared> {
    let agent = AgentName::parse(&args.agent)?;
    let program = args.command.first().filter(|_| !args.explain).cloned();
    let example = args.check.as_deref().map(check::example).transpose()?;
    let options = RunOptions { builtin: !args.no_builtin, selection: selection(args)?, example, program };
    let (injections, builtin) = client.injections(&agent, &options)?;
    if matches!(builtin, Builtin::Closed) {
        report.note("cast: the built-in secrets stay closed to an agent key; '--no-builtin' drops this line\n");
    }
    Ok(Prepared { agent, injections, builtin })
}

fn selection(args: &RunArgs) -> Result<Selection> {
    let names = |words: &[OsString]| words.iter().map(SecretName::parse).collect::<Result<Vec<_>>>();
    Ok(match (&args.only[..], &args.except[..]) {
        ([], []) => Selection::All,
        (only, []) => Selection::Only(names(only)?),
        (_, except) => Selection::Except(names(except)?),
    })
}

fn right_form(agent: &AgentName) -> String {
    format!("write it as 'cast run {agent} -- CMD [ARG]...'")
}

fn explain(args: &RunArgs, client: &Client, report: Report) -> anyhow::Result<()> {
    let Prepared { agent, injections, builtin } = injections(args, client, report)?;
    let masks = masks(args, client)?;
    let row = |(name, injection): (&SecretName, &Injection)| {
        let from = match injection.source {
            Source::Builtin => "built-in".to_owned(),
            Source::Agent => format!("agent '{agent}'"),
        };
        let masked = match needles::unmasked(injection.value.expose()) {
            _ if !masks => "no".to_owned(),
            _ if injection.unmasked => "no: set with '--unmasked'".to_owned(),
            Some(why) => format!("no: {why}"),
            None => "yes".to_owned(),
        };
        [name.to_string(), from, overrides(name, injection, args.clean_env).to_owned(), masked]
    };
    report.data(&table::lay_out(["KEY", "FROM", "OVERRIDES", "MASKED"], injections.iter().map(row)))?;
    if matches!(builtin, Builtin::LeftOut) {
        report.data(&format!("\nThe built-in secrets are left out: 'no_builtin' in the settings names '{agent}'\n"))?;
    }
    report.data("\n")?;
    let anything = masks && Masking::new(to_mask(&injections)).is_some();
    let outputs = process::masked_outputs();
    let stream = |name: &str, alone| {
        let masked = anything && outputs.iter().any(|carries| [alone, Carries::Both].contains(carries));
        let how = match masked {
            true if outputs.contains(&Carries::Both) => "masked, as one with the other",
            true => "masked",
            false if !masks => "as it is: masking is off",
            false if !anything => "as it is: there is nothing to mask",
            false => "as it is: a terminal, /dev/null or closed",
        };
        [name.to_owned(), how.to_owned()]
    };
    let streams = [stream("standard output", Carries::Output), stream("standard error", Carries::Errors)];
    report.data(&table::lay_out(["STREAM", "HOW"], streams))
}

fn overrides(name: &SecretName, injection: &Injection, clean: bool) -> &'static str {
    let caller = env::var_os(name.as_str()).is_some() && is_inherited(name.as_str().as_ref(), clean);
    match (injection.overrides_builtin, caller) {
        (false, false) => "",
        (true, false) => "the built-in one",
        (false, true) => "the caller's",
        (true, true) => "the built-in one and the caller's",
    }
}

/// The exit code for a command that was not started.
fn code(not_started: &NotStarted) -> u8 {
    match not_started {
        NotStarted::NotFound => report::NOT_FOUND,
        NotStarted::Failed(_) => report::RUN_FAILED,
        NotStarted::CannotExecute(_) | NotStarted::TooLong(_) => report::CANNOT_EXECUTE,
    }
}
