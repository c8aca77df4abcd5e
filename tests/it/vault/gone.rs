//! What this machine has seen and cannot find, or finds another in its place, is never silent.

use std::fs;

use super::{SECRET, elsewhere, refused, sandbox, text, there, works};
use crate::durability::faults::{KILLED, injected, traced};
use crate::forge::{Key, Text};
use crate::sandbox::{Sandbox, Tries, skip};
use crate::terminal::Terminal;

#[test]
fn nothing_is_made_in_its_place_unasked() {
    let sandbox = sandbox();
    sandbox.set("b", "K", "hunter2-of-b");
    let good = fs::read(sandbox.vault("a")).unwrap();
    fs::write(sandbox.home().join(".env"), "K=hunter2-next\n").unwrap();
    fs::remove_file(sandbox.vault("a")).unwrap();
    for words in
        [&["set", "a", "K", "hunter2-next"][..], &["secrets", "import", "a", ".env"], &["secrets", "copy", "b", "a"]]
    {
        let refused = sandbox.cast(words).refuses(2, "that this machine has seen is gone", &[SECRET]);
        assert!(refused.err.contains("'--new'") && refused.err.contains("vaults/a.age"), "{refused:?}");
    }
    for words in [&["list", "a"][..], &["delete", "a", "K"]] {
        let refused = sandbox.cast(words).refuses(3, "that this machine has seen is gone", &[SECRET]);
        assert!(refused.err.contains("restore it") && !refused.err.contains("create it"), "{refused:?}");
    }
    // It comes back, and all is well.
    fs::write(sandbox.vault("a"), &good).unwrap();
    works(&sandbox);
    let id = text(&sandbox).id;
    fs::remove_file(sandbox.vault("a")).unwrap();
    sandbox.cast(["set", "--new", "a", "K", "hunter2-anew"]).succeeds();
    assert_ne!(text(&sandbox).id, id);
    works(&sandbox);
    // One that was deleted on purpose is not missed.
    sandbox.cast(["delete", "a", "--all", "--yes"]).succeeds();
    sandbox.set("a", "K", "hunter2-again");
}

/// As after any deletion, one that comes back is refused.
#[test]
fn what_is_gone_for_good_is_forgotten() {
    let sandbox = sandbox();
    sandbox.set("b", "K", "hunter2-of-b");
    let good = fs::read(sandbox.vault("a")).unwrap();
    let key = sandbox.cast(["key", "export", "--agent", "b"]).succeeds().out;
    fs::remove_file(sandbox.vault("a")).unwrap();
    let delete = |words: &[&str]| sandbox.cast(["delete", "a", "--all"].iter().chain(words));
    let asked = delete(&[]).refuses(2, "--yes", &[SECRET]);
    assert!(!asked.err.contains("did you mean"), "{asked:?}");
    let yes = ["--yes"];
    delete(&yes).env("CAST_KEY", key).refuses(4, "reads its vault and changes nothing", &[SECRET]);
    for (answer, forgets) in [("n\r", false), ("y\r", true)] {
        let mut terminal = Terminal::start(delete(&[]));
        terminal.sees("The vault of agent 'a' that this machine has seen is gone: '");
        terminal.sees("Forget it, and refuse it if it comes back?");
        terminal.hides_input();
        terminal.types(answer);
        let (status, shown) = terminal.ends();
        assert_eq!(status.success(), forgets, "{answer:?}: {shown}");
        assert_eq!(sandbox.cast(["doctor"]).run().out.contains("is gone"), !forgets, "{answer:?}: {shown}");
    }
    delete(&yes).refuses(3, "agent 'a' has no vault", &[SECRET]);
    fs::write(sandbox.vault("a"), &good).unwrap();
    refused(&sandbox, "was deleted or replaced on this machine");
    // Nor is it used in another folder.
    let before = sandbox.vault("a");
    fs::rename(before, elsewhere(&sandbox).join("a.age")).unwrap();
    there(&sandbox, &["list", "a"]).refuses(5, "was deleted or replaced on this machine", &[SECRET]);
    // The name is free, and nothing is missed.
    sandbox.set("a", "K", "hunter2-anew");
    fs::remove_file(sandbox.vault("a")).unwrap();
    let done = delete(&yes).succeeds();
    assert_eq!(done.err, "✓ Vault of agent 'a' forgotten: if it comes back, cast refuses it\n");
    sandbox.set("a", "K", "hunter2-once-more");
}

#[test]
fn run_and_doctor_miss_the_builtin_secrets() {
    let sandbox = sandbox();
    sandbox.set("builtin", "SHARED", "hunter2-of-all");
    let run = || sandbox.cast(["run", "a", "--no-mask", "--", "sh", "-c", "echo $K,$SHARED"]).succeeds();
    assert_eq!((run().out.as_str(), run().err.as_str()), ("hunter2-first,hunter2-of-all\n", ""));
    fs::remove_file(sandbox.vault("builtin")).unwrap();
    let missed = run();
    assert_eq!(missed.out, "hunter2-first,\n");
    assert!(
        missed.err.lines().count() == 1 && missed.err.contains("built-in secrets that this machine has seen are gone"),
        "{missed:?}"
    );
    let doctor = sandbox.cast(["doctor"]).run();
    assert!(doctor.code == 1 && format!("{doctor:?}").contains("builtin.age"), "{doctor:?}");
    // Not where nobody asked for them, nor where they were deleted on purpose.
    let without = sandbox.cast(["run", "a", "--no-builtin", "--no-mask", "--", "printenv", "K"]).succeeds();
    assert_eq!(without.err, "");
    sandbox.cast(["set", "--new", "builtin", "SHARED", "hunter2"]).succeeds();
    sandbox.cast(["delete", "builtin", "--all", "--yes"]).succeeds();
    assert_eq!(run().err, "");
}

#[test]
fn another_vault_in_a_known_place_is_named() {
    let sandbox = sandbox();
    let (good, master) = (fs::read(sandbox.vault("a")).unwrap(), Key::master(&sandbox));
    let other = Text::new("a", &"42".repeat(16), master, &[("K", "hunter2-other"), ("L", "hunter2-l")]);
    fs::write(sandbox.vault("a"), other.seal(master)).unwrap();
    refused(&sandbox, "is not the vault that this machine has known here since 20");
    let asked = sandbox.cast(["vault", "accept", "a"]).run();
    assert!(
        asked.code == 2 && asked.err.contains("is not the vault that this machine has known here since 20"),
        "{asked:?}"
    );
    sandbox.cast(["vault", "accept", "a", "--yes"]).succeeds();
    assert_eq!(text(&sandbox).id, "42".repeat(16));
    works(&sandbox);
    // The one that was there before was given up by that.
    fs::write(sandbox.vault("a"), good).unwrap();
    refused(&sandbox, "is not the vault that this machine has known");
}

/// A vault whose deletion was killed before it went is there, and missed like others once it is gone.
#[test]
fn a_deletion_that_was_killed_is_forgotten() {
    let sandbox = sandbox();
    let places = fs::read_dir(sandbox.state().join("seen/at")).unwrap();
    let record = places.map(|entry| entry.unwrap().path()).next().unwrap();
    let leaving = || {
        let now = fs::read_to_string(&record).unwrap();
        fs::write(&record, now.replace("\ncurrent\n", "\nleaving\n")).unwrap();
    };
    let is_leaving = || fs::read_to_string(&record).unwrap().contains("\nleaving\n");
    for words in [&["list", "a"][..], &["run", "a", "--", "true"], &["set", "a", "K", "hunter2-next"]] {
        leaving();
        assert!(is_leaving());
        sandbox.cast(words).succeeds();
        assert!(!is_leaving(), "{words:?}");
    }
    // While its deletion goes on, it leaves.
    leaving();
    let lock = fs::File::create(sandbox.vault("a").with_file_name(".cast.lock")).unwrap();
    lock.lock().unwrap();
    sandbox.cast(["list", "a"]).succeeds();
    assert!(is_leaving());
    // Not dropped: a process that another test is starting may have it, too.
    lock.unlock().unwrap();
    sandbox.cast(["list", "a"]).succeeds();
    fs::remove_file(sandbox.vault("a")).unwrap();
    sandbox.cast(["set", "a", "K", "hunter2"]).refuses(2, "that this machine has seen is gone", &[SECRET]);
}

/// Killed at any write of a record, what a command gives up is given up everywhere in the end: by itself, or by the
/// next writer there.
#[test]
fn what_is_given_up_by_a_killed_command_is_used_nowhere() {
    for words in [&["delete", "a", "--all", "--yes"][..], &["set", "--new", "a", "K", "hunter2-anew"]] {
        let is_new = words[0] == "set";
        let begin = || {
            let sandbox = sandbox();
            let file = fs::read(sandbox.vault("a")).unwrap();
            if is_new {
                fs::remove_file(sandbox.vault("a")).unwrap();
            }
            (sandbox, file)
        };
        let Some(calls) = traced(&begin().0, words) else { return skip("vault gone: strace does not work here") };
        let calls: Vec<_> = calls.into_iter().filter(|call| call.name.starts_with("rename")).collect();
        let (tries, mut killed) = (Tries::at(calls.len(), KILLED), 0);
        for call in &calls {
            tries.next();
            let (sandbox, file) = begin();
            let id = text_of(&file, &sandbox).id;
            assert_eq!(injected(&sandbox, words, call, "signal=KILL").code, 137);
            let now = fs::read(sandbox.vault("a")).ok();
            if now.as_ref().map(|now| text_of(now, &sandbox).id) == (!is_new).then(|| id.clone()) {
                continue;
            }
            killed += 1;
            // What is there is used, or waits for its owner.
            if is_new && sandbox.cast(["list", "a"]).run().code != 0 {
                sandbox.cast(["vault", "accept", "a", "--yes"]).succeeds();
            }
            sandbox.set("b", "K", "hunter2-b");
            fs::write(elsewhere(&sandbox).join("a.age"), file).unwrap();
            there(&sandbox, &["list", "a"]).refuses(5, "was deleted or replaced on this machine", &[SECRET]);
        }
        assert!(killed > 0);
    }
}

fn text_of(file: &[u8], sandbox: &Sandbox) -> Text {
    let path = sandbox.home().join("a.age");
    fs::write(&path, file).unwrap();
    Text::read(&path, Key::master(sandbox))
}
