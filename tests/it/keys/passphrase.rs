//! The key file with a passphrase: asked for on the terminal, twice when it is new.

use std::fs;

use super::{opened, sandbox};
use crate::sandbox::Sandbox;
use crate::terminal::Terminal;

/// Answers the questions in their order.
fn answers(call: crate::sandbox::Call<'_>, words: &[(&str, &str)]) -> Terminal {
    let mut terminal = Terminal::start(call);
    for (question, answer) in words {
        terminal.sees(question);
        terminal.hides_input();
        terminal.types(format!("{answer}\n"));
    }
    terminal
}

const OLD: (&str, &str) = ("Passphrase for ", "correct horse");
const NEW: [(&str, &str); 2] = [("New passphrase", "correct horse"), ("Enter it again", "correct horse")];

fn sealed() -> Sandbox {
    let sandbox = sandbox();
    answers(sandbox.cast(["key", "move", "passphrase"]), &NEW).ends_with(0);
    sandbox
}

#[test]
fn moved_into_one_and_back() {
    let sandbox = sandbox();
    let key = sandbox.key();
    let differ = [("New passphrase", "correct horse"), ("Enter it again", "wrong")];
    let shown = answers(sandbox.cast(["key", "move", "passphrase"]), &[&differ[..], &NEW].concat()).ends_with(0);
    assert!(shown.contains("the passphrases differ") && !shown.contains("horse"), "{shown}");
    let file = fs::read(sandbox.data().join("key.age")).unwrap();
    let header = String::from_utf8_lossy(&file[..100]).into_owned();
    let work = header.lines().nth(1).unwrap().rsplit(' ').next().unwrap().to_owned();
    assert!(header.starts_with("age-encryption.org/v1\n-> scrypt ") && ["17", "18"].contains(&&*work), "{header}");
    assert!(!sandbox.key_file().exists());
    let run = sandbox.cast(["run", "a", "--no-mask", "--", "printenv", "K"]);
    assert!(answers(run, &[OLD]).ends_with(0).contains("hunter2-of-a"));
    answers(sandbox.cast(["key", "move", "file"]), &[OLD]).ends_with(0);
    assert!(!sandbox.data().join("key.age").exists());
    assert_eq!(sandbox.key(), key);
}

#[test]
fn a_wrong_one() {
    let sandbox = sealed();
    let before = sandbox.snapshot();
    for words in [&["list", "a"][..], &["key", "rotate"], &["key", "move", "file"], &["key", "export", "-o", "x"]] {
        let shown = answers(sandbox.cast(words), &[("Passphrase for ", "wrong")]).ends_with(4);
        assert!(shown.contains("wrong passphrase"), "{shown}");
        assert!(sandbox.snapshot() == before);
        sandbox.cast(words).refuses(4, "needs its passphrase", &["hunter2"]);
    }
}

#[test]
fn rotated_under_the_same() {
    let sandbox = sealed();
    let shown = answers(sandbox.cast(["key", "rotate"]), &[OLD]).ends_with(0);
    assert!(shown.contains("2 vaults sealed") && !shown.contains("New passphrase"), "{shown}");
    answers(sandbox.cast(["key", "rotate", "--retire"]), &[OLD]).ends_with(0);
    answers(sandbox.cast(["key", "move", "file"]), &[OLD]).ends_with(0);
    assert_eq!(opened(sandbox.cast(["key", "status", "--json"])), [["a", "b"]]);
}
