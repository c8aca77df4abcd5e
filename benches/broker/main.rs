//! The cost of the broker, beside a direct connection to the same host over loopback: `cargo bench --bench broker` runs
//! everything, `cargo bench --bench broker -- events` the named parts. Only differences and ratios within one run
//! count: another machine or hour yields other numbers. If a requirement is missed, the exit code is 1.

#![allow(unreachable_pub, dead_code)] // one program without a public interface, which shares rooms with others
#![allow(clippy::cast_precision_loss)] // times and rates of a few digits

mod added;
mod bodies;
#[path = "../masking/clock.rs"]
mod clock;
mod events;
#[path = "../masking/home.rs"]
mod home;
mod requests;
#[path = "../masking/samples.rs"]
mod samples;
mod start;
#[path = "../../tests/it/broker/upstream.rs"]
mod upstream;
mod world;

use std::io::{self, Write};
use std::process::ExitCode;

/// A part of the benchmark: writes its table, returns the missed requirements.
type Room = fn(&mut dyn Write) -> io::Result<Vec<String>>;

const ROOMS: &[(&str, Room)] =
    &[("start", start::run), ("requests", requests::run), ("events", events::run), ("bodies", bodies::run)];

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
