//! The only place that prints, and the only one that knows exit codes. Data goes to standard output, all that is said to a person to
//! standard error. A stream that is closed or full is an error for data and silence for the rest: never a panic after the work was done.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use cast_core::failure::{Cause, Failure, Kind};

/// `cast run`: cast itself failed, whatever the reason.
pub(crate) const RUN_FAILED: u8 = 125;
/// `cast run`: CMD is there and cannot be executed.
pub(crate) const CANNOT_EXECUTE: u8 = 126;
/// `cast run`: there is no such CMD.
pub(crate) const NOT_FOUND: u8 = 127;
/// Wrong usage.
pub(crate) const USAGE: u8 = 2;

const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Speaks to whoever started cast.
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
        // Whoever read it has seen enough.
        if written.as_ref().is_err_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe) {
            return Ok(());
        }
        written.map_err(|cause| {
            Failure::new(Kind::Io, format!("cannot write to standard output: {}", Cause(&cause))).into()
        })
    }

    /// Prints data for programs.
    pub(crate) fn json(self, data: &impl Serialize) -> anyhow::Result<()> {
        self.data(&(serde_json::to_string_pretty(data)? + "\n"))
    }

    /// Says what was done.
    pub(crate) fn success(self, what: impl Display) {
        if !self.quiet {
            say(&format!("{GREEN}✓{GREEN:#} {}\n", Printable(&what.to_string())));
        }
    }

    /// Says what else to know or to type.
    pub(crate) fn hint(self, what: impl Display) {
        if !self.quiet {
            say(&format!("{CYAN}cast: hint:{CYAN:#} {}\n", Printable(&what.to_string())));
        }
    }

    /// Says what is not as it should be, though the work was done. As an error, it is not dropped by `-q`.
    pub(crate) fn warning(self, what: impl Display) {
        say(&format!("{YELLOW}cast: warning:{YELLOW:#} {}\n", Printable(&what.to_string())));
    }

    /// Says something that is neither: a question's material, or that something waits.
    pub(crate) fn note(self, text: &str) {
        say(text);
    }

    /// The exit code of a command; an error is printed.
    pub(crate) fn exit_code(self, outcome: anyhow::Result<()>) -> ExitCode {
        outcome.map_or_else(|error| self.error(&error), |()| ExitCode::SUCCESS)
    }

    /// Prints an error with its hints, which `-q` drops; gives the exit code.
    pub(crate) fn error(self, error: &anyhow::Error) -> ExitCode {
        say(&format!("{RED}cast: error:{RED:#} {}\n", Printable(&format!("{error:#}"))));
        let Some(failure) = error.downcast_ref::<Failure>() else { return ExitCode::FAILURE };
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

/// Replaces Rust's panic message, which can quote anything, by the place it came from.
pub(crate) fn hide_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        say(&format!("{RED}cast: error:{RED:#} this should not happen: please report '{place}'\n"));
    }));
}

fn say(text: &str) {
    let mut stderr = AutoStream::auto(io::stderr());
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Text whose control characters cannot move the cursor or change a colour: paths and names come from outside.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl Display for Printable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|letter| {
            if letter.is_control() { write!(f, "{}", letter.escape_default()) } else { write!(f, "{letter}") }
        })
    }
}
