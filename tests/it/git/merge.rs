//! Merges that need nobody: each side changed other secrets.

use super::{Machine, bytes, two_machines};

#[test]
fn pulls_merge_what_two_machines_changed() {
    let Some([here, there]) = two_machines() else { return };
    here.set("T_ONE", "hunter2-here");
    here.commit_and_push("here");
    there.set("T_TWO", "hunter2-there");
    there.set("T_NEW", "hunter2-new");
    there.cast(&["set", "a", "T_ONE", "--keep", "--unmasked"]).succeeds();
    there.commit("there");
    there.gits(&["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]);
    let merged = "T_NEW=hunter2-new T_ONE=hunter2-here T_TWO=hunter2-there";
    assert_eq!(there.values(), merged);
    assert_eq!(there.sandbox.cast(["list", "a"]).env("CAST_VAULTS", there.vaults()).succeeds().err, "");
    there.gits(&["push", "-q", "origin", "HEAD:main"]);
    here.gits(&["pull", "-q", "--no-rebase", "origin", "main"]);
    assert_eq!(here.values(), merged);
    // And both go on.
    here.set("T_ONE", "hunter2-again");
    here.commit_and_push("again");
    there.gits(&["pull", "-q", "--no-rebase", "origin", "main"]);
    assert_eq!(there.values(), merged.replace("hunter2-here", "hunter2-again"));
}

/// Two machines that have changed different secrets, and have each merged both.
fn merged_apart() -> Option<[Machine; 2]> {
    let [here, there] = two_machines()?;
    here.set("T_ONE", "hunter2-here");
    here.commit("here");
    here.gits(&["push", "-q", "origin", "HEAD:here"]);
    there.set("T_TWO", "hunter2-there");
    there.commit("there");
    there.gits(&["push", "-q", "origin", "HEAD:there"]);
    for (machine, other) in [(&here, "there"), (&there, "here")] {
        machine.gits(&["fetch", "-q", "origin"]);
        machine.gits(&["merge", "-q", "--no-edit", &format!("origin/{other}")]);
        assert_eq!(machine.values(), "T_ONE=hunter2-here T_TWO=hunter2-there");
    }
    Some([here, there])
}

#[test]
fn who_merges_the_same_branches_apart_comes_to_the_same_state() {
    let Some([here, there]) = merged_apart() else { return };
    // Each takes the other's merge.
    here.gits(&["push", "-q", "origin", "HEAD:here"]);
    there.gits(&["fetch", "-q", "origin"]);
    there.gits(&["merge", "-q", "--no-edit", "origin/here"]);
    assert_eq!(there.values(), "T_ONE=hunter2-here T_TWO=hunter2-there");
    there.set("T_ONE", "hunter2-next");
    there.commit("next");
    there.gits(&["push", "-q", "origin", "HEAD:there"]);
    here.gits(&["pull", "-q", "--no-rebase", "origin", "there"]);
    assert_eq!(here.values(), "T_ONE=hunter2-next T_TWO=hunter2-there");
}

/// Then git has two bases, and makes one of them.
#[test]
fn who_merges_apart_and_goes_on_merges_again() {
    let Some([here, there]) = merged_apart() else { return };
    here.set("T_ONE", "hunter2-on");
    here.commit("on");
    here.gits(&["push", "-q", "origin", "HEAD:here"]);
    there.set("T_NEW", "hunter2-new");
    there.cast(&["set", "a", "T_TWO", "--keep", "--unmasked"]).succeeds();
    there.commit("new");
    there.gits(&["fetch", "-q", "origin"]);
    there.gits(&["merge", "-q", "--no-edit", "origin/here"]);
    assert_eq!(there.values(), "T_NEW=hunter2-new T_ONE=hunter2-on T_TWO=hunter2-there");
}

#[test]
fn rebase_cherry_pick_and_stash() {
    let Some([here, there]) = two_machines() else { return };
    here.set("T_ONE", "hunter2-here");
    here.commit_and_push("here");
    there.set("T_TWO", "hunter2-there");
    there.commit("there 1");
    there.set("T_NEW", "hunter2-new");
    there.commit("there 2");
    there.gits(&["pull", "-q", "--rebase", "origin", "main"]);
    assert_eq!(there.values(), "T_NEW=hunter2-new T_ONE=hunter2-here T_TWO=hunter2-there");
    // A single commit of another branch.
    here.gits(&["checkout", "-q", "-b", "far"]);
    here.set("T_FAR", "hunter2-far");
    here.commit("far 1");
    here.set("T_PICKED", "hunter2-picked");
    here.commit("far 2");
    here.gits(&["checkout", "-q", "main"]);
    here.set("T_TWO", "hunter2-main");
    here.commit("main");
    here.gits(&["cherry-pick", "far"]);
    assert_eq!(here.values(), "T_ONE=hunter2-here T_PICKED=hunter2-picked T_TWO=hunter2-main");
    here.gits(&["merge", "-q", "--no-edit", "far"]);
    assert_eq!(here.values(), "T_FAR=hunter2-far T_ONE=hunter2-here T_PICKED=hunter2-picked T_TWO=hunter2-main");
    // What was not committed yet.
    here.gits(&["push", "-q", "-f", "origin", "HEAD:main"]);
    let before = bytes(&there.file());
    there.gits(&["checkout", "-q", "-b", "side"]);
    there.set("T_STASHED", "hunter2-stashed");
    there.gits(&["stash", "-q"]);
    assert!(bytes(&there.file()) == before);
    there.set("T_ONE", "hunter2-side");
    there.commit("side");
    there.gits(&["stash", "pop", "-q"]);
    assert!(there.values().contains("T_ONE=hunter2-side T_STASHED=hunter2-stashed"));
}

/// git knows nothing of order: a reader does.
#[test]
fn what_no_driver_sees_the_reader_refuses() {
    let Some([here, there]) = two_machines() else { return };
    here.gits(&["branch", "old"]);
    here.set("T_ONE", "hunter2-here");
    here.commit_and_push("here");
    there.gits(&["pull", "-q", "origin", "main"]);
    assert_eq!(there.values(), "T_ONE=hunter2-here T_TWO=hunter2-two");
    // The newer state is merged away, and the old one comes back as a fast-forward. A machine that has met the old
    // one takes it for a
    // branch; one that has only seen the newer state does not.
    here.gits(&["checkout", "-q", "old"]);
    here.gits(&["merge", "-q", "-s", "ours", "--no-edit", "main"]);
    here.gits(&["push", "-q", "origin", "HEAD:main"]);
    std::fs::remove_dir_all(there.sandbox.state().join("seen")).unwrap();
    assert_eq!(there.values(), "T_ONE=hunter2-here T_TWO=hunter2-two");
    there.gits(&["pull", "-q", "--ff-only", "origin", "main"]);
    let refused = there.cast(&["run", "a", "--", "true"]).run();
    assert_eq!(refused.code, 125, "{refused:?}");
    assert!(refused.err.contains("is older than this machine has seen"), "{refused:?}");
}
