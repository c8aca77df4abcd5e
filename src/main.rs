//! The command line: parses the words, runs one verb, returns its exit code. Only this crate prints, asks and knows
//! exit codes.

mod args;
mod complete;
mod plaintext;
mod prompt;
mod report;
mod table;
mod usage;
mod verbs;
mod words;

use std::env;
use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::process::ExitCode;

use cast_core::failure::{Cause, Failure, Kind};
use cast_core::paths::Places;
use cast_core::platform::{HEAP, Heap, limits};
use cast_core::run;
use cast_core::session::Session;
use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command, GitCommand, SecretsCommand};
use prompt::Terminal;
use report::{RUN_FAILED, Report};

#[global_allocator]
static ALLOCATOR: Heap = HEAP;

fn main() -> ExitCode {
    limits::hide_from_debuggers();
    report::hide_panics();
    let words: Vec<OsString> = env::args_os().collect();
    if words.get(1).is_some_and(|word| word == run::TAKE_OVER) {
        let words: Vec<_> = words.iter().skip(2).map(|word| word.to_string_lossy().into_owned()).collect();
        return Report::new(false).exit_code(run::take_over(&words).map_err(|cause| {
            let what = format!("cannot write some output of a process in the background: {}", Cause(&cause));
            Failure::new(Kind::Io, what).into()
        }));
    }
    if words.get(1).is_some_and(|word| word == complete::ASK) {
        return complete::answer(words.get(2));
    }
    match parse(&words) {
        Ok(cli) => carry_out(cli),
        Err(error) => usage::answer(&error, &words),
    }
}

/// Reads the command line. What describes it is not given back: it has thousands of pieces, each of which the allocator
/// would wipe.
fn parse(words: &[OsString]) -> Result<Cli, clap::Error> {
    let read = |mut command: ManuallyDrop<clap::Command>| {
        let mut matches = command.try_get_matches_from_mut(words)?;
        Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    };
    let is_run = words.get(1).is_some_and(|word| word == "run");
    let asked_for = if is_run { args::run() } else { Cli::command() };
    // Help and errors tell of all commands.
    read(ManuallyDrop::new(asked_for)).or_else(|_| read(ManuallyDrop::new(args::all())))
}

fn carry_out(cli: Cli) -> ExitCode {
    let report = Report::new(cli.global.quiet);
    let session = Session::new(Places::from_environment(), Box::new(Terminal::new(report)));
    if let Err(code) = look_at_settings(&cli.command, &session, report) {
        return code;
    }
    let outcome = match cli.command {
        Command::Set(args) | Command::Secrets(SecretsCommand::Set(args)) => verbs::set::run(args, &session, report),
        Command::List(args) | Command::Secrets(SecretsCommand::List(args)) => verbs::list::run(&args, &session, report),
        Command::Delete(args) | Command::Secrets(SecretsCommand::Delete(args)) => {
            verbs::delete::run(&args, &session, report)
        }
        Command::Secrets(SecretsCommand::Import(args)) => verbs::import::run(&args, &session, report),
        Command::Secrets(SecretsCommand::Check(args)) => verbs::check::run(&args, &session, report),
        Command::Secrets(SecretsCommand::Copy(args)) => verbs::copy::run(&args, &session, report),
        Command::Secrets(SecretsCommand::Rename(args)) => verbs::rename::run(&args, &session, report),
        Command::Share(args) => verbs::share::run(&args, &session, report),
        Command::Unshare(args) => verbs::unshare::run(&args, &session, report),
        Command::Init(args) => verbs::init::run(&args, &session, report),
        Command::Audit(args) => verbs::audit::run(&args, &session, report),
        Command::Doctor(args) => verbs::doctor::run(&args, &session, report),
        Command::Key(command) => verbs::key::run(&command, &session, report),
        Command::Vault(command) => verbs::vault::run(&command, &session, report),
        Command::Git(command) => return verbs::git::run(&command, &session, report),
        Command::Completions(args) => verbs::completions::run(&args, report),
        Command::Man(args) => verbs::man::run(&args, report),
        Command::Help(args) => return usage::help_of(args.page),
        Command::Mask(args) => return verbs::mask::run(&args, &session, report),
        Command::Run(args) => {
            let session = session.with_older(args.older);
            return verbs::run::run(args, &session, report);
        }
    };
    report.exit_code(outcome)
}

/// Warns about settings that cast does not know. One that is not valid is an error of each command that could go by it.
fn look_at_settings(command: &Command, session: &Session, report: Report) -> Result<(), ExitCode> {
    let is_of_git = matches!(command, Command::Git(GitCommand::Textconv(_) | GitCommand::Merge(_)));
    if is_of_git || matches!(command, Command::Completions(_) | Command::Man(_) | Command::Help(_)) {
        return Ok(());
    }
    match (report.settings(session), command) {
        // It reports that among its findings.
        (Ok(()), _) | (Err(_), Command::Doctor(_)) => Ok(()),
        (Err(failure), command) => {
            let code = report.error(&failure.into());
            Err(if matches!(command, Command::Run(args) if !args.explain) { RUN_FAILED.into() } else { code })
        }
    }
}
