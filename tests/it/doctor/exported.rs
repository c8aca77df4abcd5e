//! The line of `cast doctor` about a backup of the key, until the key was exported once.

use std::fs;

use serde_json::Value;

use super::diagnosed;
use crate::sandbox::Sandbox;

const LINE: &str = "backup     the key was never exported: 'cast key export --output FILE'\n";

/// What doctor says of a backup. It is no problem that needs care: the exit code does not change.
#[track_caller]
fn backup(sandbox: &Sandbox) -> Value {
    let (outcome, json) = diagnosed(sandbox.cast(["doctor", "--json"]));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let told = sandbox.cast(["doctor"]).succeeds().out;
    assert_eq!(told.contains(LINE), json["backup"]["exported"] == false, "{told}");
    json["backup"].clone()
}

fn never() -> Value {
    let fix = ["'cast key export --output FILE'"];
    serde_json::json!({"exported": false, "message": "the key was never exported", "fix": fix})
}

fn once() -> Value {
    serde_json::json!({"exported": true, "message": "the key was exported", "fix": []})
}

#[test]
fn until_the_key_was_exported() {
    let sandbox = Sandbox::new();
    assert_eq!(backup(&sandbox), never());
    sandbox.set("a", "K", "hunter2");
    assert_eq!(backup(&sandbox), never());
    // An agent key is no backup, nor is an export that did not arrive.
    sandbox.cast(["key", "export", "--agent", "a", "--output", "agent.key"]).succeeds();
    sandbox.cast(["key", "export", "--output", "agent.key"]).refuses(6, "already exists", &[]);
    assert_eq!(backup(&sandbox), never());
    sandbox.cast(["key", "export", "--output", "master.key"]).succeeds();
    assert_eq!(backup(&sandbox), once());
    sandbox.cast(["delete", "a", "--all", "--yes"]).succeeds();
    assert_eq!(backup(&sandbox), once());
}

#[test]
fn after_a_rotation_it_counts_anew() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    sandbox.cast(["key", "export", "--output", "master.key"]).succeeds();
    sandbox.cast(["key", "rotate"]).succeeds();
    assert_eq!(backup(&sandbox), never());
    sandbox.cast(["key", "export", "--output", "new.key"]).succeeds();
    assert_eq!(backup(&sandbox), once());
    // Without its former key, and elsewhere in the store, it is the same key.
    sandbox.cast(["key", "rotate", "--retire"]).succeeds();
    assert_eq!(backup(&sandbox), once());
}

#[test]
fn a_key_that_came_from_a_file_has_a_copy() {
    let owner = Sandbox::with("a", &[("K", "hunter2")]);
    owner.cast(["key", "export", "--output", "master.key"]).succeeds();
    let second = Sandbox::empty();
    fs::copy(owner.home().join("master.key"), second.home().join("master.key")).unwrap();
    second.cast(["key", "import", "master.key"]).succeeds();
    assert_eq!(backup(&second), once());
    // The key that is here already did not come from elsewhere.
    let third = Sandbox::with("a", &[("K", "hunter2")]);
    fs::copy(third.key_file(), third.home().join("copy")).unwrap();
    third.cast(["key", "import", "copy"]).succeeds();
    assert_eq!(backup(&third), never());
}

#[test]
fn a_key_of_the_caller_is_not_asked_about() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    for words in [&["doctor", "--json"][..], &["doctor", "--backup", "key", "--json"]] {
        fs::write(sandbox.home().join("key"), sandbox.key()).unwrap();
        let (_, json) = diagnosed(sandbox.cast(words).env("CAST_KEY", sandbox.key()));
        assert_eq!(json["backup"], Value::Null);
    }
    let told = sandbox.cast(["doctor"]).env("CAST_KEY", sandbox.key()).succeeds();
    assert!(!told.out.contains("backup"), "{told:?}");
}
