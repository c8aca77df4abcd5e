//! `cast secrets delete`: deletes secrets by name, all of them or none, and whole vaults after confirmation.

use crate::sandbox::Sandbox;
use crate::terminal::Terminal;

fn three() -> Sandbox {
    Sandbox::with("my-agent", &[("ALPHA", "sk-live-1"), ("BETA", "sk-live-2"), ("GAMMA", "sk-live-3")])
}

fn keys(sandbox: &Sandbox) -> Vec<String> {
    sandbox.listing("my-agent").iter().map(|line| line["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn one() {
    let sandbox = three();
    let outcome = sandbox.cast(["secrets", "delete", "my-agent", "BETA"]).succeeds();
    assert_eq!(outcome.err, "✓ Secret 'BETA' deleted from agent 'my-agent'\n");
    assert_eq!(outcome.out, "");
    assert_eq!(keys(&sandbox), ["ALPHA", "GAMMA"]);
    let gone = sandbox.cast(["run", "my-agent", "--", "printenv", "BETA"]).run();
    assert_eq!((gone.code, gone.out.as_str()), (1, ""));
}

#[test]
fn several() {
    let sandbox = three();
    let outcome = sandbox.cast(["delete", "my-agent", "GAMMA", "ALPHA"]).succeeds();
    assert!(outcome.err.contains("'GAMMA'") && outcome.err.contains("'ALPHA'"), "{outcome:?}");
    assert_eq!(keys(&sandbox), ["BETA"]);
    let last = sandbox.cast(["-q", "delete", "my-agent", "BETA"]).succeeds();
    assert_eq!(last.err, "");
    assert!(keys(&sandbox).is_empty());
    // An empty vault is a vault.
    sandbox.cast(["run", "my-agent", "--", "true"]).succeeds();
    sandbox.set("my-agent", "ALPHA", "again");
    assert_eq!(sandbox.value("my-agent", "ALPHA"), b"again");
}

#[test]
fn all_or_nothing() {
    let sandbox = three();
    for keys in [["ALPHA", "MISSING", "BETA"], ["MISSING", "ALPHA", "BETA"], ["ALPHA", "BETA", "MISSING"]] {
        sandbox.cast(["delete", "my-agent"].iter().chain(&keys)).refuses(3, "'MISSING'", &["sk-live"]);
    }
    assert_eq!(keys(&sandbox).len(), 3);
}

#[test]
fn the_unknown_is_said_with_the_closest_known() {
    let sandbox = three();
    let refused = sandbox.cast(["delete", "my-agent", "GAMA"]).refuses(3, "'GAMA'", &["sk-live"]);
    assert!(refused.err.contains("did you mean 'GAMMA'?"), "{refused:?}");
    for words in [&["delete", "my-agnt", "ALPHA"][..], &["delete", "my-agnt", "--all", "--yes"]] {
        let refused = sandbox.cast(words).refuses(3, "agent 'my-agnt' has no vault", &["sk-live"]);
        assert!(refused.err.contains("did you mean 'my-agent'?"), "{refused:?}");
    }
}

#[test]
fn a_whole_vault() {
    let sandbox = three();
    sandbox.set("other", "K", "v");
    let outcome = sandbox.cast(["delete", "my-agent", "--all", "--yes"]).succeeds();
    assert!(outcome.err.starts_with("✓ ") && outcome.err.contains("'my-agent'"), "{outcome:?}");
    assert!(!sandbox.vault("my-agent").exists() && sandbox.vault("other").exists());
    sandbox.cast(["list", "my-agent"]).refuses(3, "has no vault", &[]);
    sandbox.cast(["run", "my-agent", "--", "true"]).refuses(125, "has no vault", &[]);
    // The name is free again.
    sandbox.set("my-agent", "ALPHA", "new");
    assert_eq!(keys(&sandbox), ["ALPHA"]);
}

#[test]
fn a_whole_vault_with_nobody_to_ask() {
    let sandbox = three();
    sandbox.cast(["delete", "my-agent", "--all"]).refuses(2, "--yes", &["sk-live"]);
    // A piped answer is not a confirmation.
    sandbox.cast(["delete", "my-agent", "--all"]).input("y\n").refuses(2, "--yes", &["sk-live"]);
    sandbox.cast(["delete", "my-agent", "--all", "ALPHA"]).refuses(2, "", &[]);
}

#[test]
fn a_whole_vault_after_a_question() {
    let sandbox = three();
    for (answer, deleted) in [("n\r", false), ("\r", false), ("NO\r", false), ("y\r", true)] {
        let before = sandbox.snapshot();
        let mut terminal = Terminal::start(sandbox.cast(["delete", "my-agent", "--all"]));
        terminal.sees("my-agent");
        terminal.hides_input();
        terminal.types(answer);
        let (status, shown) = terminal.ends();
        assert_eq!(status.success(), deleted, "{answer:?}: {status}: {shown}");
        assert_eq!(sandbox.vault("my-agent").exists(), !deleted, "{answer:?}: {shown}");
        assert!(deleted || sandbox.snapshot() == before, "{answer:?}");
    }
}

#[test]
fn a_question_left_with_ctrl_c_changes_nothing() {
    let sandbox = three();
    let before = sandbox.snapshot();
    let mut terminal = Terminal::start(sandbox.cast(["delete", "my-agent", "--all"]));
    terminal.sees("my-agent");
    terminal.hides_input();
    terminal.types("\x03");
    let (status, shown) = terminal.ends();
    assert!(!status.success(), "{status}: {shown}");
    assert!(sandbox.snapshot() == before);
}

#[test]
fn one_named_twice_is_one() {
    let sandbox = three();
    let name = keys(&sandbox)[0].clone();
    sandbox.cast(["delete", "my-agent", &name, &name]).succeeds();
    assert!(!keys(&sandbox).contains(&name));
}
