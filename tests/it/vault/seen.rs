//! cast remembers what this machine has seen, and refuses older states, other states of the same generation, and
//! deleted vaults.

use std::fs;
use std::path::Path;

use super::{SECRET, refused, refused_with, sandbox, text, works};
use crate::forge::{Key, Text, grant};
use crate::sandbox::Sandbox;

/// A second machine of the same user, with the vaults as they are on the first.
fn second_machine(first: &Sandbox) -> Sandbox {
    let second = Sandbox::empty();
    copy(&first.data(), &second.data());
    second
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let status = std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(status.success());
}

#[test]
fn rolled_back() {
    let sandbox = sandbox();
    let older: Vec<_> = ["hunter2-2", "hunter2-3", "hunter2-4"]
        .map(|value| {
            let file = fs::read(sandbox.vault("a")).unwrap();
            sandbox.set("a", "K", value);
            file
        })
        .into();
    let newest = fs::read(sandbox.vault("a")).unwrap();
    for file in older {
        fs::write(sandbox.vault("a"), file).unwrap();
        refused(&sandbox, "older than this machine has seen");
    }
    fs::write(sandbox.vault("a"), newest).unwrap();
    works(&sandbox);
}

#[test]
fn rolled_back_behind_what_only_a_reader_saw() {
    for words in [&["list", "a"][..], &["run", "a", "--", "true"]] {
        let here = sandbox();
        let there = second_machine(&here);
        let old = fs::read(here.vault("a")).unwrap();
        there.set("a", "K", "hunter2-there");
        fs::copy(there.vault("a"), here.vault("a")).unwrap();
        here.cast(words).succeeds();
        fs::write(here.vault("a"), old).unwrap();
        refused(&here, "older than this machine has seen");
    }
}

#[test]
fn changed_on_two_machines() {
    let here = sandbox();
    let there = second_machine(&here);
    here.set("a", "K", "hunter2-here");
    there.set("a", "K", "hunter2-there");
    fs::copy(there.vault("a"), here.vault("a")).unwrap();
    refused(&here, "changed on two machines");
    // The other machine accepts its own state, and the next generation is newer for both.
    there.set("a", "K", "hunter2-there again");
    fs::copy(there.vault("a"), here.vault("a")).unwrap();
    works(&here);
}

#[test]
fn a_machine_that_has_seen_nothing_takes_any_good_state() {
    let here = sandbox();
    let old = fs::read(here.vault("a")).unwrap();
    here.set("a", "K", "hunter2-2");
    let there = second_machine(&here);
    fs::write(there.vault("a"), old).unwrap();
    works(&there);
}

/// Generation 999 of a former vault, written by the holder of its agent key.
fn forged_with_an_old_key(sandbox: &Sandbox, old: &Text) {
    let master = Key::master(sandbox);
    let forged = Text { generation: 999, body: old.body.replace("first", "forged"), ..old.clone() };
    let agent_key = master.of_agent("a", &old.id, old.epoch);
    fs::write(sandbox.vault("a"), forged.seal_as_agent(agent_key, &master.recipient())).unwrap();
}

#[test]
fn deleted_and_made_anew_while_an_old_key_is_about() {
    let sandbox = sandbox();
    let old = text(&sandbox);
    sandbox.cast(["delete", "a", "--all", "--yes"]).succeeds();
    for made_anew in [false, true] {
        if made_anew {
            fs::remove_file(sandbox.vault("a")).unwrap();
            sandbox.set("a", "K", "hunter2-anew");
            assert_ne!(text(&sandbox).id, old.id);
        }
        let good = fs::read(sandbox.vault("a")).ok();
        forged_with_an_old_key(&sandbox, &old);
        refused(&sandbox, "deleted or made anew");
        if let Some(good) = good {
            // The old key opens nothing of the new vault.
            fs::write(sandbox.vault("a"), good).unwrap();
            refused_with(&sandbox, Some(&grant(Key::master(&sandbox), "a", &old.id, 1)), "wrong key");
            works(&sandbox);
        }
    }
}

#[test]
fn removed_by_hand_and_made_anew() {
    let sandbox = sandbox();
    let old = text(&sandbox);
    fs::remove_file(sandbox.vault("a")).unwrap();
    sandbox.set("a", "K", "hunter2-anew");
    forged_with_an_old_key(&sandbox, &old);
    refused(&sandbox, "deleted or made anew");
}

#[test]
fn made_anew_in_a_folder_reached_by_another_path() {
    let sandbox = sandbox();
    let old = text(&sandbox);
    fs::remove_file(sandbox.vault("a")).unwrap();
    let link = sandbox.home().join("link");
    std::os::unix::fs::symlink(sandbox.data().join("vaults"), &link).unwrap();
    sandbox.cast(["set", "a", "K", "hunter2-anew"]).env("CAST_VAULTS", &link).succeeds();
    forged_with_an_old_key(&sandbox, &old);
    refused(&sandbox, "deleted or made anew");
}

#[test]
fn a_revoked_epoch() {
    let sandbox = sandbox();
    let old = text(&sandbox);
    let master = Key::master(&sandbox);
    let revoked = Text { epoch: 2, generation: 5, ..old.clone() };
    fs::write(sandbox.vault("a"), revoked.seal("a", master)).unwrap();
    assert_eq!(sandbox.value("a", "K"), b"hunter2-first");
    refused_with(&sandbox, Some(&grant(master, "a", &old.id, 1)), "wrong key");
    let good = fs::read(sandbox.vault("a")).unwrap();
    forged_with_an_old_key(&sandbox, &old);
    refused(&sandbox, "older than this machine has seen");
    fs::write(sandbox.vault("a"), good).unwrap();
    works(&sandbox);
    assert_eq!((text(&sandbox).epoch, text(&sandbox).generation), (2, 6));
}

#[test]
fn a_damaged_record_is_not_taken_for_none() {
    let sandbox = sandbox();
    let record = sandbox.state().join("seen").join(text(&sandbox).id);
    for bytes in [&b""[..], b"# cast-vault 1 ", b"\xff\xff"] {
        fs::write(&record, bytes).unwrap();
        refused(&sandbox, "record of what was seen is damaged");
    }
    fs::remove_file(&record).unwrap();
    works(&sandbox);
}

#[test]
fn the_last_generation_stays_readable_and_says_so() {
    // The holder of an agent key can use up all generations. The owner loses no secret by that.
    let sandbox = sandbox();
    let last = Text { generation: u64::MAX, ..text(&sandbox) };
    fs::write(sandbox.vault("a"), last.seal("a", Key::master(&sandbox))).unwrap();
    assert_eq!(sandbox.value("a", "K"), b"hunter2-first");
    let outcome = sandbox.cast(["set", "a", "K", "hunter2-next"]).refuses(5, "the vault of agent 'a' ", &[SECRET]);
    assert!(!outcome.err.contains("this is a bug in cast"), "{outcome:?}");
}
