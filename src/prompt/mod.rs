//! Questions to the user. They go to the controlling terminal, and only when standard error is a terminal: otherwise
//! the user would not see them. When cast cannot ask, the error names the option to pass instead.

mod hidden;

use std::io::{self, IsTerminal};
use std::path::Path;

use age::secrecy::SecretString;
use dialoguer::{Confirm, Password, Select};

use crate::report::Report;
use cast_core::failure::{Cause, Failure, Kind, Result};
use cast_core::key_store::{Attendant, KeyPlace, Nobody, Notice, PATIENCE, Whence};
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
    if yes { Ok(()) } else { Err(Failure::new(Kind::Other, "cancelled: nothing was changed")) }
}

impl Attendant for Terminal {
    fn passphrase(&self, path: &Path) -> Result<SecretString> {
        if !can_ask() {
            return NOBODY.passphrase(path);
        }
        let prompt = format!("Passphrase for {}", path.display());
        let word = Password::new().with_prompt(prompt).interact().map_err(|error| unanswered(&error))?;
        Ok(SecretString::from(word))
    }

    fn new_passphrase(&self) -> Result<SecretString> {
        if !can_ask() {
            return NOBODY.new_passphrase();
        }
        let word = Password::new()
            .with_prompt("New passphrase for the key file")
            .with_confirmation("Enter it again", "the passphrases differ, try again")
            .interact()
            .map_err(|error| unanswered(&error))?;
        Ok(SecretString::from(word))
    }

    fn choose_place(&self, why: &str) -> Result<Option<KeyPlace>> {
        if !can_ask() {
            return NOBODY.choose_place(why);
        }
        self.report.note(&format!("No OS keyring is available: {why}.\n"));
        let places =
            ["in a file encrypted with a passphrase", "in a plain file that only you can read", "nowhere: cancel"];
        let choice = Select::new().with_prompt("Where to keep the master key").items(places).default(0).interact();
        match choice.map_err(|error| unanswered(&error))? {
            0 => Ok(Some(KeyPlace::Passphrase)),
            1 => Ok(Some(KeyPlace::File)),
            _ => Err(Failure::new(Kind::NoKey, "cancelled: no key was created")),
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
                format!("the vault of agent '{agent}' is that of an older branch, which this machine knows")
            }
            Notice::Older(agent) => {
                format!("the vault of agent '{agent}' is older than this machine has seen, and used this once")
            }
            Notice::BuiltinGone => {
                "the built-in secrets that this machine has seen are gone: see 'cast doctor'".to_owned()
            }
        };
        self.report.note(&format!("cast: {what}\n"));
    }

    fn key_made(&self, whence: &Whence) {
        self.report.success(format_args!("Master key created and stored in {whence}"));
    }
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
