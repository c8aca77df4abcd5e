//! Completion prints only candidates, whatever is broken: nothing on standard error, no question, no trace.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::shells::{Kind, Shell};
use crate::forge::{Key, Text};
use crate::sandbox::{CAST, Call, Outcome, Sandbox, skip};
use crate::terminal::Terminal;

/// Asks as the scripts do; the last of `words` is the unfinished one.
pub fn ask<'a>(sandbox: &'a Sandbox, words: &[&str]) -> Call<'a> {
    sandbox.cast(["__complete", "bash"]).input(words.join("\0") + "\0")
}

/// An answer without candidates and without output.
#[track_caller]
pub fn is_silent(outcome: &Outcome) {
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("", ""));
}

fn home() -> Sandbox {
    Sandbox::with("my-agent", &[("OPENAI_API_KEY", "hunter2-hunter2")])
}

/// Each shell leaves this line as it is and shows only the line.
fn is_left_alone(sandbox: &Sandbox, line: &str) {
    for kind in [Kind::Bash, Kind::BashCompletion, Kind::Zsh, Kind::Fish] {
        let Some(mut shell) = Shell::start(kind, sandbox, "") else { return };
        assert_eq!(shell.tab(line), line);
        shell.shows_no_complaint();
    }
}

#[test]
fn a_broken_vault() {
    let sandbox = home();
    fs::write(sandbox.vault("my-agent"), "age-encryption.org/v1\nnonsense").unwrap();
    is_silent(&ask(&sandbox, &["delete", "my-agent", ""]).run());
    let agents = ask(&sandbox, &["delete", ""]).succeeds();
    assert_eq!((agents.out.as_str(), agents.err.as_str()), ("words\nmy-agent\n", ""));
    is_left_alone(&sandbox, "cast delete my-agent ");
}

/// Its names are whoever's who made it.
#[test]
fn a_vault_that_is_refused() {
    let sandbox = home();
    let former = Key::master(&sandbox);
    sandbox.cast(["key", "rotate"]).succeeds();
    let made = Text::new("other", &"42".repeat(16), former, &[("EVIL_NAME", "evil")]);
    fs::write(sandbox.vault("other"), made.seal(former)).unwrap();
    is_silent(&ask(&sandbox, &["delete", "other", ""]).run());
    sandbox.cast(["vault", "accept", "other", "--yes"]).succeeds();
    assert!(ask(&sandbox, &["delete", "other", ""]).succeeds().out.contains("EVIL_NAME"));
}

#[test]
fn a_vault_that_is_none() {
    for make in [
        "rm my-agent.age; mkfifo my-agent.age",
        "rm my-agent.age; mkdir my-agent.age",
        "rm my-agent.age; ln -s my-agent.age my-agent.age",
    ] {
        let sandbox = home();
        let made =
            sandbox.command("sh").args(["-c", make]).current_dir(sandbox.data().join("vaults")).status().unwrap();
        assert!(made.success());
        is_silent(&ask(&sandbox, &["delete", "my-agent", ""]).run());
    }
}

#[test]
fn a_key_that_is_broken_or_gone() {
    let sandbox = home();
    fs::write(sandbox.key_file(), "nonsense").unwrap();
    is_silent(&ask(&sandbox, &["delete", "my-agent", ""]).run());
    fs::remove_file(sandbox.key_file()).unwrap();
    is_silent(&ask(&sandbox, &["delete", "my-agent", ""]).run());
    assert!(!sandbox.key_file().exists(), "completion must not create a key");
    is_silent(&ask(&sandbox, &["run", "my-agent", "--only", ""]).env("CAST_KEY", "sk-live-abc").run());
    is_left_alone(&sandbox, "cast delete my-agent ");
}

#[test]
fn settings_that_are_broken() {
    let sandbox = home();
    let config = sandbox.home().join(".config/cast");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "nonsense").unwrap();
    assert_eq!(ask(&sandbox, &["delete", "my-agent", ""]).run().err, "");
}

#[test]
fn a_key_behind_a_passphrase() {
    let sandbox = home();
    let mut terminal = Terminal::start(sandbox.cast(["key", "move", "passphrase"]));
    terminal.sees("assphrase");
    terminal.hides_input();
    terminal.types("correct horse\r");
    terminal.sees("Enter it again");
    terminal.types("correct horse\r");
    terminal.ends_with(0);
    is_silent(&ask(&sandbox, &["delete", "my-agent", ""]).run());
    is_left_alone(&sandbox, "cast delete my-agent ");
}

#[test]
fn no_home() {
    let sandbox = Sandbox::empty();
    for words in [["list", ""].as_slice(), &["delete", "my-agent", ""], &["run", "my-agent", "--only", ""]] {
        is_silent(&ask(&sandbox, words).env("HOME", "/nonexistent").run());
        is_silent(&ask(&sandbox, words).env("HOME", "").env("CAST_HOME", "/nonexistent").run());
        is_silent(&ask(&sandbox, words).env("CAST_VAULTS", "/dev/null").run());
        // The home in the system's list of users is a real one: the test must not look into it.
        assert_eq!(ask(&sandbox, words).without_env("HOME").run().err, "");
    }
    let home = |kind| if kind == Kind::Fish { "set -x HOME /nonexistent" } else { "export HOME=/nonexistent" };
    for kind in [Kind::Bash, Kind::BashCompletion, Kind::Zsh, Kind::Fish] {
        let Some(mut shell) = Shell::start(kind, &sandbox, home(kind)) else { return };
        assert_eq!(shell.tab("cast list "), "cast list ");
        assert_eq!(shell.tab("cast ru"), "cast run ");
        shell.shows_no_complaint();
    }
}

#[test]
fn a_cast_that_is_gone() {
    let sandbox = home();
    for kind in [Kind::Bash, Kind::BashCompletion, Kind::Zsh, Kind::Fish] {
        let last = if kind == Kind::Fish { "set -x PATH /usr/bin /bin" } else { "export PATH=/usr/bin:/bin" };
        let Some(mut shell) = Shell::start(kind, &sandbox, last) else { return };
        assert_eq!(shell.tab("cast delete my-agent "), "cast delete my-agent ");
        shell.shows_no_complaint();
    }
}

#[test]
fn words_that_mean_nothing() {
    let sandbox = home();
    for shell in [["__complete"].as_slice(), &["__complete", "sk-live-abc"], &["__complete", "bash", "more"]] {
        assert_eq!(sandbox.cast(shell).input("sk-live-abc").run().err, "");
    }
    for input in
        [b"".as_slice(), b"\0", b"\0\0\0", b"\xff\xfe\0\xff", b"run\0-", b"run\0--only=\0\xf0", &vec![b'a'; 1 << 20]]
    {
        let outcome = sandbox.cast(["__complete", "zsh"]).input(input).run();
        assert_eq!(outcome.err, "", "{input:?}");
    }
}

/// No trace: no file, no line in the audit log, no record of this state of the vault.
#[test]
fn nothing_is_written() {
    let sandbox = home();
    let _ = fs::remove_dir_all(sandbox.state());
    let before = sandbox.snapshot();
    let answer = ask(&sandbox, &["delete", "my-agent", ""]).succeeds();
    assert_eq!(answer.out, "words\nOPENAI_API_KEY\n");
    answer.says_nothing_of(&["hunter2"]);
    assert!(sandbox.snapshot() == before && !sandbox.state().exists());
}

/// Ten thousand agents cost one reading of a folder: cast opens no vault to complete its agent's name.
#[test]
fn no_vault_is_opened_for_the_names_of_agents() {
    if Command::new("strace").arg("-V").output().is_err() {
        skip("completion: strace is not installed");
        return;
    }
    let sandbox = home();
    let trace = sandbox.home().join("trace");
    let words = ["-f", "-e", "trace=file,read,socket", "-o", trace.to_str().unwrap(), CAST, "__complete", "bash"];
    let traced = sandbox.other("strace", words).input("list\0\0").succeeds();
    assert_eq!(traced.out, "words\nmy-agent\n");
    let calls = fs::read_to_string(trace).unwrap();
    assert!(calls.contains(".local/share/cast/vaults"), "{calls}");
    for never in ["my-agent.age", "key.txt", "socket("] {
        assert!(!calls.contains(never), "{never}: {calls}");
    }
}

#[test]
fn without_standard_streams() {
    let sandbox = home();
    for closing in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full"] {
        let mut shell = sandbox.command("sh");
        shell.args(["-c", &format!("exec \"$0\" __complete bash {closing}"), CAST]).arg0("sh");
        let output = shell.stdin(std::process::Stdio::null()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{closing}");
    }
}
