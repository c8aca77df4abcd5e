//! The hidden prompt for a value. It uses raw mode, because a cooked terminal cuts a line at 4,095 bytes, and bracketed
//! paste, so that the line endings of a pasted key belong to the value.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use age::secrecy::zeroize::Zeroizing;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::{execute, terminal};

use cast_core::failure::{Cause, Failure, Kind, Result};
use cast_core::platform::terminal as process_terminal;

/// Asks for one value on the terminal and echoes none of it.
pub(crate) fn hidden(question: &str) -> Result<Vec<u8>> {
    let failed =
        |cause: io::Error| Failure::new(Kind::Other, format!("no answer from the terminal: {}", Cause(&cause)));
    process_terminal::restore_on_signal(restore).map_err(failed)?;
    let outcome = {
        let _raw = Raw::enter(question).map_err(failed)?;
        read_value().map_err(failed)
    };
    match outcome? {
        Answer::Value(value) => Ok(value),
        Answer::Unreadable => Err(Failure::new(Kind::Usage, "the typed or pasted value is not valid UTF-8")
            .hint("pass it on standard input: 'cast secrets set AGENT KEY < FILE'")),
        Answer::Interrupted => {
            process_terminal::die_of_interrupt();
            Err(Failure::new(Kind::Other, "interrupted: nothing was changed"))
        }
    }
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

enum Answer {
    Value(Vec<u8>),
    Unreadable,
    Interrupted,
}

static IS_RAW: AtomicBool = AtomicBool::new(false);

/// The terminal in raw mode, until dropped.
struct Raw;

impl Raw {
    fn enter(question: &str) -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        IS_RAW.store(true, Ordering::SeqCst);
        let raw = Self;
        // Old Windows consoles do not support bracketed paste.
        let _ = execute!(io::stderr(), event::EnableBracketedPaste);
        write!(io::stderr(), "{question}")?;
        io::stderr().flush()?;
        Ok(raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the terminal, once.
fn restore() {
    if !IS_RAW.swap(false, Ordering::SeqCst) {
        return;
    }
    // The shell must not read what the user typed or pasted after the value: it may be the rest of a secret.
    process_terminal::forget_typed_input();
    let _ = execute!(io::stderr(), event::DisableBracketedPaste);
    let _ = terminal::disable_raw_mode();
    let _ = writeln!(io::stderr());
}

fn read_value() -> io::Result<Answer> {
    let mut value = Zeroizing::new(String::with_capacity(128 << 10));
    loop {
        match event::read()? {
            Event::Paste(text) => {
                // Terminals send a carriage return for each line ending of pasted text.
                value.push_str(&text.replace("\r\n", "\n").replace('\r', "\n"));
            }
            Event::Key(key) if key.kind != KeyEventKind::Release => match key_meaning(key) {
                Meaning::Text(letter) => value.push(letter),
                // A key pasted without bracketed paste: its remaining lines must not end up in the shell.
                Meaning::Enter if is_open_pem(&value) => value.push('\n'),
                Meaning::Enter => break,
                Meaning::Erase => drop(value.pop()),
                Meaning::Clear => value.clear(),
                Meaning::Stop => return Ok(Answer::Interrupted),
                Meaning::End if value.is_empty() => return Ok(Answer::Interrupted),
                Meaning::End | Meaning::Nothing => {}
            },
            _ => {}
        }
    }
    // The terminal's reader replaces invalid UTF-8 with this character.
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return Ok(Answer::Unreadable);
    }
    let mut bytes = std::mem::take(&mut *value).into_bytes();
    trim_line_end(&mut bytes);
    Ok(Answer::Value(bytes))
}

enum Meaning {
    Text(char),
    Enter,
    Erase,
    Clear,
    Stop,
    End,
    Nothing,
}

fn key_meaning(key: KeyEvent) -> Meaning {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | '\\') if control => Meaning::Stop,
        KeyCode::Char('d') if control => Meaning::End,
        KeyCode::Char('u') if control => Meaning::Clear,
        KeyCode::Char('h') if control => Meaning::Erase,
        // Programs send a line feed for Enter.
        KeyCode::Char('j') if control => Meaning::Enter,
        KeyCode::Char(_) if control => Meaning::Nothing,
        KeyCode::Char(letter) => Meaning::Text(letter),
        KeyCode::Tab => Meaning::Text('\t'),
        KeyCode::Enter => Meaning::Enter,
        KeyCode::Backspace => Meaning::Erase,
        _ => Meaning::Nothing,
    }
}

/// Whether a PEM block has begun and not ended (RFC 7468).
fn is_open_pem(value: &str) -> bool {
    let last = value.lines().next_back().unwrap_or_default();
    value.starts_with("-----BEGIN ") && !last.starts_with("-----END ")
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

    #[test]
    fn a_pem_block_stays_open_until_its_end() {
        assert!(is_open_pem("-----BEGIN KEY-----"));
        assert!(is_open_pem("-----BEGIN KEY-----\nabc"));
        assert!(!is_open_pem("-----BEGIN KEY-----\nabc\n-----END KEY-----"));
        assert!(!is_open_pem("sk-1"));
    }
}
