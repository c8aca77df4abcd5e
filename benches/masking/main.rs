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
mod rooms;
mod samples;
mod setup;

use std::io;
use std::process::ExitCode;

use rooms::Room;

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
    rooms::run(ROOMS)
}
