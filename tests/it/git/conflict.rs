//! Both sides changed one secret, or no driver ran: git keeps a conflict, and `cast vault merge` settles it.

use std::os::unix::fs::PermissionsExt;

use super::{Machine, SECRETS, bytes, two_machines};
use crate::advice::told;
use crate::sandbox::Sandbox;

/// Both machines have changed `T_ONE`, and the second one has both commits.
fn conflict() -> Option<[Machine; 2]> {
    let [here, there] = two_machines()?;
    here.set("T_ONE", "hunter2-here");
    here.commit_and_push("here");
    there.set("T_ONE", "hunter2-there");
    there.set("T_NEW", "hunter2-new");
    there.commit("there");
    there.gits(&["fetch", "-q", "origin"]);
    Some([here, there])
}

#[test]
fn a_conflict_names_the_secret_and_changes_nothing_until_a_side_is_chosen() {
    let Some([_, there]) = conflict() else { return };
    let before = bytes(&there.file());
    let merged = there.git(&["merge", "--no-edit", "origin/main"]).run();
    assert_eq!(merged.code, 1, "{merged:?}");
    merged.says_nothing_of(&SECRETS);
    let error = "cast: error: the vault of agent 'a' was changed on both sides\n  T_ONE: 20";
    assert!(merged.err.contains(error) && merged.err.contains(" in HEAD, 20"), "{merged:?}");
    assert!(bytes(&there.file()) == before, "our side is not as it was");
    assert!(there.gits(&["status", "--short"]).out.contains("UU vaults/a.age"));
    let commit = |name: &str| there.gits(&["rev-parse", "--short", name]).out.trim().to_owned();
    let refused = there.cast(&["vault", "merge", "a"]).run();
    assert_eq!(refused.code, 1, "{refused:?}");
    for name in ["HEAD", "MERGE_HEAD"] {
        assert!(refused.err.contains(&format!(" in {name} ({})", commit(name))), "{refused:?}");
    }
    assert!(bytes(&there.file()) == before);
    let to_take = told(&refused, "to take what {} has: 'cast vault merge a --theirs T_ONE'");
    assert_eq!(to_take.hole(0), format!("MERGE_HEAD ({})", commit("MERGE_HEAD")));
    told(&refused, "to keep what {} has: 'cast vault merge a --ours T_ONE'");
    there.cast(&["vault", "merge", "a", "--theirs", "T_ONE", "--ours", "T_ONE"]).refuses(
        2,
        "is in '--ours' and",
        &SECRETS,
    );
    let done = there.cast(&["vault", "merge", "a", "--theirs", "T_ONE"]).succeeds();
    assert!(done.err.contains("'git add a.age'"), "{done:?}");
    assert_eq!(there.values(), "T_NEW=hunter2-new T_ONE=hunter2-here T_TWO=hunter2-two");
    there.commit("merged");
    there.cast(&["list", "a"]).succeeds();
    // Nothing is in conflict any more.
    let none =
        there.cast(&["vault", "merge", "a"]).refuses(2, "git has no conflict in the vault of agent 'a'", &SECRETS);
    told(&none, "'git status' shows what git still has to merge");
}

#[test]
fn our_side_can_be_kept_and_the_other_machine_takes_it() {
    let Some([here, there]) = conflict() else { return };
    there.git(&["merge", "--no-edit", "origin/main"]).run();
    there.cast(&["vault", "merge", "a", "--ours", "T_ONE"]).succeeds();
    there.commit_and_push("merged");
    here.gits(&["pull", "-q", "--ff-only", "origin", "main"]);
    assert_eq!(here.values(), "T_NEW=hunter2-new T_ONE=hunter2-there T_TWO=hunter2-two");
    let log = there.sandbox.audit_log();
    assert!(log.contains("\"merge\"") && SECRETS.iter().all(|secret| !log.contains(secret)), "{log}");
}

#[test]
fn a_rebase_names_commits_as_it_swaps_the_sides() {
    let Some([_, there]) = conflict() else { return };
    let rebased = there.git(&["rebase", "origin/main"]).run();
    assert_ne!(rebased.code, 0, "{rebased:?}");
    let refused = there.cast(&["vault", "merge", "a"]).run();
    let own = there.gits(&["rev-parse", "--short", "REBASE_HEAD"]).out.trim().to_owned();
    assert!(refused.err.contains(&format!(" in REBASE_HEAD ({own})")), "{refused:?}");
    there.cast(&["vault", "merge", "a", "--theirs", "T_ONE"]).succeeds();
    there.gits(&["add", "-A"]);
    there.gits(&["rebase", "--continue"]);
    assert_eq!(there.values(), "T_NEW=hunter2-new T_ONE=hunter2-there T_TWO=hunter2-two");
}

#[test]
fn without_the_driver_the_sides_are_merged_by_hand() {
    let Some([here, there]) = two_machines() else { return };
    there.gits(&["config", "--local", "--remove-section", "merge.cast"]);
    here.set("T_ONE", "hunter2-here");
    here.commit_and_push("here");
    there.set("T_TWO", "hunter2-there");
    there.commit("there");
    let merged = there.git(&["pull", "--no-rebase", "--no-edit", "origin", "main"]).run();
    assert_ne!(merged.code, 0, "{merged:?}");
    there.cast(&["vault", "merge", "a"]).succeeds();
    there.commit("merged");
    assert_eq!(there.values(), "T_ONE=hunter2-here T_TWO=hunter2-there");
}

#[test]
fn a_change_in_the_middle_of_a_merge_is_part_of_it() {
    let Some([_, there]) = conflict() else { return };
    there.git(&["merge", "--no-edit", "origin/main"]).run();
    there.set("T_TWO", "hunter2-more");
    there.cast(&["vault", "merge", "a", "--theirs", "T_ONE"]).succeeds();
    assert_eq!(there.values(), "T_NEW=hunter2-new T_ONE=hunter2-here T_TWO=hunter2-more");
}

#[test]
fn what_is_neither_side_is_left_alone() {
    let Some([_, there]) = conflict() else { return };
    there.git(&["merge", "--no-edit", "origin/main"]).run();
    std::fs::write(there.file(), b"neither").unwrap();
    let refused = there.cast(&["vault", "merge", "a", "--theirs", "T_ONE"]);
    let refused = refused.refuses(5, "is neither side of the merge any more", &SECRETS);
    told(&refused, "to begin again, in its folder: 'git checkout --ours {}'");
    there.gits(&["checkout", "--ours", "vaults/a.age"]);
    there.cast(&["vault", "merge", "a", "--theirs", "T_ONE"]).succeeds();
}

#[test]
fn revocations_on_both_sides_are_not_merged() {
    let Some([here, there]) = two_machines() else { return };
    for machine in [&here, &there] {
        machine.cast(&["key", "export", "--agent", "a", "--output", "agent.key"]).succeeds();
        machine.cast(&["key", "revoke", "--agent", "a"]).succeeds();
    }
    here.commit_and_push("here");
    there.commit("there");
    there.gits(&["fetch", "-q", "origin"]);
    let merged = there.git(&["merge", "--no-edit", "origin/main"]).run();
    assert!(merged.code == 1 && merged.err.contains("agent keys were revoked in HEAD and in "), "{merged:?}");
    let refused = there.cast(&["vault", "merge", "a"]).run();
    told(&refused, "take one side as a whole: 'git checkout --ours FILE' or 'git checkout --theirs FILE'");
    there.gits(&["checkout", "--theirs", "vaults/a.age"]);
    told(&refused, "then look at it, and take it: 'cast vault accept a'");
    there.cast(&["vault", "accept", "a", "--yes"]).succeeds();
    there.commit("merged");
    there.cast(&["list", "a"]).succeeds();
}

/// Puts a conflict into the index, as a merge of branches with these states leaves it.
fn lay_out(machine: &Machine, sides: [&[u8]; 3]) {
    let stages = (1..).zip(sides).map(|(stage, side)| {
        std::fs::write(machine.tree().join("side"), side).unwrap();
        let object = machine.gits(&["hash-object", "-w", "side"]).out;
        format!("100644 {} {stage}\tvaults/a.age\n", object.trim())
    });
    let none = format!("0 {}\tvaults/a.age\n", "0".repeat(40));
    let lines: String = std::iter::once(none).chain(stages).collect();
    machine.git(&["update-index", "--index-info"]).input(lines).succeeds();
    std::fs::write(machine.file(), sides[1]).unwrap();
}

/// Who can write the repository can lay out a conflict of older states, or of another vault of this user's.
#[test]
fn a_merge_brings_nothing_back_that_a_reader_would_refuse() {
    let Some([_, there]) = two_machines() else { return };
    let old = bytes(&there.file());
    there.set("T_TWO", "hunter2-there");
    let next = bytes(&there.file());
    there.set("T_NEW", "hunter2-new");
    let newest = bytes(&there.file());
    let folder = there.sandbox.home().join("elsewhere");
    let other = ["hunter2-1", "hunter2-2"].map(|value| {
        there.sandbox.cast(["set", "a", "T_ONE", value]).env("CAST_VAULTS", &folder).succeeds();
        bytes(&folder.join("a.age"))
    });
    for (sides, why) in [
        ([&old, &old, &next], "is older than this machine has seen"),
        ([&old, &next, &old], "is older than this machine has seen"),
        ([&other[0], &other[0], &other[1]], "is not the vault that this machine has known here"),
    ] {
        lay_out(&there, sides.map(|side| &side[..]));
        there.cast(&["vault", "merge", "a"]).refuses(5, why, &SECRETS);
    }
    // What has all that was seen is written.
    lay_out(&there, [&old, &old, &newest]);
    there.cast(&["vault", "merge", "a"]).succeeds();
    assert_eq!(there.values(), "T_NEW=hunter2-new T_ONE=hunter2-one T_TWO=hunter2-there");
}

#[test]
fn a_key_that_is_on_no_side_is_said_and_nothing_is_made() {
    let Some([_, there]) = conflict() else { return };
    there.git(&["merge", "--no-edit", "origin/main"]).run();
    let words = ["vault", "merge", "a", "--theirs", "T_ONE,T_ON"];
    let refused = there.cast(&words).refuses(3, "agent 'a' has no secret 'T_ON'", &SECRETS);
    assert!(refused.err.contains("T_ONE"), "{refused:?}");
    // Where there is no conflict, no key is asked for, and no folder made.
    let empty = Sandbox::empty();
    empty.cast(["vault", "merge", "a"]).refuses(2, "git has no conflict in the vault of agent 'a'", &SECRETS);
}

/// Who can write the folder can name a program in the settings of the repository.
#[test]
fn no_program_of_the_repository_runs() {
    let Some([_, there]) = conflict() else { return };
    let (ran, program) = (there.sandbox.home().join("ran"), there.sandbox.home().join("program"));
    std::fs::write(&program, format!("#!/bin/sh\n>'{}'\n", ran.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    // A commit with a signature, which `git log` would have verified.
    let commit = there.gits(&["cat-file", "commit", "HEAD"]).out;
    let signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----\n";
    let signed = commit.replacen("\n\n", &format!("\n{signature}\n"), 1);
    let object = there.git(&["hash-object", "-w", "-t", "commit", "--stdin"]).input(signed).succeeds().out;
    there.gits(&["update-ref", "HEAD", object.trim()]);
    there.git(&["merge", "--no-edit", "origin/main"]).run();
    for (name, value) in [("log.showSignature", "true"), ("gpg.program", program.to_str().unwrap())] {
        there.gits(&["config", "--local", name, value]);
    }
    let refused = there.cast(&["vault", "merge", "a"]).run();
    assert!(refused.err.contains(" in HEAD (") && !ran.exists(), "{refused:?}");
    there.cast(&["vault", "merge", "a", "--ours", "T_ONE"]).succeeds();
    there.cast(&["doctor"]).run();
    assert!(!ran.exists());
    // It would have run.
    there.git(&["log", "-1"]).run();
    assert!(ran.exists());
}
