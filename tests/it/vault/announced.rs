//! Changes that did not come to their end: what was to be written is nothing that this machine has seen, unless it was
//! written; and its numbers are not used for anything else.

use std::fs;
use std::path::PathBuf;

use super::{SECRET, sandbox, second_machine, text};
use crate::durability::faults::{injected, traced};
use crate::forge::{Key, Text};
use crate::sandbox::{Outcome, Sandbox, lacks, skip};

/// A home whose vaults are in a git work tree, or are not.
fn home(git: bool) -> Option<Sandbox> {
    let home = sandbox();
    if !git {
        return Some(home);
    }
    if lacks("git", "vault announced") {
        return None;
    }
    let init = home.command("git").args(["init", "-q"]).arg(home.vault("a").parent().unwrap()).status();
    assert!(init.unwrap().success());
    home.set("a", "K", "hunter2-in-git");
    Some(home)
}

/// The record of `a`, its names, and its states.
fn records(home: &Sandbox) -> [PathBuf; 3] {
    let id = text(home).id;
    ["", ".names", ".states"].map(|ending| home.state().join("seen").join(format!("{id}{ending}")))
}

/// As if a change had been killed after it was announced, and before this was remembered; returns what was to be
/// written.
fn killed_before_the_record(home: &Sandbox, words: &[&str]) -> Vec<u8> {
    let [record, names, states] = records(home);
    let before = [&record, &names].map(|path| fs::read(path).unwrap());
    home.cast(words).succeeds();
    for (path, bytes) in [&record, &names].into_iter().zip(before) {
        fs::write(path, bytes).unwrap();
    }
    fs::write(&states, fs::read_to_string(&states).unwrap().trim_end().to_owned() + " pending\n").unwrap();
    fs::read(home.vault("a")).unwrap()
}

fn replicas(text: &Text) -> Vec<String> {
    text.at.split(',').map(|entry| entry.split_once('.').unwrap().0.to_owned()).collect()
}

fn run(home: &Sandbox) -> Outcome {
    home.cast(["run", "a", "--", "touch", "started"]).run()
}

const ALLOW: [&str; 5] = ["set", "a", "--allow-dangerous-name", "NODE_OPTIONS", "hunter2-dangerous"];

/// The names of a former state would hide what this one takes away.
#[test]
fn killed_before_the_names() {
    let Some(here) = home(true) else { return };
    let there = second_machine(&here);
    let [_, names, _] = records(&here);
    let before = fs::read(&names).unwrap();
    here.cast(ALLOW).succeeds();
    fs::write(&names, before).unwrap();
    let with = fs::read(here.vault("a")).unwrap();
    fs::copy(here.vault("a"), there.vault("a")).unwrap();
    there.cast(["delete", "a", "NODE_OPTIONS"]).succeeds();
    fs::copy(there.vault("a"), here.vault("a")).unwrap();
    here.cast(["list", "a"]).succeeds();
    fs::write(here.vault("a"), with).unwrap();
    assert!(run(&here).err.contains("older than this machine has seen"));
    assert!(!here.home().join("started").exists());
}

#[test]
fn killed_before_the_record_and_taken_away_elsewhere() {
    let Some(here) = home(true) else { return };
    let there = second_machine(&here);
    let with = killed_before_the_record(&here, &ALLOW);
    fs::write(there.vault("a"), &with).unwrap();
    there.cast(["delete", "a", "NODE_OPTIONS"]).succeeds();
    fs::copy(there.vault("a"), here.vault("a")).unwrap();
    here.cast(["list", "a"]).succeeds();
    fs::write(here.vault("a"), with).unwrap();
    here.cast(["run", "a", "--", "touch", "started"]).refuses(125, "older than this machine has seen", &[SECRET]);
}

/// It was written, and this machine wrote it: it is used, also once a rotation made its key a former one.
#[test]
fn killed_before_the_record_and_read_next() {
    for rotated in [false, true] {
        let home = home(false).unwrap();
        let file = killed_before_the_record(&home, &["set", "a", "K", "hunter2-killed"]);
        if rotated {
            home.cast(["key", "rotate"]).succeeds();
        }
        assert_eq!(home.value("a", "K"), b"hunter2-killed");
        home.set("a", "K", "hunter2-next");
        fs::write(home.vault("a"), file).unwrap();
        home.cast(["run", "a", "--", "touch", "started"]).refuses(125, "older than this machine has seen", &[SECRET]);
    }
}

#[test]
fn killed_before_the_vault_was_written() {
    for (git, why) in [(false, "changed on two machines"), (true, "changed on two machines")] {
        let Some(home) = home(git) else { return };
        let former = fs::read(home.vault("a")).unwrap();
        let kept = killed_before_the_record(&home, &["set", "a", "K", "hunter2-kept"]);
        let kept_at = text(&home).at;
        fs::write(home.vault("a"), former).unwrap();
        assert!(run(&home).code == 0);
        home.set("a", "K", "hunter2-next");
        assert_ne!(text(&home).at, kept_at, "two states with one number");
        fs::write(home.vault("a"), kept).unwrap();
        super::refused(&home, why);
        // Nor where another machine's state came first.
        fs::remove_file(home.home().join("started")).unwrap();
    }
    let here = sandbox();
    let there = second_machine(&here);
    let former = fs::read(here.vault("a")).unwrap();
    killed_before_the_record(&here, &["set", "a", "K", "hunter2-kept"]);
    fs::write(here.vault("a"), former).unwrap();
    there.set("a", "K", "hunter2-there");
    fs::copy(there.vault("a"), here.vault("a")).unwrap();
    here.cast(["list", "a"]).succeeds();
    here.set("a", "K", "hunter2-next");
    assert_eq!(replicas(&text(&here)).len(), 3);
}

/// Whoever can write the folder may have kept what was not written.
#[test]
fn a_change_that_failed() {
    let home = sandbox();
    let words = ["set", "a", "K", "hunter2-next"];
    let Some(calls) = traced(&home, &words) else {
        return skip("vault announced: strace does not work here");
    };
    let at = calls.iter().position(|call| call.name.starts_with("rename") && call.line.contains(".age.tmp")).unwrap();
    let sync = calls[..at].iter().rev().find(|call| call.name == "fsync").unwrap();
    for (number, call) in [&calls[at], sync].into_iter().enumerate() {
        let before = fs::read(home.vault("a")).unwrap();
        let failed = injected(&home, &words, call, "error=EIO");
        assert!(failed.code == 6 && fs::read(home.vault("a")).unwrap() == before, "{} {failed:?}", call.line);
        let states = fs::read_to_string(&records(&home)[2]).unwrap();
        assert!(!states.contains("pending"), "{states}");
        home.set("a", "K", "hunter2-again");
        assert_eq!(replicas(&text(&home)).len(), number + 2);
    }
}

/// It stays, and is missed if it goes.
#[test]
fn a_deletion_that_failed() {
    let home = sandbox();
    let words = ["delete", "a", "--all", "--yes"];
    let Some(calls) = traced(&home, &words) else {
        return skip("vault announced: strace does not work here");
    };
    home.set("a", "K", SECRET);
    let unlink = calls.iter().find(|call| call.name.starts_with("unlink") && call.line.contains("\"a.age\"")).unwrap();
    let failed = injected(&home, &words, unlink, "error=EACCES");
    assert!(failed.code == 6 && home.vault("a").exists(), "{failed:?}");
    fs::remove_file(home.vault("a")).unwrap();
    home.cast(["set", "a", "K", "hunter2-anew"]).refuses(2, "is gone", &[SECRET]);
}

/// On a disk that is full of files, no vault is written whose state cannot be remembered.
#[test]
fn a_disk_full_of_files() {
    let home = Sandbox::with("z", &[("K", "hunter2")]);
    let (state, kept) = (home.state(), home.home().join("kept"));
    fs::rename(&state, &kept).unwrap();
    fs::create_dir(&state).unwrap();
    let mut mount = home.command("mount");
    mount.args(["-t", "tmpfs", "-o", "size=1m,nr_inodes=40,mode=700", "tmpfs"]).arg(&state);
    if !mount.output().is_ok_and(|mounted| mounted.status.success()) {
        return skip("vault announced: no file system may be mounted here");
    }
    let copied = home.command("cp").arg("-a").arg(kept.join(".")).arg(&state).status();
    assert!(copied.unwrap().success());
    let file = |number: usize| state.join(format!("file{number}"));
    let mut files = (0..100).take_while(|number| fs::write(file(*number), "").is_ok()).count();
    let written = loop {
        if files == 0 {
            break None;
        }
        files -= 1;
        fs::remove_file(file(files)).unwrap();
        let set = home.cast(["set", "a", "K", "hunter2-a"]).run();
        if set.code == 0 || home.vault("a").exists() {
            break Some(set);
        }
    };
    let records = fs::read_dir(state.join("seen")).unwrap().count();
    let unmounted = home.command("umount").arg(&state).status();
    assert!(unmounted.unwrap().success());
    let written = written.unwrap();
    assert!(written.code == 0 && home.vault("a").exists(), "{written:?}");
    assert!(records > 4);
}

/// A replica is drawn anew for a reason only.
#[test]
fn numbers_go_on_where_nothing_failed() {
    let home = sandbox();
    for _ in 0..3 {
        home.set("a", "K", "hunter2-next");
        home.cast(["list", "a"]).succeeds();
    }
    let text = Text::read(&home.vault("a"), Key::master(&home));
    assert_eq!(replicas(&text).len(), 1, "{text:?}");
}
