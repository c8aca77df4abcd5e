//! `set --generate`: a random value that nobody has seen.

use std::collections::BTreeSet;

use crate::sandbox::Sandbox;
use crate::terminal::Terminal;

#[track_caller]
fn is_random(value: &[u8], length: usize) {
    assert_eq!(value.len(), length);
    assert!(value.iter().all(u8::is_ascii_alphanumeric), "not base62");
}

#[test]
fn letters_and_digits_that_are_never_shown() {
    let sandbox = Sandbox::new();
    let mut seen = BTreeSet::new();
    for (words, length) in [
        (&["set", "a", "K", "--generate"][..], 32),
        (&["set", "--generate", "a", "K"], 32),
        (&["secrets", "set", "a", "K", "--generate", "64"], 64),
        (&["set", "a", "K", "64", "--generate"], 64),
        (&["set", "--generate=8", "a", "K"], 8),
        (&["set", "a", "K", "--generate=4096"], 4096),
    ] {
        // Standard input is not read.
        let outcome = sandbox.cast(words).input("not this").succeeds();
        let value = sandbox.value("a", "K");
        is_random(&value, length);
        outcome.says_nothing_of(&[std::str::from_utf8(&value).unwrap()]);
        assert_eq!(outcome.err.lines().count(), 1, "{outcome:?}");
        assert!(seen.insert(value), "twice the same");
    }
    assert!(!sandbox.audit_log().contains(std::str::from_utf8(&sandbox.value("a", "K")).unwrap()));
    // On a terminal, nothing is asked and nothing is in the history.
    let shown = Terminal::start(sandbox.cast(["set", "a", "NEW", "--generate"])).ends_with(0);
    assert!(shown.contains("set for agent") && !shown.contains("history") && !shown.contains("Enter"), "{shown}");
    assert!(!shown.contains(std::str::from_utf8(&sandbox.value("a", "NEW")).unwrap()));
}

#[test]
fn limits_and_contradictions() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2-hunter2")]);
    for n in ["0", "7", "4097", "-1", "sk-live-abc", "32x", "99999999999999999999"] {
        let refused = sandbox.cast(["set", "a", "K", &format!("--generate={n}")]).refuses(2, "N is not", &["sk-live"]);
        assert!(refused.err.contains("from 8 to 4096"), "{refused:?}");
        sandbox.cast(["set", "a", "K", "--generate", n]).refuses(2, "N is not a valid number", &["sk-live"]);
    }
    sandbox.cast(["set", "a", "K", "sk-live-abc", "--generate=32"]).refuses(2, "cannot be used", &["sk-live"]);
    sandbox.cast(["set", "a", "K", "--exact", "--generate"]).refuses(2, "cannot be used", &[]);
    assert_eq!(sandbox.value("a", "K"), b"hunter2-hunter2");
}

/// As in a loop over the lines of a file: what is on standard input is for the next reader.
#[test]
fn standard_input_is_left_to_others() {
    let sandbox = Sandbox::new();
    let script = "while read -r agent; do cast set \"$agent\" K --generate || exit; done";
    crate::advice::typed(&sandbox, script).input("one\ntwo\nthree\n").succeeds();
    for agent in ["one", "two", "three"] {
        assert_eq!(sandbox.value(agent, "K").len(), 32);
    }
}
