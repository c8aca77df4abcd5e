//! The terminal and who sits at it. Questions go to the controlling terminal, and only when standard error is one: then the person is
//! there to see them. Where nobody can be asked, the failure says which option to give.

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

/// The person at the terminal, if there is one.
pub(crate) struct Terminal {
    report: Report,
}

const NOBODY: Nobody = Nobody { patience: PATIENCE };

/// Whether a question would be seen.
pub(crate) fn can_ask() -> bool {
    io::stderr().is_terminal()
}

impl Terminal {
    pub(crate) fn new(report: Report) -> Self {
        Self { report }
    }
}

/// Asks yes or no; `option` is what to give where nobody can be asked.
pub(crate) fn confirm(question: &str, option: &str) -> Result<()> {
    if !can_ask() {
        return Err(Failure::new(Kind::Usage, "this needs a confirmation, and nobody can be asked")
            .hint(format!("if you are sure, give '{option}'")));
    }
    let yes = Confirm::new().with_prompt(question).default(false).interact().map_err(|error| unanswered(&error))?;
    if yes { Ok(()) } else { Err(Failure::new(Kind::Other, "nothing was changed, as you said")) }
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
            .with_confirmation("The same once more", "the two differ, try again")
            .interact()
            .map_err(|error| unanswered(&error))?;
        Ok(SecretString::from(word))
    }

    fn choose_place(&self, why: &str) -> Result<Option<KeyPlace>> {
        if !can_ask() {
            return NOBODY.choose_place(why);
        }
        self.report.note(&format!("There is no OS keyring here: {why}.\n"));
        let places = ["in a file that a passphrase opens", "in a plain file that only you can read", "nowhere: stop"];
        let choice = Select::new().with_prompt("Where to keep the master key").items(places).default(0).interact();
        match choice.map_err(|error| unanswered(&error))? {
            0 => Ok(Some(KeyPlace::Passphrase)),
            1 => Ok(Some(KeyPlace::File)),
            _ => Err(Failure::new(Kind::NoKey, "no key was made, as you said")),
        }
    }

    fn waiting_for_keyring(&self) {
        if can_ask() {
            self.report.note("Waiting for the keyring: it asks you to unlock it (60 s at most) ...\n");
        }
    }

    fn notice(&self, notice: Notice) {
        let what = match notice {
            Notice::Branch(agent) => format!("the vault of agent '{agent}' is that of an older branch, which this machine knows"),
            Notice::Older(agent) => format!("the vault of agent '{agent}' is older than this machine has seen, and used this once"),
            Notice::BuiltinGone => "the built-in secrets that this machine has seen are gone: see 'cast doctor'".to_owned(),
        };
        self.report.note(&format!("cast: {what}\n"));
    }

    fn key_made(&self, whence: &Whence) {
        self.report.success(format_args!("Master key made and kept in {whence}"));
    }
}

fn unanswered(error: &dialoguer::Error) -> Failure {
    let dialoguer::Error::IO(cause) = error;
    match cause.kind() {
        io::ErrorKind::Interrupted => {
            // dialoguer hides the cursor, and leaves it hidden.
            let _ = crossterm::execute!(io::stderr(), crossterm::cursor::Show);
            terminal::die_of_interrupt();
            Failure::new(Kind::Other, "interrupted: nothing was changed")
        }
        _ => Failure::new(Kind::Other, format!("no answer from the terminal: {}", Cause(cause))),
    }
}
