//! Questions to the user. They go to the controlling terminal, and only when standard error is a terminal: otherwise
//! the user would not see them. When cast cannot ask, the error names the option to pass instead.

mod hidden;

use std::io::{self, IsTerminal};
use std::path::Path;

use age::secrecy::{ExposeSecret, SecretString};
use dialoguer::{Confirm, Password, Select};

use crate::report::Report;
use cast_core::failure::{Cause, Failure, Kind, Result};
use cast_core::key_store::{Attendant, KeyPlace, Nobody, Notice, PATIENCE, TRIES, Whence, check_new_passphrase};
use cast_core::platform::terminal;

pub(crate) use hidden::{hidden, trim_line_end};

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
    let yes = Confirm::new().with_prompt(question).default(false).interact().map_err(|error| unanswered(&error))?;
    if yes { Ok(()) } else { Err(Failure::cancelled(Kind::Other, "Cancelled. Nothing was changed.")) }
}

impl Attendant for Terminal {
    fn passphrase(&self, path: &Path, wrong: usize) -> Result<SecretString> {
        if !can_ask() {
            return NOBODY.passphrase(path, wrong);
        }
        if wrong > 0 {
            self.report.note("Wrong passphrase, try again.\n");
        }
        ask_hidden(&format!("Passphrase for {}", path.display()))
    }

    fn new_passphrase(&self) -> Result<SecretString> {
        if !can_ask() {
            return NOBODY.new_passphrase();
        }
        for _ in 0..TRIES {
            let word = ask_hidden("New passphrase for the key file")?;
            if let Err(short) = check_new_passphrase(&word) {
                self.report.note(&format!("No: {short}.\n"));
                continue;
            }
            if ask_hidden("Enter it again")?.expose_secret() == word.expose_secret() {
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
        self.report.note(&format!(
            "No OS keyring is available: {why}.\n\
             Agents and MCP servers start without a person who could type a passphrase.\n"
        ));
        let places = [
            "in a file encrypted with a passphrase: you type it at each use",
            "in a plain file that only you can read: agents and MCP servers can use it",
            "nowhere: cancel",
        ];
        let choice = Select::new().with_prompt("Where to keep the master key").items(places).default(0).interact();
        match choice.map_err(|error| unanswered(&error))? {
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
        };
        self.report.note(&format!("cast: {what}\n"));
    }

    fn key_made(&self, whence: &Whence) {
        self.report.success(format_args!("Master key created and stored in {whence}"));
        self.report.hint("back it up, for without it the vaults are lost: 'cast key export --output FILE'");
    }
}

/// Asks for a passphrase. An empty one counts as an answer.
fn ask_hidden(question: &str) -> Result<SecretString> {
    let asked = Password::new().with_prompt(question).allow_empty_password(true).interact();
    asked.map(SecretString::from).map_err(|error| unanswered(&error))
}

fn unanswered(error: &dialoguer::Error) -> Failure {
    let dialoguer::Error::IO(cause) = error;
    match cause.kind() {
        io::ErrorKind::Interrupted => {
            // dialoguer hides the cursor and leaves it hidden.
            let _ = crossterm::execute!(io::stderr(), crossterm::cursor::Show);
            terminal::die_of_interrupt();
            Failure::new(Kind::Other, "interrupted: nothing was changed")
        }
        _ => Failure::new(Kind::Other, format!("no answer from the terminal: {}", Cause(cause))),
    }
}
