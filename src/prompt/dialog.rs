//! The one room in which questions are asked. Input is hidden from before the first question of a dialog until after
//! the last; `cast_core::platform::terminal` keeps that promise in all that can happen meanwhile.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU8, Ordering};

use age::secrecy::SecretString;
use age::secrecy::zeroize::Zeroizing;

use super::line::{Line, Step};
use cast_core::failure::{Cause, Failure, Kind, Result};
use cast_core::platform::terminal::{self, Arrived, Asking, MARK_PASTES};

/// As long as the longest value, so that no copy of it stays behind.
const ROOM_FOR_VALUE: usize = 128 << 10;
/// Enough for a passphrase.
const ROOM: usize = 4 << 10;
/// How often a question is asked that has only certain answers.
const TRIES: usize = 3;

/// A conversation of one or more questions.
pub(super) struct Dialog(Asking);

/// What the screen needs when a question ends, in any way.
static NEEDS: AtomicU8 = AtomicU8::new(NOTHING);
const NOTHING: u8 = 0;
const NEW_LINE: u8 = 1;
/// And bracketed paste is on.
const NO_PASTE: u8 = 2;

/// How a question takes its answer.
#[derive(Clone, Copy)]
enum Take<'a> {
    /// Shows nothing.
    Hidden,
    /// Shows nothing; a paste or a PEM block is taken whole, and what follows goes to no other program.
    Value,
    /// Shows what is the beginning of one of these answers. Nothing else: it may be a passphrase, typed ahead.
    OneOf(&'a [&'a str]),
}

impl Dialog {
    pub(super) fn begin() -> Result<Self> {
        Self::with(false)
    }

    /// For a value, whose line ends are its own.
    pub(super) fn for_value() -> Result<Self> {
        Self::with(true)
    }

    fn with(as_sent: bool) -> Result<Self> {
        Asking::begin(as_sent, close).map(Self).map_err(|cause| unanswered(&cause))
    }

    /// Asks for a passphrase. An empty one counts as an answer.
    pub(super) fn passphrase(&mut self, question: &str) -> Result<SecretString> {
        let typed = self.ask(&format!("{question}: "), Take::Hidden)?;
        text(typed, "passphrase").map(SecretString::from)
    }

    /// Asks for a value.
    pub(super) fn value(&mut self, question: &str) -> Result<Vec<u8>> {
        let typed = self.ask(question, Take::Value)?;
        text(typed, "value")
            .map(String::into_bytes)
            .map_err(|failure| failure.hint("pass it on standard input: 'cast secrets set AGENT KEY < FILE'"))
    }

    /// Asks for one of these answers, of which some mean the same; returns its place.
    pub(super) fn one_of(&mut self, question: &str, answers: &[&str], default: usize) -> Result<usize> {
        for _ in 0..TRIES {
            let typed = self.ask(question, Take::OneOf(answers))?;
            if typed.is_empty() {
                return Ok(default);
            }
            if let Some(place) = answers.iter().position(|answer| typed.eq_ignore_ascii_case(answer.as_bytes())) {
                return Ok(place);
            }
        }
        Err(Failure::new(Kind::Usage, "no answer that cast understands: nothing was changed"))
    }

    fn ask(&mut self, question: &str, take: Take<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let answer = self.read(question, take).map_err(|cause| unanswered(&cause))?;
        close();
        answer.ok_or_else(|| {
            self.0.forget_the_rest();
            terminal::show_again();
            terminal::die_of_interrupt();
            Failure::new(Kind::Other, "interrupted: nothing was changed")
        })
    }

    /// The answer; `None` if the user wants none.
    fn read(&mut self, question: &str, take: Take<'_>) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let is_value = matches!(take, Take::Value);
        let mut line = Line::new(if is_value { ROOM_FOR_VALUE } else { ROOM }, is_value);
        let mut shown = String::new();
        open(question, is_value);
        loop {
            let byte = match self.0.arrived()? {
                Arrived::Byte(byte) => byte,
                Arrived::Again => {
                    open(&format!("{question}{shown}"), is_value);
                    continue;
                }
            };
            match line.take(byte) {
                Step::More => {
                    let now = take.shown(line.text());
                    if now != shown {
                        say(&format!("{}{now}", "\x08 \x08".repeat(shown.len())));
                        shown = now;
                    }
                }
                Step::Done => {
                    if is_value {
                        self.0.keep_the_rest();
                    }
                    return Ok(Some(Zeroizing::new(line.into_text())));
                }
                Step::Stop => return Ok(None),
            }
        }
    }
}

impl Take<'_> {
    fn shown(self, text: &[u8]) -> String {
        let Self::OneOf(answers) = self else { return String::new() };
        let begins =
            |answer: &&str| answer.as_bytes().get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text));
        if answers.iter().any(begins) { String::from_utf8_lossy(text).into_owned() } else { String::new() }
    }
}

/// Shows a question.
fn open(question: &str, is_value: bool) {
    NEEDS.store(if is_value { NO_PASTE } else { NEW_LINE }, Ordering::SeqCst);
    say(&format!("{}{question}", if is_value { MARK_PASTES[0] } else { "" }));
}

/// Leaves the line of a question, whose Enter was not shown; also when a signal or a panic ends it.
fn close() {
    match NEEDS.swap(NOTHING, Ordering::SeqCst) {
        NOTHING => {}
        NEW_LINE => say("\n"),
        _ => say(&format!("{}\n", MARK_PASTES[1])),
    }
}

/// Writes on the screen. If it is gone, so is the user.
fn say(text: &str) {
    let mut screen = io::stderr();
    let _ = screen.write_all(text.as_bytes()).and_then(|()| screen.flush());
}

fn text(typed: Zeroizing<Vec<u8>>, what: &str) -> Result<String> {
    let mut typed = typed;
    String::from_utf8(std::mem::take(&mut *typed)).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        Failure::new(Kind::Usage, format!("the typed or pasted {what} is not valid UTF-8"))
    })
}

fn unanswered(cause: &io::Error) -> Failure {
    Failure::new(Kind::Other, format!("no answer from the terminal: {}", Cause(cause)))
}
