//! `cast key status`: shows where the key is, which it is and what it opens, and nothing secret.

use std::fs;

use super::{exported, sandbox, with_vaults_of};
use crate::forge::Key;
use crate::sandbox::Sandbox;

#[test]
fn says_where_the_key_is_and_what_it_opens() {
    let sandbox = sandbox();
    let public = Key::master(&sandbox).recipient();
    let outcome = sandbox.cast(["key", "status"]).succeeds();
    assert!(outcome.out.contains(sandbox.key_file().to_str().unwrap()) && outcome.out.contains(&public), "{outcome:?}");
    assert_eq!(outcome.err, "");
    outcome.says_nothing_of(&["AGE-SECRET-KEY", "hunter2"]);
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.cast(["key", "status", "--json"]).succeeds().out).unwrap();
    assert_eq!((&json["place"], &json["variable"]), (&"file".into(), &serde_json::Value::Null));
    assert_eq!(json["path"], sandbox.key_file().to_str().unwrap());
    let key = &json["keys"][0];
    assert_eq!((&key["kind"], &key["public"]), (&"master".into(), &public.into()));
    assert_eq!(key["vaults"], serde_json::json!(["a", "b"]));
    assert!(key["created_at"].as_str().unwrap().ends_with('Z'), "{json}");
    assert_eq!(json["closed"], serde_json::json!([]));
}

#[test]
fn names_the_vaults_that_do_not_open() {
    let sandbox = sandbox();
    let old = fs::read(sandbox.vault("a")).unwrap();
    sandbox.set("a", "K", "newer");
    fs::write(sandbox.vault("a"), old).unwrap();
    let outcome = sandbox.cast(["key", "status"]).succeeds();
    assert!(outcome.out.contains("Cannot open: the vault of agent 'a' is older"), "{outcome:?}");
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.cast(["key", "status", "--json"]).succeeds().out).unwrap();
    assert_eq!(json["closed"][0]["agent"], "a");
    assert_eq!(json["keys"][0]["vaults"], serde_json::json!(["b"]));
}

#[test]
fn of_an_agent_key() {
    let owner = sandbox();
    let key = exported(&owner, &["--agent", "a"]);
    let runner = with_vaults_of(&owner);
    let status = |words: &[&str]| runner.cast(["key", "status"].iter().chain(words)).env("CAST_KEY", &key).succeeds();
    let outcome = status(&[]);
    for part in ["CAST_KEY", "agent key of 'a'", "epoch 1"] {
        assert!(outcome.out.contains(part), "{outcome:?}");
    }
    // One line for the vaults of all others.
    owner.set("c", "K", "hunter2");
    let runner = with_vaults_of(&owner);
    let status = |words: &[&str]| runner.cast(["key", "status"].iter().chain(words)).env("CAST_KEY", &key).succeeds();
    let closed = status(&[]).out.lines().filter(|line| line.starts_with("Cannot open")).map(str::to_owned).collect();
    assert_eq!(Vec::<String>::from_iter([closed]), ["Cannot open, as it is an agent key: b, c"]);
    let json: serde_json::Value = serde_json::from_str(&status(&["--json"]).out).unwrap();
    assert_eq!((&json["place"], &json["variable"]), (&"variable".into(), &"CAST_KEY".into()));
    assert_eq!((&json["keys"][0]["kind"], &json["keys"][0]["agent"]), (&"agent".into(), &"a".into()));
    assert_eq!(json["keys"][0]["vaults"], serde_json::json!(["a"]));
}

#[test]
fn without_a_key() {
    Sandbox::empty().cast(["key", "status"]).refuses(4, "no key", &[]);
    let sandbox = sandbox();
    fs::remove_file(sandbox.key_file()).unwrap();
    let refused = sandbox.cast(["key", "status", "--json"]).refuses(4, "no key", &[]);
    assert!(refused.err.contains("cast key import"), "{refused:?}");
}
