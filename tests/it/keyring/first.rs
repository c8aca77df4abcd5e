//! The first use beside a keyring that cannot be used: a key file is made for the asking, and the hints say so.

use std::os::unix::net::UnixListener;

use rustix::process::{Pid, Signal, kill_process};

use super::Session;
use crate::sandbox::{Outcome, Sandbox};
use crate::terminal::Terminal;

const SECRET: &str = "hunter2-hunter2";

impl Session {
    /// A keyring that is locked and holds no key of cast.
    fn locked_without_key() -> Option<Self> {
        let mut session = Self::unlocked()?;
        session.stop_keyring();
        session.serve("--start");
        Some(session)
    }
}

/// Nothing is made unasked, every refusal names the command that helps, and the command works.
#[track_caller]
fn helps_oneself(session: &Session, why: &str) {
    let told = |outcome: &Outcome| {
        assert!(outcome.err.contains("'cast init --key-store file'"), "{outcome:?}");
        outcome.says_nothing_of(&[SECRET]);
    };
    told(&session.cast(["set", "a", "K", SECRET]).refuses(4, why, &[SECRET]));
    told(&session.cast(["init"]).refuses(4, why, &[]));
    told(&session.cast(["init", "--key-store", "keyring"]).refuses(4, why, &[]));
    let doctor = session.cast(["doctor"]).run();
    assert!(doctor.out.contains("'cast init --key-store file'"), "{doctor:?}");
    let made = session.cast(["init", "--key-store", "file"]).succeeds();
    assert!(made.err.contains("✓ Master key created and stored in the key file"), "{made:?}");
    session.cast(["set", "a", "K", SECRET]).succeeds();
    assert_eq!(session.cast(["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds().out, "hunter2-hunter2\n");
}

#[test]
fn locked() {
    let Some(session) = Session::locked_without_key() else { return };
    let status = session.cast(["key", "status"]).refuses(4, "the keyring is locked", &[]);
    assert!(status.err.contains("'cast init --key-store file'"), "{status:?}");
    helps_oneself(&session, "the keyring is locked");
}

#[test]
fn without_a_collection() {
    let Some(mut session) = Session::start() else { return };
    session.serve("--start");
    helps_oneself(&session, "the keyring has no default collection");
}

#[test]
fn silent() {
    let Some(session) = Session::unlocked() else { return };
    let keyring = Pid::from_child(session.keyring.as_ref().unwrap());
    kill_process(keyring, Signal::STOP).unwrap();
    helps_oneself(&session, "the keyring did not answer in time");
    kill_process(keyring, Signal::CONT).unwrap();
    assert_eq!(session.items(), 0);
}

#[test]
fn a_bus_that_takes_the_connection_and_says_nothing() {
    let sandbox = Sandbox::empty();
    let mute = sandbox.home().join("mute");
    let _bus = UnixListener::bind(&mute).unwrap();
    let address = format!("unix:path={}", mute.display());
    let made = sandbox.cast(["init", "--key-store", "file"]).env("DBUS_SESSION_BUS_ADDRESS", &address).succeeds();
    assert!(made.err.contains("key.txt"), "{made:?}");
    sandbox.cast(["set", "a", "K", SECRET]).env("DBUS_SESSION_BUS_ADDRESS", &address).succeeds();
}

#[test]
fn under_a_passphrase_too() {
    let Some(session) = Session::locked_without_key() else { return };
    let mut terminal = Terminal::start(session.cast(["init", "--key-store", "passphrase"]));
    for question in ["New passphrase", "Enter it again"] {
        terminal.sees(question);
        terminal.hides_input();
        terminal.types("correct horse\r");
    }
    assert!(terminal.ends_with(0).contains("key.age"));
}

#[test]
fn a_terminal_is_offered_a_file() {
    let Some(session) = Session::locked_without_key() else { return };
    let mut terminal = Terminal::start(session.cast(["set", "a", "K", SECRET]));
    terminal.sees("The OS keyring cannot be used: the keyring is locked");
    terminal.sees("agents and MCP servers can use it");
    terminal.sees("1, 2 or 3 [1]: ");
    terminal.types("2\r");
    assert!(terminal.ends_with(0).contains("Secret 'K' set"));
    assert!(session.sandbox.key_file().exists());
}

#[test]
fn an_imported_key_goes_to_a_file_too() {
    let Some(session) = Session::locked_without_key() else { return };
    let owner = Sandbox::new();
    std::fs::write(session.sandbox.home().join("master.key"), owner.key()).unwrap();
    let refused = session.cast(["key", "import", "master.key"]).refuses(4, "the keyring is locked", &[&owner.key()]);
    assert!(refused.err.contains("add '--key-store file'"), "{refused:?}");
    session.cast(["key", "import", "master.key", "--key-store", "file"]).succeeds();
    assert_eq!(session.sandbox.key(), owner.key());
}

#[test]
fn not_while_a_vault_may_need_that_keyring() {
    let Some(mut session) = Session::unlocked() else { return };
    let repository = session.sandbox.home().join("repository");
    session.cast(["set", "a", "K", SECRET]).env("CAST_VAULTS", &repository).succeeds();
    session.stop_keyring();
    session.serve("--start");
    // In the folder of the vault, and elsewhere on this machine.
    for words in [&["init", "--key-store", "file"][..], &["init"], &["set", "b", "K", SECRET]] {
        let call = || session.sandbox.cast(words).env("DBUS_SESSION_BUS_ADDRESS", &session.address);
        for call in [call(), call().env("CAST_VAULTS", &repository)] {
            let refused = call.refuses(4, "the keyring is locked", &[SECRET]);
            assert!(!refused.err.contains("--key-store file"), "{refused:?}");
        }
    }
    assert!(!session.sandbox.key_file().exists());
}

#[test]
fn a_key_that_is_in_the_keyring_is_found() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["init"]).succeeds();
    let again = session.cast(["init", "--key-store", "file"]).succeeds();
    assert!(again.err.contains("A key already exists in the OS keyring"), "{again:?}");
    assert!(!session.sandbox.key_file().exists());
}
