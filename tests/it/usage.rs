//! Words in the wrong place. Users type secrets there, so cast never echoes one: it exits with 2 (`run` with 125) and
//! names the position instead.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::rendered::commands;
use crate::sandbox::{Outcome, Sandbox};
use crate::terminal::Terminal;

/// A secret that no message may contain.
const SECRET: &str = "sk-live-abc";

/// The style of messages: lower case except for the names of arguments.
#[track_caller]
fn speaks_well(outcome: &Outcome) {
    let message = outcome.err.lines().next().unwrap().strip_prefix("cast: error: ").unwrap();
    let word: String = message.chars().take_while(|letter| letter.is_alphabetic()).collect();
    let name_of_an_argument = word.len() > 1 && word.chars().all(char::is_uppercase);
    assert!(name_of_an_argument || !word.starts_with(char::is_uppercase), "{message}");
    for line in outcome.err.lines() {
        assert!(line.starts_with("cast: error: ") || line.starts_with("cast: hint: "), "{line}");
    }
}

/// Each of `lines` is a call of cast, words separated by spaces, that ends with `code`.
#[track_caller]
fn refuses_each(sandbox: &Sandbox, code: i32, message: &str, lines: &[&str]) {
    for line in lines {
        let outcome =
            sandbox.cast(line.split_whitespace()).input("from standard input").refuses(code, message, &[SECRET]);
        speaks_well(&outcome);
    }
}

#[test]
fn secrets_in_the_wrong_place_are_not_echoed() {
    let sandbox = Sandbox::new();
    sandbox.cast(["set", "a", "K", "my", "secret", "words"]).refuses(2, "is unexpected", &["secret", "words"]);
    sandbox.cast(["set", "a", SECRET]).refuses(2, "KEY is not a valid secret name", &[SECRET]);
    sandbox.cast(["set", "a", "K=sk-live-abc"]).refuses(2, "contains '='", &[SECRET]);
    sandbox.cast(["set", "sk-live-abc/", "K", "v"]).refuses(2, "AGENT is not a valid agent name", &[SECRET]);
    sandbox.cast([SECRET]).refuses(2, "no such command", &[SECRET]);
    sandbox.cast(["set", "--sk-live-abc", "a", "K"]).refuses(2, "not an option", &[SECRET]);
}

#[test]
fn what_no_agent_can_be_called() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let (longest, too_long) = ("a".repeat(63), "a".repeat(64));
    for agent in [
        "",
        ".",
        "..",
        ".hidden",
        "_first",
        "last.",
        "two..dots",
        "sk-LIVE-abc",
        "with blank",
        "up/../../etc",
        "/etc/passwd",
        "a\\b",
        "caf\u{e9}",
        "line\nbreak",
        "esc\x1b[31m",
        "con",
        "nul",
        "prn",
        "aux",
        "com1",
        "lpt9",
        "nul.txt",
        "K=V",
        &too_long,
    ] {
        let echo = if agent.len() > 6 && agent != "AGENT" { vec![agent] } else { vec![] };
        for words in [
            vec!["set", agent, "K", "v"],
            vec!["list", agent],
            vec!["delete", agent, "K"],
            vec!["delete", agent, "--all"],
        ] {
            speaks_well(&sandbox.cast(words).refuses(2, "AGENT", &echo));
        }
        sandbox.cast(["vault", "accept", agent]).refuses(2, "AGENT", &echo);
        sandbox.cast(["run", agent, "--", "true"]).refuses(125, "AGENT", &echo);
        sandbox.cast(["run", agent, "--explain"]).refuses(2, "AGENT", &echo);
    }
    for agent in ["0", "a.b_c-d", "builtin", "com10", "console", &longest] {
        sandbox.set(agent, "K", "v");
    }
}

#[test]
fn what_no_secret_can_be_called() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let too_long = "K".repeat(256);
    for key in
        ["", "1ST", "sk-live-abc", "WITH BLANK", "caf\u{e9}_KEY", "LINE\nBREAK", "A.LONG.KEY", "$HOME_SWEET", &too_long]
    {
        let echo = if key.len() > 6 { vec![key] } else { vec![] };
        speaks_well(&sandbox.cast(["set", "a", key, "v"]).refuses(2, "KEY", &echo));
        sandbox.cast(["delete", "a", key]).refuses(2, "KEY", &echo);
        sandbox.cast(["delete", "a", "K", key]).refuses(2, "KEY", &echo);
        sandbox.cast(["run", "a", "--only", key, "--", "true"]).refuses(125, "", &echo);
        sandbox.cast(["run", "a", "--except", key, "--", "true"]).refuses(125, "", &echo);
    }
    for key in ["CAST_KEY", "CAST_KEY_FILE", "CAST_HOME", "CAST_VAULTS", "CAST_", "CAST_ANYTHING"] {
        speaks_well(&sandbox.cast(["set", "a", key, SECRET]).refuses(2, "CAST_", &[SECRET]));
        sandbox.cast(["set", "a", key, SECRET, "--allow-dangerous-name"]).refuses(2, "CAST_", &[SECRET]);
    }
    sandbox.set("a", "CAST", "v");
    sandbox.set("a", "CASTLE", "v");
}

#[test]
fn a_value_in_the_place_of_the_key_gets_the_right_form() {
    let sandbox = Sandbox::new();
    for word in ["K=sk-live-abc", "K=", "=sk-live-abc", "A B=sk-live-abc", "CAST_KEY=sk-live-abc"] {
        let outcome = sandbox.cast(["set", "a", word]).input("v").refuses(2, "KEY", &[SECRET]);
        assert!(outcome.err.contains("cast: hint: ") && outcome.err.contains("AGENT KEY VALUE"), "{outcome:?}");
    }
}

#[test]
fn words_that_are_not_text() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let call = |words: &[&[u8]]| sandbox.cast(words.iter().map(|word| OsStr::from_bytes(word)));
    call(&[b"set", b"sk-live\xff", b"K", b"v"]).refuses(2, "AGENT", &["sk-live"]);
    call(&[b"set", b"a", b"sk-live\xff", b"v"]).refuses(2, "KEY", &["sk-live"]);
    call(&[b"set", b"a", b"K=sk-live\xff"]).refuses(2, "KEY", &["sk-live"]);
    call(&[b"list", b"sk-live\xff"]).refuses(2, "AGENT", &["sk-live"]);
    call(&[b"delete", b"a", b"sk-live\xff"]).refuses(2, "KEY", &["sk-live"]);
    call(&[b"run", b"sk-live\xff", b"--", b"true"]).refuses(125, "AGENT", &["sk-live"]);
    call(&[b"run", b"a", b"--only", b"sk-live\xff", b"--", b"true"]).refuses(125, "", &["sk-live"]);
    call(&[b"sk-live\xff"]).refuses(2, "", &["sk-live"]);
    call(&[b"--sk-live\xff"]).refuses(2, "", &["sk-live"]);
    call(&[b"init", b"--key-store", b"sk-live\xff"]).refuses(2, "", &["sk-live"]);
    call(&[b"init", b"--key-store=sk-live\xff"]).refuses(2, "", &["sk-live"]);
    call(&[b"set", b"a", b"K", b"v", b"sk-live\xff"]).refuses(2, "", &["sk-live"]);
    call(&[b"set", b"a", b"--allow-dangerous-name=sk-live\xff", b"K"]).refuses(2, "", &["sk-live"]);
}

#[test]
fn surplus_words_unknown_options_and_wrong_choices() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    refuses_each(
        &sandbox,
        2,
        "",
        &[
            "sk-live-abc",
            "secrets sk-live-abc",
            "vault sk-live-abc",
            "init sk-live-abc",
            "list a sk-live-abc",
            "set a K v sk-live-abc",
            "set a K -- v sk-live-abc",
            "secrets set a K v sk-live-abc",
            "delete a --all sk-live-abc",
            "delete --all --yes a sk-live-abc",
            "vault accept a sk-live-abc",
            "--sk-live-abc",
            "--sk-live-abc list a",
            "list --sk-live-abc",
            "list a --json=sk-live-abc",
            "list --json=sk-live-abc a",
            "--quiet=sk-live-abc list a",
            "-qsk-live-abc list a",
            "set --sk-live-abc a K",
            "set a --sk-live-abc K",
            "set a K v --sk-live-abc",
            "set a --token=sk-live-abc K",
            "set --allow-dangerous-name=sk-live-abc a K v",
            "delete a K --yes=sk-live-abc",
            "delete a --sk-live-abc",
            "init --key-store sk-live-abc",
            "init --key-store=sk-live-abc",
            "init --key-store=file,sk-live-abc",
            "init --sk-live-abc",
            "run a --explain --sk-live-abc",
        ],
    );
    refuses_each(
        &sandbox,
        2,
        "",
        &["set", "set a", "secrets set", "delete", "delete a", "vault accept", "init --key-store"],
    );
    let wrong = sandbox.cast(["init", "--key-store", SECRET]).refuses(2, "key-store", &[SECRET]);
    for choice in ["auto", "keyring", "passphrase", "file"] {
        assert!(wrong.err.contains(choice), "{wrong:?}");
    }
    let surplus = sandbox.cast(["set", "a", "K", "my", "secret", "words"]).refuses(2, "5", &["secret", "words"]);
    assert!(surplus.err.contains("word"), "{surplus:?}");
}

#[test]
fn usage_errors_of_run_are_its_own_failures() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    refuses_each(
        &sandbox,
        125,
        "",
        &[
            "run",
            "run a",
            "run a --",
            "run -- true",
            "run a sk-live-abc",
            "run a sk-live-abc --explain",
            "run a --sk-live-abc -- true",
            "run a sk-live-abc -- true",
            "run a --only=sk-live-abc -- true",
            "run a --only= -- true",
            "run a --only -- true",
            "run a --only K --except K -- true",
            "run a --no-builtin=sk-live-abc -- true",
            "run --sk-live-abc a -- true",
            "-q run --sk-live-abc a -- true",
        ],
    );
    for line in ["run a sk-live-abc", "run a", "run -- true", "run a K=sk-live-abc env"] {
        let refused = sandbox.cast(line.split(' ')).refuses(125, "", &[SECRET]);
        assert!(refused.err.contains("cast: hint: ") && refused.err.contains("-- CMD"), "the right form: {refused:?}");
    }
}

#[test]
fn a_slip_in_a_command_or_option_is_put_right() {
    let sandbox = Sandbox::new();
    for (line, meant) in [
        ("lsit", "list"),
        ("secrets delte", "delete"),
        ("list --jsn", "--json"),
        // A command in another place.
        ("import", "cast secrets import"),
        ("rotate", "cast key rotate"),
        ("accept", "cast vault accept"),
        ("secrets run", "cast run"),
        ("secrets ls-all", "ls"),
        // Another tool's name for it.
        ("add", "cast set"),
        ("secrets remove", "cast delete"),
        ("exec", "cast run"),
        ("get", "cast run AGENT -- CMD"),
        ("version", "cast --version"),
    ] {
        let outcome = sandbox.cast(line.split(' ')).refuses(2, "", &[]);
        assert!(outcome.err.contains(&format!("'{meant}'")), "{outcome:?}");
    }
}

/// `-h` fits on a terminal of 24 lines and 80 columns, and breaks no example.
#[test]
fn short_help_fits_a_terminal_and_shows_an_example() {
    let sandbox = Sandbox::new();
    let mut misfits = Vec::new();
    for words in commands(&sandbox) {
        let line = words.join(" ");
        let terminal = Terminal::start(sandbox.cast(words.iter().map(String::as_str).chain(["-h"])));
        let shown = anstream::adapter::strip_str(&terminal.ends_with(0)).to_string();
        let lines: Vec<_> = shown.lines().collect();
        // As a pipe gets them: not wrapped.
        let piped = sandbox.cast(words.iter().map(String::as_str).chain(["-h"])).env("COLUMNS", "500").succeeds().out;
        let mut examples =
            piped.lines().skip_while(|line| !line.starts_with("Example") && !line.starts_with("Get started:"));
        let broken = examples.any(|line| !lines.contains(&line));
        let widest = lines.iter().map(|line| line.chars().count()).max().unwrap();
        let example = shown.contains("\nExample") || shown.contains("\nGet started:");
        if lines.len() > 24 || widest > 80 || !example || broken {
            misfits.push(format!("cast {line} -h: {} lines, {widest} columns\n{shown}", lines.len()));
        }
    }
    assert!(misfits.is_empty(), "{}", misfits.join("\n"));
}

/// All that a command takes is in `--help`: as much as its manual page has.
#[test]
fn long_help_is_complete() {
    let sandbox = Sandbox::new();
    for words in commands(&sandbox) {
        let call = |option| sandbox.cast(words.iter().map(String::as_str).chain([option])).succeeds().out;
        let (short, long) = (call("-h"), call("--help"));
        let page = sandbox.cast(["man"].into_iter().chain(words.iter().map(String::as_str))).succeeds().out;
        let named = page.split("\\fB\\-\\-").skip(1).filter_map(|rest| rest.split_once("\\fR"));
        let options: Vec<_> = named.map(|(name, _)| format!("--{}", name.replace("\\-", "-"))).collect();
        assert!(options.contains(&"--help".to_owned()), "{page}");
        for option in options {
            assert!(long.contains(&option), "{words:?}: no {option} in {long}");
        }
        for line in short.lines().filter(|line| line.starts_with("  cast ")) {
            assert!(long.contains(line), "{words:?}: no '{line}' in {long}");
        }
        assert_eq!(sandbox.cast(["help"].into_iter().chain(words.iter().map(String::as_str))).succeeds().out, long);
    }
    sandbox.cast(["help", SECRET]).refuses(2, "no such command", &[SECRET]);
}

/// A fake `man` that writes down what it gets.
#[test]
fn a_pager_gets_no_key() {
    let sandbox = Sandbox::new();
    let bin = sandbox.home().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("man"), "#!/bin/sh\n/usr/bin/env >\"$HOME/given\"\n/bin/cat >\"$HOME/page\"\n").unwrap();
    assert!(sandbox.command("chmod").arg("+x").arg(bin.join("man")).status().unwrap().success());
    for (name, value) in [("CAST_KEY", SECRET), ("CAST_KEY_FILE", "/run/sk-key")] {
        Terminal::start(sandbox.cast(["man"]).env("PATH", &bin).env(name, value)).ends_with(0);
        let given = fs::read_to_string(sandbox.home().join("given")).unwrap();
        assert!(given.contains("HOME=") && !given.contains(name) && !given.contains(value), "{given}");
        assert!(fs::read_to_string(sandbox.home().join("page")).unwrap().contains(".SH NAME"));
    }
}

#[test]
fn help_is_data_and_no_words_at_all_are_wrong_usage() {
    let sandbox = Sandbox::new();
    for line in [
        "",
        "secrets",
        "secrets set",
        "secrets list",
        "secrets delete",
        "set",
        "list",
        "delete",
        "run",
        "init",
        "vault",
        "vault accept",
    ] {
        for option in ["--help", "-h"] {
            let outcome = sandbox.cast(line.split_whitespace().chain([option])).succeeds();
            assert!(outcome.out.contains("Usage: cast"), "{line}: {outcome:?}");
            assert_eq!(outcome.err, "");
            assert!(!outcome.out.contains('\x1b'), "{line}: colours in a pipe");
        }
    }
    let nothing = sandbox.cast([""; 0]).run();
    assert_eq!((nothing.code, nothing.out.as_str()), (2, ""));
    assert!(nothing.err.contains("Usage: cast"), "{nothing:?}");
    assert!(nothing.err.contains("Get started: cast secrets set my-agent OPENAI_API_KEY"), "{nothing:?}");
    // A full or closed stream is an error, not a panic.
    let full =
        sandbox.command("sh").args(["-c", "exec \"$0\" --help >/dev/full", crate::sandbox::CAST]).output().unwrap();
    assert_eq!(full.status.code(), Some(6), "{full:?}");
}
