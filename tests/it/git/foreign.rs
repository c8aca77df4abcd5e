//! Sides that are no state of this vault: forged, of another agent, older than what both grew from. Each is refused,
//! and our side stays.

use std::fs;

use super::{Machine, SECRETS, bytes, two_branches, two_machines};
use crate::advice::{told, typed};
use crate::forge::{Key, Text};
use crate::keyring::Session;
use crate::sandbox::Outcome;

/// Merges a branch in which the vault is `theirs`.
#[track_caller]
fn merged_with(there: &Machine, theirs: &[u8]) -> Outcome {
    there.gits(&["checkout", "-q", "-b", "evil"]);
    fs::write(there.file(), theirs).unwrap();
    there.commit("evil");
    there.gits(&["checkout", "-q", "main"]);
    there.set("T_ONE", "hunter2-here");
    there.commit("here");
    let before = bytes(&there.file());
    let merged = there.git(&["merge", "--no-edit", "evil"]).run();
    assert_eq!(merged.code, 1, "{merged:?}");
    merged.says_nothing_of(&SECRETS);
    assert!(bytes(&there.file()) == before, "our side is not as it was");
    let refused = there.cast(&["vault", "merge", "a"]).run();
    assert_ne!(refused.code, 0, "{refused:?}");
    there.gits(&["merge", "--abort"]);
    assert_eq!(there.values(), "T_ONE=hunter2-here T_TWO=hunter2-two");
    merged
}

#[test]
fn a_forged_side() {
    let Some([_, there]) = two_machines() else { return };
    let master = Key::master(&there.sandbox);
    let text = Text::read(&there.file(), master).edited("hunter2-two", "hunter2-evil").next_values();
    let thief = Key::generate();
    let forged = text.signed(thief).encrypt(&[&master.recipient(), &thief.recipient()]);
    let merged = merged_with(&there, &forged);
    assert!(merged.err.contains("cast: error: the vault of agent 'a' is not authentic"), "{merged:?}");
}

#[test]
fn a_side_with_a_bit_flipped() {
    let Some([_, there]) = two_machines() else { return };
    let mut file = bytes(&there.file());
    let middle = file.len() - 40;
    file[middle] ^= 1;
    let merged = merged_with(&there, &file);
    assert!(merged.err.contains("cast: error: the vault of agent 'a' is damaged"), "{merged:?}");
}

#[test]
fn the_vault_of_another_agent() {
    let Some([_, there]) = two_machines() else { return };
    there.cast(&["set", "other", "T_TWO", "hunter2-other"]).succeeds();
    let other = bytes(&there.vaults().join("other.age"));
    fs::remove_file(there.vaults().join("other.age")).unwrap();
    let merged = merged_with(&there, &other);
    assert!(merged.err.contains("is the vault of another agent, 'other'"), "{merged:?}");
}

#[test]
fn another_vault_of_the_same_name() {
    let Some([_, there]) = two_machines() else { return };
    let folder = there.sandbox.home().join("elsewhere");
    there.sandbox.cast(["set", "a", "T_TWO", "hunter2-other"]).env("CAST_VAULTS", &folder).succeeds();
    let merged = merged_with(&there, &bytes(&folder.join("a.age")));
    assert!(merged.err.contains("is another vault than the one that is to be merged"), "{merged:?}");
}

#[test]
fn a_change_is_taken_back_by_setting_it_again() {
    let Some([here, _]) = two_machines() else { return };
    here.set("T_ONE", "hunter2-here");
    here.commit("here");
    here.set("T_TWO", "hunter2-more");
    here.commit("more");
    let reverted = here.git(&["revert", "--no-edit", "HEAD~1"]).run();
    assert_ne!(reverted.code, 0, "{reverted:?}");
    assert!(reverted.err.contains("is not merged: one side is older than what both grew from"), "{reverted:?}");
    told(&reverted, "to take a change back: 'cast set'");
    here.gits(&["revert", "--abort"]);
    assert_eq!(here.values(), "T_ONE=hunter2-here T_TWO=hunter2-more");
}

/// A runner takes a side as it is, and merges nothing.
#[test]
fn an_agent_key_merges_nothing() {
    let Some([_, there]) = two_branches() else { return };
    let line = there.cast(&["key", "export", "--agent", "a"]).succeeds().out;
    let before = bytes(&there.file());
    let merged = there.git(&["merge", "--no-edit", "origin/main"]).env("CAST_KEY", line.trim()).run();
    assert!(merged.code == 1 && merged.err.contains("is not changed with an agent key"), "{merged:?}");
    assert!(bytes(&there.file()) == before);
    let refused = there.cast(&["vault", "merge", "a"]).env("CAST_KEY", line.trim()).run();
    assert!(refused.code == 4 && refused.err.contains("'cast vault merge a'"), "{refused:?}");
}

/// What a former key seals, readers do not take.
#[test]
fn a_vault_of_a_former_key_is_rotated_first() {
    let Some([_, there]) = two_branches() else { return };
    there.sandbox.begin_rotation();
    let merged = there.git(&["merge", "--no-edit", "origin/main"]).run();
    assert!(merged.code == 1 && merged.err.contains("belongs to a former key: it is not merged"), "{merged:?}");
    told(&merged, "rotate it first: 'cast key rotate'");
    there.gits(&["merge", "--abort"]);
    typed(&there.sandbox, "cast key rotate").env("CAST_VAULTS", there.vaults()).succeeds();
    // Values from before are looked at by a person.
    there.commit("rotated");
    let merged = there.git(&["merge", "--no-edit", "origin/main"]).run();
    assert!(merged.code == 1 && merged.err.contains("\n  T_ONE: "), "{merged:?}");
    there.cast(&["vault", "merge", "a", "--theirs", "T_ONE"]).succeeds();
    assert_eq!(there.values(), "T_ONE=hunter2-here T_TWO=hunter2-there");
}

/// A locked keyring would show a dialog.
#[test]
fn a_locked_keyring_is_not_unlocked() {
    let Some(mut session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", "hunter2-one"]).succeeds();
    let [base, ours, theirs] = ["base", "ours", "theirs"].map(|name| {
        let file = session.sandbox.home().join(name);
        fs::copy(session.sandbox.vault("a"), &file).unwrap();
        session.cast(["set", "a", "K", &format!("hunter2-{name}")]).succeeds();
        file.to_str().unwrap().to_owned()
    });
    session.stop_keyring();
    session.serve("--start");
    assert_eq!(session.cast(["git", "textconv", &ours]).succeeds().out, "cast: locked\n");
    let before = session.sandbox.snapshot();
    let merged = session.cast(["git", "merge", &base, &ours, &theirs, "a.age"]).run();
    assert_eq!(merged.code, 1, "{merged:?}");
    assert!(
        merged.err.contains("is not merged, as no key can be had without asking") && merged.err.lines().count() == 1
    );
    assert!(session.sandbox.snapshot() == before);
}

/// Nobody is asked, and git goes on.
#[test]
fn without_a_key_nothing_is_merged_and_one_line_says_so() {
    let Some([_, there]) = two_branches() else { return };
    let (key, away) = (there.sandbox.key_file(), there.sandbox.home().join("away"));
    fs::rename(&key, &away).unwrap();
    let before = bytes(&there.file());
    let merged = there.git(&["merge", "--no-edit", "origin/main"]).run();
    assert_eq!(merged.code, 1, "{merged:?}");
    let said: Vec<_> = merged.err.lines().filter(|line| line.starts_with("cast:")).collect();
    assert_eq!(
        said,
        [
            "cast: error: the vault of agent 'a' is not merged, as no key can be had without asking: 'cast vault merge a'"
        ]
    );
    assert!(bytes(&there.file()) == before);
    let shown = there.gits(&["show", "HEAD:vaults/a.age", "--textconv"]).out;
    assert_eq!(shown, "cast: locked\n");
    fs::rename(&away, &key).unwrap();
    there.cast(&["vault", "merge", "a"]).succeeds();
    assert_eq!(there.values(), "T_ONE=hunter2-here T_TWO=hunter2-there");
}

/// Who has the key from before a rotation, and the repository, lists somebody on a branch from before it.
#[test]
fn what_the_holder_of_a_former_key_lists_is_not_merged_unasked() {
    let Some([here, thief]) = two_machines() else { return };
    let mallory = crate::forge::Key::generate().card();
    let before = here.gits(&["rev-parse", "HEAD"]).out;
    here.cast(&["key", "rotate"]).succeeds();
    here.set("T_ONE", "hunter2-here");
    here.commit("rotated");
    let shares = |words: &[&str]| {
        thief.gits(&["checkout", "-q", "-B", "evil", before.trim()]);
        fs::remove_dir_all(thief.sandbox.state().join("seen")).unwrap();
        thief.cast(words).succeeds();
        thief.commit("evil");
        thief.gits(&["push", "-q", "-f", "origin", "HEAD:main"]);
    };
    let with = format!("mallory={mallory}");
    for words in [
        &["share", "a", "--yes", "--with", &with, "--may-set", "T_ONE"][..],
        &["set", "a", "T_TWO", "--keep", "--unmasked"],
        &["key", "revoke", "--agent", "a"],
        &["delete", "a", "T_TWO"],
    ] {
        shares(words);
        for pull in
            [&["pull", "--no-rebase", "--no-edit", "origin", "main"][..], &["pull", "--rebase", "origin", "main"]]
        {
            let head = here.gits(&["rev-parse", "HEAD"]).out;
            let pulled = here.git(pull).run();
            assert_ne!(pulled.code, 0, "{words:?}: {pulled:?}");
            let why = ["with a former key", "agent keys were revoked in"];
            assert!(why.iter().any(|why| pulled.err.contains(why)), "{words:?}: {pulled:?}");
            pulled.says_nothing_of(&SECRETS);
            here.git(&["merge", "--abort"]).run();
            here.git(&["rebase", "--abort"]).run();
            here.gits(&["reset", "-q", "--hard", head.trim()]);
            assert_eq!(here.values(), "T_ONE=hunter2-here T_TWO=hunter2-two");
            assert!(here.cast(&["share", "a", "--json"]).succeeds().out.contains("\"people\": []"));
        }
    }
}
