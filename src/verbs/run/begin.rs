//! Where CMD begins on the command line, and whether it may be one. Without `--`, the first word that is not an option
//! may be anything, also a secret in the wrong place: it counts as CMD only if there is such a command, and no message
//! quotes it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use cast_core::failure::{Failure, Kind, Result};
use cast_core::run;
use cast_vault::AgentName;

/// Checks CMD, the last words of this process's command line. Asks for no key.
pub(super) fn check(agent: &OsString, command: &[OsString]) -> Result<()> {
    let words: Vec<OsString> = env::args_os().collect();
    judge(&words, agent, command)
}

fn judge(words: &[OsString], agent: &OsString, command: &[OsString]) -> Result<()> {
    let begin = words.len() - command.len();
    let own = &words[..begin];
    let is_literal = own.last().is_some_and(|word| word == "--");
    if own.iter().any(|word| word == "--") && !is_literal {
        return Err(Failure::new(Kind::Usage, "missing: <AGENT>").hint(FORM));
    }
    // The agent's place, too, may have been taken by the file of '--check FILE'.
    let at = own.iter().position(|word| word == agent);
    if let Some(at) = at.filter(|at| is_file_of_check(words, *at) && AgentName::typed(agent).is_err()) {
        return Err(file_of_check(at));
    }
    match command.first() {
        Some(program) if !is_literal && !run::is_command(program) => {
            Err(if is_file_of_check(words, begin) { file_of_check(begin) } else { not_a_command(begin) })
        }
        Some(program) if !is_literal && is_file_of_check(words, begin) && !run::can_execute(program) => {
            Err(file_of_check(begin))
        }
        _ => Ok(()),
    }
}

/// How to write a run.
pub(crate) const FORM: &str = "the form is: 'cast run AGENT [OPTIONS] -- CMD [ARG]...'";

fn not_a_command(position: usize) -> Failure {
    Failure::new(Kind::Usage, format!("word {position} is not a command"))
        .hint("cast looks in PATH; a file in this folder is './FILE'")
        .hint("if it is the command, write '--' before it: 'cast run AGENT -- CMD [ARG]...'")
}

/// Whether the word is a file, and the one before it is `--check`.
fn is_file_of_check(words: &[OsString], position: usize) -> bool {
    words[position - 1] == OsStr::new("--check") && Path::new(&words[position]).is_file()
}

fn file_of_check(position: usize) -> Failure {
    Failure::new(Kind::Usage, format!("word {position} is a file, and '--check' takes its file after '='"))
        .hint("write '--check=FILE'")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line` as the words of a command line; CMD begins at the word number `begin`.
    #[track_caller]
    fn check(line: &str, begin: usize, expected: &str) {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let agent = OsString::from("my-agent");
        let message = judge(&words, &agent, &words[begin..])
            .map_or_else(|failure| failure.message().to_owned(), |()| String::new());
        assert_eq!(message, expected, "{line}");
    }

    #[test]
    fn where_a_command_begins() {
        check("cast run my-agent sk-live-abc x", 3, "word 3 is not a command");
        check("cast -q run --no-mask my-agent --only K sk-live-abc", 7, "word 7 is not a command");
        check("cast run my-agent -- sk-live-abc", 4, "");
        check("cast run my-agent --", 4, "");
        check("cast run my-agent --no-mask", 4, "");
        check("cast run -- my-agent", 4, "missing: <AGENT>");
        check("cast run -- my-agent node", 4, "missing: <AGENT>");
        check("cast run my-agent -- -- x", 4, "");
    }
}
