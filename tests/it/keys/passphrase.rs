//! The key file with a passphrase: asked for on the terminal, twice when it is new.

use std::fs;

use super::{opened, sandbox};
use crate::sandbox::Sandbox;
use crate::terminal::Terminal;

/// Answers the questions in their order.
fn answers(call: crate::sandbox::Call<'_>, words: &[(&str, &str)]) -> Terminal {
    let mut terminal = Terminal::start(call);
    for (question, answer) in words {
        question.split('|').for_each(|part| terminal.sees(part));
        terminal.hides_input();
        terminal.types(format!("{answer}\n"));
    }
    terminal
}

const OLD: (&str, &str) = ("Passphrase for ", "correct horse");
/// The questions after an answer that was not taken, and what is shown before them.
const AGAIN: &str = "try again.|Passphrase for ";
const TOO_SHORT: &str = "at least 8 characters.|New passphrase";
const DIFFER: &str = "differ.|New passphrase";
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
        let wrong = [("Passphrase for ", "wrong horse"), (AGAIN, ""), (AGAIN, "correct-horse")];
        let shown = answers(sandbox.cast(words), &wrong).ends_with(4);
        assert!(shown.contains("wrong passphrase"), "{shown}");
        assert_eq!(shown.matches("try again").count(), 2, "{shown}");
        assert!(
            shown.contains("cast key import") && !shown.contains("horse"),
            "what to do if it is forgotten: {shown}"
        );
        assert!(sandbox.snapshot() == before);
        sandbox.cast(words).refuses(4, "needs its passphrase", &["hunter2"]);
    }
}

#[test]
fn the_third_try_may_be_right() {
    let sandbox = sealed();
    let tries = [("Passphrase for ", "wrong"), (AGAIN, ""), (AGAIN, OLD.1)];
    let run = sandbox.cast(["run", "a", "--no-mask", "--", "printenv", "K"]);
    let shown = answers(run, &tries).ends_with(0);
    assert!(shown.contains("hunter2-of-a") && !shown.contains("horse"), "{shown}");
    assert_eq!(shown.matches("Wrong passphrase, try again.").count(), 2, "{shown}");
}

#[test]
fn a_forgotten_one_is_left_with_a_backup() {
    let sandbox = sealed();
    answers(sandbox.cast(["key", "export", "-o", "master.key"]), &[OLD]).ends_with(0);
    let wrong = [("Passphrase for ", "x"), (AGAIN, "y"), (AGAIN, "z")];
    let shown = answers(sandbox.cast(["list", "a"]), &wrong).ends_with(4);
    let typed = shown.split_once("move the file away (").unwrap().1.split_once(") and import").unwrap().0;
    sandbox.other("sh", ["-c", typed]).succeeds();
    assert!(sandbox.data().join("key.age.lost").exists());
    sandbox.cast(["key", "import", "master.key"]).succeeds();
    assert_eq!(sandbox.value("a", "K"), b"hunter2-of-a");
}

#[test]
fn a_new_one_has_eight_characters() {
    let sandbox = sandbox();
    let key = sandbox.key();
    // Seven characters of more than eight bytes are too few.
    let few = [("New passphrase", "1234567"), (TOO_SHORT, "ééééééé")];
    let enough = [(TOO_SHORT, "éééééééé"), ("Enter it again", "éééééééé")];
    let move_it = || sandbox.cast(["key", "move", "passphrase"]);
    let shown = answers(move_it(), &[few, enough].concat()).ends_with(0);
    assert!(!shown.contains("1234567") && !shown.contains('é'), "{shown}");
    assert_eq!(shown.matches("at least 8 characters").count(), 2, "{shown}");
    let back = sandbox.cast(["key", "move", "file"]);
    answers(back, &[("Passphrase for ", "éééééééé")]).ends_with(0);
    assert_eq!(sandbox.key(), key);
    // After three tries cast gives up.
    let before = sandbox.snapshot();
    let differ = ("Enter it again", "wrong horse");
    let shown = answers(move_it(), &[few[0], (TOO_SHORT, "correct horse"), differ, (DIFFER, "")]).ends_with(2);
    assert!(shown.contains("no passphrase was chosen: nothing was changed"), "{shown}");
    assert!(sandbox.snapshot() == before);
    for words in [&["init", "--key-store", "passphrase"][..], &["key", "import", "k", "--key-store", "passphrase"]] {
        let new = Sandbox::empty();
        fs::write(new.home().join("k"), &key).unwrap();
        let before = new.snapshot();
        let short = [("New passphrase", "short"), (TOO_SHORT, "short"), (TOO_SHORT, "short")];
        let shown = answers(new.cast(words), &short).ends_with(2);
        assert!(shown.contains("no passphrase was chosen"), "{shown}");
        assert!(new.snapshot() == before);
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
