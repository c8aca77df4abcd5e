//! `cast secrets set`: where a value comes from, what it may be, and that it arrives unchanged.

mod generate;
mod kept;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::sandbox::Sandbox;

/// The longest environment string of Linux, `KEY=value`.
const LONGEST: usize = 131_071;

#[test]
fn says_what_it_did() {
    let sandbox = Sandbox::new();
    for words in [&["set"][..], &["secrets", "set"]] {
        let words = words.iter().chain(&["my-agent", "OPENAI_API_KEY", "sk-live-abc"]);
        let outcome = sandbox.cast(words).succeeds();
        assert_eq!(outcome.err, "✓ Secret 'OPENAI_API_KEY' set for agent 'my-agent'\n");
        assert_eq!(outcome.out, "");
        sandbox.cast(["delete", "my-agent", "OPENAI_API_KEY"]).succeeds();
    }
    let long = sandbox.cast(["set", "my-agent", "K_2"]).input("sk-live-abc").succeeds();
    assert_eq!(long.err, "✓ Secret 'K_2' set for agent 'my-agent'\n");
}

#[test]
fn quiet_drops_success_and_hints_but_no_error() {
    let sandbox = Sandbox::new();
    for words in [["-q", "set", "a", "lower"], ["set", "-q", "a", "lower"], ["set", "a", "lower", "--quiet"]] {
        let outcome = sandbox.cast(words).input("v").succeeds();
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("", ""), "{words:?}");
    }
    let refused = sandbox.cast(["-q", "set", "a", "K=sk-live"]).refuses(2, "KEY", &["sk-live"]);
    assert!(!refused.err.contains("hint"), "{refused:?}");
}

#[test]
fn a_name_in_lower_case_earns_a_hint() {
    let sandbox = Sandbox::new();
    for name in ["api_key", "Token", "tOKEN"] {
        let outcome = sandbox.cast(["set", "a", name, "sk-live-abc"]).succeeds();
        let lines: Vec<_> = outcome.err.lines().collect();
        assert_eq!(lines.len(), 2, "{outcome:?}");
        assert!(lines[0].starts_with('✓') && lines[1].starts_with("cast: hint: "), "{outcome:?}");
        assert_eq!(sandbox.value("a", name), b"sk-live-abc");
    }
    for name in ["API_KEY", "_", "A1", "X_"] {
        let outcome = sandbox.cast(["set", "a", name, "sk-live-abc"]).succeeds();
        assert_eq!(outcome.err.lines().count(), 1, "{outcome:?}");
    }
}

#[test]
fn a_value_given_as_a_word() {
    let sandbox = Sandbox::new();
    // Arguments, and the value that cast stores.
    let values: &[(&[&str], &str)] = &[
        (&["plain"], "plain"),
        (&["-dash-first"], "-dash-first"),
        (&["-hunter2"], "-hunter2"),
        (&["--long-dash"], "--long-dash"),
        (&["-"], "-"),
        (&[""], ""),
        (&["--", "-q"], "-q"),
        (&["--", "--help"], "--help"),
        (&["--", "--"], "--"),
        (&["--", ""], ""),
        (&["-q", "after an option"], "after an option"),
        (&["--", "a=b=c"], "a=b=c"),
        (&["--", " blanks \t"], " blanks \t"),
        (&["line\n"], "line\n"),
        (&["'\"$HOME`\\"], "'\"$HOME`\\"),
        (&[" two\nlines\r\n$x \"quoted\" "], " two\nlines\r\n$x \"quoted\" "),
    ];
    for (words, value) in values {
        sandbox.set("a", "K", "what was there before");
        sandbox.cast(["set", "a", "K"].iter().chain(*words)).input("not this").succeeds();
        assert_eq!(sandbox.value("a", "K"), value.as_bytes(), "{words:?}");
    }
    let quiet = sandbox.cast(["set", "a", "K", "-q"]).input("from standard input").succeeds();
    assert_eq!(quiet.err, "");
    assert_eq!(sandbox.value("a", "K"), b"from standard input");
    let help = sandbox.cast(["set", "a", "K", "--help"]).input("no").succeeds();
    assert!(help.out.contains("Usage"), "{help:?}");
    assert_eq!(sandbox.value("a", "K"), b"from standard input");
}

#[test]
fn a_value_from_standard_input() {
    let sandbox = Sandbox::new();
    for (input, value) in [
        ("no line end", "no line end"),
        ("one line\n", "one line"),
        ("one line\r\n", "one line"),
        ("a return alone\r", "a return alone\r"),
        ("two ends\n\n", "two ends\n\n"),
        ("-----BEGIN-----\nkey\n-----END-----\n", "-----BEGIN-----\nkey\n-----END-----\n"),
        ("dos\r\nlines\r\n", "dos\r\nlines\r\n"),
        ("two\nlines", "two\nlines"),
        ("\nfirst is empty", "\nfirst is empty"),
        ("  blanks \t \n", "  blanks \t "),
        ("\u{feff}mark\n", "\u{feff}mark"),
        ("--help\n", "--help"),
    ] {
        sandbox.cast(["set", "a", "K"]).input(input).succeeds();
        assert_eq!(sandbox.value("a", "K"), value.as_bytes(), "{input:?}");
    }
    let refusal = sandbox.cast(["set", "a", "K"]).input("").refuses(2, "standard input is empty", &[]);
    assert!(refusal.err.contains("'COMMAND | cast secrets set AGENT KEY'"), "{refusal:?}");
}

#[test]
fn standard_input_byte_for_byte() {
    let sandbox = Sandbox::new();
    let longest = "x".repeat(LONGEST - "K=".len());
    for value in ["", "\n", "\r\n", "one line\n", "one line\r\n", "two\nlines\n", " ", "\u{feff}é\n", &longest] {
        for words in [["set", "a", "K", "--exact"], ["set", "--exact", "a", "K"]] {
            sandbox.set("a", "K", "what was there before");
            sandbox.cast(words).input(value).succeeds();
            assert!(sandbox.value("a", "K") == value.as_bytes(), "{:?}", &value[..value.len().min(20)]);
        }
    }
    for value in [&b"sk-live-\xff"[..], b"sk-live-\0", format!("sk-live-{longest}").as_bytes()] {
        sandbox.cast(["set", "a", "K", "--exact"]).input(value).refuses(2, "value", &["sk-live"]);
    }
    for words in [["set", "a", "K", "sk-live", "--exact"], ["set", "--exact", "a", "K", "sk-live"]] {
        sandbox.cast(words).refuses(2, "cannot be used with", &["sk-live"]);
    }
}

#[test]
fn a_value_that_no_environment_can_hold() {
    let sandbox = Sandbox::with("a", &[("OTHER", "v")]);
    let call = || sandbox.cast(["set", "a", "K"]);
    call().input("sk-live\0abc").refuses(2, "NUL", &["sk-live", "abc"]);
    call().input("sk-live\0").refuses(2, "NUL", &["sk-live"]);
    call().input(b"sk-live\xff").refuses(2, "UTF-8", &["sk-live"]);
    call().input(b"sk-live\xc3").refuses(2, "UTF-8", &["sk-live"]);
    call().input(b"sk-live\xed\xa0\x80").refuses(2, "UTF-8", &["sk-live"]);
    let words = [b"set".as_slice(), b"a", b"K", b"sk-live\xff"].map(OsStr::from_bytes);
    sandbox.cast(words).refuses(2, "UTF-8", &["sk-live"]);
}

#[test]
fn the_longest_value_arrives_and_a_longer_one_is_refused() {
    let sandbox = Sandbox::new();
    for key in ["K", "A_LONGER_NAME"] {
        let most = LONGEST - key.len() - 1;
        let value = "v".repeat(most);
        for line_end in ["", "\n", "\r\n"] {
            sandbox.cast(["set", "a", key]).input(format!("{value}{line_end}")).succeeds();
            assert!(sandbox.value("a", key) == value.as_bytes(), "{key} {line_end:?}");
        }
        sandbox.cast(["set", "a", key, &value]).succeeds();
        let longer = format!("{value}v");
        let mut refusals = vec![sandbox.cast(["set", "a", key, &longer])];
        for input in [longer.clone(), format!("{longer}\n"), longer.repeat(8)] {
            refusals.push(sandbox.cast(["set", "a", key]).input(input));
        }
        for call in refusals {
            let refused = call.refuses(2, key, &["vvvv"]);
            let digits = refused.err.replace([',', '_'], "");
            assert!(digits.contains(&most.to_string()) || digits.contains("131071"), "no limit named: {refused:?}");
        }
    }
    // Characters are not bytes.
    let wide = "é".repeat((LONGEST - 2) / 2 + 1);
    sandbox.cast(["set", "a", "K"]).input(&wide).refuses(2, "K", &["éé"]);
    // The longest name leaves room for a value.
    let name = "N".repeat(255);
    sandbox.set("a", &name, "v");
    assert_eq!(sandbox.value("a", &name), b"v");
}

#[test]
fn a_second_set_replaces_and_keeps_the_day_of_creation() {
    let sandbox = Sandbox::with("a", &[("K", "old-value"), ("OTHER", "other")]);
    let before = sandbox.listing("a");
    sandbox.set("a", "K", "new-value");
    let after = sandbox.listing("a");
    assert_eq!(after.len(), 2);
    assert_eq!(after[0]["created_at"], before[0]["created_at"]);
    // RFC 3339 in UTC sorts as text.
    assert!(after[0]["updated_at"].as_str() >= before[0]["updated_at"].as_str());
    assert!(after[0]["updated_at"].as_str() >= after[0]["created_at"].as_str());
    assert_eq!(after[1], before[1]);
    assert_eq!(sandbox.value("a", "K"), b"new-value");
    assert_eq!(sandbox.value("a", "OTHER"), b"other");
}

#[test]
fn names_that_change_what_runs_need_a_word_more() {
    let sandbox = Sandbox::new();
    for name in "LD_PRELOAD LD_LIBRARY_PATH LD_ANYTHING DYLD_INSERT_LIBRARIES PATH HOME SHELL IFS ENV BASH_ENV BASH_FUNC_x SHELLOPTS PS4 \
                 PROMPT_COMMAND NODE_OPTIONS PYTHONPATH PYTHONSTARTUP PYTHONHOME PERL5OPT PERL5LIB RUBYOPT RUBYLIB JAVA_TOOL_OPTIONS \
                 GIT_SSH GIT_SSH_COMMAND GIT_CONFIG GIT_CONFIG_COUNT GIT_EXEC_PATH EDITOR VISUAL PAGER BROWSER GLIBC_TUNABLES GCONV_PATH"
        .split_whitespace()
    {
        sandbox.cast(["set", "a", name, "sk-live-abc"]).refuses(2, "--allow-dangerous-name", &["sk-live"]);
    }
    for (name, words) in [
        ("VISUAL", ["set", "--allow-dangerous-name", "a", "VISUAL", "/nonexistent"]),
        ("EDITOR", ["set", "a", "EDITOR", "--allow-dangerous-name", "/nonexistent"]),
        ("NODE_OPTIONS", ["set", "a", "NODE_OPTIONS", "/nonexistent", "--allow-dangerous-name"]),
    ] {
        sandbox.cast(words).succeeds();
        // `run` checks the allowance again.
        assert_eq!(sandbox.value("a", name), b"/nonexistent");
    }
    // An allowance is only for the value it was given with.
    sandbox.cast(["set", "a", "PATH", "sk-live-abc"]).refuses(2, "--allow-dangerous-name", &["sk-live"]);
    // In upper and lower case: a vault may move to Windows, where both are the same variable.
    sandbox.cast(["set", "a", "path", "sk-live-abc"]).refuses(2, "--allow-dangerous-name", &["sk-live"]);
    for name in ["MY_PATH", "LDAP", "GITHUB_TOKEN", "HOMES"] {
        sandbox.set("a", name, "v");
    }
}

#[test]
fn colours_follow_the_variables() {
    let sandbox = Sandbox::new();
    let set = || sandbox.cast(["set", "a", "K", "v"]);
    assert!(!set().succeeds().err.contains('\x1b'));
    assert!(set().env("CLICOLOR_FORCE", "1").succeeds().err.contains("\x1b["));
    assert!(!set().env("NO_COLOR", "1").succeeds().err.contains('\x1b'));
    let wrong = || sandbox.cast(["set", "a", "K="]);
    assert!(!wrong().run().err.contains('\x1b'));
    assert!(wrong().env("CLICOLOR_FORCE", "1").run().err.contains("\x1b["));
}

#[test]
fn nobody_to_hear_of_it_is_no_failure() {
    let sandbox = Sandbox::new();
    for stream in ["2>&-", "2>/dev/full", ">&-", ">/dev/full"] {
        let script = format!("exec \"$@\" {stream}");
        let status =
            sandbox.command("sh").args(["-c", &script, "sh", crate::sandbox::CAST, "set", "a", "K", stream]).status();
        assert_eq!(status.unwrap().code(), Some(0), "{stream}");
        assert_eq!(sandbox.value("a", "K"), stream.as_bytes());
    }
}

#[test]
fn any_text_arrives_as_it_went_in() {
    let letter = prop_oneof![
        3 => any::<char>(),
        2 => prop::sample::select(vec!['\n', '\r', '"', '\'', '\\', '$', ' ', '\t', '=', '#', '\x1b', '\u{7f}', '\u{85}']),
        1 => prop::char::range('a', 'z'),
    ];
    let text = prop::collection::vec(letter.prop_filter("no NUL", |letter| *letter != '\0'), 0..120)
        .prop_map(|letters| letters.into_iter().collect::<String>());
    let sandbox = Sandbox::new();
    let config =
        ProptestConfig { cases: 32, failure_persistence: None, max_shrink_iters: 64, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&text, |value| {
            sandbox.cast(["set", "a", "ARGUMENT", "--", &value]).succeeds();
            prop_assert_eq!(sandbox.value("a", "ARGUMENT"), value.as_bytes());
            // A second line shows that the first is not the last.
            let input = format!("{value}\nend");
            sandbox.cast(["set", "a", "INPUT"]).input(&input).succeeds();
            prop_assert_eq!(sandbox.value("a", "INPUT"), input.as_bytes());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_misspelt_option_is_not_taken_for_the_value() {
    let sandbox = Sandbox::new();
    for word in ["--unmaskd", "--unmasked=yes", "--allow-dangerous-nam", "--exakt", "--stdin"] {
        sandbox.cast(["set", "a", "K", word]).refuses(2, "", &[]);
    }
    // A word that only begins like an option is a value, and so is everything after '--'.
    for words in [&["set", "a", "K", "-----BEGIN KEY-----"][..], &["set", "a", "K", "--", "--unmaskd"]] {
        sandbox.cast(words).succeeds();
        assert_eq!(sandbox.value("a", "K"), words[words.len() - 1].as_bytes());
    }
}

/// A mistyped AGENT is a new agent: nothing is refused, and one line says so.
#[test]
fn an_agent_with_nearly_the_name_of_another() {
    let sandbox = Sandbox::with("my-agent", &[("K", "hunter2-hunter2")]);
    std::fs::write(sandbox.home().join(".env"), "K=hunter2-hunter2\n").unwrap();
    let form = "'{agent}' is a new agent. Did you mean '{other}'? To take it back: 'cast secrets delete {agent} --all'";
    for words in [
        &["set", "my-agnt", "K", "hunter2-hunter2"][..],
        &["secrets", "import", "my-agnet", ".env"],
        &["secrets", "copy", "my-agent", "myagent"],
    ] {
        let made = sandbox.cast(words).succeeds();
        let advice = crate::advice::told(&made, form);
        assert_eq!(advice.hole(1), "my-agent");
        assert_eq!(made.err.lines().filter(|line| line.contains("Did you mean")).count(), 1, "{made:?}");
        made.says_nothing_of(&["hunter2"]);
        // It is made, and said once.
        let again = sandbox.cast(["set", advice.hole(0), "L", "hunter2-hunter2"]).succeeds();
        assert!(!again.err.contains("Did you mean"), "{again:?}");
        let command = format!("{} --yes", advice.command("cast secrets delete"));
        crate::advice::typed(&sandbox, &command).succeeds();
    }
    // Names that are meant.
    for agent in ["other", "my-agent-2", "my-tool", "a", "builtin"] {
        let made = sandbox.cast(["set", agent, "K", "hunter2-hunter2"]).succeeds();
        assert!(!made.err.contains("Did you mean"), "{made:?}");
    }
    let builtin = sandbox.cast(["set", "builtn", "K", "hunter2-hunter2"]).succeeds();
    assert!(builtin.err.contains("Did you mean 'builtin'?"), "{builtin:?}");
    assert_eq!(sandbox.cast(["-q", "set", "my-agnt", "K", "hunter2-hunter2"]).succeeds().err, "");
}

#[test]
fn a_value_that_looks_like_a_placeholder() {
    let sandbox = Sandbox::new();
    for value in ["changeme", "your-key-here", "<your token>", "xxxxxxxx"] {
        let set = sandbox.cast(["set", "a", "API_TOKEN", value]).succeeds();
        assert!(set.err.contains("cast: hint: the value looks like a placeholder\n"), "{value}: {set:?}");
        assert_eq!(sandbox.value("a", "API_TOKEN"), value.as_bytes());
        set.says_nothing_of(&[value]);
    }
    let set = sandbox.cast(["set", "a", "API_TOKEN", "hunter2-hunter2"]).succeeds();
    assert!(!set.err.contains("placeholder"), "{set:?}");
}
