//! What is shown of a vault: flags and sealer, and what is different from what this machine knows, by name.

use std::fs;

use super::{SECRET, sandbox, text};
use crate::forge::Key;

#[test]
fn flags_and_sealer_in_every_listing() {
    let sandbox = sandbox();
    sandbox.cast(["set", "a", "--allow-dangerous-name", "NODE_OPTIONS", "hunter2"]).succeeds();
    sandbox.cast(["set", "a", "--unmasked", "REGION", "hunter2"]).succeeds();
    let listing = sandbox.listing("a");
    let flags = |key: &str| {
        let secret = listing.iter().find(|secret| secret["key"] == key).unwrap();
        assert_eq!(secret["sealer"], "owner");
        (secret["dangerous"] == true, secret["unmasked"] == true)
    };
    assert_eq!([flags("K"), flags("NODE_OPTIONS"), flags("REGION")], [(false, false), (true, false), (false, true)]);
    let table = sandbox.cast(["list", "a"]).succeeds();
    let explained = sandbox.cast(["run", "a", "--explain"]).succeeds();
    for text in [&table.out, &explained.out] {
        let row =
            |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{key}: {text}"));
        assert!(row("KEY").ends_with("FLAGS") && row("NODE_OPTIONS").ends_with("dangerous name"), "{text}");
        assert!(row("REGION").ends_with("unmasked") && !row("K ").contains("dangerous"), "{text}");
    }
}

#[test]
fn accept_shows_what_is_different_by_name() {
    let sandbox = sandbox();
    sandbox.set("a", "GONE", "hunter2");
    sandbox.set("a", "SAME", "hunter2");
    let other = text(&sandbox);
    sandbox.set("a", "SAME2", "hunter2");
    // From the same base, elsewhere: another value, another treatment, one more, one less.
    let edited = other
        .edited("hunter2-first", "hunter2-there")
        .edited("[names.SAME]\n", "[names.SAME]\nunmasked = true\n")
        .with("LD_PRELOAD", "hunter2.so", "dangerous = true\n");
    let edited = crate::forge::Text {
        part: edited.part.replace("\n[names.GONE]\n", ""),
        values: edited.values.split("\n[secrets.GONE]").next().unwrap().to_owned()
            + "\n[secrets.K]"
            + edited.values.split("\n[secrets.K]").nth(1).unwrap().replacen("updated = 20", "updated = 19", 1).as_str(),
        ..edited
    };
    let edited = crate::forge::Text { at: "ffffffff.9".into(), rules: "ffffffff.9".into(), ..edited };
    fs::write(sandbox.vault("a"), edited.seal(Key::master(&sandbox))).unwrap();
    let asked = sandbox.cast(["vault", "accept", "a"]).run();
    assert_eq!(asked.code, 2, "{asked:?}");
    for line in [
        "values sealed by: owner",
        "changes since the state that this machine knows:",
        "  GONE: removed",
        "  K: another value",
        "  LD_PRELOAD: added (dangerous name)",
        "  SAME: flags changed: 'unmasked' (was no flags)",
        "  SAME2: removed",
        "  other values may be different, too, though their times are the same",
    ] {
        assert!(asked.err.lines().any(|said| said == line), "no '{line}': {asked:?}");
    }
    let row = asked.err.lines().find(|line| line.starts_with("LD_PRELOAD ")).unwrap();
    assert!(row.ends_with("dangerous name"), "{row}");
    asked.says_nothing_of(&[SECRET]);
}

#[test]
fn accept_says_of_other_values_only_what_it_knows() {
    let sandbox = sandbox();
    let base = text(&sandbox);
    sandbox.set("a", "MORE", "hunter2");
    let fork = crate::forge::Text { at: "ffffffff.9".into(), rules: "ffffffff.9".into(), ..base };
    fs::write(sandbox.vault("a"), fork.seal(Key::master(&sandbox))).unwrap();
    let asked = sandbox.cast(["vault", "accept", "a"]).run();
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(asked.err.starts_with("Why cast refuses it: the vault of agent 'a' "), "{asked:?}");
    for line in ["  MORE: removed", "  other values may be different, too, though their times are the same"] {
        assert!(asked.err.lines().any(|said| said == line), "no '{line}': {asked:?}");
    }
}

/// Each flag is compared as one, whatever it holds.
#[test]
fn no_flag_passes_for_others() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let listed = text(&sandbox)
        .edited("[names.K]\n", "[names.K]\nin = [\"query:a, unmasked\"]\n")
        .with_name("L", "from = [\"op\", \"read x\"]\n")
        .next();
    fs::write(sandbox.vault("a"), listed.seal(master)).unwrap();
    let table = sandbox.cast(["list", "a"]).succeeds().out;
    assert!(table.lines().any(|line| line.ends_with("  \"in query:a, unmasked\"")), "{table}");
    let edited = listed
        .edited("in = [\"query:a, unmasked\"]\n", "unmasked = true\nin = [\"query:a\"]\n")
        .edited("\"read x\"", "\"read\", \"x\"");
    let edited = crate::forge::Text { at: "ffffffff.9".into(), rules: "ffffffff.9".into(), ..edited };
    fs::write(sandbox.vault("a"), edited.seal(master)).unwrap();
    let asked = sandbox.cast(["vault", "accept", "a"]).run();
    for line in [
        "  K: flags changed: 'unmasked, in query:a' (was '\"in query:a, unmasked\"')",
        "  L: flags changed: 'from a command \"op\" \"read\" \"x\"' (was 'from a command \"op\" \"read x\"')",
    ] {
        assert!(asked.err.lines().any(|said| said == line), "no '{line}': {asked:?}");
    }
}

/// What others wrote neither hides nor reorders what stands beside it.
#[test]
fn invisible_letters_are_shown() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let listed = text(&sandbox)
        .edited("[names.K]\n", "[names.K]\nin = [\"query:\u{202e}dekram\u{200b}\"]\n")
        .with_name("L", "from = [\"op\u{2066}\"]\n")
        .next();
    fs::write(sandbox.vault("a"), listed.seal(master)).unwrap();
    let table = sandbox.cast(["list", "a"]).succeeds().out;
    let explained = sandbox.cast(["run", "a", "--only", "K", "--explain"]).succeeds().out;
    let json = sandbox.cast(["list", "a", "--json"]).succeeds().out;
    let explained_json = sandbox.cast(["run", "a", "--only", "K", "--explain", "--json"]).succeeds().out;
    let forked = crate::forge::Text { at: "ffffffff.9".into(), ..listed };
    fs::write(sandbox.vault("a"), forked.seal(master)).unwrap();
    let asked = sandbox.cast(["vault", "accept", "a"]).run();
    for text in [&table, &explained, &asked.err] {
        assert!(text.contains("in query:\\u{202e}dekram\\u{200b}"), "{text}");
    }
    assert!(asked.err.contains("from a command \"op\\u{2066}\""), "{asked:?}");
    for text in [&table, &explained, &json, &explained_json, &asked.err] {
        assert!(text.is_ascii(), "{text}");
    }
    // For programs it is what it was.
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["in"][0], "query:\u{202e}dekram\u{200b}");
    let json: serde_json::Value = serde_json::from_str(&explained_json).unwrap();
    assert_eq!(json["secrets"][0]["flags"][0], "in query:\u{202e}dekram\u{200b}");
}
