//! Secrets that are brokered: for which hosts, where in a request, and what is said of it. Nothing here starts a
//! broker.

mod doctor;
mod explain;
mod list;
mod set;
mod settings;

use crate::forge::{Key, Text};
use crate::sandbox::Sandbox;

/// A value that can be brokered; each value in these tests contains `hunter2`.
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
