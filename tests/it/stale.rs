//! `cast list --stale`: lists secrets last set long ago.

use std::fs;

use serde_json::Value;

use crate::forge::{Key, Text};
use crate::sandbox::Sandbox;

/// `a` with a secret from 2020 and one from today; `builtin` with one from 2020.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with("a", &[("OLD", "sk-live-old"), ("NEW", "sk-live-new")]);
    sandbox.set("builtin", "SHARED", "sk-live-shared");
    for (agent, key) in [("a", "OLD"), ("builtin", "SHARED")] {
        let master = Key::master(&sandbox);
        let text = Text::read(&sandbox.vault(agent), master);
        let begin = text.values.find(&format!("[secrets.{key}]")).unwrap();
        let end = text.values[begin..].find("\n\n").map_or(text.values.len(), |length| begin + length + 1);
        let aged = text.values[begin..end].lines().map(|line| match line.split_once(" = ") {
            Some((field @ ("created" | "updated"), _)) => format!("{field} = 2020-01-15T10:30:00Z\n"),
            _ => format!("{line}\n"),
        });
        let values = [&text.values[..begin], &aged.collect::<String>(), &text.values[end..]].concat();
        let aged = Text { values, ..text.clone() }.next_values();
        fs::write(sandbox.vault(agent), aged.seal(master)).unwrap();
    }
    sandbox
}

fn keys(text: &str) -> Vec<(Value, Value)> {
    let lines: Vec<Value> = serde_json::from_str(text).unwrap();
    lines.into_iter().map(|line| (line["agent"].clone(), line["key"].clone())).collect()
}

#[test]
fn of_one_agent() {
    let sandbox = sandbox();
    let list = |age: &str| sandbox.cast(["list", "a", "--stale", age, "--json"]).succeeds().out;
    for age in ["90d", "12w", "3m", "4y", "P90D", "2 months 3 days"] {
        assert_eq!(keys(&list(age)), [(Value::Null, "OLD".into()), (Value::Null, "SHARED".into())], "{age}");
    }
    assert_eq!(list("99y"), "[]\n");
    let table = sandbox.cast(["secrets", "list", "--stale=90d", "a"]).succeeds();
    assert_eq!(
        table.out,
        "KEY                CREATED              UPDATED\nOLD                2020-01-15 10:30:00  2020-01-15 10:30:00\n\
         SHARED (built-in)  2020-01-15 10:30:00  2020-01-15 10:30:00\n"
    );
    let none = sandbox.cast(["list", "a", "--stale", "99y"]).succeeds();
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "✓ No secret of agent 'a' is that old\n"));
}

#[test]
fn of_all_agents() {
    let sandbox = sandbox();
    sandbox.set("b", "K", "sk-live-b");
    let list = |age: &str| sandbox.cast(["list", "--stale", age]);
    assert_eq!(
        list("90d").succeeds().out,
        "AGENT    KEY     CREATED              UPDATED\na        OLD     2020-01-15 10:30:00  2020-01-15 10:30:00\n\
         builtin  SHARED  2020-01-15 10:30:00  2020-01-15 10:30:00\n"
    );
    let json = sandbox.cast(["list", "--stale", "90d", "--json"]).succeeds().out;
    assert_eq!(keys(&json), [("a".into(), "OLD".into()), ("builtin".into(), "SHARED".into())]);
    let line: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(line[0]["updated_at"], "2020-01-15T10:30:00Z");
    assert_eq!(list("99y").succeeds().err, "✓ No secret is that old\n");
    // Unlike the agents, their secrets need a key that opens them.
    let key = crate::forge::grant_of(&sandbox, "a");
    let own = list("90d").env("CAST_KEY", key).succeeds();
    assert!(own.out.contains("OLD") && !own.out.contains("SHARED"), "{own:?}");
    list("90d").env("CAST_KEY", "sk-live").refuses(4, "CAST_KEY", &["sk-live"]);
    sandbox.set("a", "OLD", "sk-live-new");
    assert_eq!(keys(&sandbox.cast(["list", "--stale", "90d", "--json"]).succeeds().out).len(), 1);
}

#[test]
fn a_vault_that_is_refused_keeps_nothing_of_the_others_back() {
    let sandbox = sandbox();
    for agent in ["b", "c"] {
        fs::write(sandbox.vault(agent), "no vault").unwrap();
    }
    let outcome = sandbox.cast(["list", "--stale", "90d"]).run();
    assert_eq!(outcome.code, 5, "{outcome:?}");
    assert!(outcome.out.contains("OLD") && outcome.out.contains("SHARED"), "{outcome:?}");
    let said: Vec<_> = outcome.err.lines().collect();
    assert!(said[0].starts_with("cast: warning: ") && said[0].contains("'b'"), "{outcome:?}");
    assert!(said[1].starts_with("cast: error: ") && said[1].contains("'c'"), "{outcome:?}");
    let json = sandbox.cast(["list", "--stale", "90d", "--json"]).run();
    assert_eq!((json.code, keys(&json.out).len()), (5, 2));
    // The audit log has each refusal.
    assert_eq!(sandbox.audit_log().matches("\"integrity\"").count(), 4, "{}", sandbox.audit_log());
    // cast must not report that nothing is old if it could not read a vault.
    fs::remove_file(sandbox.vault("b")).unwrap();
    sandbox.cast(["list", "--stale", "99y"]).refuses(5, "'c'", &["sk-live"]);
}

#[test]
fn what_is_no_age() {
    let sandbox = sandbox();
    for age in ["", "90", "sk-live", "-3d", "1.5y"] {
        let words = ["list".to_owned(), format!("--stale={age}")];
        sandbox.cast(words).refuses(2, "", &["sk-live"]);
    }
}
