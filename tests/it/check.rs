//! `cast secrets check` and `cast run --check`: compare `.env.example` with the vault.

use std::fs;

use crate::sandbox::{Outcome, Sandbox, skip};

const EXAMPLE: &str = "# where to get it: ...\nOPENAI_API_KEY=your-key-here\nexport DB_URL='postgres://localhost/dev'\nLOG_LEVEL=info\n\
    # OPTIONAL=\nDB_PASSWORD=secret\n";

/// A home with an example file, and an agent that has all of its secrets.
fn complete() -> Sandbox {
    let sandbox = Sandbox::with(
        "a",
        &[
            ("OPENAI_API_KEY", "sk-live-0123456789"),
            ("DB_URL", "postgres://u:hunter2@h"),
            ("LOG_LEVEL", "info"),
            ("DB_PASSWORD", "hunter2-hunter2"),
        ],
    );
    fs::write(sandbox.home().join(".env.example"), EXAMPLE).unwrap();
    sandbox
}

fn check(sandbox: &Sandbox, options: &[&str]) -> Outcome {
    let outcome = sandbox.cast(["secrets", "check", "a"].iter().chain(options)).run();
    outcome.says_nothing_of(&["sk-live", "hunter2", "your-key", "postgres"]);
    outcome
}

fn json(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_str(&outcome.out).unwrap()
}

#[test]
fn nothing_to_find() {
    let sandbox = complete();
    let outcome = check(&sandbox, &[]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("", "✓ Agent 'a' has every secret of '.env.example'\n"));
    let none: [&str; 0] = [];
    let expected =
        serde_json::json!({"agent": "a", "missing": none, "extra": none, "placeholders": none, "env_file": null});
    let outcome = check(&sandbox, &["--json"]);
    assert_eq!((outcome.code, json(&outcome)), (0, expected));
}

#[test]
fn missing_extra_and_placeholders() {
    let sandbox = complete();
    sandbox.cast(["delete", "a", "OPENAI_API_KEY", "LOG_LEVEL"]).succeeds();
    sandbox.set("a", "OTHER", "<token>");
    sandbox.set("a", "DB_PASSWORD", "secret");
    let before = sandbox.snapshot();
    let outcome = check(&sandbox, &[]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert_eq!(
        outcome.out,
        "KEY             FINDING\nLOG_LEVEL       missing\nOPENAI_API_KEY  missing\nDB_PASSWORD     looks like a placeholder\n\
         OTHER           looks like a placeholder\nOTHER           not in the example\n"
    );
    let error = "cast: error: agent 'a' is missing 2 of the 4 secrets in '.env.example': LOG_LEVEL, OPENAI_API_KEY\n";
    assert!(outcome.err.starts_with(error), "{outcome:?}");
    let outcome = check(&sandbox, &["--json"]);
    assert_eq!(outcome.code, 1);
    assert_eq!(json(&outcome)["missing"], serde_json::json!(["LOG_LEVEL", "OPENAI_API_KEY"]));
    assert_eq!(json(&outcome)["extra"], serde_json::json!(["OTHER"]));
    assert_eq!(json(&outcome)["placeholders"], serde_json::json!(["DB_PASSWORD", "OTHER"]));
    assert!(sandbox.snapshot() == before, "looking changed something");
    // Only a missing secret is a failure.
    sandbox.set("a", "OPENAI_API_KEY", "your-key-here");
    sandbox.set("a", "LOG_LEVEL", "");
    let outcome = check(&sandbox, &[]);
    assert!(outcome.code == 0 && outcome.out.contains("OPENAI_API_KEY  looks like a placeholder"), "{outcome:?}");
    assert!(!outcome.out.contains("LOG_LEVEL"), "{outcome:?}");
}

#[test]
fn built_in_secrets_count_as_there() {
    let sandbox = complete();
    sandbox.cast(["delete", "a", "OPENAI_API_KEY"]).succeeds();
    sandbox.set("builtin", "OPENAI_API_KEY", "sk-live-builtin");
    sandbox.set("builtin", "NOT_IN_THE_EXAMPLE", "sk-live-builtin");
    let outcome = check(&sandbox, &[]);
    assert!(outcome.code == 0 && outcome.out.is_empty(), "{outcome:?}");
    // Not if the agent does not get them.
    let config = sandbox.home().join(".config/cast");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "no_builtin = [\"a\"]\n").unwrap();
    assert_eq!(check(&sandbox, &[]).code, 1);
    fs::remove_file(config.join("config.toml")).unwrap();
    // Not if the key does not open them.
    let key = crate::forge::grant_of(&sandbox, "a");
    let outcome = sandbox.cast(["secrets", "check", "a"]).env("CAST_KEY", key).run();
    assert!(outcome.code == 1 && outcome.err.contains("an agent key cannot open the built-in secrets"), "{outcome:?}");
    // For `builtin` itself they are its own secrets, and an extra one is reported.
    let outcome = sandbox.cast(["secrets", "check", "builtin"]).run();
    assert!(outcome.code == 1 && outcome.out.contains("NOT_IN_THE_EXAMPLE  not in the example"), "{outcome:?}");
}

#[test]
fn examples_of_all_kinds() {
    let sandbox = complete();
    fs::create_dir(sandbox.home().join("deploy")).unwrap();
    fs::write(sandbox.home().join("deploy/sample"), "A.B=1\nCAST_HOME=x\nWANTED=\n").unwrap();
    let outcome = check(&sandbox, &["--example", "deploy/sample"]);
    assert!(
        outcome.code == 1 && outcome.err.contains("is missing 1 of the 1 secrets in 'deploy/sample': WANTED"),
        "{outcome:?}"
    );
    assert!(outcome.err.contains("lines 1 and 2") && !outcome.err.contains("A.B"), "{outcome:?}");
    sandbox.cast(["secrets", "check", "a", "--example", "missing"]).refuses(6, "cannot open 'missing'", &[]);
    sandbox.cast(["secrets", "check", "a", "--example", "."]).refuses(6, "is a directory", &[]);
    sandbox.cast(["secrets", "check", "b"]).refuses(3, "agent 'b' has no vault", &[]);
    sandbox.cast(["secrets", "check", "SK-LIVE"]).refuses(2, "AGENT", &["SK-LIVE"]);
}

#[test]
fn a_plain_file_beside_the_example_is_reported() {
    let sandbox = complete();
    fs::write(sandbox.home().join(".env"), "OPENAI_API_KEY=sk-live-0123456789\n").unwrap();
    assert_eq!(json(&check(&sandbox, &["--json"]))["env_file"], serde_json::Value::Null);
    let git = |words: &[&str]| sandbox.command("git").args(words).status().is_ok_and(|status| status.success());
    if !git(&["init", "-q"]) {
        return skip("check: git is not installed");
    }
    let outcome = check(&sandbox, &[]);
    assert!(outcome.code == 0 && outcome.err.contains("'.env' is not ignored by git"), "{outcome:?}");
    assert_eq!(json(&check(&sandbox, &["--json"]))["env_file"], "not ignored");
    assert!(git(&["add", ".env"]));
    let outcome = check(&sandbox, &[]);
    assert!(outcome.err.contains("'.env' is tracked by git: run 'git rm --cached .env'"), "{outcome:?}");
    assert_eq!(json(&check(&sandbox, &["--json"]))["env_file"], "tracked");
    assert!(git(&["rm", "-q", "--cached", ".env"]));
    fs::write(sandbox.home().join(".gitignore"), ".env\n").unwrap();
    assert_eq!(json(&check(&sandbox, &["--json"]))["env_file"], serde_json::Value::Null);
    // Beside the example, not beside the caller.
    let elsewhere = sandbox.home().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::remove_file(sandbox.home().join(".gitignore")).unwrap();
    let words = ["secrets", "check", "a", "--example", "../.env.example"];
    let outcome = sandbox.cast(words).dir(&elsewhere).succeeds();
    assert!(outcome.err.contains("'../.env' is not ignored by git"), "{outcome:?}");
}

#[test]
fn run_refuses_to_start_what_lacks_something() {
    let sandbox = complete();
    let run = |options: &[&str]| {
        let words = ["run", "a"].iter().chain(options).chain(&["--", "touch", "started"]);
        sandbox.cast(words)
    };
    run(&["--check"]).succeeds();
    fs::remove_file(sandbox.home().join("started")).unwrap();
    sandbox.cast(["delete", "a", "OPENAI_API_KEY", "LOG_LEVEL"]).succeeds();
    let both = "is missing 2 of the 4 secrets in '.env.example': LOG_LEVEL, OPENAI_API_KEY";
    run(&["--check"]).refuses(125, both, &["hunter2"]);
    run(&["--check=.env.example"]).env("LOG_LEVEL", "info").refuses(125, both, &["hunter2"]);
    run(&["--check=missing"]).refuses(125, "cannot open 'missing'", &["hunter2"]);
    run(&["--check", "--explain"]).refuses(1, both, &["hunter2"]);
    // cast reads the example before any key, and never from CMD's standard input.
    fs::rename(sandbox.key_file(), sandbox.home().join("aside")).unwrap();
    run(&["--check=missing"]).refuses(125, "cannot open 'missing'", &["hunter2"]);
    fs::rename(sandbox.home().join("aside"), sandbox.key_file()).unwrap();
    run(&["--check=-"]).input("A=1\n").refuses(125, "cannot open '-'", &["hunter2"]);
    run(&[]).succeeds();
    fs::remove_file(sandbox.home().join("started")).unwrap();
    sandbox.set("builtin", "OPENAI_API_KEY", "sk-live-builtin");
    sandbox.set("a", "LOG_LEVEL", "info");
    run(&["--check"]).succeeds();
    fs::remove_file(sandbox.home().join("started")).unwrap();
    run(&["--check", "--no-builtin"]).refuses(
        125,
        "is missing 1 of the 4 secrets in '.env.example': OPENAI_API_KEY",
        &[],
    );
    run(&["--check", "--except", "DB_URL"]).refuses(125, ": DB_URL", &[]);
}
