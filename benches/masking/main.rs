//! The cost of masking: `cargo bench` runs everything, `cargo bench -- pipes latency` the named parts. Only ratios
//! within one run count: another machine or hour yields other numbers. If a requirement is missed, the exit code is 1.

#![allow(unreachable_pub)] // one program without a public interface
#![allow(clippy::cast_precision_loss)] // rates of a few digits

mod clock;
mod home;
#[cfg(unix)] // the pseudo-terminal
mod keystroke;
mod latency;
mod memory;
mod pipes;
mod random;
mod samples;
mod setup;

use std::io::{self, Write};
use std::process::ExitCode;

/// A part of the benchmark: writes its table, returns the missed requirements.
type Room = fn(&mut dyn Write) -> io::Result<Vec<String>>;

const ROOMS: &[(&str, Room)] = &[
    ("setup", setup::run),
    ("memory", memory::run),
    ("pipes", pipes::run),
    ("latency", latency::run),
    #[cfg(unix)]
    ("keystroke", keystroke::run),
    ("random", random::run),
];

fn main() -> io::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut out = io::stdout().lock();
    let mut missed = Vec::new();
    for (name, room) in ROOMS {
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
