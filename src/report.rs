//! The only file that prints, and the only one that knows exit codes. Data goes to standard output, messages for people
//! to standard error. If a stream is closed or full, printing data fails and messages are dropped: cast never panics
//! after the work is done.

mod called;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use cast_core::failure::{Cause, Failure, Kind};
use cast_core::platform::terminal;
use cast_core::session::Session;

pub(crate) use called::as_called;

/// `cast run`: cast itself failed, whatever the reason.
pub(crate) const RUN_FAILED: u8 = 125;
/// `cast run`: CMD exists but cannot be executed.
pub(crate) const CANNOT_EXECUTE: u8 = 126;
/// `cast run`: CMD was not found.
pub(crate) const NOT_FOUND: u8 = 127;
/// Wrong usage.
pub(crate) const USAGE: u8 = 2;

const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Prints to the user or the caller.
#[derive(Clone, Copy)]
pub(crate) struct Report {
    quiet: bool,
}

impl Report {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Prints data on standard output.
    pub(crate) fn data(self, text: &str) -> anyhow::Result<()> {
        let mut stdout = AutoStream::auto(io::stdout());
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        // The reader has seen enough and closed the pipe.
        if written.as_ref().is_err_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe) {
            return Ok(());
        }
        written.map_err(|cause| {
            Failure::new(Kind::Io, format!("cannot write to standard output: {}", Cause(&cause))).into()
        })
    }

    /// Prints data as JSON.
    pub(crate) fn json(self, data: &impl Serialize) -> anyhow::Result<()> {
        self.data(&(serde_json::to_string_pretty(data)? + "\n"))
    }

    /// Prints what was done.
    pub(crate) fn success(self, what: impl Display) {
        if !self.quiet {
            say(&format!("{GREEN}✓{GREEN:#} {}\n", Printable(&what.to_string())));
        }
    }

    /// Prints what else to know or to type.
    pub(crate) fn hint(self, what: impl Display) {
        if !self.quiet {
            say(&format!("{CYAN}cast: hint:{CYAN:#} {}\n", Printable(&what.to_string())));
        }
    }

    /// Prints what is not as it should be, though the work was done. Like an error, `-q` does not drop it.
    pub(crate) fn warning(self, what: impl Display) {
        say(&format!("{YELLOW}cast: warning:{YELLOW:#} {}\n", Printable(&what.to_string())));
    }

    /// Warns about settings that cast does not know. That they cannot be read at all is for the command to report.
    pub(crate) fn settings(self, session: &Session) {
        let unknown = session.settings().map(|settings| &settings.unknown[..]).unwrap_or_default();
        for warning in unknown {
            self.warning(warning);
        }
    }

    /// Prints something else: what a question is about, or that cast is waiting.
    pub(crate) fn note(self, text: &str) {
        say(text);
    }

    /// Prints the error of a command, if any; returns its exit code.
    pub(crate) fn exit_code(self, outcome: anyhow::Result<()>) -> ExitCode {
        outcome.map_or_else(|error| self.error(&error), |()| ExitCode::SUCCESS)
    }

    /// Prints an error with its details and its hints, which `-q` drops; returns the exit code. That the user said no
    /// is not an error.
    pub(crate) fn error(self, error: &anyhow::Error) -> ExitCode {
        if let Some(failure) = error.downcast_ref::<Failure>().filter(|failure| failure.is_cancelled()) {
            say(&format!("{failure}\n"));
            return exit_code(failure.kind()).into();
        }
        say(&format!("{RED}cast: error:{RED:#} {}\n", Printable(&format!("{error:#}"))));
        let Some(failure) = error.downcast_ref::<Failure>() else { return ExitCode::FAILURE };
        for detail in failure.details() {
            say(&format!("  {}\n", Printable(detail)));
        }
        for hint in failure.hints().iter().take(2) {
            self.hint(hint);
        }
        exit_code(failure.kind()).into()
    }
}

fn exit_code(kind: Kind) -> u8 {
    match kind {
        Kind::Usage => USAGE,
        Kind::NotFound => 3,
        Kind::NoKey => 4,
        Kind::Integrity | Kind::WrongKey => 5,
        Kind::Io => 6,
        Kind::Locked => 7,
        _ => 1,
    }
}

/// Replaces Rust's panic message, which can quote anything, with the location of the panic.
pub(crate) fn hide_panics() {
    std::panic::set_hook(Box::new(|panic| {
        terminal::show_again();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        say(&format!("{RED}cast: error:{RED:#} this is a bug in cast: please report '{place}'\n"));
    }));
}

fn say(text: &str) {
    let mut stderr = AutoStream::auto(io::stderr());
    let _ = stderr.write_all(as_called(text).as_bytes()).and_then(|()| stderr.flush());
}

/// Text with its control characters escaped, so that a path or name from outside cannot move the cursor or change a
/// colour.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl Display for Printable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|letter| {
            if letter.is_control() { write!(f, "{}", letter.escape_default()) } else { write!(f, "{letter}") }
        })
    }
}
