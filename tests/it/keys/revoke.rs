//! `cast key revoke`, and what old agent keys can still do to each kind of vault.

use std::fs;

use super::{exported, sandbox, with_vaults_of};
use crate::forge::{Key, Text};
use crate::sandbox::Sandbox;

/// The exit code of `list AGENT` with `key` in a home with current copies of the vaults of `owner`.
#[track_caller]
fn closed_on_a_runner(owner: &Sandbox, agent: &str, key: &str, code: i32, why: &str) {
    let runner = with_vaults_of(owner);
    for (code, words) in [(code, &["list", agent][..]), (125, &["run", agent, "--", "touch", "started"])] {
        let refused = runner.cast(words).env("CAST_KEY", key.trim()).refuses(code, why, &["hunter", key.trim()]);
        assert!(refused.err.contains("CAST_KEY") || code != 5, "names the variable: {refused:?}");
    }
    let set = runner.cast(["set", agent, "K", "hunter3"]).env("CAST_KEY", key.trim());
    set.refuses(4, "agent key", &["hunter", key.trim()]);
}

#[test]
fn ends_the_agent_keys_there_were() {
    let owner = sandbox();
    let (old, other) = (exported(&owner, &["--agent", "a"]), exported(&owner, &["--agent", "b"]));
    let before = with_vaults_of(&owner);
    let said = owner.cast(["key", "revoke", "--agent", "a"]).succeeds();
    for part in ["✓ ", "epoch 2", "git history", "at their source", "cast key export --agent a"] {
        assert!(said.err.contains(part), "no '{part}': {said:?}");
    }
    closed_on_a_runner(&owner, "a", &old, 5, "wrong key");
    let hinted = with_vaults_of(&owner).cast(["list", "a"]).env("CAST_KEY", old.trim()).run();
    assert!(hinted.err.contains("revoked"), "{hinted:?}");
    // The owner has lost nothing, and the next agent key opens the vault.
    assert_eq!(owner.value("a", "K"), b"hunter2-of-a");
    let new = exported(&owner, &["--agent", "a"]);
    assert!(new != old && new.contains(":2:"));
    with_vaults_of(&owner).cast(["list", "a"]).env("CAST_KEY", new.trim()).succeeds();
    // Other agents' keys still work, and the old key still opens old copies: cast promises no more.
    with_vaults_of(&owner).cast(["list", "b"]).env("CAST_KEY", other.trim()).succeeds();
    before.cast(["list", "a"]).env("CAST_KEY", old.trim()).succeeds();
    owner.cast(["key", "revoke", "--agent", "c"]).refuses(3, "agent 'c' has no vault", &[]);
    owner.cast(["key", "revoke", "--agent", "a"]).env("CAST_KEY", new.trim()).refuses(4, "the agent key of 'a'", &[]);
}

#[test]
fn a_vault_put_back_by_the_holder_of_a_revoked_key_is_noticed() {
    let owner = sandbox();
    let master = Key::master(&owner);
    let before = Text::read(&owner.vault("a"), master);
    let old = exported(&owner, &["--agent", "a"]);
    owner.cast(["key", "revoke", "--agent", "a"]).succeeds();
    // It seals nothing that counts, whatever epoch it states.
    let agent = before.agent_key(master);
    let newest = Text::read(&owner.vault("a"), master);
    for epoch in [1, 2, 3] {
        let forged = before.edited("hunter2", "forged").next().in_epoch(epoch, master);
        let forged = forged.with_owners_signature(agent).with_seal(agent);
        fs::write(owner.vault("a"), forged.file()).unwrap();
        owner.cast(["list", "a"]).refuses(5, "is not authentic", &["forged"]);
        owner.cast(["run", "a", "--", "touch", "started"]).refuses(125, "is not authentic", &["forged"]);
    }
    // What its owner signed in that epoch, also later than this machine has seen, is old.
    for old in [before.clone(), before.clone().next().next().next().signed(master)] {
        fs::write(owner.vault("a"), old.file()).unwrap();
        owner.cast(["list", "a"]).refuses(5, "older than this machine has seen", &["hunter"]);
        owner.cast(["run", "a", "--", "touch", "started"]).refuses(
            125,
            "older than this machine has seen",
            &["hunter"],
        );
    }
    // Using up all numbers does not keep a key valid either.
    fs::write(owner.vault("a"), newest.file()).unwrap();
    let last = format!("0000000f.{}", (1_u64 << 53) - 1);
    let used_up = Text { rules: format!("{last},{}", newest.rules), at: format!("{last},{}", newest.at), ..newest };
    fs::write(owner.vault("a"), used_up.seal(master)).unwrap();
    owner.cast(["key", "revoke", "--agent", "a"]).succeeds();
    closed_on_a_runner(&owner, "a", &old, 5, "wrong key");
    assert_eq!(owner.value("a", "K"), b"hunter2-of-a");
}

#[test]
fn deleted_and_made_again_is_another_vault() {
    let owner = sandbox();
    let old = exported(&owner, &["--agent", "a"]);
    owner.cast(["delete", "a", "--all", "--yes"]).succeeds();
    owner.set("a", "K", "hunter4");
    closed_on_a_runner(&owner, "a", &old, 5, "wrong key");
}

#[test]
fn renamed_is_refused() {
    let owner = sandbox();
    let old = exported(&owner, &["--agent", "a"]);
    // Its own vault under another name; another's under its own.
    fs::copy(owner.vault("a"), owner.vault("c")).unwrap();
    closed_on_a_runner(&owner, "c", &old, 4, "the agent key of 'a'");
    fs::copy(owner.vault("b"), owner.vault("a")).unwrap();
    closed_on_a_runner(&owner, "a", &old, 5, "wrong key");
}

#[test]
fn rolled_back_is_noticed_where_a_newer_was_seen() {
    let owner = sandbox();
    let key = exported(&owner, &["--agent", "a"]);
    let runner = with_vaults_of(&owner);
    let old = fs::read(owner.vault("a")).unwrap();
    owner.set("a", "K", "newer");
    fs::copy(owner.vault("a"), runner.vault("a")).unwrap();
    let list = || runner.cast(["list", "a"]).env("CAST_KEY", key.trim());
    list().succeeds();
    fs::write(runner.vault("a"), &old).unwrap();
    list().refuses(5, "older than this machine has seen", &["hunter"]);
    // A fresh runner has seen nothing, so it cannot tell: cast promises no more.
    fs::remove_dir_all(runner.state()).unwrap();
    list().succeeds();
}

#[test]
fn a_rotation_ends_agent_keys_as_well() {
    let owner = sandbox();
    let old = exported(&owner, &["--agent", "a"]);
    owner.cast(["key", "rotate"]).succeeds();
    closed_on_a_runner(&owner, "a", &old, 5, "wrong key");
    let new = exported(&owner, &["--agent", "a"]);
    with_vaults_of(&owner).cast(["list", "a"]).env("CAST_KEY", new.trim()).succeeds();
}

/// Each epoch has an agent key of its own, also where two machines that know nothing of each other count the same.
#[test]
fn on_two_machines_apart_from_each_other() {
    for rotated in [false, true] {
        let here = sandbox();
        let there = super::with_vaults_of(&here);
        fs::copy(here.key_file(), there.key_file()).unwrap();
        there.cast(["list", "a"]).succeeds();
        there.cast(["list", "b"]).succeeds();
        if rotated {
            here.cast(["key", "rotate"]).succeeds();
        } else {
            here.cast(["key", "revoke", "--agent", "a"]).succeeds();
        }
        let leaked = Text::read(&here.vault("a"), Key::master(&here)).agent_key(Key::master(&here));
        let opens = |sandbox: &Sandbox| crate::forge::opens(&fs::read(sandbox.vault("a")).unwrap(), leaked);
        assert!(opens(&here));
        // The other machine has not got that epoch, and starts one of the same number.
        if rotated {
            fs::write(there.home().join("new.key"), here.key()).unwrap();
            fs::copy(here.vault("b"), there.vault("b")).unwrap();
            there.cast(["key", "import", "new.key", "--replace"]).succeeds();
            there.cast(["vault", "accept", "a", "--yes"]).succeeds();
        } else {
            there.cast(["key", "revoke", "--agent", "a"]).succeeds();
        }
        there.set("a", "K", "hunter2-after");
        let [one, two] = [&here, &there].map(|sandbox| Text::read(&sandbox.vault("a"), Key::master(sandbox)));
        assert_eq!((one.epoch, two.epoch), (2, 2));
        assert!(!opens(&there));
        // Nor what follows once they meet, whichever of them takes the state of the other.
        let [ours, theirs] = [&here, &there].map(|sandbox| fs::read(sandbox.vault("a")).unwrap());
        let revoked = Text::read(&there.vault("a"), Key::master(&there)).agent_key(Key::master(&there));
        for (sandbox, file) in [(&here, theirs), (&there, ours)] {
            fs::write(sandbox.vault("a"), file).unwrap();
            sandbox.cast(["list", "a"]).refuses(5, "changed on two machines", &["hunter2"]);
            let accepted = sandbox.cast(["vault", "accept", "a", "--yes"]).succeeds();
            assert!(accepted.err.contains("'cast key export --agent a'"), "{accepted:?}");
            sandbox.set("a", "K", "hunter2-later");
            let now = fs::read(sandbox.vault("a")).unwrap();
            assert!([leaked, revoked].iter().all(|key| !crate::forge::opens(&now, *key)));
            assert_eq!(Text::read(&sandbox.vault("a"), Key::master(sandbox)).epoch, 3);
        }
    }
}
