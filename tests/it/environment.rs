//! The environment of CMD: the caller's, the built-in secrets, the agent's own, where the later ones win; without the
//! unlock key. And what `--explain` prints about it.

use std::collections::BTreeMap;
use std::fs;

use crate::sandbox::{Call, Sandbox};

/// `builtin` and `a` share B; both and the caller know C.
fn layered() -> Sandbox {
    let sandbox = Sandbox::with("a", &[("A", "own-A"), ("B", "own-B"), ("C", "own-C")]);
    for key in ["B", "C", "D"] {
        sandbox.set("builtin", key, &format!("builtin-{key}"));
    }
    sandbox
}

/// A command that copies its environment to a file.
const COPY: &[&str] = &["--", "dd", "if=/proc/self/environ", "of=environment", "status=none"];

/// The environment of the command in a call made by `with`. The command copies it into a file, so that no stream is
/// involved.
#[track_caller]
fn environment(call: Call<'_>, sandbox: &Sandbox) -> BTreeMap<String, String> {
    let outcome = call.succeeds();
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("", ""));
    let text = fs::read_to_string(sandbox.home().join("environment")).unwrap();
    let variables = text.split_terminator('\0').map(|line| line.split_once('=').unwrap());
    let mut environment = BTreeMap::new();
    for (name, value) in variables {
        assert!(environment.insert(name.to_owned(), value.to_owned()).is_none(), "{name} is there twice");
    }
    // `nested` tests this one.
    environment.remove("CAST_INJECTED").expect("something was injected");
    environment
}

fn with<'a>(sandbox: &'a Sandbox, options: &[&str]) -> Call<'a> {
    let words = ["run", "a"].iter().chain(options).chain(COPY);
    sandbox.cast(words).env("C", "caller-C").env("D", "caller-D").env("E", "caller-E").env("EMPTY", "")
}

/// The values of A to E, `-` where there is none.
#[track_caller]
fn check(sandbox: &Sandbox, options: &[&str], expected: [&str; 5]) {
    let found = environment(with(sandbox, options), sandbox);
    let values = ["A", "B", "C", "D", "E"].map(|name| found.get(name).map_or("-", String::as_str));
    assert_eq!(values, expected, "{options:?}");
}

#[test]
fn the_later_wins() {
    let sandbox = layered();
    check(&sandbox, &[], ["own-A", "own-B", "own-C", "builtin-D", "caller-E"]);
    check(&sandbox, &["--no-builtin"], ["own-A", "own-B", "own-C", "caller-D", "caller-E"]);
    let found = environment(with(&sandbox, &[]), &sandbox);
    assert_eq!(found["EMPTY"], "");
    assert_eq!(found["RUST_BACKTRACE"], "1");
    let empty = Sandbox::with("a", &[("C", "")]);
    assert_eq!(environment(with(&empty, &[]), &empty)["C"], "");
}

#[test]
fn only_and_except_choose() {
    let sandbox = layered();
    check(&sandbox, &["--only", "A"], ["own-A", "-", "caller-C", "caller-D", "caller-E"]);
    check(&sandbox, &["--only", "A,D"], ["own-A", "-", "caller-C", "builtin-D", "caller-E"]);
    check(&sandbox, &["--only=B", "--only=C"], ["-", "own-B", "own-C", "caller-D", "caller-E"]);
    check(&sandbox, &["--except", "A,D"], ["-", "own-B", "own-C", "caller-D", "caller-E"]);
    check(&sandbox, &["--except", "B"], ["own-A", "-", "own-C", "builtin-D", "caller-E"]);
    for options in [["--only", "UNKNOWN"], ["--only", "A,UNKNOWN"], ["--except", "UNKNOWN"], ["--except", "A,UNKNOWN"]]
    {
        let words = ["run", "a"].iter().chain(&options);
        sandbox.cast(words.clone().chain(&["--", "touch", "started"])).refuses(125, "'UNKNOWN'", &["own-"]);
        sandbox.cast(words.chain(&["--explain"])).refuses(3, "'UNKNOWN'", &["own-"]);
    }
    // A built-in secret that is left out cannot be chosen.
    sandbox.cast(["run", "a", "--no-builtin", "--only", "D", "--", "true"]).refuses(125, "'D'", &[]);
    sandbox.cast(["run", "a", "--only", "A", "--except", "B", "--", "true"]).refuses(125, "", &[]);
}

#[test]
fn the_built_in_secrets_alone() {
    let sandbox = layered();
    let call = sandbox.cast(["run", "builtin"].iter().chain(COPY)).env("C", "caller-C");
    let found = environment(call, &sandbox);
    assert_eq!(
        (found["B"].as_str(), found["C"].as_str(), found["D"].as_str()),
        ("builtin-B", "builtin-C", "builtin-D")
    );
    assert!(!found.contains_key("A"));
}

/// Settings that keep the built-in secrets from `a`.
fn keep_builtin_from_a(sandbox: &Sandbox) {
    let config = sandbox.home().join(".config/cast");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "no_builtin = [\"other\", \"a\"]\n").unwrap();
}

#[test]
fn the_key_of_a_model_from_three_sources() {
    const KEY: &str = "ANTHROPIC_API_KEY";
    let sandbox = Sandbox::with("a", &[("OTHER", "v")]);
    let check = |expected: &str| {
        let call = sandbox.cast(["run", "a"].iter().chain(COPY)).env(KEY, "sk-of-the-caller");
        assert_eq!(environment(call, &sandbox)[KEY], expected);
    };
    check("sk-of-the-caller");
    sandbox.set("builtin", KEY, "sk-built-in");
    check("sk-built-in");
    sandbox.set("a", KEY, "sk-of-the-agent");
    check("sk-of-the-agent");
    sandbox.cast(["delete", "a", KEY]).succeeds();
    check("sk-built-in");
    keep_builtin_from_a(&sandbox);
    check("sk-of-the-caller");
}

#[test]
fn the_settings_keep_built_in_secrets_from_an_agent() {
    let sandbox = layered();
    sandbox.set("b", "A", "own-A");
    keep_builtin_from_a(&sandbox);
    check(&sandbox, &[], ["own-A", "own-B", "own-C", "caller-D", "caller-E"]);
    let keys = |agent: &str| -> Vec<String> {
        sandbox.listing(agent).iter().map(|line| line["key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys("a"), ["A", "B", "C"]);
    assert_eq!(keys("b"), ["A", "B", "C", "D"]);
    let explained = sandbox.cast(["run", "a", "--explain"]).succeeds().out;
    assert!(
        explained.contains("The built-in secrets are left out: 'no_builtin' in the settings lists 'a'"),
        "{explained}"
    );
    assert!(!explained.contains("\nD "), "{explained}");
    let other = sandbox.cast(["run", "b", "--explain"]).succeeds().out;
    assert!(!other.contains("left out") && other.contains("\nD "), "{other}");
    // With an agent key, cast does not mention built-in secrets that the agent would not get anyway.
    let key = crate::forge::grant_of(&sandbox, "a");
    let run = sandbox.cast(["run", "a", "--no-mask", "--", "printenv", "A"]).env("CAST_KEY", key).succeeds();
    assert_eq!((run.out.as_str(), run.err.as_str()), ("own-A\n", ""));
    // Invalid settings stop the run, and no error quotes them.
    fs::write(sandbox.home().join(".config/cast/config.toml"), "no_builtin = [\"Hunter2\"]\n").unwrap();
    sandbox.cast(["run", "a", "--", "touch", "started"]).refuses(125, "line 1 of the settings", &["Hunter2"]);
}

#[test]
fn what_unlocks_stays_here() {
    let sandbox = layered();
    let key = sandbox.key();
    let moved = sandbox.home().join("master.key");
    fs::rename(sandbox.key_file(), &moved).unwrap();
    for call in [with(&sandbox, &[]).env("CAST_KEY", &key), with(&sandbox, &[]).env("CAST_KEY_FILE", &moved)] {
        let found = environment(call, &sandbox);
        assert_eq!(found["A"], "own-A");
        assert!(found.keys().all(|name| name != "CAST_KEY" && name != "CAST_KEY_FILE"), "{found:?}");
        assert!(!found.values().any(|value| value.contains(&key)), "{found:?}");
    }
    // Nor in the arguments of the process.
    let script = "! grep 'AGE-SECRET-KE[Y]' /proc/$$/environ /proc/$$/cmdline /proc/$PPID/cmdline";
    sandbox.cast(["run", "a", "--", "sh", "-c", script]).env("CAST_KEY", &key).succeeds();
}

#[test]
fn a_clean_environment_is_exactly_that() {
    let sandbox = layered();
    let mut expected: BTreeMap<String, String> = BTreeMap::new();
    let mut call = with(&sandbox, &["--clean-env"]);
    for name in ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LC_ALL", "LC_TIME", "TZ", "TMPDIR"] {
        let value = match name {
            "PATH" => std::env::var("PATH").unwrap(),
            "HOME" => sandbox.home().to_str().unwrap().to_owned(),
            _ => "C".to_owned(),
        };
        call = call.env(name, &value);
        expected.insert(name.to_owned(), value);
    }
    for (name, value) in [("A", "own-A"), ("B", "own-B"), ("C", "own-C"), ("D", "builtin-D")] {
        expected.insert(name.to_owned(), value.to_owned());
    }
    // Names that begin like those that stay.
    for name in ["PATHS", "LCX", "LANGUAGE", "AWS_SECRET_ACCESS_KEY", "CAST_TEST", "XDG_DATA_DIRS"] {
        call = call.env(name, "caller");
    }
    assert_eq!(environment(call, &sandbox), expected);
    // cast does not invent variables that the caller lacks.
    let found = environment(with(&sandbox, &["--clean-env", "--only", "A"]).without_env("TZ"), &sandbox);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["A", "HOME", "LANG", "PATH"]);
}

#[test]
fn the_command_is_looked_up_in_the_path_of_the_caller() {
    let sandbox = Sandbox::new();
    let trap = sandbox.home().join("trap");
    fs::create_dir(&trap).unwrap();
    std::os::unix::fs::symlink("/bin/false", trap.join("dd")).unwrap();
    sandbox.cast(["set", "a", "PATH", "--allow-dangerous-name", "--", trap.to_str().unwrap()]).succeeds();
    for options in [&[][..], &["--clean-env"]] {
        assert_eq!(environment(with(&sandbox, options), &sandbox)["PATH"], trap.to_str().unwrap());
    }
}

#[test]
fn explain_says_what_would_be_and_runs_nothing() {
    let sandbox = layered();
    let outcome = sandbox.cast(["run", "a", "--explain", "--", "touch", "started"]).env("D", "caller-D").succeeds();
    outcome.says_nothing_of(&["own-", "builtin-B", "builtin-C", "builtin-D", "caller-D"]);
    assert_eq!(outcome.err, "");
    assert!(!sandbox.home().join("started").exists());
    let row = |name: &str| {
        let found = outcome.out.lines().find(|line| line.split(' ').next() == Some(name));
        found.unwrap_or_else(|| panic!("no {name}: {outcome:?}"))
    };
    assert!(row("A").contains("'a'") && row("D").contains("built-in"), "{outcome:?}");
    assert!(row("B").contains("built-in") && row("D").contains("caller"), "{outcome:?}");
    // `--explain` needs no command.
    let less = sandbox.cast(["run", "a", "--explain", "--no-builtin", "--only", "A"]).succeeds();
    assert!(less.out.lines().any(|line| line.starts_with("A ")) && !less.out.contains("\nB "), "{less:?}");
}

#[test]
fn explain_ends_with_the_codes_of_all_verbs() {
    let sandbox = layered();
    let explain = |agent: &'static str| sandbox.cast(["run", agent, "--explain", "--", "touch", "started"]);
    explain("unknown").refuses(3, "agent 'unknown' has no vault", &[]);
    explain("SK-LIVE").refuses(2, "AGENT", &["SK-LIVE"]);
    explain("a").env("CAST_KEY", "sk-live-abc").refuses(4, "CAST_KEY", &["sk-live"]);
    sandbox.cast(["run", "a", "--explain", "--sk-live-abc"]).refuses(2, "", &["sk-live"]);
    fs::write(sandbox.vault("a"), "damaged").unwrap();
    explain("a").refuses(5, "'a'", &[]);
    fs::remove_file(sandbox.vault("a")).unwrap();
    fs::create_dir(sandbox.vault("a")).unwrap();
    explain("a").refuses(6, "", &[]);
}

#[test]
fn explain_for_programs() {
    let sandbox = layered();
    sandbox.set("a", "SHORT", "abc");
    let call = |words: &[&str]| {
        let words = ["run", "a", "--explain", "--json"].iter().chain(words);
        let outcome = sandbox.cast(words).env("D", "caller-D").succeeds();
        outcome.says_nothing_of(&["own-", "builtin-B", "builtin-C", "builtin-D", "caller-D"]);
        assert_eq!(outcome.err, "");
        serde_json::from_str::<serde_json::Value>(&outcome.out).unwrap()
    };
    let whole = call(&["touch", "started"]);
    assert!(!sandbox.home().join("started").exists());
    let fields: Vec<_> = whole.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["agent", "builtin", "dropped", "own_terminal", "sealer", "secrets", "stderr", "stdout"]);
    assert_eq!(
        (&whole["agent"], &whole["builtin"], &whole["sealer"]),
        (&"a".into(), &"included".into(), &"owner".into())
    );
    assert_eq!((&whole["stdout"], &whole["stderr"]), (&"masked".into(), &"masked".into()));
    let secret = |name: &str| {
        let found = whole["secrets"].as_array().unwrap().iter().find(|secret| secret["key"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {whole}")).clone()
    };
    let expected = serde_json::json!({"key": "D", "builtin": true, "inherited": false, "overrides_builtin": false, "overrides_caller": true,
        "given": "as it is", "hosts": [], "masked": true, "note": null, "flags": []});
    assert_eq!(secret("D"), expected);
    assert_eq!(secret("B")["overrides_builtin"], true);
    assert!(secret("SHORT")["masked"] == false && secret("SHORT")["note"].is_string(), "{whole}");
    let less = call(&["--no-builtin", "--no-mask"]);
    assert_eq!((&less["builtin"], &less["stdout"]), (&"left out".into(), &"off".into()));
    sandbox.cast(["run", "a", "--json", "--", "true"]).refuses(125, "missing: --explain", &[]);
}
