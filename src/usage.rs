//! Errors of usage, in cast's own words. Clap's messages quote the words they reject, and users type secrets in the
//! wrong place: these messages name only cast's own arguments and the positions of words.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Parser};

use crate::args::{self, Cli};
use crate::complete::cursor::Cursor;
use crate::report::{self, Report};
use crate::verbs::run::FORM;
use cast_core::failure::{Failure, Kind};

/// Reports what clap returned: prints help and version on standard output, and errors in cast's own words.
pub(crate) fn answer(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let quiet = words.iter().any(|word| word == "-q" || word == "--quiet");
    let report = Report::new(quiet);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => report.exit_code(report.data(&help(error))),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            report.note(&help(error));
            report::USAGE.into()
        }
        ErrorKind::InvalidSubcommand if context(error, ContextKind::InvalidSubcommand) == "help" => {
            // `cast secrets help set`
            let named = words.iter().skip(1).filter(|word| *word != "help" && !is_dashed(word));
            help_of(named.cloned().collect())
        }
        _ => {
            let code = report.error(&explain(error, words).into());
            if is_run(words) { report::RUN_FAILED.into() } else { code }
        }
    }
}

/// `cast help COMMAND...`: prints what its `--help` prints.
pub(crate) fn help_of(page: Vec<OsString>) -> ExitCode {
    let words = [vec!["cast".into()], page, vec!["--help".into()]].concat();
    args::all().try_get_matches_from(&words).map_or_else(|error| answer(&error, &words), |_| ExitCode::SUCCESS)
}

fn help(error: &clap::Error) -> String {
    format!("{}\n", error.render().ansi().to_string().trim_end())
}

/// Describes what clap found wrong.
fn explain(error: &clap::Error, words: &[OsString]) -> Failure {
    let argument = || context(error, ContextKind::InvalidArg);
    let meant = context(error, ContextKind::InvalidSubcommand);
    let what = match error.kind() {
        ErrorKind::UnknownArgument => {
            let wrong = if is_option(error) { "is not an option of this command" } else { "is unexpected" };
            match position(words) {
                Some(position) => format!("word {position} after 'cast' {wrong}"),
                None => format!("a word after 'cast' {wrong}"),
            }
        }
        ErrorKind::InvalidSubcommand if asks_for_a_value(&meant) => {
            "no such command: cast prints no secret, on purpose".to_owned()
        }
        ErrorKind::InvalidSubcommand => "no such command".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("missing: {}", argument()),
        ErrorKind::MissingSubcommand => "missing subcommand".to_owned(),
        ErrorKind::ArgumentConflict => match context(error, ContextKind::PriorArg) {
            prior if prior.is_empty() => format!("{} cannot be used with the other options", argument()),
            prior => format!("{} cannot be used with {prior}", argument()),
        },
        ErrorKind::InvalidValue if context(error, ContextKind::InvalidValue).is_empty() => {
            format!("{} needs a value", argument())
        }
        ErrorKind::InvalidUtf8 => "a word is not valid UTF-8".to_owned(),
        _ => match argument() {
            argument if argument.is_empty() => "wrong usage".to_owned(),
            argument => format!("invalid value for {argument}"),
        },
    };
    let failure = Failure::new(Kind::Usage, what);
    // Clap lists its best suggestion last.
    let best = |kind| context(error, kind).rsplit(", ").next().unwrap_or_default().to_owned();
    let known = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg].map(best);
    if asks_for_a_value(&meant) {
        return failure
            .hint("a program gets its secrets from 'cast run AGENT -- CMD'")
            .hint("you can read them without cast, with 'age -d': see 'cast man'");
    }
    let meant = meant_elsewhere(&meant).or_else(|| known.into_iter().find(|name| !name.is_empty()));
    let failure = match (meant, context(error, ContextKind::ValidValue)) {
        (Some(name), _) => failure.hint(format!("did you mean '{name}'?")),
        (None, values) if !values.is_empty() => failure.hint(format!("use one of: {values}")),
        _ => failure,
    };
    let command = command_path(words);
    // Clap's own form names no word of the user. It tells which one is missing where clap took the first for another.
    let form = context(error, ContextKind::Usage);
    let failure = match form.trim().strip_prefix("Usage: ") {
        Some(form) if error.kind() == ErrorKind::MissingRequiredArgument && !command.ends_with(" run") => {
            failure.hint(format!("the form is: '{form}'"))
        }
        _ => failure,
    };
    match command.rsplit(' ').next() {
        Some("run") if !words.iter().any(|word| word == "--") => failure.hint(FORM),
        Some("set") if error.kind() == ErrorKind::UnknownArgument && !is_option(error) => {
            failure.hint("put a value that contains spaces in quotes, or leave it out to be prompted for it")
        }
        _ => failure.hint(format!("see '{command} --help'")),
    }
}

/// What other tools call a command of cast.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("add", "cast set"),
    ("put", "cast set"),
    ("remove", "cast delete"),
    ("unset", "cast delete"),
    ("exec", "cast run"),
    ("env", "cast run"),
    ("show", "cast list"),
    ("agents", "cast list"),
    ("log", "cast audit"),
    ("redact", "cast mask"),
    ("completion", "cast completions"),
    ("create", "cast set"),
    ("edit", "cast set"),
    ("backup", "cast key export"),
    ("restore", "cast key import"),
    ("version", "cast --version"),
];

/// What other tools call the command that prints a secret.
fn asks_for_a_value(word: &str) -> bool {
    ["get", "read", "view", "print", "cat", "reveal", "dump"].contains(&word)
}

/// The command that the user may have meant by a word that is not a command here: one of cast's in another place, or
/// another tool's name for one.
fn meant_elsewhere(word: &str) -> Option<String> {
    let other = OTHER_WORDS.iter().find(|(other, _)| *other == word).map(|(_, ours)| (*ours).to_owned());
    let root = args::all();
    let groups = root.get_subcommands().filter(|group| group.find_subcommand(word).is_some());
    let within = groups.map(|group| format!("cast {} {word}", group.get_name())).next();
    let whole = root.find_subcommand(word).map(|_| format!("cast {word}"));
    whole.or(within).or(other)
}

/// Whether this is `cast run` without an `--explain` of its own, which fails with 125.
fn is_run(words: &[OsString]) -> bool {
    let words: Vec<_> = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let root = args::all();
    words.iter().find(|word| !word.starts_with('-')).is_some_and(|word| word == "run")
        && !Cursor::find(&root, &words, "").has("explain")
}

fn is_dashed(word: &OsString) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

/// Cast's own names, as clap lists them. Nothing here asks clap for the rejected value.
fn context(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        _ => String::new(),
    }
}

/// Whether the user meant the word that clap does not know as an option.
fn is_option(error: &clap::Error) -> bool {
    context(error, ContextKind::InvalidArg).starts_with('-')
}

/// The position of the word that clap does not know; 1 is the first after `cast`. The same word may occur earlier, as a
/// valid one: so this looks for the shortest beginning of the command line with which clap fails in the same way.
fn position(words: &[OsString]) -> Option<usize> {
    let fails = |last: &usize| {
        Cli::try_parse_from(&words[..=*last]).is_err_and(|error| error.kind() == ErrorKind::UnknownArgument)
    };
    (1..words.len()).find(fails)
}

/// The command, up to the first word that is not part of its name.
fn command_path(words: &[OsString]) -> String {
    let mut command: Command = args::all();
    let mut path = "cast".to_owned();
    for word in words.iter().skip(1) {
        let Some(next) = word.to_str().and_then(|word| command.find_subcommand(word)).cloned() else { break };
        path = format!("{path} {}", next.get_name());
        command = next;
    }
    path
}
