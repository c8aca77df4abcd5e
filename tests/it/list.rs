//! `cast secrets list`: lists names and times, for people and for programs, and never a value.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::sandbox::{CAST, Sandbox};

/// The fields of one line of JSON.
fn fields(line: &Value) -> BTreeSet<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The local time as the table shows it; GNU `date` is the judge.
fn local(sandbox: &Sandbox, zone: &str, moment: &Value) -> String {
    let moment = format!("--date={}", moment.as_str().unwrap());
    let output = sandbox.command("date").env("TZ", zone).args([&moment, "+%F %T"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn a_table_in_local_time_without_borders() {
    let sandbox = Sandbox::with("my-agent", &[("OPENAI_API_KEY", "sk-live-abc"), ("B", "sk-live-b")]);
    let lines = sandbox.listing("my-agent");
    for zone in ["UTC", "Asia/Kolkata", "America/St_Johns"] {
        let mut expected = "KEY             CREATED              UPDATED\n".to_owned();
        for line in &lines {
            let (created, updated) =
                (local(&sandbox, zone, &line["created_at"]), local(&sandbox, zone, &line["updated_at"]));
            writeln!(expected, "{:<14}  {created}  {updated}", line["key"].as_str().unwrap()).unwrap();
        }
        for words in [["secrets", "list", "my-agent"].as_slice(), &["list", "my-agent"]] {
            let outcome = sandbox.cast(words).env("TZ", zone).succeeds();
            assert_eq!(outcome.out, expected, "{zone}");
            assert_eq!(outcome.err, "");
            outcome.says_nothing_of(&["sk-live"]);
        }
    }
}

#[test]
fn json_of_secrets() {
    let sandbox = Sandbox::with("a", &[("Z_LAST", "sk-live-z"), ("A_FIRST", "sk-live-a")]);
    sandbox.set("builtin", "FROM_BUILTIN", "sk-live-builtin");
    sandbox.set("builtin", "A_FIRST", "sk-live-hidden");
    let outcome = sandbox.cast(["list", "a", "--json"]).succeeds();
    outcome.says_nothing_of(&["sk-live"]);
    assert_eq!(outcome.err, "");
    let lines = sandbox.listing("a");
    for line in &lines {
        let promised = [
            "key",
            "created_at",
            "updated_at",
            "builtin",
            "masked",
            "dangerous",
            "unmasked",
            "hosts",
            "in",
            "prefix",
            "file",
            "from",
            "sealer",
        ];
        assert_eq!(fields(line), BTreeSet::from(promised));
        assert!(line["builtin"].is_boolean() && line["masked"].is_boolean(), "{line}");
        for time in ["created_at", "updated_at"] {
            let time = line[time].as_str().unwrap();
            // `2026-01-15T10:30:00Z`
            let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            assert_eq!(shape, "0000-00-00T00:00:00Z", "{time}");
        }
    }
    let keys: Vec<_> = lines.iter().map(|line| (line["key"].as_str().unwrap(), line["builtin"] == true)).collect();
    assert_eq!(keys, [("A_FIRST", false), ("FROM_BUILTIN", true), ("Z_LAST", false)]);
    let builtin = sandbox.listing("builtin");
    assert!(builtin.len() == 2 && builtin.iter().all(|line| line["builtin"] == true), "{builtin:?}");
}

#[test]
fn agents_are_listed_without_a_key() {
    let sandbox = Sandbox::empty();
    assert_eq!(sandbox.cast(["list", "--json"]).succeeds().out.trim_end(), "[]");
    assert_eq!(sandbox.cast(["list"]).succeeds().out, "");
    let sandbox = Sandbox::with("my-agent", &[("K", "v")]);
    sandbox.set("another", "K", "v");
    fs::remove_file(sandbox.key_file()).unwrap();
    for call in [sandbox.cast(["list"]), sandbox.cast(["list"]).env("CAST_KEY", "no key")] {
        let outcome = call.succeeds();
        let first: Vec<_> = outcome.out.lines().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(first, ["AGENT", "another", "my-agent"]);
        assert_eq!(outcome.err, "");
    }
    let agents: Vec<Value> = serde_json::from_str(&sandbox.cast(["list", "--json"]).succeeds().out).unwrap();
    assert!(agents.iter().all(|line| fields(line).contains("agent")), "{agents:?}");
    assert_eq!(agents.iter().map(|line| line["agent"].as_str().unwrap()).collect::<Vec<_>>(), ["another", "my-agent"]);
    // The secrets of an agent need a key.
    sandbox.cast(["list", "my-agent"]).refuses(4, "no key", &[]);
    sandbox.cast(["list", "my-agent"]).env("CAST_KEY", "sk-live-abc").refuses(4, "CAST_KEY", &["sk-live"]);
}

#[test]
fn only_vaults_are_agents() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let folder = sandbox.vault("a").parent().unwrap().to_owned();
    for name in ["README.md", "UPPER.age", ".hidden.age", "con.age", "noend", "a.age.bak"] {
        fs::write(folder.join(name), "not a vault").unwrap();
    }
    let agents: Vec<Value> = serde_json::from_str(&sandbox.cast(["list", "--json"]).succeeds().out).unwrap();
    assert_eq!(agents.len(), 1, "{agents:?}");
}

#[test]
fn an_unknown_agent_is_said_with_the_closest_known_one() {
    let sandbox = Sandbox::with("my-agent", &[("K", "v")]);
    for words in [["list", "my-agnt"].as_slice(), &["list", "--json", "my-agnt"], &["secrets", "list", "my-agnt"]] {
        let refused = sandbox.cast(words).refuses(3, "agent 'my-agnt' has no vault", &[]);
        assert!(refused.err.contains("cast: hint: did you mean 'my-agent'?"), "{refused:?}");
    }
    let refused = sandbox.cast(["list", "quite-other"]).refuses(3, "agent 'quite-other' has no vault", &[]);
    assert!(!refused.err.contains("did you mean"), "{refused:?}");
}

#[test]
fn a_reader_that_is_gone_or_full_is_no_panic() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let run = |script: &str| {
        let output = sandbox.command("sh").args(["-c", script, CAST]).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("panic") && !said.contains("a bug in cast"), "{script}: {said}");
        (output.status.code().unwrap(), said)
    };
    for list in ["list a", "list a --json", "list", "list --json", "run a --explain"] {
        let closed = run(&format!("exec \"$0\" {list} >&-")).0;
        assert!([0, 6].contains(&closed), "{list}: {closed}");
        // The exit code of cast itself, whichever process ends first.
        let code = run(&format!("{{ \"$0\" {list}; echo $? >code; }} | head -0; cat code >&2")).1;
        let code: i32 = code.lines().last().unwrap().parse().unwrap();
        assert!([0, 6, 141].contains(&code), "{list}: {code}");
        let (full, said) = run(&format!("exec \"$0\" {list} >/dev/full"));
        assert_eq!(full, 6, "{list}: {said}");
        assert!(said.starts_with("cast: error: "), "{list}: {said}");
    }
}
