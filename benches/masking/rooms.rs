//! Runs the parts of a benchmark that its words name, or all of them.

use std::io::{self, Write};
use std::process::ExitCode;

/// A part of the benchmark: writes its table, returns the missed requirements.
pub type Room = fn(&mut dyn Write) -> io::Result<Vec<String>>;

pub fn run(rooms: &[(&str, Room)]) -> io::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut out = io::stdout().lock();
    let mut missed = Vec::new();
    for (name, room) in rooms {
        if words.is_empty() || words.iter().any(|word| word == name) {
            missed.extend(room(&mut out)?);
            writeln!(out)?;
        }
    }
    for must in &missed {
        writeln!(out, "MISSED: {must}")?;
    }
    Ok(ExitCode::from(u8::from(!missed.is_empty())))
}
