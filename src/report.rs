//! The only file that prints, and the only one that knows exit codes. Data goes to standard output, messages for people
//! to standard error. If a stream is closed or full, printing data fails and messages are dropped: cast never panics
//! after the work is done.

mod called;

use std::borrow::Cow;
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
        Self::written(stdout.write_all(visible(text).as_bytes()).and_then(|()| stdout.flush()))
    }

    /// Prints data that is no text on standard output.
    pub(crate) fn bytes(self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut stdout = io::stdout();
        Self::written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    fn written(written: io::Result<()>) -> anyhow::Result<()> {
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
        let text = serde_json::to_string_pretty(data)? + "\n";
        // Only strings hold such letters, and JSON has a form for them there.
        self.data(&escaped(&text, |letter| {
            let mut units = [0; 2];
            let units = letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
            units.collect::<Vec<_>>().concat()
        }))
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

    /// Warns about settings that cast does not know; fails if they are not valid or cannot be read.
    pub(crate) fn settings(self, session: &Session) -> Result<(), Failure> {
        for warning in &session.settings()?.unknown {
            self.warning(warning);
        }
        Ok(())
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
        cast_core::supervisor::restore_terminal();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        say(&format!("{RED}cast: error:{RED:#} this is a bug in cast: please report '{place}'\n"));
    }));
}

fn say(text: &str) {
    let mut stderr = AutoStream::auto(io::stderr());
    let _ = stderr.write_all(visible(&as_called(text)).as_bytes()).and_then(|()| stderr.flush());
}

/// Text that looks like what it is: what others wrote cannot reorder or hide what stands beside it. Control characters
/// stay, as those of colours.
fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| letter.escape_unicode().to_string())
}

/// Text with `escape` for each letter that shows nothing or changes the order of others.
fn escaped(text: &str, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(is_invisible) {
        return text.into();
    }
    text.chars().map(|letter| if is_invisible(letter) { escape(letter) } else { letter.to_string() }).collect()
}

/// Letters of the category Cf, separators of lines, fillers and blanks that are no spaces, variation selectors and
/// tags (Unicode 16).
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{2800}' | '\u{16fe4}' | '\u{1d159}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text with its control characters escaped, too, so that a path or name from outside cannot move the cursor or change
/// a colour.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl Display for Printable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|letter| {
            if letter.is_control() || is_invisible(letter) {
                write!(f, "{}", letter.escape_default())
            } else {
                write!(f, "{letter}")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_shown_as_it_is() {
        for (text, expected) in [
            ("José 日本 e\u{301} \u{fffd}", "José 日本 e\u{301} \u{fffd}"),
            ("a\u{202e}b\u{200b}", "a\\u{202e}b\\u{200b}"),
            ("\u{2066}a\u{2069}\u{feff}\u{e0041}", "\\u{2066}a\\u{2069}\\u{feff}\\u{e0041}"),
        ] {
            assert_eq!(visible(text), expected);
            assert_eq!(Printable(text).to_string(), expected);
        }
        // Colours stay, but not in what others wrote.
        assert_eq!(visible("\u{1b}[1m\n"), "\u{1b}[1m\n");
        assert_eq!(Printable("\u{1b}[1m\n\u{9b}").to_string(), "\\u{1b}[1m\\n\\u{9b}");
    }
}
