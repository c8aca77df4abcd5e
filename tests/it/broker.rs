//! Brokered secrets, as a user has them: the built binary, a program that it runs, and a host over loopback. The test
//! itself speaks for the program, with what the program found in its environment.

mod audit;
mod client;
mod clients;
mod credential;
mod doctor;
mod explain;
mod hosts;
mod life;
mod list;
mod oracle;
pub mod outer;
mod places;
mod refusals;
mod set;
mod settings;
mod stand_in;
pub mod upstream;
mod way_out;
pub mod world;

use crate::forge::{Key, Text};
use crate::sandbox::Sandbox;

/// The kind of the tries here, for the table of `.ci/prove`.
const HOSTILE: &str = "hostile requests and hosts at the broker";
/// A value that can be brokered, where no broker is started; each value in these tests contains `hunter2`.
const VALUE: &str = "sk-proj-hunter2hunter2hunter2";
/// One that is too short.
const SHORT: &str = "sk-proj-hunter2";

/// The vault of `agent`, taken apart.
fn text(sandbox: &Sandbox, agent: &str) -> Text {
    Text::read(&sandbox.vault(agent), Key::master(sandbox))
}

/// The line of `cast list AGENT --json` about this secret.
fn line(sandbox: &Sandbox, agent: &str, key: &str) -> serde_json::Value {
    let found = sandbox.listing(agent).into_iter().find(|line| line["key"] == key);
    found.unwrap_or_else(|| panic!("no '{key}'"))
}
