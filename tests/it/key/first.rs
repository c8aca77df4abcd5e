//! The first key: created explicitly, once, and never beside vaults that need another key.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use super::sandbox;
use crate::sandbox::Sandbox;

#[test]
fn no_keyring_and_nobody_to_ask() {
    let sandbox = Sandbox::empty();
    for words in [&["set", "a", "K", "hunter2"][..], &["secrets", "set", "a", "K", "hunter2"]] {
        let outcome = sandbox.cast(words).refuses(4, "no key", &["hunter2"]);
        for command in ["'cast init", "CAST_KEY_FILE="] {
            assert!(outcome.err.contains(command), "{outcome:?}");
        }
    }
    // The command in the hint works.
    let said = sandbox.cast(["set", "a", "K", "v"]).run().err;
    let command = said.split('\'').find(|words| words.starts_with("cast init")).unwrap();
    sandbox.cast(command.split(' ').skip(1)).succeeds();
    sandbox.set("a", "K", "v");
}

#[test]
fn init_makes_a_key_file_and_says_so() {
    let sandbox = Sandbox::empty();
    let outcome = sandbox.cast(["init"]).succeeds();
    assert!(outcome.err.contains(sandbox.key_file().to_str().unwrap()), "{outcome:?}");
    assert!(outcome.err.contains("cast: hint: ") && outcome.err.contains("passphrase"), "{outcome:?}");
    assert!(outcome.err.contains("hint: back it up") && outcome.err.contains("'cast key export "), "{outcome:?}");
    assert_eq!(outcome.out, "");
    outcome.says_nothing_of(&["AGE-SECRET-KEY", &sandbox.key()]);
    assert_eq!(fs::metadata(sandbox.key_file()).unwrap().permissions().mode() & 0o777, 0o600);
    // Harmless if there is a key.
    let before = sandbox.snapshot();
    for words in [&["init"][..], &["init", "--key-store", "file"]] {
        let again = sandbox.cast(words).succeeds();
        assert!(again.err.contains("A key already exists"), "{again:?}");
    }
    assert!(sandbox.snapshot() == before);
}

#[test]
fn none_is_made_beside_vaults_that_wait_for_theirs() {
    let sandbox = sandbox();
    let key = sandbox.key();
    fs::remove_file(sandbox.key_file()).unwrap();
    for file in [".env", ".env.example"] {
        fs::write(sandbox.home().join(file), "K=hunter2\n").unwrap();
    }
    for words in [
        &["set", "a", "K", "hunter2"][..],
        &["secrets", "import", "a", ".env"],
        &["secrets", "import", "new", ".env"],
        &["secrets", "check", "a"],
        &["secrets", "copy", "a", "new"],
        &["secrets", "rename", "a", "K", "L"],
        &["list", "--stale", "90d"],
        &["set", "new", "K", "hunter2"],
        &["init"],
        &["init", "--key-store", "file"],
        &["init", "--key-store", "keyring"],
        &["init", "--key-store", "passphrase"],
        &["list", "a"],
        &["delete", "a", "K"],
    ] {
        let outcome = sandbox.cast(words).refuses(4, "no key", &["hunter2"]);
        assert!(outcome.err.contains("CAST_KEY_FILE="), "how to bring it back: {outcome:?}");
        assert!(outcome.err.contains("if it is lost for good"), "{outcome:?}");
    }
    sandbox.cast(["run", "a", "--", "touch", "started"]).refuses(125, "no key", &["hunter2"]);
    // A damaged vault also needs its key.
    fs::write(sandbox.vault("a"), "").unwrap();
    sandbox.cast(["init", "--key-store", "file"]).refuses(4, "no key", &[]);
    sandbox.cast(["set", "new", "K", "hunter2"]).env("CAST_KEY", key).refuses(
        5,
        "opens none of the vaults",
        &["hunter2"],
    );
}

#[test]
fn after_a_loss_one_starts_over_as_the_hint_says() {
    let sandbox = sandbox();
    let lost = sandbox.key();
    fs::remove_file(sandbox.key_file()).unwrap();
    let refused = sandbox.cast(["init"]).refuses(4, "no key for the ", &["hunter2"]);
    let typed = refused.err.split_once("move the folder away: ").unwrap().1.lines().next().unwrap();
    sandbox.other("sh", ["-c", typed]).succeeds();
    assert!(sandbox.data().join("vaults.lost/a.age").exists(), "nothing is deleted");
    sandbox.cast(["init"]).succeeds();
    sandbox.cast(["set", "a", "K", "hunter3", "--new"]).succeeds();
    assert_eq!(sandbox.value("a", "K"), b"hunter3");
    assert_ne!(sandbox.key(), lost);
}

#[test]
fn a_keyring_that_is_not_there_is_said() {
    let sandbox = Sandbox::empty();
    sandbox.cast(["init", "--key-store", "keyring"]).refuses(4, "no OS keyring here", &[]);
    sandbox.cast(["init", "--key-store", "passphrase"]).refuses(2, "passphrase", &[]);
}

#[test]
fn many_first_inits_at_once_make_one_key() {
    for _ in 0..5 {
        let sandbox = Sandbox::empty();
        let outcomes: Vec<_> = thread::scope(|scope| {
            let inits: Vec<_> =
                (0..4).map(|_| scope.spawn(|| sandbox.cast(["init", "--key-store", "file"]).succeeds())).collect();
            inits.into_iter().map(|init| init.join().unwrap()).collect()
        });
        let made = outcomes.iter().filter(|outcome| outcome.err.contains("Master key created")).count();
        assert_eq!(made, 1, "{outcomes:?}");
        assert_eq!(fs::read_to_string(sandbox.key_file()).unwrap().matches("AGE-SECRET-KEY").count(), 1);
        sandbox.set("a", "K", "v");
        // One key and that it was made, one vault, one replica; of the vault its record, names, states and place.
        assert_eq!(sandbox.snapshot().len(), 8, "{:?}", sandbox.snapshot().keys());
    }
}
