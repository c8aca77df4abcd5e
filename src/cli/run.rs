//! `cast run`: CMD with the agent's secrets in its environment.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use super::args::RunArgs;
use super::report::{self, Report};
use super::table;
use crate::client::{Client, RunOptions};
use crate::environment::{Injections, Selection, Source};
use crate::failure::{Failure, Kind, Result};
use crate::names::{AgentName, SecretName};
use crate::process::{NotStarted, Start};

pub(super) fn run(args: RunArgs, client: &Client, report: Report) -> ExitCode {
    if args.explain {
        return match explain(&args, client, report) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => report.error(&error),
        };
    }
    let start = match prepare(args, client, report) {
        Ok(start) => start,
        Err(failure) => {
            report.error(&failure.into());
            return report::RUN_FAILED.into();
        }
    };
    let program = start.program.to_string_lossy().into_owned();
    let (code, failure) = describe(&program, start.replace());
    report.error(&failure.into());
    code.into()
}

fn prepare(args: RunArgs, client: &Client, report: Report) -> Result<Start> {
    let (agent, injections) = injections(&args, client, report)?;
    let mut command = args.command.into_iter();
    let program = command
        .next()
        .ok_or_else(|| Failure::new(Kind::Usage, "there is no command to run").hint(right_form(&agent)))?;
    let environment = injections.over(env::vars_os(), args.clean_env);
    Ok(Start { program, arguments: command.collect(), environment })
}

fn injections(args: &RunArgs, client: &Client, report: Report) -> Result<(AgentName, Injections)> {
    let agent = AgentName::parse(&args.agent)?;
    let options = RunOptions { builtin: !args.no_builtin, selection: selection(args)? };
    let (injections, builtin_closed) = client.injections(&agent, &options)?;
    if builtin_closed {
        report.note("cast: the built-in secrets stay closed to an agent key; '--no-builtin' drops this line\n");
    }
    Ok((agent, injections))
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
    let (agent, injections) = injections(args, client, report)?;
    let row = |(name, injection): (&SecretName, &crate::environment::Injection)| {
        let caller = env::var_os(name.as_str()).is_some()
            && crate::environment::is_inherited(name.as_str().as_ref(), args.clean_env);
        let overrides = match (injection.overrides_builtin, caller) {
            (false, false) => "",
            (true, false) => "the built-in one",
            (false, true) => "the caller's",
            (true, true) => "the built-in one and the caller's",
        };
        let from = match injection.source {
            Source::Builtin => "built-in".to_owned(),
            Source::Agent => format!("agent '{agent}'"),
        };
        [name.to_string(), from, overrides.to_owned()]
    };
    report.data(&table::lay_out(["KEY", "FROM", "OVERRIDES"], injections.iter().map(row)))
}

/// The exit code and the words for a command that was not started. Its name, never its arguments.
fn describe(program: &str, not_started: NotStarted) -> (u8, Failure) {
    match not_started {
        NotStarted::NotFound => (
            report::NOT_FOUND,
            Failure::new(Kind::NotFound, format!("command '{program}' was not found")).hint(
                "the word after '--' is looked up in PATH; there is no shell in between: for one, write '-- sh -c ...'",
            ),
        ),
        NotStarted::CannotExecute(cause) => (
            report::CANNOT_EXECUTE,
            Failure::new(Kind::Other, format!("command '{program}' cannot be executed: {cause}")),
        ),
        NotStarted::TooLong(longest) => {
            let longest: Vec<_> =
                longest.into_iter().map(|(name, length)| format!("{name} ({length} bytes)")).collect();
            (
                report::CANNOT_EXECUTE,
                Failure::new(
                    Kind::Other,
                    format!("command '{program}' cannot be executed: arguments and environment are too long together"),
                )
                .hint(format!("the longest variables: {}", longest.join(", ")))
                .hint("leave some out with '--except', or start from little with '--clean-env'"),
            )
        }
    }
}
