//! Windows: Ctrl-C is an ordinary key in raw mode, and the console keeps typed input for its next reader. There is no
//! job control, and no lock on a console: two casts that ask at once are not kept apart.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::Arrived;

/// The console passes pasted text as keys.
pub(super) const MARK_PASTES: [&str; 2] = ["", ""];

/// The console is hidden, and this leaves the line of the question.
static CLOSE: Mutex<Option<fn()>> = Mutex::new(None);

/// The keys as the bytes that a terminal on Unix sends for them.
pub(super) struct Asking {
    bytes: VecDeque<u8>,
}

impl Asking {
    pub(super) fn begin(_as_sent: bool, close: fn()) -> io::Result<Self> {
        enable_raw_mode()?;
        *CLOSE.lock().unwrap_or_else(PoisonError::into_inner) = Some(close);
        Ok(Self { bytes: VecDeque::new() })
    }

    pub(super) fn arrived(&mut self) -> io::Result<Arrived> {
        loop {
            if let Some(byte) = self.bytes.pop_front() {
                return Ok(Arrived::Byte(byte));
            }
            match read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => self.press(key),
                _ => {}
            }
        }
    }

    #[allow(clippy::unused_self, clippy::needless_pass_by_ref_mut)] // the console keeps it for this process, too
    pub(super) fn keep_the_rest(&mut self) {}

    pub(super) fn forget_the_rest(&mut self) {
        self.bytes.clear();
    }

    fn press(&mut self, key: KeyEvent) {
        let control = key.modifiers.contains(KeyModifiers::CONTROL) && !key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(letter) if control => {
                let letter = letter.to_ascii_lowercase();
                self.bytes.extend(letter.is_ascii_lowercase().then_some(letter as u8 & 0x1f));
            }
            KeyCode::Char(letter) => self.bytes.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
            KeyCode::Tab => self.bytes.push_back(b'\t'),
            KeyCode::Enter => self.bytes.push_back(b'\r'),
            KeyCode::Backspace => self.bytes.push_back(0x7f),
            _ => {}
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        show_again();
    }
}

pub(super) fn show_again() {
    let close = CLOSE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(close) = close {
        close();
        let _ = disable_raw_mode();
    }
}

pub(super) fn die_of_interrupt() {}
