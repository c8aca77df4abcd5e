//! The master key in a real gnome-keyring on a private D-Bus: not a mock, and never the bus of the user.

mod completion;
pub mod dialog;
mod doctor;
mod first;
mod stale;
mod states;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::sandbox::{CAST, Sandbox, skip};

/// A private bus in a sandbox's home, and the keyring on it.
pub struct Session {
    pub sandbox: Sandbox,
    pub address: String,
    bus: Child,
    pub keyring: Option<Child>,
}

impl Session {
    pub fn start() -> Option<Self> {
        for program in ["dbus-daemon", "gnome-keyring-daemon", "secret-tool"] {
            if Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
                skip(&format!("keyring: {program} is not installed"));
                return None;
            }
        }
        let sandbox = Sandbox::empty();
        let socket = sandbox.home().join("bus");
        let config = sandbox.home().join("bus.conf");
        let rules = "<auth>EXTERNAL</auth><policy context='default'><allow send_destination='*' eavesdrop='true'/>\
                     <allow eavesdrop='true'/><allow own='*'/></policy>";
        // No <servicedir>: the bus would start the machine's own keyring.
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen>{rules}</busconfig>",
            socket.display()
        );
        fs::write(&config, text).unwrap();
        let mut bus = sandbox.command("dbus-daemon");
        bus.args(["--nofork", "--print-address=1", "--config-file"]).arg(&config);
        let mut bus = bus.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Some(Self { sandbox, address: address.trim().to_owned(), bus, keyring: None })
    }

    /// A session whose keyring is open.
    pub fn unlocked() -> Option<Self> {
        let mut session = Self::start()?;
        session.serve("--unlock");
        Some(session)
    }

    /// Starts the keyring and waits until it answers.
    pub fn serve(&mut self, how: &str) {
        self.serve_with(how, &[]);
    }

    fn serve_with(&mut self, how: &str, variables: &[(&str, &str)]) {
        let mut keyring = self.command("gnome-keyring-daemon");
        keyring.envs(variables.iter().copied());
        keyring.args([how, "--foreground", "--components=secrets"]);
        let mut keyring = keyring.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        keyring.stdin.take().unwrap().write_all(b"password").unwrap();
        self.keyring = Some(keyring);
        let mut wait = self.command("dbus-send");
        wait.args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"]);
        wait.args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]);
        let answers = |wait: &mut Command| String::from_utf8(wait.output().unwrap().stdout).unwrap().contains("true");
        while !answers(&mut wait) {
            std::thread::yield_now();
        }
    }

    pub fn stop_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            keyring.kill().unwrap();
            keyring.wait().unwrap();
        }
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = self.sandbox.command(program);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        // gnome-keyring's own socket and files.
        command.env("XDG_RUNTIME_DIR", self.sandbox.home()).env("XDG_DATA_HOME", self.sandbox.home().join("gnome"));
        command
    }

    pub fn cast<const N: usize>(&self, words: [&str; N]) -> crate::sandbox::Call<'_> {
        self.sandbox.cast(words).env("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }

    /// Stores bytes through libsecret as cast's entry; replaces one that has the same attributes.
    pub fn store(&self, attributes: &[&str], value: &[u8]) {
        let words = ["store", "--label=x", "service", "cast", "username", "master-key"].iter().chain(attributes);
        let tool = self.sandbox.other("secret-tool", words).env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        tool.input(value).succeeds();
    }

    /// Takes it out.
    pub fn clear(&self) {
        self.command("secret-tool").args(["clear", "service", "cast"]).status().unwrap();
    }

    /// How many items libsecret sees.
    pub fn items(&self) -> usize {
        let found = self.command("secret-tool").args(["search", "--all", "service", "cast"]).output().unwrap();
        String::from_utf8_lossy(&found.stdout).lines().filter(|line| line.starts_with("[/")).count()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop_keyring();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

/// Whether a file below `folder` holds `text`.
pub fn somewhere(folder: &Path, text: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return somewhere(&path, text);
        }
        path.is_file() && fs::read(&path).unwrap().windows(text.len()).any(|window| window == text)
    })
}

#[test]
fn an_import_may_be_the_first_use() {
    let Some(session) = Session::unlocked() else { return };
    fs::write(session.sandbox.home().join(".env"), "K=hunter2-hunter2\n").unwrap();
    let dry = session.cast(["secrets", "import", "a", ".env", "--dry-run"]).succeeds();
    assert!(dry.out.ends_with("K    added\n") && session.items() == 0, "{dry:?}");
    let first = session.cast(["secrets", "import", "a", ".env"]).succeeds();
    assert!(
        first.err.starts_with("✓ Master key created and stored in the OS keyring\ncast: hint: back it up"),
        "{first:?}"
    );
    assert!(first.err.contains("\n✓ Secrets added for agent 'a': K\n"), "{first:?}");
    assert_eq!(session.cast(["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds().out, "hunter2-hunter2\n");
    assert_eq!(session.items(), 1);
}

#[test]
fn the_first_use_makes_the_key_and_the_second_finds_it() {
    let Some(session) = Session::unlocked() else { return };
    let first = session.cast(["set", "a", "K", "hunter2-hunter2"]).succeeds();
    assert!(first.err.contains("✓ Master key created and stored in the OS keyring\n"), "{first:?}");
    let second = session.cast(["set", "a", "L", "hunter3-hunter3"]).succeeds();
    assert_eq!(second.err, "✓ Secret 'L' set for agent 'a'\n");
    assert_eq!(
        session.cast(["run", "a", "--no-mask", "--", "printenv", "K", "L"]).succeeds().out,
        "hunter2-hunter2\nhunter3-hunter3\n"
    );
    assert_eq!(session.items(), 1);
    assert!(!somewhere(session.sandbox.home(), b"AGE-SECRET-KEY-"));
    assert!(!somewhere(session.sandbox.home(), b"hunter2"));
    let again = session.cast(["init"]).succeeds();
    assert_eq!(again.err, "✓ A key already exists in the OS keyring\n");
}

#[test]
fn two_first_uses_at_once_end_with_one_key() {
    let Some(session) = Session::unlocked() else { return };
    let agents = ["a", "b", "c", "d"];
    let spawn = |agent: &str| {
        let mut command = session.sandbox.command(CAST);
        command.args(["set", agent, "K", "v"]).env("DBUS_SESSION_BUS_ADDRESS", &session.address);
        command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = agents.map(spawn).into();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(session.items(), 1);
    for agent in agents {
        session.cast(["run", agent, "--", "true"]).succeeds();
    }
}

#[test]
fn a_locked_keyring_is_an_error_and_makes_no_key() {
    let Some(mut session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", "hunter2-hunter2"]).succeeds();
    session.stop_keyring();
    session.serve("--start");
    session.cast(["list", "a"]).refuses(4, "the keyring is locked", &["hunter2"]);
    session.cast(["set", "b", "K", "hunter2"]).refuses(4, "the keyring is locked", &["hunter2"]);
    session.cast(["init"]).refuses(4, "the keyring is locked", &[]);
    session.cast(["run", "a", "--", "true"]).refuses(125, "the keyring is locked", &["hunter2"]);
}

#[test]
fn a_key_that_is_gone_is_not_replaced_beside_vaults() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    let cleared = session.command("secret-tool").args(["clear", "service", "cast"]).status().unwrap();
    assert!(cleared.success());
    session.cast(["list", "a"]).refuses(4, "the OS keyring has none", &["hunter2"]);
    session.cast(["set", "b", "K", "v"]).refuses(4, "cast makes no new key while it exists", &[]);
    session.cast(["init"]).refuses(4, "cast makes no new key while it exists", &[]);
    assert_eq!(session.items(), 0);
}

#[test]
fn without_a_provider_nothing_is_made_unless_asked_for() {
    let Some(session) = Session::start() else { return };
    session.cast(["set", "a", "K", "hunter2"]).refuses(4, "no Secret Service is running", &["hunter2"]);
    let made = session.cast(["init"]).succeeds();
    assert!(made.err.contains("stored in the key file"), "{made:?}");
    session.cast(["set", "a", "K", "v"]).succeeds();
}
