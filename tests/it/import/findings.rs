//! What an import would pass over, cut or refuse: each line is named and nothing is stored, unless the user accepts it.

use std::fs;

use super::{says, with_file};

#[test]
fn what_is_cut_or_passed_over_stores_nothing() {
    let (sandbox, file) = with_file(
        "A=1234567890\nwhat is sk-live\nB=p4ss#sk-live\nC=\"sk-live-open\nA=sk-live-last\nlower=your-key-here\nK=v # mine\n",
    );
    let findings = [
        "  line 1: 'A': passed over, because line 5 assigns another value",
        "  line 2: passed over, because it is not an assignment",
        "  line 3: 'B': the value is cut at '#': if '#' belongs to it, put it in quotes",
    ];
    for dry in [&[][..], &["--dry-run"]] {
        let words = [&["secrets", "import", "a", ".env"], dry].concat();
        let refused = sandbox.cast(&words).refuses(1, "nothing was imported: some lines ", &["sk-live", "p4ss"]);
        let said: Vec<_> = refused.err.lines().filter(|line| line.starts_with("  ")).collect();
        assert_eq!(said, findings);
        let hint = "fix the file, or leave names out with '--except NAME,...', or store the rest with '--lenient'";
        assert!(refused.err.contains(hint), "{refused:?}");
        // Findings are no hints: they stay.
        let quiet = sandbox.cast(words.iter().chain(&["-q"])).refuses(1, "nothing was imported", &["sk-live", "p4ss"]);
        assert_eq!(quiet.err.lines().count(), 1 + findings.len());
    }
    assert!(!sandbox.vault("a").exists());
    for (text, name) in [("K=v\nwhat\n", "it is not an assignment"), ("K=v#w\n", "'K': the value is cut")] {
        fs::write(&file, text).unwrap();
        sandbox.cast(["secrets", "import", "a", ".env"]).refuses(1, name, &[]);
    }
    // A comment is no finding.
    fs::write(&file, "# what\n\nK=v # mine\nL='a#b'# mine\nM= # mine\nK=v\n").unwrap();
    let outcome = sandbox.cast(["secrets", "import", "a", ".env"]).succeeds();
    assert!(!outcome.err.contains("line "), "{outcome:?}");
    assert_eq!(sandbox.value("a", "L"), b"a#b");
}

#[test]
fn lenient_stores_the_rest() {
    let (sandbox, _) = with_file(
        "A=1234567890\nwhat is sk-live\nB=sk#live-0123\nC=\"sk-live-open\nA=sk-live-last\nlower=your-key-here\n\
         STRIPE-KEY=sk-live-stripe\nmy.dotted.name=sk-live-dotted\nLD_PRELOAD=sk-live.so\n\
         TLS_KEY=-----BEGIN PRIVATE KEY-----\nMIIEabcdef=\nsk-live\n-----END PRIVATE KEY-----\nLAST=sk-live-z\n",
    );
    let dry = sandbox.cast(["secrets", "import", "a", ".env", "--lenient", "--dry-run"]);
    assert_eq!(dry.succeeds().out.lines().skip(1).count(), 5);
    assert!(!sandbox.vault("a").exists());
    let outcome = sandbox.cast(["secrets", "import", "a", ".env", "--lenient"]).succeeds();
    says(
        &outcome,
        &[
            "cast: warning: line 1: 'A': passed over, because line 5 assigns another value",
            "cast: warning: line 2: passed over, because it is not an assignment",
            "cast: warning: line 3: 'B': the value is cut at '#'",
            "cast: warning: line 7: the name is not valid",
            "cast: warning: line 8: the name is not valid",
            "cast: warning: line 9: 'LD_PRELOAD': the name makes programs load code",
            "cast: warning: line 10: 'TLS_KEY': the value is only one line of a PEM key",
            "✓ Secrets added for agent 'a': A, B, C, LAST, lower",
            "a quote that is not closed became part of the value: line 4",
            "not masked in output: 'B', because it is shorter than 4 bytes",
            "the value looks like a placeholder: lower",
            "not UPPERCASE_WITH_UNDERSCORES, as environment variables usually are: lower",
            "'.env' still holds the values in plain text, also those that were not stored",
        ],
    );
    outcome.says_nothing_of(&["STRIPE-KEY", "my.dotted", "MIIE", "--remove"]);
    assert!(!sandbox.audit_log().contains("MIIE"));
    assert_eq!(sandbox.value("a", "A"), b"sk-live-last");
    assert_eq!(sandbox.value("a", "B"), b"sk");
    assert_eq!(sandbox.value("a", "C"), b"\"sk-live-open");
    assert_eq!(sandbox.listing("a").len(), 5);
    // What was not stored is said, whatever is quiet.
    let quiet = sandbox.cast(["-q", "secrets", "import", "a", ".env", "--lenient"]).succeeds();
    assert_eq!(quiet.err.lines().count(), 7);
    assert!(quiet.err.lines().all(|line| line.starts_with("cast: warning: line ")), "{quiet:?}");
}

#[test]
fn a_bad_name_is_left_out_and_blocks_no_file() {
    let text = "STRIPE-KEY=sk-live-1\nA=sk-live-a\nmy.dotted.name=sk-live-2\nB=sk-live#b\nPATH=/sk-live\nB=other\n";
    let (sandbox, file) = with_file(text);
    let import = |except: &[&str]| {
        let words = ["secrets", "import", "a", ".env"].iter().chain(except);
        sandbox.cast(words)
    };
    import(&["--except", "STRIPE-KEY"]).refuses(2, "  line 3: the name is not valid", &["sk-live", "my.dotted"]);
    let all = ["--except", "STRIPE-KEY,my.dotted.name", "--except=B", "--except", "PATH"];
    let outcome = import(&all).succeeds();
    says(&outcome, &["✓ Secrets added for agent 'a': A", "'.env' still holds the values in plain text, also those"]);
    assert!(!outcome.err.contains("warning") && !outcome.err.contains("line "), "{outcome:?}");
    assert_eq!(sandbox.listing("a").len(), 1);
    // A name that is not in the file is a typo; it may also be a secret.
    import(&["--except", "STRIPE_KEY"]).refuses(3, "FILE has no 'STRIPE_KEY' to leave out", &["sk-live"]);
    import(&["--except", "A,sk-live-1"]).refuses(3, "FILE does not have name 2 of '--except'", &["sk-live"]);
    import(&["--except="]).refuses(3, "name 1 of '--except'", &["sk-live"]);
    fs::write(&file, "A=sk-live-b\n").unwrap();
    import(&["--except", "A"]).refuses(2, "FILE has no assignments to store", &["sk-live"]);
    fs::write(&file, "A-B=sk-live-b\n").unwrap();
    import(&["--lenient"]).refuses(2, "FILE has no assignments to store", &["sk-live", "A-B"]);
    assert_eq!(sandbox.value("a", "A"), b"sk-live-a");
}

#[test]
fn what_was_done_and_found_as_json() {
    let (sandbox, file) = with_file("A=sk-live-1\nwhat\nB=p4ss#sk-live\nA=sk-live-2\nA-B=c\nPATH=p\nN=sk-live\0\n");
    let findings = serde_json::json!([
        { "line": 1, "key": "A", "finding": "assigned-again" },
        { "line": 2, "key": null, "finding": "not-an-assignment" },
        { "line": 3, "key": "B", "finding": "cut-at-hash" },
        { "line": 5, "key": null, "finding": "invalid-name" },
        { "line": 6, "key": "PATH", "finding": "dangerous-name" },
        { "line": 7, "key": "N", "finding": "invalid-value" },
    ]);
    let json = |words: &[&str]| {
        let outcome = sandbox.cast(["secrets", "import", "a", ".env", "--json"].iter().chain(words)).run();
        outcome.says_nothing_of(&["sk-live", "p4ss"]);
        (outcome.code, serde_json::from_str::<serde_json::Value>(&outcome.out).unwrap())
    };
    let refused = serde_json::json!({
        "agent": "a", "stored": false, "changes": [], "findings": findings, "removed": false,
    });
    assert_eq!(json(&[]), (2, refused));
    assert!(!sandbox.vault("a").exists());
    let changes =
        |change: &str| serde_json::json!([{ "key": "A", "change": change }, { "key": "B", "change": change }]);
    for (words, stored, change) in [
        (&["--lenient", "--dry-run"][..], false, "added"),
        (&["--lenient"], true, "added"),
        (&["--lenient"], true, "unchanged"),
    ] {
        let (code, found) = json(words);
        let expected = serde_json::json!({
            "agent": "a", "stored": stored, "changes": changes(change), "findings": findings, "removed": false,
        });
        assert_eq!((code, found), (0, expected), "{words:?}");
        assert_eq!(sandbox.vault("a").exists(), stored);
    }
    fs::write(&file, "A=sk-live-3\nB=sk-live-4\n").unwrap();
    let (code, found) = json(&["--remove"]);
    let expected = serde_json::json!({
        "agent": "a", "stored": true, "changes": changes("replaced"), "findings": [], "removed": true,
    });
    assert_eq!((code, found), (0, expected));
    assert!(!file.exists());
    // Nothing but data on standard output.
    fs::write(&file, "A=sk-live-3\n").unwrap();
    let quiet = sandbox.cast(["-q", "secrets", "import", "a", ".env", "--json"]).succeeds();
    assert_eq!(quiet.err, "");
}
