//! What is brokered, in every listing; and that copies and new names keep it.

use std::fs;

use serde_json::json;

use super::{VALUE, line, text};
use crate::sandbox::Sandbox;

/// An agent with a brokered secret and a plain one.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with("codex", &[("PLAIN", VALUE)]);
    let hosts = ["--host", "b.corp:8443", "--host", "a.corp"];
    let words = ["--in", "header:X-Key", "--prefix", "sk-"];
    sandbox.cast(["set", "codex", "K", VALUE].iter().chain(&hosts).chain(&words)).succeeds();
    sandbox
}

const FLAGS: &str = "brokered to a.corp, brokered to b.corp:8443, in header:X-Key, prefix sk-";

#[test]
fn list_shows_all_of_it() {
    let sandbox = sandbox();
    let table = sandbox.cast(["list", "codex"]).succeeds();
    let row = |key: &str| table.out.lines().find(|line| line.starts_with(key)).unwrap();
    assert!(row("KEY").ends_with("  FLAGS") && row("K ").ends_with(&format!("  {FLAGS}")), "{table:?}");
    assert!(!row("PLAIN").contains("to "), "{table:?}");
    table.says_nothing_of(&["hunter2"]);
    let brokered = line(&sandbox, "codex", "K");
    for (name, expected) in [
        ("hosts", json!(["a.corp", "b.corp:8443"])),
        ("in", json!(["header:X-Key"])),
        ("prefix", json!("sk-")),
        ("masked", json!(true)),
        ("unmasked", json!(false)),
    ] {
        assert_eq!(brokered[name], expected, "{name}");
    }
    let plain = line(&sandbox, "codex", "PLAIN");
    assert_eq!([&plain["hosts"], &plain["in"], &plain["prefix"]], [&json!([]), &json!([]), &json!(null)]);
}

/// A brokered secret is one that the agent has.
#[test]
fn check_counts_it() {
    let sandbox = sandbox();
    fs::write(sandbox.home().join(".env.example"), "K=\nPLAIN=\n").unwrap();
    let check = sandbox.cast(["secrets", "check", "codex"]).succeeds();
    assert_eq!(check.err, "✓ Agent 'codex' has every secret of '.env.example'\n");
    check.says_nothing_of(&["hunter2"]);
    fs::write(sandbox.home().join(".env.example"), "PLAIN=\nMISSING=\n").unwrap();
    let check = sandbox.cast(["secrets", "check", "codex", "--json"]).run();
    let found: serde_json::Value = serde_json::from_str(&check.out).unwrap();
    assert_eq!((check.code, &found["missing"], &found["extra"]), (1, &json!(["MISSING"]), &json!(["K"])));
}

#[test]
fn copies_and_new_names_keep_it() {
    let sandbox = sandbox();
    let is_same = |agent: &str, key: &str| {
        let (one, other) = (line(&sandbox, "codex", "K"), line(&sandbox, agent, key));
        ["hosts", "in", "prefix"].iter().all(|name| one[name] == other[name])
    };
    for (agent, words) in [("other", &["codex", "other", "K"][..]), ("builtin", &["codex", "builtin"])] {
        sandbox.cast(["secrets", "copy"].iter().chain(words)).succeeds().says_nothing_of(&["hunter2"]);
        assert!(is_same(agent, "K"));
        assert!(text(&sandbox, agent).values.contains(VALUE));
    }
    // In the place of a plain one, it is not given as it is.
    sandbox.set("third", "K", VALUE);
    sandbox.cast(["secrets", "copy", "codex", "third", "K", "--replace"]).succeeds();
    assert!(is_same("third", "K"));
    let values = text(&sandbox, "third").values.replace("[secrets.K]", "[secrets.NEW]");
    sandbox.cast(["secrets", "rename", "third", "K", "NEW"]).succeeds().says_nothing_of(&["hunter2"]);
    assert!(is_same("third", "NEW"));
    assert_eq!(text(&sandbox, "third").values, values);
}

/// What changed in a vault that is accepted.
#[test]
fn accept_shows_where_a_secret_goes() {
    let sandbox = sandbox();
    let edited = text(&sandbox, "codex")
        .edited("a.corp", "evil.corp")
        .edited("hosts = [\"evil.corp\", \"b.corp:8443\"]", "hosts = [\"b.corp:8443\", \"evil.corp\"]");
    let edited = crate::forge::Text { at: "ffffffff.9".into(), rules: "ffffffff.9".into(), ..edited };
    fs::write(sandbox.vault("codex"), edited.seal(crate::forge::Key::master(&sandbox))).unwrap();
    let asked = sandbox.cast(["vault", "accept", "codex"]).run();
    let changed = format!(
        "  K: flags changed: 'brokered to b.corp:8443, brokered to evil.corp, in header:X-Key, prefix sk-' (was \
         '{FLAGS}')"
    );
    assert!(asked.code == 2 && asked.err.lines().any(|line| line == changed), "{asked:?}");
    asked.says_nothing_of(&["hunter2"]);
}
