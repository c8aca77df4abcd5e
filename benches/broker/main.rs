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
#[path = "../masking/rooms.rs"]
mod rooms;
#[path = "../masking/samples.rs"]
mod samples;
mod start;
#[path = "../../tests/it/broker/upstream.rs"]
mod upstream;
mod world;

use std::io;
use std::process::ExitCode;

use rooms::Room;

const ROOMS: &[(&str, Room)] =
    &[("start", start::run), ("requests", requests::run), ("events", events::run), ("bodies", bodies::run)];

fn main() -> io::Result<ExitCode> {
    rooms::run(ROOMS)
}
