//! What the shell offers when the user presses Tab. The scripts in `completions/` know nothing about the commands: they
//! pass the words on standard input (as arguments they would show in the process list, and one may be a secret), and
//! this module looks up the cursor's place in the clap types. It prints only candidates, asks nothing, writes no file,
//! and ends within `PATIENCE`.

pub(crate) mod cursor;
mod places;

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::builder::StyledStr;
use clap::{Arg, Command, ValueEnum, ValueHint};

use self::cursor::{At, Cursor};
use crate::args::{self, Shell};
use crate::prompt::NoQuestions;
use crate::report::Report;
use cast_core::failure::Result;
use cast_core::paths::Places;
use cast_core::session::Session;
use cast_core::verbs::complete as names;
use cast_vault::AgentName;

/// The command that the shells' scripts call.
pub(crate) const ASK: &str = "__complete";

/// Longer than any answer takes, shorter than the user's patience.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most bytes that are read: no command line is longer.
const MAX_WORDS: u64 = 4 << 20;

/// What the script should offer.
enum Answer {
    /// These candidates.
    Words(Vec<Candidate>),
    /// These, which go on behind what is offered.
    Beginnings(Vec<Candidate>),
    /// Files, as for any command.
    Files,
    /// What the shell would offer if the command line began at this word; `cast` is word 0.
    Command(usize),
}

struct Candidate {
    word: String,
    help: String,
}

/// Answers on standard output, in the form that the script for this shell reads.
pub(crate) fn answer(shell: Option<&OsString>) -> ExitCode {
    let Some(shell) = shell.and_then(|word| Shell::from_str(word.to_str()?, false).ok()) else {
        return ExitCode::FAILURE;
    };
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(written(&answer_to(&read_words()), shell)));
    let told = receiver.recv_timeout(PATIENCE).is_ok_and(|text| Report::new(true).data(&text).is_ok());
    if told { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The words after `cast` up to the cursor, as the user typed them; the last is the unfinished one.
fn read_words() -> Vec<String> {
    let mut text = Vec::new();
    let _ = io::stdin().take(MAX_WORDS).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    // PowerShell's pipes add these.
    let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
    text.strip_suffix('\0').unwrap_or(text).split('\0').map(str::to_owned).collect()
}

fn answer_to(words: &[String]) -> Answer {
    let command = args::all();
    // No name in cast contains a quote or a backslash.
    let plain: Vec<_> = words.iter().map(|word| word.replace(['\'', '"', '\\'], "")).collect();
    let Some((current, before)) = plain.split_last() else { return Answer::Words(Vec::new()) };
    let cursor = Cursor::find(&command, before, current);
    match &cursor.at {
        At::Foreign(place) => Answer::Command(place + 1),
        At::Option(command) => Answer::Words(options(command, &cursor, current)),
        At::Value(arg, typed) => values(arg, &cursor, &current[typed.len()..], typed),
        At::Word(command, positional) => {
            let mut answer = positional.map_or(Answer::Words(Vec::new()), |arg| values(arg, &cursor, current, ""));
            if let Answer::Words(candidates) = &mut answer
                && cursor.wants_command
            {
                candidates.extend(commands(command, current));
            }
            answer
        }
    }
}

fn commands(command: &Command, current: &str) -> Vec<Candidate> {
    let shown = command.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name().starts_with(current));
    shown.map(|one| Candidate::new(one.get_name(), one.get_about())).collect()
}

fn options(command: &Command, cursor: &Cursor, current: &str) -> Vec<Candidate> {
    let given: Vec<&Arg> = command.get_arguments().filter(|arg| cursor.has(arg.get_id().as_str())).collect();
    let excluded = |arg: &Arg| {
        let excludes = |one: &Arg, other: &Arg| command.get_arg_conflicts_with(one).contains(&other);
        given.iter().any(|other| *other == arg || excludes(other, arg) || excludes(arg, other))
    };
    let mut shown: Vec<_> = command.get_arguments().filter(|arg| !arg.is_hide_set() && !excluded(arg)).collect();
    // Those of every command come last, and the help after them.
    shown.sort_by_key(|arg| (arg.get_id() == "help", arg.is_global_set()));
    let named =
        shown.into_iter().filter_map(|arg| Some(Candidate::new(&format!("--{}", arg.get_long()?), arg.get_help())));
    named.filter(|candidate| candidate.word.starts_with(current)).collect()
}

/// The candidates for an argument. `prefix` is what precedes it in the same word.
fn values(arg: &Arg, cursor: &Cursor, current: &str, prefix: &str) -> Answer {
    if let ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath = arg.get_value_hint() {
        return Answer::Files;
    }
    let possible = arg.get_possible_values();
    let id = arg.get_id().as_str();
    // In a list, the user is typing the last item.
    let (list, current) = match arg.get_value_delimiter().and_then(|delimiter| current.rfind(delimiter)) {
        Some(comma) => current.split_at(comma + 1),
        None => ("", current),
    };
    let candidates: Vec<Candidate> = if !possible.is_empty() {
        possible.iter().map(|value| Candidate::new(value.get_name(), value.get_help())).collect()
    } else if AGENT.contains(&id) {
        bare(names::agent_names(&session()).unwrap_or_default().into_iter().map(|name| name.as_str().to_owned()))
    } else if KEY.contains(&id) {
        bare(keys(cursor, id).unwrap_or_default())
    } else if id == PERSON {
        bare(people(cursor).unwrap_or_default())
    } else if id == HOST {
        bare(places::hosts(cursor).iter().map(|host| (*host).to_owned()))
    } else if id == PLACE {
        return places::answer(cursor, current, prefix);
    } else if COMMAND.contains(&id) {
        let given = cursor.all(id).try_fold(cursor.root, |command, word| command.find_subcommand(word));
        given.map(|command| commands(command, "")).unwrap_or_default()
    } else {
        Vec::new()
    };
    let taken: Vec<&str> = list.split(',').chain(cursor.all(id)).collect();
    let offered = candidates.into_iter().filter(|one| one.word.starts_with(current));
    // Do not offer again what the user has typed already.
    let offered = offered.filter(|one| !taken.contains(&one.word.as_str()));
    let before = [prefix, list].concat();
    let whole = |word: String| if before.is_empty() { word } else { before.clone() + &word };
    Answer::Words(offered.map(|one| Candidate { word: whole(one.word), ..one }).collect())
}

/// Arguments that take the name of an agent, of a secret or of a command of cast; and those that cannot be completed.
const AGENT: &[&str] = &["agent", "from", "to"];
const KEY: &[&str] = &["key", "only", "except", "old", "ours", "theirs", "may_set"];
const COMMAND: &[&str] = &["page"];
const PERSON: &str = "person";
const HOST: &str = "host";
const PLACE: &str = "places";
#[cfg(test)]
const FREE: &[&str] =
    &["with", "card", "value", "command", "new", "stale", "since", "lines", "generate", "leave_out", "prefix", "names"];

/// The names of the secrets of the agent on this command line, if its vault opens without a prompt and without waiting.
fn keys(cursor: &Cursor, id: &str) -> Result<Vec<String>> {
    let agent = AgentName::parse(cursor.all("agent").chain(cursor.all("from")).next().unwrap_or_default())?;
    let with_builtin = id == "only" || id == "except";
    Ok(names::secret_names(&session(), &agent, with_builtin)?.iter().map(ToString::to_string).collect())
}

/// The people with whom the vault of the agent on this command line is shared.
fn people(cursor: &Cursor) -> Result<Vec<String>> {
    let agent = AgentName::parse(cursor.all("agent").next().unwrap_or_default())?;
    Ok(names::people(&session(), &agent)?.iter().map(ToString::to_string).collect())
}

fn session() -> Session {
    Session::new(Places::from_environment(), Box::new(NoQuestions))
}

fn bare(words: impl IntoIterator<Item = String>) -> Vec<Candidate> {
    words.into_iter().map(|word| Candidate { word, help: String::new() }).collect()
}

impl Candidate {
    fn new(word: &str, help: Option<&StyledStr>) -> Self {
        let help = help.map(ToString::to_string).unwrap_or_default();
        Self { word: word.to_owned(), help: help.lines().next().unwrap_or_default().to_owned() }
    }
}

/// The text for the script: the first line says what to offer; each further line is a candidate.
fn written(answer: &Answer, shell: Shell) -> String {
    match answer {
        Answer::Words(words) | Answer::Beginnings(words) if words.is_empty() => String::new(),
        Answer::Words(words) | Answer::Beginnings(words) => {
            let is_whole = matches!(answer, Answer::Words(_));
            let mut text = if is_whole { "words\n" } else { "beginnings\n" }.to_owned();
            for candidate in words {
                // In zsh, a colon ends the word.
                let colon = if shell == Shell::Zsh { "\\:" } else { ":" };
                text.push_str(&candidate.word.replace(':', colon));
                if !candidate.help.is_empty() && shell != Shell::Bash {
                    text.push(if shell == Shell::Zsh { ':' } else { '\t' });
                    text.push_str(&candidate.help);
                }
                text.push('\n');
            }
            text
        }
        Answer::Files => "files\n".to_owned(),
        Answer::Command(word) => format!("command {word}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let answer = written(&answer_to(&words), Shell::Fish);
        let words: Vec<_> = answer.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(words.join(" "), expected, "{line}");
    }

    #[test]
    fn the_place_of_the_cursor() {
        check("secr", "words secrets");
        check("-q secrets de", "words delete");
        check("init --key-store ", "words auto keyring passphrase file");
        check("init --key-store=k", "words --key-store=keyring");
        check("init --key-s", "words --key-store");
        check("delete a --all --a", "");
        check("vault accept a --key ", "files");
        check("vault accept a --key=./o", "files");
        check("run a ", "command 3");
        check("run a no", "command 3");
        check("run a node ", "command 3");
        check("run a node --on", "command 3");
        check("run a -q node -- x", "command 4");
        check("run --only X a node", "command 5");
        check(
            "run a --only X -",
            "words --no-builtin --clean-env --inherit-secrets --check --mask --no-mask --marker --older --explain --json --quiet --help",
        );
        check("run a -- ", "command 4");
        check("run a --no-mask -- no", "command 5");
        check(
            "run a --check -",
            "words --only --except --no-builtin --clean-env --inherit-secrets --mask --no-mask --marker --older --explain --json --quiet --help",
        );
        check("run a --check=./x", "files");
        check("run a --only X -- git che", "command 6");
        check("set a K ", "");
        check(
            "set a K -",
            "words --exact --generate --allow-dangerous-name --unmasked --host --in --prefix --keep --new --quiet --help",
        );
        check("set a K -- -", "");
        check(
            "set a K -secret -",
            "words --generate --allow-dangerous-name --unmasked --host --in --prefix --new --quiet --help",
        );
        check("set a GITHUB_TOKEN --host ", "words api.github.com uploads.github.com github.com");
        check("set a GITHUB_TOKEN --host github.com --host ", "words api.github.com uploads.github.com");
        check("set a GITHUB_TOKEN --host=api", "words --host=api.github.com");
        check("set a K --host ", "");
        check("set a K --host api.openai.com --in ", "beginnings header: query: form: json:");
        check("set a K --in=q", "beginnings --in=query:");
        check("set a ANTHROPIC_API_KEY --in header:", "words header:x-api-key");
        check("set a K --host gitlab.com --in header:j", "words header:job-token");
        check("set a K --in header:x", "");
        check("nonsense ", "");
        check("vault merge a --theirs ", "");
        check("run a --marker ", "words name fixed");
        check("mask a --marker=f", "words --marker=fixed");
        check("mask a -", "words --no-builtin --marker --quiet --help");
        check("completions z", "words zsh");
    }

    /// Every argument declares its candidates: by its type (`PathBuf`, a `ValueEnum`), or by its name in the lists
    /// above.
    #[test]
    fn every_argument_is_completed_or_free() {
        fn check(command: &Command) {
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_action().takes_values()) {
                let known = [AGENT, KEY, COMMAND, &[PERSON, HOST, PLACE], FREE]
                    .iter()
                    .any(|ids| ids.contains(&arg.get_id().as_str()));
                let by_type = arg.get_value_hint() != ValueHint::Unknown || !arg.get_possible_values().is_empty();
                assert!(
                    known || by_type,
                    "'{}' of '{}': add its name to AGENT, KEY, COMMAND or FREE in src/complete.rs",
                    arg.get_id(),
                    command.get_bin_name().unwrap_or_default()
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&args::all());
    }
}
