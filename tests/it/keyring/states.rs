//! Everything that can be wrong with a keyring, each with its own exit code, message and hints; no new key, no change.

use rustix::process::{Pid, Signal, geteuid, kill_process};

use super::Session;
use crate::sandbox::{CAST, Outcome, Sandbox, Tries, skip};

const SECRET: &str = "hunter2-hunter2";

impl Session {
    /// With a vault of the agent `a`, whose key is in the keyring.
    fn with_vault() -> Option<Self> {
        let session = Self::unlocked()?;
        session.cast(["set", "a", "K", SECRET]).succeeds();
        Some(session)
    }

    /// Every command that needs a key refuses with this message. Returns the last refusal.
    #[track_caller]
    fn refuses(&self, code: i32, words: &str) -> Outcome {
        let _try = Tries::one("hostile bus");
        let items = self.items();
        self.cast(["run", "a", "--", "touch", "started"]).refuses(125, words, &[SECRET]);
        self.cast(["set", "a", "L", SECRET]).refuses(code, words, &[SECRET]);
        let refusal = self.cast(["list", "a"]).refuses(code, words, &[SECRET]);
        assert_eq!(self.items(), items);
        refusal
    }
}

#[test]
fn no_bus() {
    let sandbox = Sandbox::empty();
    let nowhere = format!("unix:path={}", sandbox.home().join("bus").display());
    for address in ["disabled:", &nowhere, "unix:abstract=cast-nobody-listens", "tcp:host=localhost,port=1"] {
        for words in [&["set", "a", "K", SECRET][..], &["init", "--key-store", "keyring"]] {
            let call = sandbox.cast(words).env("DBUS_SESSION_BUS_ADDRESS", address);
            let refusal = call.refuses(4, "no key, and no OS keyring here: no D-Bus session is reachable", &[SECRET]);
            assert!(refusal.err.contains("'cast init --key-store file'"), "{refusal:?}");
        }
    }
}

#[test]
fn no_provider() {
    let Some(mut session) = Session::with_vault() else { return };
    session.stop_keyring();
    let refusal = session.refuses(4, "no Secret Service is running");
    assert!(refusal.err.contains("CAST_KEY_FILE="), "{refusal:?}");
    session.cast(["init"]).refuses(4, "cast makes no new key while it exists", &[]);
}

#[test]
fn no_default_collection() {
    let Some(mut session) = Session::start() else { return };
    session.serve("--start");
    for words in [&["set", "a", "K", SECRET][..], &["init"], &["init", "--key-store", "keyring"]] {
        let call = session.sandbox.cast(words).env("DBUS_SESSION_BUS_ADDRESS", &session.address);
        let refusal = call.refuses(4, "no key: the keyring has no default collection", &[SECRET]);
        assert!(refusal.err.contains("cast: hint: create a keyring"), "{refusal:?}");
    }
    assert_eq!(session.items(), 0);
}

#[test]
fn two_entries() {
    let Some(session) = Session::with_vault() else { return };
    session.store(&["more", "1"], b"AGE-SECRET-KEY-1ANOTHER");
    let refusal = session.refuses(4, "no key: the keyring has 2 entries for the master key");
    assert!(refusal.err.contains("'secret-tool clear service cast username master-key'"), "{refusal:?}");
    session.cast(["init"]).refuses(4, "2 entries", &[]);
}

#[test]
fn an_entry_that_is_not_utf_8() {
    let Some(session) = Session::with_vault() else { return };
    session.store(&[], b"AGE-SECRET-KEY-1\xff\xfe");
    let refusal = session.refuses(4, "no key: the key entry is damaged: it is not text");
    assert!(refusal.err.contains("with CAST_KEY_FILE"), "{refusal:?}");
    session.cast(["init"]).refuses(4, "it is not text", &[]);
}

#[test]
fn an_entry_that_is_no_key() {
    let Some(session) = Session::with_vault() else { return };
    session.store(&[], b"hunter3-hunter3");
    let refusal = session.refuses(4, "the key entry in the OS keyring is damaged");
    refusal.says_nothing_of(&["hunter3"]);
    session.cast(["init"]).refuses(4, "is damaged", &["hunter3"]);
}

#[test]
fn another_key_in_its_place() {
    let Some(session) = Session::with_vault() else { return };
    let other = Sandbox::new();
    session.store(&[], other.key().as_bytes());
    session.refuses(5, "wrong key, or damaged").says_nothing_of(&[&other.key()]);
    session.cast(["set", "b", "K", SECRET]).refuses(5, "the key opens none of the vaults here", &[SECRET]);
}

#[test]
fn a_service_that_never_answers() {
    let Some(session) = Session::with_vault() else { return };
    let keyring = Pid::from_child(session.keyring.as_ref().unwrap());
    kill_process(keyring, Signal::STOP).unwrap();
    let refusal = session.cast(["list", "a"]).refuses(4, "no key: the keyring did not answer in time", &[SECRET]);
    assert!(refusal.err.contains("cast: hint: look for an unlock dialog"), "{refusal:?}");
    kill_process(keyring, Signal::CONT).unwrap();
    session.cast(["list", "a"]).succeeds();
}

#[test]
fn the_session_of_another_user() {
    if !geteuid().is_root() {
        skip("keyring: only root can become another user");
        return;
    }
    let Some(session) = Session::with_vault() else { return };
    for words in [&["list", "a"][..], &["set", "a", "L", SECRET], &["init"]] {
        let call = session.sandbox.cast_as_nobody("", words).env("DBUS_SESSION_BUS_ADDRESS", &session.address);
        call.refuses(4, "the D-Bus session belongs to another user", &[SECRET]);
    }
    let new = Sandbox::empty();
    let call = new.cast_as_nobody("", ["set", "a", "K", SECRET]).env("DBUS_SESSION_BUS_ADDRESS", &session.address);
    call.refuses(4, "the D-Bus session belongs to another user", &[SECRET]);
}

#[test]
fn the_bus_of_this_user_is_found_without_its_variable() {
    let Some(session) = Session::with_vault() else { return };
    let call = session.sandbox.cast(["list", "a"]).without_env("DBUS_SESSION_BUS_ADDRESS");
    call.env("XDG_RUNTIME_DIR", session.sandbox.home()).succeeds();
    if !geteuid().is_root() {
        skip("keyring: only root can lend a /run/user");
        return;
    }
    // Only the user ID tells where the bus is, as in a cron job or over plain ssh.
    let lend =
        "mount -t tmpfs none /run && mkdir -p /run/user/0 && ln -s \"$1\" /run/user/0/bus && shift && exec \"$@\"";
    let bus = session.sandbox.home().join("bus");
    let words = ["--mount", "sh", "-c", lend, "sh", bus.to_str().unwrap(), CAST, "list", "a"];
    session.sandbox.other("unshare", words).without_env("DBUS_SESSION_BUS_ADDRESS").succeeds();
}
