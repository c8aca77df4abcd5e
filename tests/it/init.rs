//! `cast init` without a keyring: a plain file without a terminal, a question on one, the passphrase.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::sandbox::{Call, Outcome, Sandbox};
use crate::terminal::Terminal;

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_plain_file_where_nobody_can_be_asked() {
    let sandbox = Sandbox::empty();
    let script = "umask 000; exec \"$0\" init";
    let output = sandbox.command("sh").args(["-c", script, crate::sandbox::CAST]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"".as_slice()), "{said}");
    assert!(said.starts_with("✓ ") && said.contains("key.txt"), "{said}");
    assert!(said.contains("hint: ") && said.contains("passphrase"), "the way to something stronger: {said}");
    assert!(!said.contains("AGE-SECRET"), "{said}");
    assert_eq!((mode(&sandbox.key_file()), mode(&sandbox.data())), (0o600, 0o700));
    assert!(sandbox.key().starts_with("AGE-SECRET-KEY-1"));
}

#[test]
fn harmless_where_there_is_a_key() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let before = sandbox.snapshot();
    for words in [vec!["init"], vec!["init", "--key-store", "file"], vec!["init", "--key-store", "auto"]] {
        let outcome = sandbox.cast(words).succeeds();
        assert!(outcome.err.contains("key.txt"), "where it is: {outcome:?}");
        assert_eq!(outcome.out, "");
    }
    let key = sandbox.key();
    let held = sandbox.cast(["init"]).env("CAST_KEY", key).succeeds();
    assert!(held.err.contains("CAST_KEY"), "{held:?}");
    assert!(sandbox.snapshot() == before);
    assert_eq!(sandbox.cast(["-q", "init"]).succeeds().err, "");
    sandbox.cast(["init"]).env("CAST_KEY", "sk-live-abc").refuses(4, "CAST_KEY", &["sk-live"]);
}

#[test]
fn what_cannot_be_had_is_said() {
    let sandbox = Sandbox::empty();
    sandbox.cast(["init", "--key-store", "keyring"]).refuses(4, "keyring", &[]);
    let nobody: Outcome = sandbox.cast(["init", "--key-store", "passphrase"]).input("word\nword\n").run();
    assert!([2, 4].contains(&nobody.code), "{nobody:?}");
    assert!(nobody.err.contains("--key-store file"), "the option to give: {nobody:?}");
    assert!(sandbox.snapshot().is_empty(), "{:?}", sandbox.snapshot().keys());
}

#[test]
fn first_use_with_nobody_to_ask_makes_nothing() {
    let sandbox = Sandbox::empty();
    let refused = sandbox.cast(["set", "a", "K"]).input("sk-live-abc").refuses(4, "no key", &["sk-live"]);
    assert!(refused.err.contains("cast init"), "the exact commands: {refused:?}");
    sandbox.cast(["run", "a", "--", "true"]).refuses(125, "has no vault", &[]);
}

#[test]
fn no_key_is_made_beside_vaults() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    fs::remove_file(sandbox.key_file()).unwrap();
    for words in
        [&["init"][..], &["init", "--key-store", "file"], &["set", "b", "K", "sk-live"], &["set", "a", "K", "sk-live"]]
    {
        let refused = sandbox.cast(words).refuses(4, "no key", &["sk-live"]);
        assert!(refused.err.contains("hint: "), "how to bring it back: {refused:?}");
    }
}

#[test]
fn a_git_work_tree_is_no_place_for_a_key() {
    let sandbox = Sandbox::empty();
    let tree = sandbox.home().join("project");
    fs::create_dir(&tree).unwrap();
    let git = Command::new("git").args(["init", "-q"]).arg(&tree).status();
    if !git.is_ok_and(|status| status.success()) {
        fs::create_dir(tree.join(".git")).unwrap();
    }
    let home = tree.join("cast-home");
    sandbox.cast(["init"]).env("CAST_HOME", &home).refuses(6, "git work tree", &[]);
    sandbox.cast(["init", "--key-store", "file"]).env("CAST_HOME", &home).refuses(6, "git work tree", &[]);
}

/// Answers the question for a place with these keys.
fn choosing(call: Call<'_>, keys: &str) -> Terminal {
    let mut terminal = Terminal::start(call);
    terminal.sees("without a person");
    terminal.sees("a file encrypted with a passphrase: you type it at each use");
    terminal.sees("a plain file that only you can read: agents and MCP servers can use it");
    terminal.sees("1, 2 or 3 [1]: ");
    terminal.types(keys);
    terminal
}

/// Types a passphrase where `question` is asked.
fn answers(terminal: &mut Terminal, question: &str, passphrase: &str) {
    terminal.sees(question);
    terminal.hides_input();
    terminal.types(format!("{passphrase}\r"));
}

#[test]
fn a_terminal_chooses_a_plain_file() {
    let sandbox = Sandbox::empty();
    let shown = choosing(sandbox.cast(["init"]), "2\r").ends_with(0);
    assert!(shown.contains("key.txt"), "{shown}");
    assert_eq!(mode(&sandbox.key_file()), 0o600);
    assert!(!sandbox.data().join("key.age").exists());
    sandbox.set("a", "K", "v");
}

#[test]
fn a_terminal_chooses_a_passphrase() {
    let sandbox = Sandbox::empty();
    let mut terminal = choosing(sandbox.cast(["init"]), "\r");
    answers(&mut terminal, "assphrase for", "correct horse");
    answers(&mut terminal, "again", "correct horse");
    let shown = terminal.ends_with(0);
    assert!(shown.contains("key.age") && !shown.contains("horse"), "{shown}");
    let file = sandbox.data().join("key.age");
    assert_eq!(mode(&file), 0o600);
    assert!(fs::read(&file).unwrap().starts_with(b"age-encryption.org/v1\n-> scrypt "));
    assert!(!sandbox.key_file().exists());

    let mut set = Terminal::start(sandbox.cast(["set", "a", "K", "sk-live-abc"]));
    answers(&mut set, "assphrase for", "correct horse");
    let shown = set.ends_with(0);
    assert!(shown.contains("✓") && !shown.contains("horse") && !shown.contains("sk-live"), "{shown}");
    let mut list = Terminal::start(sandbox.cast(["list", "a"]));
    answers(&mut list, "assphrase for", "correct horse");
    assert!(list.ends_with(0).contains("CREATED"));
    let mut run = Terminal::start(sandbox.cast(["run", "a", "--", "sh", "-c", "echo \"[$K]\""]));
    answers(&mut run, "assphrase for", "correct horse");
    let shown = run.ends_with(0);
    assert!(shown.contains("[sk-live-abc]") && !shown.contains("horse"), "{shown}");

    let before = sandbox.snapshot();
    for (words, code) in [(&["list", "a"][..], 4), (&["run", "a", "--", "touch", "started"], 125)] {
        let mut wrong = Terminal::start(sandbox.cast(words));
        answers(&mut wrong, "Passphrase for ", "wrong horse");
        for _ in 0..2 {
            wrong.sees("try again.");
            answers(&mut wrong, "Passphrase for ", "wrong horse");
        }
        let shown = wrong.ends_with(code);
        assert!(shown.contains("wrong passphrase") && !shown.contains("horse"), "{shown}");
    }
    // Without a terminal, cast asks nothing and hints what to do.
    let refused = sandbox.cast(["list", "a"]).input("correct horse\n").refuses(4, "passphrase", &["horse"]);
    assert!(refused.err.contains("hint: "), "{refused:?}");
    assert!(sandbox.snapshot() == before);
}

#[test]
fn two_passphrases_that_differ_are_asked_again() {
    let sandbox = Sandbox::empty();
    let mut terminal = Terminal::start(sandbox.cast(["init", "--key-store", "passphrase"]));
    answers(&mut terminal, "assphrase for", "correct horse");
    answers(&mut terminal, "again", "another horse");
    terminal.sees("differ");
    answers(&mut terminal, "assphrase for", "correct horse");
    answers(&mut terminal, "again", "correct horse");
    assert!(!terminal.ends_with(0).contains("horse"));
    assert!(sandbox.data().join("key.age").exists());
}

#[test]
fn first_use_on_a_terminal_asks_where() {
    let sandbox = Sandbox::empty();
    let shown = choosing(sandbox.cast(["set", "a", "K", "sk-live-abc"]), "2\r").ends_with(0);
    assert!(shown.contains("✓ Secret 'K' set") || shown.contains("Secret 'K' set for agent 'a'"), "{shown}");
    assert_eq!(sandbox.value("a", "K"), b"sk-live-abc");
    // After Ctrl-C at the question, cast creates nothing.
    let sandbox = Sandbox::empty();
    let (status, shown) = choosing(sandbox.cast(["init"]), "\x03").ends();
    assert!(!status.success(), "{shown}");
    assert!(sandbox.snapshot().is_empty(), "{:?}", sandbox.snapshot().keys());
}
