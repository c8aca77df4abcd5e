//! A home whose agent has a brokered secret, and the host that it is for.

use std::fs;
use std::os::unix::fs::DirBuilderExt;

use super::client::Run;
use super::outer::Lead;
use super::upstream::{AtHost, Host, Root};
use crate::forge::{Key, Text};
use crate::sandbox::{CAST, Sandbox};
use crate::supervise::process::Running;

pub const VALUE: &str = "sk-test-4bQ9ZtLw0Xk7Rm2Vn5Pc8Ys1";
/// Of the same shape.
pub const OTHER: &str = "sk-test-7cR1YuMx3Wl5Sn8Uo2Qd4Zt6";
pub const KEY: &str = "API_KEY";
/// The host that the secret is for.
pub const NAME: &str = "api.example.test";
/// The flag of the owner's part for it.
pub const TO_NAME: &str = "hosts = [\"api.example.test\"]\n";

/// What CMD does: it notes its environment, says under which number, waits for a line and ends with 7.
pub const WAITS: [&str; 3] = ["sh", "-c", "env -0 >env.new; mv env.new env.$$; echo $$; read x; exit 7"];

/// Writes a vault as its owner would.
pub fn vault(sandbox: &Sandbox, agent: &str, secrets: &[(&str, &str, &str)]) {
    let master = Key::master(sandbox);
    let id = crate::forge::to_hex(format!("{agent:x<16}").as_bytes());
    let text = Text::new(agent, &id, master, &[]);
    let text = secrets.iter().fold(text, |text, (key, value, flags)| text.with(key, value, flags));
    let file = sandbox.vault(agent);
    let folder = file.parent().unwrap();
    if !folder.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).unwrap();
    }
    fs::write(file, text.seal(master)).unwrap();
    // This machine has seen it.
    sandbox.cast(["list", agent]).succeeds();
}

/// A home whose agent `a` has a brokered secret, the host that it is for, and a proxy that leads every name there. The
/// settings name that proxy, and the root of the host.
pub struct World {
    pub sandbox: Sandbox,
    pub root: Root,
    pub host: Host,
    pub lead: Lead,
}

impl World {
    /// A host that answers each request with nothing.
    pub fn new() -> Self {
        Self::with(TO_NAME, answer)
    }

    pub fn with(flags: &str, script: impl Fn(AtHost) + Send + Sync + 'static) -> Self {
        let sandbox = Sandbox::new();
        vault(&sandbox, "a", &[(KEY, VALUE, flags)]);
        Self::of(sandbox, script)
    }

    pub fn of(sandbox: Sandbox, script: impl Fn(AtHost) + Send + Sync + 'static) -> Self {
        let root = Root::new();
        let host = Host::new(root.server(NAME, |_| {}), script);
        Self::around(sandbox, root, host)
    }

    pub fn around(sandbox: Sandbox, root: Root, host: Host) -> Self {
        let lead = Lead::new(host.address);
        let world = Self { sandbox, root, host, lead };
        world.set(&format!(
            "proxy = \"http://{}\"\nroots = [\"{}\"]\n",
            world.lead.address,
            world.root.path().display()
        ));
        world
    }

    /// Writes the settings.
    pub fn set(&self, settings: &str) {
        let file = self.sandbox.home().join(".config/cast/config.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, settings).unwrap();
    }

    /// Starts a run with these options.
    pub fn run(&self, options: &[&str]) -> Run {
        let words: Vec<_> =
            ["run", "a"].into_iter().chain(options.iter().copied()).chain(["--"]).chain(WAITS).collect();
        Run::of(&self.sandbox, Running::cast(&self.sandbox, &words))
    }

    /// The folders of runs that are there.
    pub fn folders(&self) -> usize {
        fs::read_dir(self.sandbox.state().join("broker")).map_or(0, Iterator::count)
    }
}

/// Answers each request with nothing.
pub fn answer(mut line: AtHost) {
    while !line.head().is_empty() {
        line.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
}

/// Where the binary is, for a script.
pub fn cast() -> String {
    format!("'{CAST}'")
}

/// A value in forms that a program could write it in.
pub fn forms(value: &str) -> Vec<String> {
    let mut forms = Vec::new();
    cast_mask::each_form(value, &mut |form| {
        if let Ok(text) = str::from_utf8(form.bytes)
            && text.len() >= 12
        {
            forms.push(text.to_owned());
        }
    });
    assert!(forms.len() > 3 && forms.iter().any(|form| form == value));
    forms
}
