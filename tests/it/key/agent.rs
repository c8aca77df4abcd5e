//! An agent key opens that agent's vault and nothing else.

use std::fs;

use super::sandbox;
use crate::forge::{Key, Text, grant, grant_of};
use crate::sandbox::Sandbox;

/// A runner: the vaults of `owner` and no key.
fn runner(owner: &Sandbox) -> Sandbox {
    let runner = Sandbox::empty();
    fs::create_dir_all(runner.data().join("vaults")).unwrap();
    for entry in fs::read_dir(owner.data().join("vaults")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, runner.data().join("vaults").join(path.file_name().unwrap())).unwrap();
    }
    runner
}

#[test]
fn works_for_its_agent() {
    let owner = sandbox();
    let key = grant_of(&owner, "a");
    let runner = runner(&owner);
    let cast = |words: &[&str]| {
        let outcome = runner.cast(words).env("CAST_KEY", &key).succeeds();
        outcome.says_nothing_of(&["AGE-SECRET-KEY"]);
        outcome
    };
    let run = cast(&["run", "a", "--no-mask", "--", "printenv", "K"]);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("hunter2\n", ""));
    assert!(cast(&["list", "a"]).out.contains("K "));
    cast(&["set", "a", "L", "of the runner"]);
    cast(&["set", "a", "K", "of the runner, too"]);
    cast(&["delete", "a", "L"]);
    // The owner accepts the vault that came back.
    fs::copy(runner.vault("a"), owner.vault("a")).unwrap();
    assert_eq!(owner.value("a", "K"), b"of the runner, too");
    assert_eq!(owner.listing("a").len(), 1);
    owner.set("a", "K", "of the owner");
    fs::copy(owner.vault("a"), runner.vault("a")).unwrap();
    assert_eq!(cast(&["run", "a", "--no-mask", "--", "printenv", "K"]).out, "of the owner\n");
    cast(&["delete", "a", "--all", "--yes"]);
}

#[test]
fn opens_no_other_agents_vault() {
    let owner = sandbox();
    owner.set("b", "K", "hunter2");
    owner.set("builtin", "K", "hunter2");
    let key = grant_of(&owner, "a");
    let runner = runner(&owner);
    for agent in ["b", "builtin"] {
        for (code, words) in [
            (4, &["list", agent][..]),
            (4, &["set", agent, "K", "v"]),
            (4, &["delete", agent, "K"]),
            (4, &["delete", agent, "--all", "--yes"]),
            (125, &["run", agent, "--", "touch", "started"]),
        ] {
            runner.cast(words).env("CAST_KEY", &key).refuses(code, "the agent key of 'a'", &["hunter2"]);
        }
    }
}

#[test]
fn makes_no_vault() {
    let owner = sandbox();
    let key = grant_of(&owner, "a");
    let runner = runner(&owner);
    let set = |agent: &str| runner.cast(["set", agent, "K", "v"]).env("CAST_KEY", &key);
    set("b").refuses(4, "agent key of 'a'", &[]);
    fs::remove_file(runner.vault("a")).unwrap();
    let outcome = set("a").refuses(4, "agent key of 'a'", &[]);
    assert!(!outcome.err.contains("cast secrets set a"), "a hint to do the same again: {outcome:?}");
    // Nor can it export a key.
    let init = runner.cast(["init"]).env("CAST_KEY", &key).run();
    assert!(!runner.key_file().exists(), "{init:?}");
}

#[test]
fn builtin_secrets_stay_closed_to_it_and_run_says_so() {
    let owner = sandbox();
    owner.set("builtin", "SHARED", "for all");
    let key = grant_of(&owner, "a");
    let runner = runner(&owner);
    let run = |options: &[&str]| {
        let words = ["run", "a"].iter().chain(options).chain(&["--no-mask", "--", "sh", "-c", "echo $K,$SHARED"]);
        runner.cast(words).env("CAST_KEY", &key).succeeds()
    };
    let told = run(&[]);
    assert_eq!(told.out, "hunter2,\n");
    assert!(
        told.err.lines().count() == 1 && told.err.contains("built-in") && told.err.contains("--no-builtin"),
        "{told:?}"
    );
    let silent = run(&["--no-builtin"]);
    assert_eq!((silent.out.as_str(), silent.err.as_str()), ("hunter2,\n", ""));
    let list = runner.cast(["list", "a", "--json"]).env("CAST_KEY", &key).succeeds();
    assert!(list.out.contains("\"K\"") && !list.out.contains("SHARED"), "{list:?}");
    // The owner's run has the built-in secrets.
    let owners = owner.cast(["run", "a", "--no-mask", "--", "sh", "-c", "echo $K,$SHARED"]).succeeds();
    assert_eq!((owners.out.as_str(), owners.err.as_str()), ("hunter2,for all\n", ""));
}

#[test]
fn is_no_master_key() {
    let sandbox = sandbox();
    let text = Text::read(&sandbox.vault("a"), Key::master(&sandbox));
    let bare = Key::master(&sandbox).of_agent("a", &text.id, 1).identity();
    // Without its label it decrypts the file but does not authenticate it.
    sandbox.cast(["list", "a"]).env("CAST_KEY", &bare).refuses(5, "the vault of agent 'a' ", &["hunter2"]);
    // In the key store an agent key is not a key of the user.
    fs::write(sandbox.key_file(), grant_of(&sandbox, "a")).unwrap();
    sandbox.cast(["list", "a"]).refuses(4, "agent key", &["hunter2"]);
}

#[test]
fn reaches_one_epoch() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let text = Text { epoch: 3, generation: 9, ..Text::read(&sandbox.vault("a"), master) };
    fs::write(sandbox.vault("a"), text.seal("a", master)).unwrap();
    let list = |epoch| sandbox.cast(["list", "a"]).env("CAST_KEY", grant(master, "a", &text.id, epoch));
    list(3).succeeds();
    for epoch in [1, 2, 4] {
        list(epoch).refuses(5, "wrong key", &["hunter2"]);
    }
}
