//! `cast doctor --backup`: a backup opens every vault, or doctor names the vaults that it does not open.

use std::fs;

use serde_json::Value;

use super::{checks, diagnosed, only};
use crate::sandbox::Sandbox;

#[test]
fn a_backup_opens_every_vault() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    sandbox.set("b", "K", "hunter2");
    sandbox.cast(["key", "export", "--output", "master.key"]).succeeds();
    // doctor needs no other key and looks for none.
    fs::rename(sandbox.key_file(), sandbox.home().join("away")).unwrap();
    let outcome = sandbox.cast(["doctor", "--backup", "master.key"]).succeeds();
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("", "✓ The backup opens all 2 vaults\n"));
    let (_, json) = diagnosed(sandbox.cast(["doctor", "--backup", "master.key", "--json"]));
    assert_eq!((&json["keyring"], &json["key"]), (&Value::Null, &Value::Null));
    assert_eq!(json["vaults"][1], serde_json::json!({"agent": "b", "opens": true}));
    assert!(!sandbox.key_file().exists());
    // One vault that the backup does not open.
    let stranger = Sandbox::with("b", &[("K", "hunter2")]);
    fs::copy(stranger.vault("b"), sandbox.vault("b")).unwrap();
    let (outcome, json) = diagnosed(sandbox.cast(["doctor", "--backup", "master.key", "--json"]));
    let (message, fix) = only(&json, "backup");
    assert!(message.starts_with("the backup does not open the vault of agent 'b': "), "{message}");
    assert!(fix[0].contains("cast key export --output FILE"));
    outcome.says_nothing_of(&[&stranger.key()]);
    // Files that are not backups.
    let agent_key = stranger.cast(["key", "export", "--agent", "b"]).succeeds().out;
    fs::write(sandbox.home().join("agent.key"), &agent_key).unwrap();
    let refused = ["doctor", "--backup", "agent.key"];
    sandbox.cast(refused).refuses(4, "is no backup of the master key", &[agent_key.trim()]);
    fs::write(sandbox.home().join("none.key"), "hunter2").unwrap();
    sandbox.cast(["doctor", "--backup", "none.key"]).refuses(4, "--backup does not contain a usable key", &["hunter2"]);
    sandbox.cast(["doctor", "--backup", "missing.key"]).refuses(
        4,
        "cannot read the file that --backup names",
        &["missing.key"],
    );
    // Nothing to prove it on.
    let empty = Sandbox::empty();
    fs::copy(sandbox.home().join("master.key"), empty.home().join("master.key")).unwrap();
    let outcome = empty.cast(["doctor", "--backup", "master.key"]).succeeds();
    assert_eq!(outcome.err, "✓ The backup holds a key, but there are no vaults to open with it\n");
}

#[test]
fn a_backup_from_before_a_rotation() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    sandbox.cast(["key", "export", "--output", "master.key"]).succeeds();
    sandbox.cast(["key", "rotate"]).succeeds();
    let (outcome, json) = diagnosed(sandbox.cast(["doctor", "--backup", "master.key", "--json"]));
    assert_eq!((outcome.code, checks(&json)), (1, vec!["backup"]));
    // The key store itself is in order: a former key behind the new one is not a problem.
    sandbox.cast(["doctor"]).succeeds();
    sandbox.cast(["key", "export", "--output", "new.key"]).succeeds();
    sandbox.cast(["doctor", "--backup", "new.key"]).succeeds();
}
