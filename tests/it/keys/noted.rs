//! The audit log has every operation on keys, but nothing of a key.

use std::fs;

use super::{exported, sandbox};

#[test]
fn in_the_audit_log() {
    let sandbox = sandbox();
    fs::write(sandbox.home().join("master.key"), exported(&sandbox, &[])).unwrap();
    exported(&sandbox, &["--agent", "a"]);
    for words in [&["import", "master.key"][..], &["rotate"], &["revoke", "--agent", "b"], &["move", "file"]] {
        sandbox.cast(["key"].iter().chain(words)).succeeds();
    }
    sandbox.cast(["key", "revoke", "--agent", "c"]).refuses(3, "has no vault", &[]);
    let log = sandbox.cast(["audit", "--json"]).succeeds().out;
    let entries: Vec<serde_json::Value> = serde_json::from_str(&log).unwrap();
    let noted: Vec<_> = entries
        .iter()
        .filter(|entry| entry["action"].as_str().unwrap().starts_with("key-"))
        .map(|entry| {
            ["action", "agent", "result"].map(|field| entry[field].as_str().unwrap_or("-").to_owned()).join(" ")
        })
        .collect();
    let expected = [
        "key-export - ok",
        "key-export a ok",
        "key-import - ok",
        "key-rotate - ok",
        "key-revoke b ok",
        "key-move - ok",
        "key-revoke c not-found",
    ];
    let newest_first: Vec<_> = expected.iter().rev().map(|line| (*line).to_owned()).collect();
    assert!(noted == expected || noted == newest_first, "{noted:?}");
    assert!(!log.contains("AGE-SECRET-KEY"));
}
