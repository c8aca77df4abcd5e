//! An agent key reads that agent's vault and does nothing else.

use std::fs;

use super::sandbox;
use crate::forge::{Key, Text, grant_of};
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
    owner.set("a", "K", "of the owner");
    fs::copy(owner.vault("a"), runner.vault("a")).unwrap();
    assert_eq!(cast(&["run", "a", "--no-mask", "--", "printenv", "K"]).out, "of the owner\n");
}

#[test]
fn changes_nothing() {
    let owner = sandbox();
    owner.set("a", "L", "hunter2");
    let key = grant_of(&owner, "a");
    let runner = runner(&owner);
    fs::write(runner.home().join(".env"), "NEW=hunter2\n").unwrap();
    let cases: [(&[&str], &str); 12] = [
        (&["set", "a", "K", "hunter2-x"], "cast secrets set a K"),
        (&["set", "a", "NEW", "hunter2-x"], "cast secrets set a NEW"),
        (&["set", "a", "--allow-dangerous-name", "LD_PRELOAD", "hunter2"], "cast secrets set a LD_PRELOAD"),
        (&["set", "a", "K", "--unmasked", "hunter2"], "cast secrets set a K"),
        (&["delete", "a", "K"], "cast secrets delete a K"),
        (&["delete", "a", "--all", "--yes"], "cast secrets delete a --all"),
        (&["secrets", "import", "a", ".env"], "cast secrets import a FILE"),
        (&["secrets", "copy", "a", "b"], "cast secrets copy a b"),
        (&["secrets", "copy", "a", "a2", "K", "M"], "cast secrets copy a a2 K M'"),
        (&["secrets", "rename", "a", "K", "M"], "cast secrets rename a K M"),
        (&["key", "revoke", "--agent", "a"], "cast key revoke --agent a"),
        (&["vault", "accept", "a", "--yes"], "cast vault accept a"),
    ];
    for (words, command) in cases {
        let refused = runner.cast(words).env("CAST_KEY", &key).refuses(4, "the agent key of 'a'", &["hunter2", &key]);
        let hint = format!("cast: hint: the owner of the vault can: '{command}");
        assert!(refused.err.lines().any(|line| line.starts_with(&hint)), "{refused:?}");
    }
    for words in [&["key", "export", "--agent", "a"][..], &["key", "export", "--output", "-"], &["key", "rotate"]] {
        let refused = runner.cast(words).env("CAST_KEY", &key).run();
        assert!([2, 4].contains(&refused.code) && refused.out.is_empty(), "{refused:?}");
    }
    assert_eq!(fs::read(runner.vault("a")).unwrap(), fs::read(owner.vault("a")).unwrap());
}

#[test]
fn there_is_none_for_the_builtin_secrets() {
    let owner = sandbox();
    owner.set("builtin", "SHARED", "hunter2");
    let refused = owner.cast(["key", "export", "--agent", "builtin"]).refuses(2, "no agent key", &["hunter2"]);
    assert!(refused.err.contains("cast secrets copy builtin AGENT KEY"), "{refused:?}");
    // Nor does cast take one that somebody derived.
    let master = Key::master(&owner);
    let key = Text::read(&owner.vault("builtin"), master).grant(master);
    for words in [&["list", "builtin"][..], &["set", "builtin", "K", "v"]] {
        runner(&owner).cast(words).env("CAST_KEY", &key).refuses(4, "not a whole agent key", &["hunter2"]);
    }
}

#[test]
fn what_its_holder_writes_with_other_tools_is_refused_by_all() {
    let owner = sandbox();
    let master = Key::master(&owner);
    let good = Text::read(&owner.vault("a"), master);
    let grant = good.grant(master);
    let agent_key = Key::parse(grant.rsplit(':').next().unwrap());
    // All that it takes from the line, and what the vault says.
    for forged in [
        good.edited("hunter2", "evil").next().with_owners_signature(agent_key).with_seal(agent_key),
        good.clone()
            .with("LD_PRELOAD", "/tmp/evil.so", "dangerous = true\n")
            .next()
            .with_owners_signature(agent_key)
            .with_seal(agent_key),
        good.edited("hunter2", "evil").next_values().sealed_by(agent_key),
    ] {
        fs::write(owner.vault("a"), forged.file()).unwrap();
        owner.cast(["run", "a", "--", "touch", "started"]).refuses(125, "is not authentic", &["evil"]);
        let runner = runner(&owner);
        runner.cast(["list", "a"]).env("CAST_KEY", &grant).refuses(5, "is not authentic", &["evil"]);
    }
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
    let bare = text.agent_key(Key::master(&sandbox)).identity();
    // Without its line it decrypts the file, and expects its own signature.
    sandbox.cast(["list", "a"]).env("CAST_KEY", &bare).refuses(5, "the vault of agent 'a' ", &["hunter2"]);
    // In the key store an agent key is not a key of the user.
    fs::write(sandbox.key_file(), grant_of(&sandbox, "a")).unwrap();
    sandbox.cast(["list", "a"]).refuses(4, "agent key", &["hunter2"]);
}

#[test]
fn reaches_one_epoch() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let text = Text::read(&sandbox.vault("a"), master).in_epoch(3, master);
    fs::write(sandbox.vault("a"), text.seal(master)).unwrap();
    let list = |epoch| sandbox.cast(["list", "a"]).env("CAST_KEY", Text { epoch, ..text.clone() }.grant(master));
    list(3).succeeds();
    for epoch in [1, 2, 4] {
        list(epoch).refuses(5, "wrong key", &["hunter2"]);
    }
}

#[test]
fn knows_the_state_at_export() {
    fn list<'a>(runner: &'a Sandbox, key: &str) -> crate::sandbox::Call<'a> {
        runner.cast(["list", "a"]).env("CAST_KEY", key)
    }
    let owner = sandbox();
    let master = Key::master(&owner);
    let old = runner(&owner);
    owner.set("a", "K", "hunter2-second");
    let key = grant_of(&owner, "a");
    // A runner that remembers nothing refuses what is older, and takes what is newer.
    list(&old, &key).refuses(5, "older than this machine has seen", &["hunter2"]);
    let branch = Text::read(&old.vault("a"), master);
    let branch = Text { at: format!("00000001.9,{}", branch.at), ..branch };
    fs::write(old.vault("a"), branch.seal(master)).unwrap();
    list(&old, &key).refuses(5, "the vault of agent 'a' ", &["hunter2"]);
    owner.set("a", "K", "hunter2-third");
    list(&runner(&owner), &key).succeeds();
}
