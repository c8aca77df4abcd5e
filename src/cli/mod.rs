//! The command line: parse, dispatch, exit. Alone here prints, asks, and knows exit codes.

mod accept;
mod args;
mod audit;
mod check;
mod complete;
mod completions;
mod copy;
mod delete;
mod doctor;
mod import;
mod init;
mod key;
mod list;
mod man;
mod plaintext;
mod prompt;
mod rename;
mod report;
mod run;
mod set;
mod table;
mod terminal;
mod usage;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::client::Client;
use crate::paths::Places;
use crate::platform;
use crate::process;
use args::{Cli, Command, SecretsCommand, VaultCommand};
use report::Report;
use terminal::Terminal;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    platform::hide_from_debuggers();
    report::hide_panics();
    let words: Vec<OsString> = env::args_os().collect();
    if words.get(1).is_some_and(|word| word == process::TAKE_OVER) {
        let words: Vec<_> = words.iter().skip(2).map(|word| word.to_string_lossy().into_owned()).collect();
        return if process::take_over(&words).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if words.get(1).is_some_and(|word| word == complete::ASK) {
        return complete::answer(words.get(2));
    }
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return answer(&error, &words),
    };
    let report = Report::new(cli.quiet);
    let client = || Client::new(Places::from_environment(), Box::new(Terminal::new(report)));
    let outcome = match cli.command {
        Command::Set(args) | Command::Secrets(SecretsCommand::Set(args)) => set::run(args, &client(), report),
        Command::List(args) | Command::Secrets(SecretsCommand::List(args)) => list::run(&args, &client(), report),
        Command::Delete(args) | Command::Secrets(SecretsCommand::Delete(args)) => delete::run(&args, &client(), report),
        Command::Secrets(SecretsCommand::Import(args)) => import::run(&args, &client(), report),
        Command::Secrets(SecretsCommand::Check(args)) => check::run(&args, &client(), report),
        Command::Secrets(SecretsCommand::Copy(args)) => copy::run(&args, &client(), report),
        Command::Secrets(SecretsCommand::Rename(args)) => rename::run(&args, &client(), report),
        Command::Init(args) => init::run(&args, &client(), report),
        Command::Audit(args) => audit::run(&args, &client(), report),
        Command::Doctor(args) => doctor::run(&args, &client(), report),
        Command::Key(command) => key::run(&command, &client(), report),
        Command::Vault(VaultCommand::Accept(args)) => accept::run(&args, &client(), report),
        Command::Completions(args) => completions::run(&args, report),
        Command::Man(args) => man::run(&args, report),
        Command::Help(args) => {
            let words = [vec!["cast".into()], args.page, vec!["--help".into()]].concat();
            return Cli::try_parse_from(&words).map_or_else(|error| answer(&error, &words), |_| ExitCode::SUCCESS);
        }
        Command::Run(args) => return run::run(args, &client(), report),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report.error(&error),
    }
}

/// What clap has to say: help and version on standard output, and errors in words of our own.
fn answer(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let quiet = words.iter().any(|word| word == "-q" || word == "--quiet");
    let report = Report::new(quiet);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match report.data(&help(error)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => report.error(&error),
        },
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            report.note(&help(error));
            report::USAGE.into()
        }
        _ => {
            let code = report.error(&usage::explain(error, words).into());
            if usage::is_run(words) { report::RUN_FAILED.into() } else { code }
        }
    }
}

fn help(error: &clap::Error) -> String {
    format!("{}\n", error.render().ansi().to_string().trim_end())
}
