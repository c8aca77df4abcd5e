//! cast remembers what this machine has seen, and refuses older states, other states of the same generation, and
//! deleted vaults.

use std::fs;

use super::{SECRET, refused, refused_with, sandbox, second_machine, text, works};
use crate::forge::{Key, Text};
use crate::sandbox::Sandbox;

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
    // However often the other changes it: what was changed here is not in it.
    for number in 0..3 {
        there.set("a", "K", &format!("hunter2-there again {number}"));
    }
    fs::copy(there.vault("a"), here.vault("a")).unwrap();
    refused(&here, "changed on two machines");
    // The owner takes it, and from then on it is newer for both.
    here.cast(["vault", "accept", "a", "--yes"]).succeeds();
    works(&here);
    fs::copy(here.vault("a"), there.vault("a")).unwrap();
    works(&there);
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

/// A later state of a former vault, written by its owner on a machine that knows nothing of what came after.
fn an_old_one_goes_on(sandbox: &Sandbox, old: &Text) {
    let later = Text { rules: "0000000f.999".into(), at: "0000000f.999".into(), ..old.edited("first", "elsewhere") };
    fs::write(sandbox.vault("a"), later.seal(Key::master(sandbox))).unwrap();
}

/// A later state of it, built by the holder of its agent key, who signs nothing that counts.
fn forged_with_an_old_key(sandbox: &Sandbox, old: &Text) {
    let agent_key = old.agent_key(Key::master(sandbox));
    let forged = old.edited("first", "forged").next().with_owners_signature(agent_key).with_seal(agent_key);
    fs::write(sandbox.vault("a"), forged.file()).unwrap();
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
        an_old_one_goes_on(&sandbox, &old);
        refused(&sandbox, if made_anew { "not the vault that this machine has known" } else { "deleted or replaced" });
        forged_with_an_old_key(&sandbox, &old);
        refused(&sandbox, "is not authentic");
        if let Some(good) = good {
            // The old key opens nothing of the new vault.
            fs::write(sandbox.vault("a"), good).unwrap();
            refused_with(&sandbox, Some(&old.grant(Key::master(&sandbox))), "wrong key");
            works(&sandbox);
        }
    }
}

#[test]
fn removed_by_hand_and_made_anew() {
    let sandbox = sandbox();
    let old = text(&sandbox);
    fs::remove_file(sandbox.vault("a")).unwrap();
    sandbox.cast(["set", "--new", "a", "K", "hunter2-anew"]).succeeds();
    an_old_one_goes_on(&sandbox, &old);
    refused(&sandbox, "not the vault that this machine has known");
    forged_with_an_old_key(&sandbox, &old);
    refused(&sandbox, "is not authentic");
    // Not even where the one made anew is gone.
    sandbox.cast(["delete", "a", "--all", "--yes"]).run();
    fs::remove_file(sandbox.vault("a")).unwrap();
    an_old_one_goes_on(&sandbox, &old);
    refused(&sandbox, "the vault of agent 'a' ");
}

#[test]
fn made_anew_in_a_folder_reached_by_another_path() {
    let sandbox = sandbox();
    let old = text(&sandbox);
    fs::remove_file(sandbox.vault("a")).unwrap();
    let link = sandbox.home().join("link");
    std::os::unix::fs::symlink(sandbox.data().join("vaults"), &link).unwrap();
    let set = |words: &[&str]| sandbox.cast(words).env("CAST_VAULTS", &link);
    set(&["set", "a", "K", "hunter2-anew"]).refuses(2, "is gone", &[SECRET]);
    set(&["set", "--new", "a", "K", "hunter2-anew"]).succeeds();
    an_old_one_goes_on(&sandbox, &old);
    refused(&sandbox, "not the vault that this machine has known");
}

#[test]
fn a_revoked_epoch() {
    let sandbox = sandbox();
    let old = text(&sandbox);
    let master = Key::master(&sandbox);
    let revoked = old.clone().in_epoch(2, master);
    fs::write(sandbox.vault("a"), revoked.seal(master)).unwrap();
    assert_eq!(sandbox.value("a", "K"), b"hunter2-first");
    refused_with(&sandbox, Some(&old.grant(master)), "wrong key");
    let good = fs::read(sandbox.vault("a")).unwrap();
    // However often it was changed.
    an_old_one_goes_on(&sandbox, &old);
    refused(&sandbox, "older than this machine has seen");
    forged_with_an_old_key(&sandbox, &old);
    refused(&sandbox, "is not authentic");
    fs::write(sandbox.vault("a"), good).unwrap();
    works(&sandbox);
    assert_eq!(text(&sandbox).epoch, 2);
}

/// Who can write the folder keeps a machine of the owner on an older state. What that machine starts there brings
/// nothing back elsewhere.
#[test]
fn a_new_epoch_that_lacks_what_was_seen() {
    for words in [&["key", "revoke", "--agent", "a"][..], &["key", "rotate"]] {
        let (here, eve) = (sandbox(), Key::generate());
        let master = Key::master(&here);
        let shared = text(&here).with_person("eve", &eve.card(), &["K"]).next().signed(master);
        let without = shared.part.find("\n[people.eve]").unwrap();
        let removed = Text { part: shared.part[..without].to_owned(), ..shared.edited("first", "replaced") }.next();
        let behind = second_machine(&here);
        for sandbox in [&here, &behind] {
            fs::write(sandbox.vault("a"), shared.file()).unwrap();
            sandbox.cast(["list", "a"]).succeeds();
        }
        fs::write(here.vault("a"), removed.seal(master)).unwrap();
        here.cast(["list", "a"]).succeeds();
        behind.cast(words).succeeds();
        let newest = Key::master(&behind);
        let back = Text::read(&behind.vault("a"), newest);
        assert!(back.epoch == 2 && back.recipients().contains(&eve.recipient()), "{back:?}");
        if newest != master {
            fs::write(here.home().join("new.key"), newest.identity()).unwrap();
            fs::write(here.vault("a"), back.file()).unwrap();
            here.cast(["key", "import", "new.key", "--replace"]).succeeds();
        }
        fs::write(here.vault("a"), back.file()).unwrap();
        refused(&here, "changed on two machines");
        // Its owner looks at it: it names who is in it again.
        let look = here.cast(["vault", "accept", "a", "--yes"]).succeeds();
        assert!(look.err.contains("person 'eve'"), "{look:?}");
        works(&here);
    }
}

#[test]
fn a_larger_count_of_another_branch_is_not_newer() {
    let sandbox = sandbox();
    let base = text(&sandbox);
    let master = Key::master(&sandbox);
    sandbox.set("a", "K", "hunter2-here");
    // From the same base, with more changes: they lack the one made here.
    for vector in [format!("{},ffffffff.50", base.at), "ffffffff.999".to_owned()] {
        let other = Text { at: vector, ..base.edited("first", "there") };
        fs::write(sandbox.vault("a"), other.seal(master)).unwrap();
        refused(&sandbox, "changed on two machines");
    }
    // The same numbers for something else.
    let other = Text { at: text(&sandbox).at, ..base.edited("first", "there") };
    fs::write(sandbox.vault("a"), other.seal(master)).unwrap();
    refused(&sandbox, "changed on two machines");
}

#[test]
fn a_damaged_record_is_not_taken_for_none() {
    let sandbox = sandbox();
    let id = text(&sandbox).id;
    let at = fs::read_dir(sandbox.state().join("seen/at")).unwrap().next().unwrap().unwrap().path();
    for record in [sandbox.state().join("seen").join(&id), at] {
        let good = fs::read(&record).unwrap();
        for bytes in [&b""[..], b"# cast-vault 1 ", b"cast-seen 1\n", b"\xff\xff"] {
            fs::write(&record, bytes).unwrap();
            refused(&sandbox, "record of what this machine has seen is damaged");
        }
        fs::write(&record, good).unwrap();
    }
    fs::remove_dir_all(sandbox.state().join("seen")).unwrap();
    works(&sandbox);
}

#[test]
fn a_receipt_that_nobody_could_make_without_the_key_is_none() {
    let sandbox = sandbox();
    let good = text(&sandbox);
    let (master, stranger) = (Key::master(&sandbox), Key::generate());
    let record = sandbox.state().join("seen").join(&good.id);
    let text = fs::read_to_string(&record).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines[3], master.receipt(&good.id, 0, &good.plain()));
    // For the text of a forger who can write here, but has no key of the owner.
    let forged = good.edited("first", "forged").next().with_owners_signature(stranger).with_seal(stranger);
    let receipt = |key: Key, anchor| key.receipt(&good.id, anchor, &forged.plain());
    let of_reader = receipt(good.agent_key(master), 0);
    for receipt in [receipt(stranger, 0), of_reader, receipt(master, 1)] {
        lines[3] = receipt;
        fs::write(&record, lines.join("\n") + "\n").unwrap();
        fs::write(sandbox.vault("a"), forged.encrypt(&[&master.recipient()])).unwrap();
        refused(&sandbox, "is not authentic");
    }
}

#[test]
fn the_last_number_stays_writable() {
    // A replica whose numbers are used up, or that another machine has used, is drawn anew. No secret is lost by that.
    let sandbox = sandbox();
    let good = text(&sandbox);
    for (count, expected) in [((1_u64 << 53) - 1, 2), (900, 2)] {
        let replica = fs::read_to_string(sandbox.state().join("replica")).unwrap();
        let vector = format!("{}.{count}", replica.trim_end());
        let last = Text { rules: vector.clone(), at: vector.clone(), ..good.clone() };
        fs::write(sandbox.vault("a"), last.seal(Key::master(&sandbox))).unwrap();
        fs::remove_dir_all(sandbox.state().join("seen")).unwrap();
        assert_eq!(sandbox.value("a", "K"), b"hunter2-first");
        sandbox.set("a", "K", "hunter2-next");
        let now = text(&sandbox);
        if count > 900 {
            assert_ne!(fs::read_to_string(sandbox.state().join("replica")).unwrap(), replica);
            assert_eq!(now.at.split(',').count(), expected, "{now:?}");
        }
        assert!(now.at.contains(&vector) || count == 900, "{now:?}");
        works(&sandbox);
    }
}

/// Nothing is newer than the newest key, also for a machine that knows the vault by a key that is gone.
#[test]
fn a_machine_that_gets_the_newest_key_alone_takes_what_it_sealed() {
    let first = sandbox();
    let second = second_machine(&first);
    second.cast(["list", "a"]).succeeds();
    let old = fs::read(second.vault("a")).unwrap();
    first.cast(["key", "rotate"]).succeeds();
    first.set("a", "K", "hunter2-new");
    first.cast(["key", "rotate", "--retire"]).succeeds();
    fs::copy(first.key_file(), second.key_file()).unwrap();
    fs::copy(first.vault("a"), second.vault("a")).unwrap();
    assert_eq!(second.value("a", "K"), b"hunter2-new");
    fs::write(second.vault("a"), old).unwrap();
    second.cast(["list", "a"]).refuses(5, "does not open", &["hunter2"]);
}

/// What was read is remembered, whatever came of it: a look with nothing to accept, or a change that failed.
#[test]
fn what_a_look_or_a_failed_change_has_read() {
    for words in
        [&["vault", "accept", "a", "--yes"][..], &["delete", "a", "NOPE"], &["secrets", "rename", "a", "NOPE", "N"]]
    {
        let first = sandbox();
        let second = second_machine(&first);
        let old = fs::read(first.vault("a")).unwrap();
        second.cast(["list", "a"]).succeeds();
        first.set("a", "K", "hunter2-next");
        fs::copy(first.vault("a"), second.vault("a")).unwrap();
        second.cast(words.iter().copied()).run();
        fs::write(second.vault("a"), &old).unwrap();
        second.cast(["list", "a"]).refuses(5, "older than this machine has seen", &[SECRET]);
    }
}
