//! A keyring that cannot be used, with a real one.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::{told, typed};
use crate::keyring::Session;
use crate::sandbox::{Call, Outcome, Sandbox, lacks};

const SECRET: &str = "hunter2-hunter2";

/// What a person types in this session.
fn in_session<'a>(session: &'a Session, line: &str) -> Call<'a> {
    typed(&session.sandbox, line).env("DBUS_SESSION_BUS_ADDRESS", &session.address)
}

/// With a vault whose key is in the keyring, and a backup of it in `master.key`.
fn with_vault() -> Option<Session> {
    let session = Session::unlocked()?;
    session.cast(["set", "a", "K", SECRET]).succeeds();
    session.cast(["key", "export", "--output", "master.key"]).succeeds();
    Some(session)
}

#[track_caller]
fn refused(session: &Session, message: &str) -> Outcome {
    session.cast(["list", "a"]).refuses(4, message, &[SECRET])
}

#[test]
fn none_in_this_session() {
    let Some(mut session) = Session::start() else { return };
    session.cast(["init", "--key-store", "file"]).succeeds();
    session.cast(["set", "a", "K", SECRET]).succeeds();
    let key = session.sandbox.key();
    let moving = session.cast(["key", "move", "keyring"]);
    let refused = moving.refuses(4, "the key stays where it is: no Secret Service is running", &[SECRET, &key]);
    assert!(!refused.err.contains("no key"), "{refused:?}");
    told(&refused, "start a keyring in this session (GNOME Keyring, KWallet or KeePassXC), then try again");
    session.serve("--unlock");
    session.cast(["key", "move", "keyring"]).succeeds();
    session.cast(["doctor"]).succeeds();
    // And where there is no bus at all.
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    let moving = sandbox.cast(["key", "move", "keyring"]);
    moving.refuses(4, "the key stays where it is: no D-Bus session is reachable", &[SECRET]);
}

#[test]
fn locked() {
    let Some(mut session) = with_vault() else { return };
    session.stop_keyring();
    session.serve("--start");
    let refused = refused(&session, "the keyring is locked");
    told(&refused, "without a desktop, provide the key with CAST_KEY_FILE");
    in_session(&session, "CAST_KEY_FILE=master.key cast list a").succeeds();
    told(&refused, "try again in the desktop session, where the keyring can show its dialog");
    // As logging in there does.
    session.stop_keyring();
    session.serve("--unlock");
    session.cast(["list", "a"]).succeeds();
}

#[test]
fn locked_and_the_key_in_a_file() {
    let Some(mut session) = Session::unlocked() else { return };
    session.stop_keyring();
    session.serve("--start");
    let set = || session.cast(["set", "a", "K", SECRET]);
    let first = set().refuses(4, "the keyring is locked", &[SECRET]);
    let advice = told(&first, "or, as no vault needs that keyring yet, {in_a_file}");
    in_session(&session, &advice.command("cast init --key-store file")).succeeds();
    set().succeeds();
    // Nothing more to do: that keyring takes no key.
    session.cast(["doctor"]).succeeds();
    let refused = session.cast(["key", "move", "keyring"]).refuses(
        4,
        "the key stays where it is: the keyring is locked",
        &[SECRET, &session.sandbox.key()],
    );
    told(&refused, "try again in the desktop session, where the keyring can show its dialog");
    session.stop_keyring();
    session.serve("--unlock");
    let found = session.cast(["doctor"]).run();
    in_session(&session, &told(&found, "move it: 'cast key move keyring'").command("cast key move")).succeeds();
    session.cast(["doctor"]).succeeds();
}

#[test]
fn without_a_default_collection() {
    let Some(mut session) = Session::start() else { return };
    session.serve("--start");
    // Not "make one with 'cast init'", which cannot work there either.
    for words in [["key", "status"], ["key", "rotate"]] {
        let refused = session.cast(words).refuses(4, "the keyring has no default collection", &[]);
        told(&refused, "create a keyring in 'Passwords and Keys' (seahorse) and set it as the default, then try again");
    }
    // As a log-in with a password does.
    session.stop_keyring();
    session.serve("--unlock");
    session.cast(["set", "a", "K", SECRET]).succeeds();
    session.cast(["doctor"]).succeeds();
}

#[test]
fn open_and_empty() {
    let Some(session) = Session::unlocked() else { return };
    let owner = Sandbox::new();
    fs::write(session.sandbox.home().join("master.key"), owner.key()).unwrap();
    let refused = session.cast(["key", "status"]).refuses(4, "the OS keyring has none for cast", &[]);
    let advice = told(&refused, "provide one: {GIVE_KEY}, or make one: 'cast init'");
    in_session(&session, &advice.before("CAST_KEY_FILE=", "key status")).succeeds();
    in_session(&session, &advice.command("cast init")).succeeds();
    session.cast(["key", "status"]).succeeds();
}

#[test]
fn silent() {
    let Some(mut session) = with_vault() else { return };
    let keyring = Pid::from_child(session.keyring.as_ref().unwrap());
    kill_process(keyring, Signal::STOP).unwrap();
    let refused = refused(&session, "the keyring did not answer in time");
    told(&refused, "look for an unlock dialog behind other windows, or restart the keyring service, then try again");
    session.stop_keyring();
    session.serve("--unlock");
    session.cast(["list", "a"]).succeeds();
}

#[test]
fn with_two_entries() {
    let Some(session) = with_vault() else { return };
    session.store(&["more", "1"], b"AGE-SECRET-KEY-1ANOTHER");
    let refused = refused(&session, "2 entries");
    let form = "save all of them first: (umask 077; secret-tool search --all --unlock service cast username master-key > cast-keys.txt)";
    told(&refused, form);
    let line = refused.err.lines().find_map(|line| line.split_once("save all of them first: ")).unwrap().1;
    in_session(&session, line).succeeds();
    let saved = fs::read_to_string(session.sandbox.home().join("cast-keys.txt")).unwrap();
    let key = fs::read_to_string(session.sandbox.home().join("master.key")).unwrap();
    let key = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap();
    assert!(saved.contains(key) && saved.contains("ANOTHER"));
    let form = "then delete all of them with 'secret-tool clear service cast username master-key', and store the right one again";
    in_session(&session, &told(&refused, form).command("secret-tool clear")).succeeds();
    assert_eq!(session.items(), 0);
    in_session(&session, "grep -o 'AGE-SECRET-KEY-1[A-Z0-9]*' cast-keys.txt | grep -v ANOTHER | cast key import -")
        .succeeds();
    session.cast(["list", "a"]).succeeds();
}

#[test]
fn with_an_entry_that_is_damaged() {
    for entry in [&b"AGE-SECRET-KEY-1\xff\xfe"[..], b"nonsense"] {
        let Some(session) = with_vault() else { return };
        session.store(&[], entry);
        let refused = refused(&session, "is damaged");
        told(&refused, "use a backup of the key for now, with CAST_KEY_FILE");
        in_session(&session, "CAST_KEY_FILE=master.key cast list a").succeeds();
        let form = "if you have a backup, replace the entry: 'secret-tool clear service cast username master-key', then 'cast key import'";
        let advice = told(&refused, form);
        in_session(&session, &advice.command("secret-tool clear")).succeeds();
        in_session(&session, &format!("{} master.key", advice.command("cast key import"))).succeeds();
        session.cast(["doctor"]).succeeds();
    }
}

#[test]
fn a_key_file_in_a_work_tree() {
    if lacks("git", "advice: a key file in a work tree") {
        return;
    }
    let Some(mut session) = Session::start() else { return };
    session.cast(["init", "--key-store", "file"]).succeeds();
    session.sandbox.other("git", ["init", "-q", "."]).succeeds();
    session.serve("--unlock");
    let found = session.cast(["doctor"]).run();
    let advice = told(&found, "move the key: 'cast key move keyring'");
    in_session(&session, &advice.command("cast key move")).succeeds();
    session.cast(["doctor"]).succeeds();
}

#[test]
fn of_other_homes_too() {
    let Some(session) = Session::unlocked() else { return };
    let home = session.sandbox.home().join("apart");
    let cast = |words: &[&str]| {
        session.sandbox.cast(words).env("DBUS_SESSION_BUS_ADDRESS", &session.address).env("CAST_HOME", &home)
    };
    cast(&["set", "a", "K", SECRET]).succeeds();
    let refused = cast(&["key", "move", "file"]).refuses(2, "all homes of this user", &[]);
    told(&refused, "if none does, add '--yes'");
    cast(&["key", "move", "file", "--yes"]).succeeds();
    cast(&["list", "a"]).succeeds();
}
