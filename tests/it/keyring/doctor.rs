//! `cast doctor` with a real keyring: it shows the keyring's state, and causes no dialog that it can avoid.

use std::fs;

use serde_json::Value;

use super::Session;
use crate::doctor::{checks, diagnosed};

#[test]
fn a_keyring_that_holds_the_key() {
    let Some(session) = Session::unlocked() else { return };
    let fresh = session.cast(["doctor"]).succeeds();
    assert!(fresh.out.contains("keyring    the keyring is open and holds no key for cast\n"), "{fresh:?}");
    assert!(fresh.out.contains("key        none yet: the first 'cast secrets set' creates it\n"), "{fresh:?}");
    assert_eq!(session.items(), 0);
    session.cast(["set", "a", "K", "hunter2-hunter2"]).succeeds();
    session.cast(["set", "b", "K", "hunter2-hunter2"]).succeeds();
    let before = session.sandbox.snapshot();
    let outcome = session.cast(["doctor"]).succeeds();
    assert_eq!(
        outcome.out,
        "CHECK      STATE\n\
         keyring    the keyring is open and holds the key\n\
         key        in the OS keyring\n\
         backup     the key was never exported: 'cast key export --output FILE'\n\
         vaults     all 2 open\n\
         audit log  on\n"
    );
    assert_eq!(outcome.err, "✓ Everything works, but the key has no backup\n");
    let json: Value = serde_json::from_str(&session.cast(["doctor", "--json"]).succeeds().out).unwrap();
    assert_eq!((&json["healthy"], &json["keyring"]["state"]), (&true.into(), &"key".into()));
    assert!(session.sandbox.snapshot() == before, "doctor changed something");
}

#[test]
fn a_locked_keyring_and_nobody_there() {
    let Some(mut session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", "hunter2-hunter2"]).succeeds();
    session.stop_keyring();
    session.serve("--start");
    let (outcome, json) = diagnosed(session.cast(["doctor", "--json"]));
    assert_eq!(outcome.code, 1);
    assert_eq!(json["keyring"]["state"], "locked");
    assert_eq!(checks(&json), ["keyring"]);
    assert!(json["findings"][0]["message"].as_str().unwrap().contains("the keyring is locked"), "{json}");
    assert!(!json["findings"][0]["fix"].as_array().unwrap().is_empty());
    assert_eq!(json["vaults"], serde_json::json!([{"agent": "a", "opens": false}]));
}

#[test]
fn a_locked_keyring_is_not_needed_with_a_key_at_hand() {
    let Some(mut session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", "hunter2-hunter2"]).succeeds();
    let key = session.command("secret-tool").args(["lookup", "service", "cast", "username", "master-key"]).output();
    let key = String::from_utf8(key.unwrap().stdout).unwrap();
    let backup = session.sandbox.home().join("master.key");
    fs::write(&backup, &key).unwrap();
    session.stop_keyring();
    session.serve("--start");
    let outcome = session.cast(["doctor"]).env("CAST_KEY_FILE", &backup).succeeds();
    assert!(outcome.out.contains("the keyring is locked"), "{outcome:?}");
    assert!(outcome.out.contains("key        in CAST_KEY_FILE\n"), "{outcome:?}");
    // Checking a backup causes none at all.
    let proof = session.cast(["doctor", "--backup", "master.key"]).succeeds();
    assert_eq!(proof.err, "✓ The backup opens the only vault\n");
}

#[test]
fn a_key_that_is_gone() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    assert!(session.command("secret-tool").args(["clear", "service", "cast"]).status().unwrap().success());
    let (_, json) = diagnosed(session.cast(["doctor", "--json"]));
    assert_eq!((&json["keyring"]["state"], checks(&json)), (&"empty".into(), vec!["key"]));
    assert!(
        json["findings"][0]["message"].as_str().unwrap().contains("no key for the vault here: the OS keyring has none"),
        "{json}"
    );
    assert_eq!(session.items(), 0);
}

#[test]
fn two_entries() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    // An additional attribute makes it a different item.
    let words = ["store", "--label=another", "service", "cast", "username", "master-key", "more", "1"];
    let mut store = session.command("secret-tool");
    let mut child = store.args(words).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"no key").unwrap();
    assert!(child.wait().unwrap().success());
    let (_, json) = diagnosed(session.cast(["doctor", "--json"]));
    assert_eq!((&json["keyring"]["state"], checks(&json)), (&"trouble".into(), vec!["keyring"]));
    assert!(json["findings"][0]["message"].as_str().unwrap().contains("2 entries"), "{json}");
}

#[test]
fn a_key_file_that_could_be_in_the_keyring() {
    let Some(mut session) = Session::start() else { return };
    session.cast(["init"]).succeeds();
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    let without = session.cast(["doctor"]).succeeds();
    assert!(without.out.contains("keyring    no Secret Service is running\n"), "{without:?}");
    session.serve("--unlock");
    let (outcome, json) = diagnosed(session.cast(["doctor", "--json"]));
    assert_eq!((outcome.code, checks(&json)), (1, vec!["key"]));
    assert_eq!(json["findings"][0]["fix"], serde_json::json!(["move it: 'cast key move keyring'"]));
    // The fix works.
    session.cast(["key", "move", "keyring"]).succeeds();
    session.cast(["doctor"]).succeeds();
}
