//! Questions to the user. They go to the controlling terminal, and only when standard error is a terminal: otherwise
//! the user would not see them. When cast cannot ask, the error names the option to pass instead.

mod dialog;
mod line;

use std::io::{self, IsTerminal};
use std::path::Path;

use age::secrecy::{ExposeSecret, SecretString};

use crate::report::Report;
use cast_core::failure::{Failure, Kind, Result};
use cast_core::key_store::{Attendant, KeyPlace, Nobody, Notice, PATIENCE, TRIES, Whence, check_new_passphrase};

use dialog::Dialog;

/// The user at the terminal, if there is one.
pub(crate) struct Terminal {
    report: Report,
}

/// Answers where cast cannot ask.
const NOBODY: Nobody = Nobody { patience: PATIENCE };

/// Whether the user would see a question.
pub(crate) fn can_ask() -> bool {
    io::stderr().is_terminal()
}

impl Terminal {
    pub(crate) fn new(report: Report) -> Self {
        Self { report }
    }
}

/// Asks yes or no. When cast cannot ask, the error names `option`.
pub(crate) fn confirm(question: &str, option: &str) -> Result<()> {
    if !can_ask() {
        return Err(Failure::new(Kind::Usage, "this needs confirmation, but there is no terminal to ask on")
            .hint(format!("if you are sure, pass '{option}'")));
    }
    let answers = ["no", "n", "yes", "y"];
    let answer = Dialog::begin()?.one_of(&format!("{question} [y/N] "), &answers, 0)?;
    if answer >= 2 { Ok(()) } else { Err(Failure::cancelled(Kind::Other, "Cancelled. Nothing was changed.")) }
}

/// Asks for one value, and shows none of it.
pub(crate) fn hidden(question: &str) -> Result<Vec<u8>> {
    let mut value = Dialog::for_value()?.value(question)?;
    trim_line_end(&mut value);
    Ok(value)
}

/// Removes the line ending of a one-line value.
pub(crate) fn trim_line_end(value: &mut Vec<u8>) {
    let Some(end) = value.iter().position(|byte| *byte == b'\n') else { return };
    if end + 1 == value.len() {
        value.truncate(end);
        if value.last() == Some(&b'\r') {
            value.truncate(end - 1);
        }
    }
}

impl Attendant for Terminal {
    fn passphrase(&self, path: &Path, opens: &mut dyn FnMut(&SecretString) -> Result<bool>) -> Result<SecretString> {
        if !can_ask() {
            return NOBODY.passphrase(path, opens);
        }
        // One dialog for all tries: somebody may type on while cast works.
        let mut dialog = Dialog::begin()?;
        loop {
            let word = dialog.passphrase(&format!("Passphrase for {}", path.display()))?;
            if opens(&word)? {
                return Ok(word);
            }
            self.report.note("Wrong passphrase, try again.\n");
        }
    }

    fn new_passphrase(&self) -> Result<SecretString> {
        if !can_ask() {
            return NOBODY.new_passphrase();
        }
        let mut dialog = Dialog::begin()?;
        for _ in 0..TRIES {
            let word = dialog.passphrase("New passphrase for the key file")?;
            if let Err(short) = check_new_passphrase(&word) {
                self.report.note(&format!("No: {short}.\n"));
                continue;
            }
            if dialog.passphrase("Enter it again")?.expose_secret() == word.expose_secret() {
                return Ok(word);
            }
            self.report.note("No: the passphrases differ.\n");
        }
        Err(Failure::new(Kind::Usage, "no passphrase was chosen: nothing was changed"))
    }

    fn choose_place(&self, why: &str) -> Result<Option<KeyPlace>> {
        if !can_ask() {
            return NOBODY.choose_place(why);
        }
        let mut dialog = Dialog::begin()?;
        self.report.note(&format!(
            "The OS keyring cannot be used: {why}.\n\
             Agents and MCP servers start without a person who could type a passphrase.\n\
             Where to keep the master key:\n  \
             1. in a file encrypted with a passphrase: you type it at each use\n  \
             2. in a plain file that only you can read: agents and MCP servers can use it\n  \
             3. nowhere: cancel\n"
        ));
        match dialog.one_of("1, 2 or 3 [1]: ", &["1", "2", "3"], 0)? {
            0 => Ok(Some(KeyPlace::Passphrase)),
            1 => Ok(Some(KeyPlace::File)),
            _ => Err(Failure::cancelled(Kind::NoKey, "Cancelled. No key was created.")),
        }
    }

    fn waiting_for_keyring(&self) {
        if can_ask() {
            self.report.note("Waiting for you to unlock the keyring (60 s at most) ...\n");
        }
    }

    fn notice(&self, notice: Notice) {
        let what = match notice {
            Notice::Branch(agent) => {
                format!("using a state of the vault of agent '{agent}' from another branch, which this machine knows")
            }
            Notice::Older(agent) => format!("using an older state of the vault of agent '{agent}', for this run only"),
            Notice::BuiltinGone => {
                "the built-in secrets that this machine has seen are gone: see 'cast doctor'".to_owned()
            }
            Notice::NewAgent(agent, other) => {
                return self.report.hint(format_args!(
                    "'{agent}' is a new agent. Did you mean '{other}'? To take it back: 'cast secrets delete {agent} --all'"
                ));
            }
            Notice::OtherOwner(agent, fingerprint) => {
                format!("the vault of agent '{agent}' belongs to another owner, with the fingerprint: {fingerprint}")
            }
            Notice::NotRemembered(agent, why) => {
                format!(
                    "the state of the vault of agent '{agent}' could not be remembered, so an older one would not be noticed: {why}"
                )
            }
            Notice::FirstSeen(agents) => {
                let agents: Vec<_> = agents.iter().map(|agent| format!("'{agent}'")).collect();
                format!(
                    "this machine has not seen these vaults before, and the new key takes them over: {}\n\
                     cast: look at each with 'cast secrets list AGENT'; one that you did not make: \
                     'cast secrets delete AGENT --all'",
                    agents.join(", ")
                )
            }
        };
        self.report.note(&format!("cast: {what}\n"));
    }

    fn key_made(&self, whence: &Whence) {
        self.report.success(format_args!("Master key created and stored in {whence}"));
        self.report.hint("back it up, for without it the vaults are lost: 'cast key export --output FILE'");
    }
}

/// Answers no question: a user who pressed Tab, or looks at a diff, expects no dialog.
pub(crate) struct NoQuestions;

fn not_asked() -> Failure {
    Failure::new(Kind::NoKey, "nobody is asked here")
}

impl Attendant for NoQuestions {
    fn waits(&self) -> bool {
        false
    }

    fn passphrase(&self, _: &Path, _: &mut dyn FnMut(&SecretString) -> Result<bool>) -> Result<SecretString> {
        Err(not_asked())
    }

    fn new_passphrase(&self) -> Result<SecretString> {
        Err(not_asked())
    }

    fn choose_place(&self, _: &str) -> Result<Option<KeyPlace>> {
        Err(not_asked())
    }

    fn key_made(&self, _: &Whence) {}

    fn waiting_for_keyring(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expected: &str) {
        let mut value = input.as_bytes().to_vec();
        trim_line_end(&mut value);
        assert_eq!(value, expected.as_bytes(), "{input:?}");
    }

    #[test]
    fn only_a_one_line_value_loses_its_line_end() {
        check("", "");
        check("\n", "");
        check("\r\n", "");
        check("a\n", "a");
        check("a\r\n", "a");
        check("a\r", "a\r");
        check(" a \n", " a ");
        check("a\n\n", "a\n\n");
        check("a\nb\n", "a\nb\n");
        check("a\nb", "a\nb");
    }
}
