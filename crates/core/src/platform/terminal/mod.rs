//! The user's terminal while cast asks a question on it.
//!
//! From [`Asking::begin`] until the end of that value, typed input is hidden. On every way out the terminal is as it was:
//! an answer, an error, a panic (see [`show_again`]) and a signal, which then acts as usual. What was typed ahead is
//! neither shown nor lost: an answer takes its own bytes and leaves the others to the next reader.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use std::io;

/// The terminal, hidden and this process's own, until dropped.
pub struct Asking(system::Asking);

/// What came from the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// The user typed this byte: UTF-8, control characters, and the marks of a bracketed paste.
    Byte(u8),
    /// This process was stopped and continued, or a signal that is ignored came: the screen may have changed, so the
    /// question has to be shown again.
    Again,
}

/// What makes the terminal mark pasted text, and what ends that. Empty where it cannot.
pub const MARK_PASTES: [&str; 2] = system::MARK_PASTES;

impl Asking {
    /// Waits until this process is in the foreground and no other cast asks on this terminal, and hides input. `close` is called
    /// each time before the terminal becomes as it was, to leave the line of an open question. With `as_sent`, line ends
    /// come as the terminal sends them; else as the next reader needs those that are left to it.
    pub fn begin(as_sent: bool, close: fn()) -> io::Result<Self> {
        system::Asking::begin(as_sent, close).map(Self)
    }

    /// Waits for the next byte.
    pub fn arrived(&mut self) -> io::Result<Arrived> {
        self.0.arrived()
    }

    /// Keeps what was typed so far for later questions of this process: it may be the rest of a secret, which no
    /// other program is to read.
    pub fn keep_the_rest(&mut self) {
        self.0.keep_the_rest();
    }

    /// Discards what was typed so far.
    pub fn forget_the_rest(&mut self) {
        self.0.forget_the_rest();
    }
}

/// Makes the terminal as it was, if a question is open: for a process that is about to end in a panic.
pub fn show_again() {
    system::show_again();
}

/// Ends this process by SIGINT, as Ctrl-C would, so that its parent sees that. Returns on systems without signals.
pub fn die_of_interrupt() {
    system::die_of_interrupt();
}
