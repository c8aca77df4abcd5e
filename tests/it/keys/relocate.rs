//! `cast key move` between files; with the keyring, in `on_keyring`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{keys_in, sandbox};
use crate::forge::{Key, encrypt_with_passphrase};
use crate::sandbox::Sandbox;

#[test]
fn to_where_it_is() {
    let sandbox = sandbox();
    let before = sandbox.snapshot();
    let outcome = sandbox.cast(["key", "move", "file"]).succeeds();
    assert!(outcome.err.contains("already in"), "{outcome:?}");
    assert!(sandbox.snapshot() == before);
}

#[test]
fn where_it_cannot_go() {
    let sandbox = sandbox();
    sandbox.cast(["key", "move", "keyring"]).refuses(4, "no D-Bus session is reachable", &[]);
    sandbox.cast(["key", "move", "passphrase"]).refuses(2, "cast cannot ask for a passphrase without a terminal", &[]);
    sandbox.cast(["key", "move", "sk-live"]).refuses(2, "", &["sk-live"]);
    Sandbox::empty().cast(["key", "move", "file"]).refuses(4, "no key", &[]);
    // Never into a repository.
    fs::create_dir(sandbox.home().join(".git")).unwrap();
    sandbox.cast(["key", "rotate"]).refuses(6, "git work tree", &[]);
    sandbox.cast(["list", "a"]).succeeds();
}

#[test]
fn a_copy_that_needs_a_passphrase_is_not_cleared_unseen() {
    let sandbox = sandbox();
    let other = Key::generate().identity();
    let sealed = sandbox.data().join("key.age");
    fs::write(&sealed, encrypt_with_passphrase(other.as_bytes(), "correct horse")).unwrap();
    fs::set_permissions(&sealed, PermissionsExt::from_mode(0o600)).unwrap();
    sandbox.cast(["key", "move", "file"]).refuses(4, "needs its passphrase", &[]);
    // Once cast has seen it, its key moves along, behind the first.
    let mut terminal = crate::terminal::Terminal::start(sandbox.cast(["key", "move", "file"]));
    terminal.sees("Passphrase for ");
    terminal.hides_input();
    terminal.types("correct horse\n");
    let first = sandbox.key();
    terminal.ends_with(0);
    assert_eq!(keys_in(&sandbox.key_file()), [first, other]);
    assert!(!sealed.exists());
}

#[test]
fn a_session_folder_that_is_not_there_is_not_made_and_one_that_is_closed_disturbs_nobody() {
    let sandbox = sandbox();
    let nowhere = sandbox.home().join("run/user/0");
    sandbox.cast(["key", "rotate"]).env("XDG_RUNTIME_DIR", &nowhere).succeeds();
    assert!(!sandbox.home().join("run").exists());
    fs::create_dir_all(&nowhere).unwrap();
    fs::write(nowhere.join("cast"), "in the way").unwrap();
    sandbox.cast(["key", "rotate"]).env("XDG_RUNTIME_DIR", &nowhere).succeeds();
    assert_eq!(keys_in(&sandbox.key_file()).len(), 3);
}

#[test]
fn a_disk_that_takes_nothing_changes_nothing() {
    let sandbox = sandbox();
    for words in [&["key", "rotate"][..], &["key", "revoke", "--agent", "a"], &["key", "rotate", "--retire"]] {
        sandbox.cast_after("ulimit -f 0", words).refuses(6, "file too large", &["hunter2"]);
    }
}

#[test]
fn what_a_killed_writer_left_of_a_key_file_is_cleared() {
    let sandbox = sandbox();
    let leftover = sandbox.data().join("key.tmp");
    fs::write(&leftover, sandbox.key()).unwrap();
    sandbox.cast(["key", "move", "file"]).succeeds();
    assert!(!leftover.exists());
}
