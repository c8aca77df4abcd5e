//! CMD without `--`: it begins at the first word after AGENT that is not an option. Clients eat `--`; but such a word
//! may be a secret in the wrong place, so it has to be a command, and no message repeats it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::sandbox::Sandbox;

const SECRET: &str = "sk-live-abc";

fn sandbox() -> Sandbox {
    Sandbox::with("my-agent", &[("K", "hunter2-hunter2"), ("L", "hunter3-hunter3")])
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(' ')
}

#[test]
fn a_command_begins_at_the_first_word_that_is_not_an_option() {
    let sandbox = sandbox();
    for (line, out) in [
        ("run my-agent printenv K", "[cast:K]\n"),
        ("run my-agent --no-mask printenv K", "hunter2-hunter2\n"),
        ("run --no-mask my-agent printenv K", "hunter2-hunter2\n"),
        ("-q run --no-mask my-agent --only K printenv K", "hunter2-hunter2\n"),
        ("run my-agent --only=K --no-mask printenv K", "hunter2-hunter2\n"),
        // From there on, nothing belongs to cast.
        ("run my-agent echo --no-mask -q --explain --help -h -V --sk", "--no-mask -q --explain --help -h -V --sk\n"),
        ("run my-agent echo -- a --", "-- a --\n"),
        ("run my-agent sh -c true", ""),
        ("run my-agent echo run my-agent set", "run my-agent set\n"),
        ("run my-agent /bin/echo x", "x\n"),
        // '--' means what it did.
        ("run my-agent -- echo -- a", "-- a\n"),
        ("run my-agent --no-mask -- echo --no-mask", "--no-mask\n"),
    ] {
        let outcome = sandbox.cast(words(line)).succeeds();
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), (out, ""), "{line}");
    }
    // CMD's own code, and its own way of being absent.
    assert_eq!(sandbox.cast(["run", "my-agent", "sh", "-c", "exit 7"]).run().code, 7);
    assert_eq!(sandbox.cast(["run", "my-agent", "--", "no-such-command"]).run().code, 127);
    assert_eq!(sandbox.cast(["run", "my-agent", "/"]).run().code, 126);
}

#[test]
fn another_word_is_refused_before_any_key_is_fetched() {
    let sandbox = sandbox();
    fs::remove_file(sandbox.key_file()).unwrap();
    for (line, position) in [
        ("run my-agent sk-live-abc", 3),
        ("run my-agent sk-live-abc --explain", 3),
        ("run my-agent sk-live-abc -- true", 3),
        ("run my-agent K=sk-live-abc env", 3),
        ("run my-agent ./sk-live-abc", 3),
        ("run my-agent /no/such/sk-live-abc", 3),
        ("run my-agent --no-mask sk-live-abc", 4),
        ("-q run --only K my-agent --no-mask sk-live-abc", 7),
        // Without a vault, too.
        ("run nobody sk-live-abc", 3),
    ] {
        let message = format!("cast: error: word {position} is not a command\n");
        let refused = sandbox.cast(words(line)).refuses(125, &message, &[SECRET]);
        if !line.starts_with("-q") {
            assert!(refused.err.contains("'cast run AGENT -- CMD [ARG]...'"), "{refused:?}");
        }
        assert!(!sandbox.audit_log().contains("sk-live"));
    }
    // No word is too odd.
    sandbox.cast(["run", "my-agent", ""]).refuses(125, "word 3 is not a command", &[]);
    // With '--', the key is looked for first, as ever.
    sandbox.cast(["run", "my-agent", "--", "true"]).refuses(125, "no key", &[]);
    sandbox.cast(["run", "my-agent", "true"]).refuses(125, "no key", &[]);
    // A command that PATH does not have.
    sandbox.cast(["run", "my-agent", "printenv", "K"]).env("PATH", "/nonexistent").refuses(125, "word 3", &[]);
    sandbox.cast(["run", "my-agent", "--explain", SECRET]).refuses(2, "word 4 is not a command", &[SECRET]);
}

#[test]
fn explain_takes_its_options_only_before_cmd() {
    let sandbox = sandbox();
    let explained = sandbox.cast(["run", "my-agent", "--explain", "touch", "started"]).succeeds();
    assert!(explained.out.starts_with("KEY"), "{explained:?}");
    sandbox.cast(["run", "my-agent", "touch", "--", "--explain"]).succeeds();
    assert!(sandbox.home().join("--explain").exists() && !sandbox.home().join("started").exists());
    // Which exit code counts is decided by the same words.
    sandbox.cast(["run", "my-agent", "--sk-live-abc", "true", "--explain"]).refuses(125, "not an option", &[SECRET]);
    sandbox.cast(["run", "my-agent", "--explain", "--sk-live-abc"]).refuses(2, "not an option", &[SECRET]);
}

#[test]
fn the_agent_does_not_come_after_dashes() {
    let sandbox = sandbox();
    for line in ["run -- my-agent", "run -- my-agent true", "run -- true", "run --no-mask -- my-agent -- true"] {
        let refused = sandbox.cast(words(line)).refuses(125, "missing: <AGENT>", &[]);
        assert!(refused.err.contains("-- CMD"), "{refused:?}");
    }
}

#[test]
fn a_file_after_check_needs_an_equals_sign() {
    let sandbox = sandbox();
    for file in [".env.example", "example"] {
        fs::write(sandbox.home().join(file), "K=sk-live-abc\n").unwrap();
    }
    fs::create_dir(sandbox.home().join("deploy")).unwrap();
    fs::write(sandbox.home().join("deploy/.env.sample"), "K=\n").unwrap();
    for (line, position) in [
        ("run my-agent --check .env.example -- true", 4),
        ("run my-agent --check .env.example true", 4),
        ("run my-agent --check example true", 4),
        ("run my-agent --check deploy/.env.sample -- true", 4),
        ("run my-agent --no-mask --check .env.example", 5),
        ("run --check .env.example my-agent -- true", 3),
    ] {
        let message = format!("word {position} is a file, and '--check' takes its file after '='");
        let refused = sandbox.cast(words(line)).refuses(125, &message, &[SECRET, "env.", "example"]);
        assert!(refused.err.contains("'--check=FILE'"), "{refused:?}");
    }
    // No file, no guess.
    sandbox.cast(["run", "my-agent", "--check", SECRET]).refuses(125, "word 4 is not a command", &[SECRET]);
    // A command stays one, even if there is a file of its name, and so does a program of the project.
    fs::write(sandbox.home().join("true"), "").unwrap();
    sandbox.cast(["run", "my-agent", "--check", "true"]).succeeds();
    fs::write(sandbox.home().join("tool"), "#!/bin/sh\necho ran\n").unwrap();
    fs::set_permissions(sandbox.home().join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(sandbox.cast(["run", "my-agent", "--check", "./tool"]).succeeds().out, "ran\n");
    assert_eq!(sandbox.cast(["run", "my-agent", "--check=deploy/.env.sample", "./tool"]).succeeds().out, "ran\n");
}

/// In `-h`, CMD is where it stands.
#[test]
fn the_short_help_shows_cmd_once() {
    let sandbox = Sandbox::empty();
    let help = sandbox.cast(["run", "-h"]).succeeds().out;
    assert!(help.contains("Usage: cast run [OPTIONS] <AGENT> [OPTIONS] [--] <CMD> [ARG]...\n"), "{help}");
    assert_eq!(help.matches("CMD>").count() + help.matches("CMD]").count(), 1, "{help}");
    assert!(sandbox.cast(["run", "--help"]).succeeds().out.contains("[CMD]..."));
}
