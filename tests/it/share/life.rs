//! Shared vaults over time: new keys on either side, kills, vaults that somebody else encrypted.

use std::fs;

use super::{SECRET, access, card, carry, fingerprint, owner, people, share, shared, user};
use crate::advice::{told, typed};
use crate::durability::faults::{KILLED, injected, traced};
use crate::forge::{Key, Text};
use crate::sandbox::{Sandbox, Tries, lacks, skip};

#[test]
fn a_persons_new_key_is_a_new_card() {
    let (owner, alice) = shared(&["K"]);
    let rotated = alice.cast(["key", "rotate"]).succeeds();
    let hint = "another owner's vault lists your former card, so give its owner the new one ('cast key card'): '";
    assert!(rotated.err.contains(hint) && rotated.err.contains("/a.age'"), "{rotated:?}");
    // She reads and sets on with the former key, and keeps that.
    assert_eq!(alice.value("a", "K"), SECRET.as_bytes());
    alice.set("a", "K", "hunter2-hers");
    let kept = alice.cast(["key", "rotate", "--retire"]).run();
    assert_eq!(kept.code, 1, "{kept:?}");
    assert!(kept.err.contains("another owner's vault lists a former key of yours and not the newest"), "{kept:?}");
    assert!(kept.err.contains("not sealed to the newest key: 1 vault, and the former keys are kept"), "{kept:?}");
    assert!(kept.err.contains("give its owner your new card: 'cast key card'"), "{kept:?}");
    carry(&alice, &owner);
    owner.cast(["share", "a", "--yes", "--with", &format!("alice={}", card(&alice))]).succeeds();
    carry(&owner, &alice);
    assert_eq!(alice.value("a", "K"), b"hunter2-hers");
    let retired = alice.cast(["key", "rotate", "--retire"]).succeeds();
    assert!(retired.err.contains("Former keys dropped: 1"), "{retired:?}");
    alice.set("a", "K", "hunter2-newest");
    carry(&alice, &owner);
    assert_eq!(owner.value("a", "K"), b"hunter2-newest");
}

#[test]
fn the_owners_new_key_keeps_the_list_and_is_accepted_once() {
    let (owner, alice) = shared(&["K"]);
    let former = fingerprint(&owner);
    let rotated = owner.cast(["key", "rotate"]).succeeds();
    let says = format!("people go by the former one: tell them its fingerprint, {}: a (alice)", fingerprint(&owner));
    assert!(rotated.err.contains(&says), "{rotated:?}");
    assert_eq!(people(&owner), ["alice"]);
    carry(&owner, &alice);
    alice.cast(["run", "a", "--", "touch", "started"]).refuses(125, "has another owner", &[SECRET]);
    let looked = alice.cast(["vault", "accept", "a"]).run();
    for part in [former, fingerprint(&owner), "the owner so far had another card".to_owned()] {
        assert!(looked.err.contains(&part), "no '{part}': {looked:?}");
    }
    alice.cast(["vault", "accept", "a", "--yes"]).succeeds();
    alice.set("a", "K", "hunter2-after");
    carry(&alice, &owner);
    assert_eq!(owner.value("a", "K"), b"hunter2-after");
    owner.cast(["key", "rotate", "--retire"]).succeeds();
    assert_eq!(owner.value("a", "K"), b"hunter2-after");
}

/// In the folder of a team lie vaults that are none of hers: the owner's built-in secrets, those of tools that she has
/// nothing to do with.
#[test]
fn what_is_not_hers_is_in_nobodys_way() {
    let (owner, alice) = shared(&["K"]);
    owner.set("builtin", "B", "hunter2-builtin");
    owner.set("other", "O", "hunter2-other");
    for agent in ["builtin", "other"] {
        fs::copy(owner.vault(agent), alice.vault(agent)).unwrap();
    }
    let run = alice.cast(["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds();
    assert_eq!(run.out, format!("{SECRET}\n"));
    assert!(run.err.contains("built-in secrets"), "{run:?}");
    assert_eq!(alice.cast(["run", "a", "--no-builtin", "--", "true"]).succeeds().err, "");
    alice.cast(["list", "a"]).succeeds().says_nothing_of(&["hunter2"]);
    alice.cast(["run", "other", "--", "touch", "started"]).refuses(125, "does not open: wrong key", &["hunter2"]);
    alice.cast(["doctor"]).succeeds();
    // A key that leaked is replaced and dropped.
    alice.cast(["key", "rotate"]).succeeds();
    owner.cast(["share", "a", "--yes", "--with", &format!("alice={}", card(&alice))]).succeeds();
    carry(&owner, &alice);
    // One that does not open may be hers, and damaged.
    let kept = alice.cast(["key", "rotate", "--retire"]).run();
    assert!(kept.code == 5 && kept.err.contains("passed over, as they are not yours or do not open: builtin, other"));
    assert!(kept.err.contains("'cast key rotate --retire --yes'") && kept.err.contains("the former keys are kept"));
    let retired = alice.cast(["key", "rotate", "--retire", "--yes"]).succeeds();
    assert!(retired.err.contains("Former keys dropped: 1"), "{retired:?}");
    assert_eq!(alice.value("a", "K"), SECRET.as_bytes());
    // Her own are hers: one that is exchanged is no one else's.
    alice.set("mine", "M", "hunter2-mine");
    fs::copy(owner.vault("other"), alice.vault("mine")).unwrap();
    let kept = alice.cast(["key", "rotate"]).run();
    assert!(kept.code != 0 && kept.err.contains("the vault of agent 'mine'"), "{kept:?}");
}

/// Her repository is set up before she has a key.
#[test]
fn a_first_key_beside_the_vaults_of_others() {
    let (owner, home) = (owner(), Sandbox::empty());
    let clone = home.home().join("clone");
    fs::create_dir(&clone).unwrap();
    fs::copy(owner.vault("a"), clone.join("a.age")).unwrap();
    let there = |line: &str| typed(&home, line).env("CAST_VAULTS", &clone);
    let refused = there("cast init --key-store file").run();
    assert_eq!(refused.code, 4, "{refused:?}");
    let advice = told(
        &refused,
        "if another person made them, first make a key of your own: 'unset CAST_VAULTS', then 'cast init'",
    );
    let line = [advice.command("unset"), advice.command("cast init"), "cast key card".to_owned()].join(" && ");
    let card = there(&line).succeeds().out;
    owner.cast(["share", "a", "--yes", "--with", &format!("new={}", card.trim())]).succeeds();
    fs::copy(owner.vault("a"), clone.join("a.age")).unwrap();
    there("cast vault accept a --yes && cast run a --no-mask -- printenv K").succeeds();
}

/// A writer of the repository who can read the vault encrypts it to others than its owner listed.
#[test]
fn a_vault_that_was_encrypted_without_somebody_is_refused_and_healed() {
    let (owner, alice) = shared(&["K"]);
    let good = fs::read(owner.vault("a")).unwrap();
    let text = Text::read(&owner.vault("a"), Key::master(&alice));
    let without = |key: Key| {
        let recipients: Vec<_> = text.recipients().into_iter().filter(|one| *one != key.recipient()).collect();
        assert_eq!(recipients.len(), 2);
        text.encrypt(&recipients.iter().map(String::as_str).collect::<Vec<_>>())
    };
    fs::write(owner.vault("a"), without(Key::master(&owner))).unwrap();
    let refused = owner.cast(["run", "a", "--", "touch", "started"]);
    let refused = refused.refuses(125, "the vault of agent 'a' does not open: wrong key, or damaged", &[SECRET]);
    assert!(refused.err.contains("restore it from a backup or from version control"), "{refused:?}");
    owner.cast(["set", "a", "K", "hunter2-lost"]).refuses(5, "does not open", &[SECRET]);
    fs::write(owner.vault("a"), &good).unwrap();
    fs::write(alice.vault("a"), without(Key::master(&alice))).unwrap();
    alice.cast(["list", "a"]).refuses(5, "does not open", &[SECRET]);
    // For whom it is encrypted it is the same state, and the next change is for everybody whom the owner listed.
    fs::copy(alice.vault("a"), owner.vault("a")).unwrap();
    owner.set("a", "L", "hunter2-next");
    carry(&owner, &alice);
    assert_eq!(alice.value("a", "L"), b"hunter2-next");
}

#[test]
fn stock_age_opens_a_shared_vault_with_her_key() {
    let (owner, alice) = shared(&[]);
    for program in ["age", "rage"] {
        if lacks(program, "share") {
            continue;
        }
        carry(&owner, &alice);
        let words =
            ["-d", "-i", alice.key_file().to_str().unwrap(), alice.vault("a").to_str().unwrap()].map(str::to_owned);
        let opened = alice.other(program, &words).run();
        assert!(opened.code == 0 && opened.out.contains(SECRET), "{program}: {opened:?}");
    }
}

/// Each of the two is one change of one file: it is there whole, or not at all.
#[test]
fn killed_anywhere_a_vault_is_shared_or_not() {
    let alice = user();
    let with = format!("alice={}", card(&alice));
    killed_anywhere(owner, &["share", "a", "--yes", "--with", &with, "--may-set", "K"], 1);
    let shared = || {
        let owner = owner();
        share(&owner, "alice", &alice, &["K"]);
        owner
    };
    killed_anywhere(shared, &["unshare", "a", "alice"], 0);
}

/// Kills a command at each of its calls; done, it leaves `after` people.
fn killed_anywhere(begin: impl Fn() -> Sandbox, words: &[&str], after: usize) {
    let traced_owner = begin();
    let Some(calls) = traced(&traced_owner, words) else { return skip("share: strace cannot trace here") };
    assert_eq!(people(&traced_owner).len(), after);
    let writes = ["write", "pwrite64", "rename", "renameat", "renameat2", "unlinkat", "fsync", "openat"];
    let calls: Vec<_> = calls.into_iter().filter(|call| writes.contains(&&*call.name)).collect();
    let (tries, mut seen) = (Tries::at(calls.len(), KILLED), [0, 0]);
    for call in &calls {
        tries.next();
        let owner = begin();
        injected(&owner, words, call, "signal=SIGKILL");
        let now = people(&owner).len();
        seen[usize::from(now == after)] += 1;
        assert_eq!(owner.value("a", "K"), SECRET.as_bytes(), "{}", call.line);
        let may_set = access(&owner)["people"][0]["may_set"].clone();
        assert!(now == 0 || may_set == serde_json::json!(["K"]), "{}", call.line);
        // And it goes on from there.
        if now != after {
            owner.cast(words.to_vec()).succeeds();
        }
        assert_eq!(people(&owner).len(), after, "{}", call.line);
    }
    assert!(seen[0] > 5 && seen[1] > 0, "{seen:?}");
}

#[test]
fn a_full_disk_changes_nothing() {
    let (owner, alice) = (owner(), user());
    let with = format!("alice={}", card(&alice));
    let words = ["share", "a", "--yes", "--with", &with];
    let Some(calls) = traced(&owner, &words) else { return skip("share: strace cannot trace here") };
    owner.cast(["unshare", "a", "alice"]).succeeds();
    let before = fs::read(owner.vault("a")).unwrap();
    let call = calls.iter().find(|call| call.name == "fsync").unwrap();
    let failed = injected(&owner, &words, call, "error=ENOSPC");
    assert!(failed.code == 6 && !failed.err.contains('✓'), "{failed:?}");
    assert!(fs::read(owner.vault("a")).unwrap() == before && people(&owner).is_empty());
}
