//! The audit log: what cast logs, that it logs only names, and that a failing log blocks no command.

mod kept;
pub mod required;

pub use required::Disk;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sandbox::Sandbox;

/// What `cast audit --json` prints with these further words.
pub fn entries(sandbox: &Sandbox, words: &[&str]) -> Vec<Value> {
    let words = [&["audit", "--json"], words].concat();
    serde_json::from_str(&sandbox.cast(words).succeeds().out).unwrap()
}

/// Each event as `ACTION AGENT KEYS PROGRAM RESULT`.
pub fn told(sandbox: &Sandbox) -> Vec<String> {
    let tell = |entry: &Value| {
        let text = |field: &str| entry[field].as_str().unwrap_or("-").to_owned();
        let keys: Vec<_> = entry["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
        let keys = if keys.is_empty() { "-".to_owned() } else { keys.join(",") };
        [text("action"), text("agent"), keys, text("program"), text("result")].join(" ")
    };
    entries(sandbox, &[]).iter().map(tell).collect()
}

#[test]
fn what_is_done_and_what_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.set("a", "K", "sk-live-1");
    sandbox.set("a", "L", "sk-live-2");
    sandbox.set("builtin", "B", "sk-live-3");
    sandbox.cast(["run", "a", "--no-mask", "--", "sh", "-c", "true sk-live-arg"]).succeeds();
    // A supervised run of chosen secrets.
    sandbox.cast(["run", "a", "--only", "K", "--", "true", "sk-live-arg"]).succeeds();
    sandbox.cast(["run", "a", "--", "TOKEN=sk-live-1", "node"]).refuses(127, "not found", &["sk-live"]);
    sandbox.cast(["run", "a", "--", "sk-live-no-program"]).run();
    sandbox.cast(["run", "a", "--", "/"]).refuses(126, "cannot be executed", &["sk-live"]);
    sandbox.cast(["run", "a", "--only", "NONE", "--", "true"]).refuses(125, "NONE", &["sk-live"]);
    sandbox.cast(["run", "nobody", "--", "true", "sk-live-arg"]).refuses(125, "no vault", &["sk-live"]);
    sandbox.cast(["run", "nobody", "--", "sk-live-no-program"]).refuses(125, "no vault", &["sk-live"]);
    sandbox.cast(["run", "a", "--explain"]).succeeds();
    sandbox.cast(["list", "a"]).succeeds();
    sandbox.cast(["list"]).succeeds();
    sandbox.cast(["list", "nobody"]).refuses(3, "no vault", &[]);
    sandbox.cast(["set", "a", "PATH", "sk-live-4"]).refuses(2, "PATH", &["sk-live"]);
    sandbox.cast(["delete", "a", "NONE"]).refuses(3, "NONE", &["sk-live"]);
    sandbox.cast(["delete", "a", "K"]).succeeds();
    sandbox.cast(["delete", "a", "--all", "--yes"]).succeeds();
    sandbox.cast(["init"]).succeeds();
    assert_eq!(
        told(&sandbox),
        [
            "init - - - ok",
            "set a K - ok",
            "set a L - ok",
            "set builtin B - ok",
            "run a B,K,L sh started",
            "run a K true started",
            "run a B,K,L - not-found",
            "run a B,K,L - not-found",
            "run a B,K,L - other",
            "run a NONE true not-found",
            "run nobody - true not-found",
            "run nobody - - not-found",
            "list nobody - - not-found",
            "set a PATH - usage",
            "delete a NONE - not-found",
            "delete a K - ok",
            "delete a L - ok",
            "init - - - ok",
        ]
    );
    assert!(!sandbox.audit_log().contains("sk-live"), "{}", sandbox.audit_log());
}

#[test]
fn what_goes_from_place_to_place() {
    let sandbox = Sandbox::with("a", &[("K", "sk-live-1")]);
    std::fs::write(sandbox.home().join(".env"), "ONE=sk-live-2\nTWO=sk-live-3\n").unwrap();
    sandbox.cast(["secrets", "import", "a", ".env"]).succeeds();
    sandbox.cast(["secrets", "import", "b", ".env", "--dry-run"]).succeeds();
    sandbox.cast(["secrets", "copy", "a", "b"]).succeeds();
    sandbox.cast(["secrets", "copy", "a", "b", "K"]).refuses(2, "already has", &["sk-live"]);
    sandbox.cast(["secrets", "copy", "nobody", "b"]).refuses(3, "no vault", &["sk-live"]);
    sandbox.cast(["secrets", "rename", "b", "K", "L"]).succeeds();
    std::fs::write(sandbox.home().join(".env.example"), "MISSING=\n").unwrap();
    sandbox.cast(["run", "b", "--check", "--", "true"]).refuses(125, "MISSING", &["sk-live"]);
    sandbox.cast(["secrets", "check", "nobody"]).refuses(3, "no vault", &[]);
    sandbox.cast(["list", "--stale", "0d"]).succeeds();
    assert_eq!(
        told(&sandbox)[2..],
        [
            "import a ONE,TWO - ok",
            "copy b K,ONE,TWO - ok",
            "copy b K - usage",
            "copy b - - not-found",
            "rename b K,L - ok",
            "run b - true other",
            "check nobody - - not-found",
        ]
    );
    // A copy is found by both of its agents.
    let copies = entries(&sandbox, &["a"]).into_iter().filter(|entry| entry["action"] == "copy");
    assert!(copies.map(|entry| entry["from"].clone()).eq(["a", "a"]));
    let table = sandbox.cast(["audit"]).succeeds().out;
    assert!(table.contains("  copy    b (from a)       K,ONE,TWO  "), "{table}");
    assert!(!sandbox.audit_log().contains("sk-live"));
}

#[test]
fn refusals_of_keys_and_vaults() {
    let sandbox = Sandbox::with("a", &[("K", "sk-live-1")]);
    let old = std::fs::read(sandbox.vault("a")).unwrap();
    sandbox.set("a", "K", "sk-live-2");
    std::fs::write(sandbox.vault("a"), &old).unwrap();
    sandbox.cast(["run", "a", "--", "true"]).refuses(125, "rolled back", &["sk-live"]);
    sandbox.cast(["vault", "accept", "a", "--yes"]).succeeds();
    sandbox.cast(["list", "a"]).env("CAST_KEY", "AGE-SECRET-KEY-1HUNTER2").refuses(4, "CAST_KEY", &["HUNTER2"]);
    std::fs::remove_file(sandbox.key_file()).unwrap();
    sandbox.cast(["set", "a", "K", "sk-live-3"]).refuses(4, "no key", &["sk-live"]);
    sandbox.cast(["init"]).refuses(4, "cast makes no new key", &[]);
    assert_eq!(
        told(&sandbox)[3..],
        ["run a - true integrity", "accept a K - ok", "list a - - no-key", "set a K - no-key", "init - - - no-key",]
    );
}

#[test]
fn who_it_was() {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    // A script by this name calls cast.
    let script = sandbox.home().join("my-caller");
    std::fs::write(
        &script,
        format!("#!/bin/sh\n\"{}\" run a --no-mask -- sh -c 'echo $$'\ntrue\n", crate::sandbox::CAST),
    )
    .unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let pid = sandbox.other(script.to_str().unwrap(), [] as [&str; 0]).succeeds().out;
    let entry = entries(&sandbox, &[]).pop().unwrap();
    assert_eq!(entry["by"], "my-caller");
    // cast became CMD.
    assert_eq!(entry["pid"].to_string(), pid.trim());
    let user = sandbox.command("id").arg("-un").output().unwrap().stdout;
    assert_eq!(entry["user"], String::from_utf8(user).unwrap().trim());
    let fields: BTreeSet<_> = entry.as_object().unwrap().keys().map(String::as_str).collect();
    let promised =
        ["time", "action", "agent", "from", "keys", "program", "by", "pid", "user", "result", "unmasked_below"];
    assert_eq!(fields, promised.into_iter().chain(["brokered", "hosts", "person", "vault", "epoch"]).collect());
    let shape = |time: &str| time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    assert_eq!(shape(entry["time"].as_str().unwrap()), "0000-00-00T00:00:00Z");
}

#[test]
fn a_run_unmasked_below_a_coding_agent() {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    let run = |words: &[&str], variables: &[(&str, &str)]| {
        let call = sandbox.cast(["run", "a"].iter().chain(words).chain(&["--", "true"]));
        variables.iter().fold(call, |call, (name, value)| call.env(name, value)).succeeds();
        entries(&sandbox, &[]).pop().unwrap()["unmasked_below"].clone()
    };
    assert_eq!(run(&["--no-mask"], &[("CLAUDECODE", "1")]), "CLAUDECODE");
    assert_eq!(run(&["--no-mask"], &[("OPENCODE", "sk-live-1"), ("HOME_AGENT", "1")]), "OPENCODE");
    for (words, variables) in [
        (&["--no-mask"][..], &[][..]),
        (&["--no-mask"], &[("CLAUDECODE", "")]),
        (&[], &[("CLAUDECODE", "1")]),
        (&[], &[]),
    ] {
        assert_eq!(run(words, variables), Value::Null, "{words:?} {variables:?}");
    }
    assert!(!sandbox.audit_log().contains("sk-live"), "the variable's name is enough");
    let table = sandbox.cast(["audit"]).succeeds().out;
    let told: Vec<_> = table.lines().filter(|line| line.contains("unmasked")).collect();
    assert_eq!(told.len(), 2, "{table}");
    assert!(told[0].ends_with("  started, unmasked below CLAUDECODE"), "{table}");
    // A line that an older cast wrote has no such field.
    let log = sandbox.state().join("audit.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replace(",\"unmasked_below\":null,\"brokered\":null,\"hosts\":null", "")).unwrap();
    assert_eq!(entries(&sandbox, &[]).len(), text.lines().count());
}

#[test]
fn a_caller_cannot_put_an_assignment_into_the_log() {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    let script = sandbox.home().join("T=sk-live");
    std::fs::write(&script, format!("#!/bin/sh\n\"{}\" run a --no-mask -- true\ntrue\n", crate::sandbox::CAST))
        .unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.other(script.to_str().unwrap(), [] as [&str; 0]).succeeds();
    assert_eq!(entries(&sandbox, &[]).pop().unwrap()["by"], "...=...");
    assert!(!sandbox.audit_log().contains("sk-live"));
}

#[test]
fn a_table_for_people() {
    let sandbox = Sandbox::with("my-agent", &[("A", "sk-live-1"), ("B", "sk-live-2")]);
    for key in ["C", "D", "E", "F"] {
        sandbox.set("my-agent", key, "sk-live-3");
    }
    sandbox.cast(["run", "my-agent", "--no-mask", "--", "true"]).succeeds();
    let outcome = sandbox.cast(["audit", "my-agent"]).succeeds();
    let lines: Vec<_> = outcome.out.lines().collect();
    assert!(lines[0].starts_with("TIME                 ACTION  AGENT     KEYS"), "{outcome:?}");
    assert!(lines[0].contains("  PROGRAM  BY") && lines[0].ends_with("  RESULT"), "{outcome:?}");
    assert_eq!(lines.len(), 8);
    assert!(lines[7].contains("run     my-agent  A,B,C,D +2  true"), "{outcome:?}");
    assert!(lines[7].ends_with("  started"));
    outcome.says_nothing_of(&["sk-live"]);
    assert_eq!(outcome.err, "");
}

#[test]
fn agents_and_spans_of_time() {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    sandbox.set("b", "K", "hunter22");
    assert_eq!(entries(&sandbox, &["b"]).len(), 1);
    // A line from last month, at the beginning.
    let log = sandbox.state().join("audit.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    let (first, _) = text.split_once('\n').unwrap();
    let mut old: Value = serde_json::from_str(first).unwrap();
    let date = sandbox.command("date").args(["-u", "--date=30 days ago", "+%FT%TZ"]).output().unwrap().stdout;
    old["time"] = String::from_utf8(date).unwrap().trim().into();
    std::fs::write(&log, format!("{old}\n{text}")).unwrap();
    assert_eq!(entries(&sandbox, &[]).len(), 4);
    assert_eq!(entries(&sandbox, &["--since", "29d"]).len(), 3);
    assert_eq!(entries(&sandbox, &["--since", "31d"]).len(), 4);
    assert_eq!(entries(&sandbox, &["a", "--since", "5w"]).len(), 1);
    // The last ones, of those that match.
    let all = entries(&sandbox, &[]);
    assert_eq!(entries(&sandbox, &["-n", "2"]), all[2..]);
    assert_eq!(entries(&sandbox, &["-n1", "--since", "29d"]), all[3..]);
    assert_eq!(entries(&sandbox, &["--lines=9"]), all);
    assert_eq!(entries(&sandbox, &["a", "-n", "1"])[0]["agent"], "a");
    assert_eq!(sandbox.cast(["audit", "-n", "1"]).succeeds().out.lines().count(), 2);
    for wrong in ["0", "-1", "hunter2", "", "1.5"] {
        sandbox.cast(["audit", &format!("--lines={wrong}")]).refuses(2, "N is not a valid number", &["hunter2"]);
        sandbox.cast(["audit", "-n", wrong]).refuses(2, "N is not a valid number", &["hunter2"]);
    }
    for wrong in ["hunter2", "7", "-1d", ""] {
        let refused = sandbox.cast(["audit", &format!("--since={wrong}")]).refuses(
            2,
            "AGE is not a valid duration",
            &["hunter2"],
        );
        assert!(!refused.err.is_empty());
    }
    sandbox.cast(["audit", "Hunter2"]).refuses(2, "AGENT is not a valid", &["Hunter2"]);
}

#[test]
fn nothing_noted_yet() {
    let sandbox = Sandbox::empty();
    let outcome = sandbox.cast(["audit"]).succeeds();
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("", "cast: hint: no matching entries\n"));
    assert_eq!(sandbox.cast(["audit", "--json"]).succeeds().out, "[]\n");
    assert_eq!(std::fs::read_dir(sandbox.home()).unwrap().count(), 0);
}
