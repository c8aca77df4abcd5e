//! A vault that is refused, gone or of another key.

use std::fs;

use super::{told, typed};
use crate::sandbox::{Outcome, Sandbox};

const SECRET: &str = "hunter2-hunter2";

fn sandbox() -> Sandbox {
    Sandbox::with("a", &[("K", SECRET)])
}

#[track_caller]
fn found(sandbox: &Sandbox) -> Outcome {
    let outcome = sandbox.cast(["doctor"]).run();
    assert_eq!(outcome.code, 1, "{outcome:?}");
    outcome.says_nothing_of(&[SECRET]);
    outcome
}

#[track_caller]
fn is_well(sandbox: &Sandbox) {
    assert_eq!(sandbox.value("a", "K"), SECRET.as_bytes());
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn damaged() {
    let sandbox = sandbox();
    let good = fs::read(sandbox.vault("a")).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for bytes in [flipped, good[..good.len() / 2].to_vec(), Vec::new(), b"TOKEN=x\n".to_vec()] {
        fs::write(sandbox.vault("a"), bytes).unwrap();
        let refused = sandbox.cast(["list", "a"]).run();
        assert_eq!(refused.code, 5, "{refused:?}");
        told(&found(&sandbox), "restore it from a backup or from version control");
        fs::write(sandbox.vault("a"), &good).unwrap();
        is_well(&sandbox);
    }
}

#[test]
fn of_another_key() {
    let (sandbox, stranger) = (sandbox(), Sandbox::with("a", &[("K", "hunter3-hunter3")]));
    let good = fs::read(sandbox.vault("a")).unwrap();
    fs::copy(stranger.vault("a"), sandbox.vault("a")).unwrap();
    fs::copy(stranger.key_file(), sandbox.home().join("master.key")).unwrap();
    let found = found(&sandbox);
    let form = "if it was made with another key that you have, provide that one: {GIVE_KEY}";
    // Another vault than the one that was here, all the same.
    let line = told(&found, form).before("CAST_KEY_FILE=", "vault accept a --yes");
    typed(&sandbox, &line).succeeds();
    typed(&sandbox, &told(&found, form).before("CAST_KEY_FILE=", "list a")).succeeds();
    told(&found, "if it is damaged, restore it from a backup or from version control");
    fs::write(sandbox.vault("a"), good).unwrap();
    sandbox.cast(["vault", "accept", "a", "--yes"]).succeeds();
    is_well(&sandbox);
}

#[test]
fn a_new_one_with_another_key() {
    let (sandbox, stranger) = (sandbox(), Sandbox::new());
    let set = || sandbox.cast(["set", "b", "K", SECRET]);
    let refused = set().env("CAST_KEY", stranger.key()).refuses(5, "the key opens none of the vaults here", &[SECRET]);
    told(&refused, "use the key that they were made with, or another CAST_VAULTS folder");
    let elsewhere = sandbox.home().join("elsewhere");
    set().env("CAST_KEY", stranger.key()).env("CAST_VAULTS", elsewhere).succeeds();
    set().succeeds();
}

#[test]
fn of_another_agent() {
    let sandbox = sandbox();
    fs::rename(sandbox.vault("a"), sandbox.vault("b")).unwrap();
    let form =
        "a vault is not renamed by its file: move it back to '{other}.age', then 'cast secrets copy {other} {agent}'";
    let advice = told(&found(&sandbox), form);
    fs::rename(sandbox.vault("b"), sandbox.vault(advice.hole(0))).unwrap();
    typed(&sandbox, &advice.command("cast secrets copy")).succeeds();
    assert_eq!(sandbox.value("b", "K"), SECRET.as_bytes());
    is_well(&sandbox);
}

#[test]
fn older() {
    let sandbox = sandbox();
    let old = fs::read(sandbox.vault("a")).unwrap();
    sandbox.set("a", "L", SECRET);
    fs::write(sandbox.vault("a"), old).unwrap();
    let advice =
        told(&found(&sandbox), "review it and, if it is as it should be, accept it: 'cast vault accept {agent}'");
    let asked = typed(&sandbox, &advice.command("cast vault accept")).run();
    assert!(asked.code == 2 && asked.err.contains("pass '--yes'"), "{asked:?}");
    typed(&sandbox, &format!("{} --yes", advice.command("cast vault accept"))).succeeds();
    is_well(&sandbox);
}

#[test]
fn gone() {
    let sandbox = sandbox();
    let kept = sandbox.home().join("kept.age");
    fs::rename(sandbox.vault("a"), &kept).unwrap();
    sandbox.set("ab", "K", SECRET);
    let refused = sandbox.cast(["list", "a"]).refuses(3, "that this machine has seen is gone: '", &[SECRET]);
    told(&refused, "restore it: from a backup, or with 'git checkout' or 'git pull'");
    told(&refused, "or make a new one in its place: 'cast secrets set --new {agent} KEY'");
    assert!(!refused.err.contains("did you mean"), "{refused:?}");
    let refused = sandbox.cast(["set", "a", "K", SECRET]).refuses(2, "is gone", &[SECRET]);
    told(&refused, "restore it: from a backup, or with 'git checkout' or 'git pull'");
    told(&refused, "to make a new vault in its place, add '--new'");
    let advice = told(&found(&sandbox), "or make a new one in its place: 'cast secrets set --new {name} KEY'");
    let forget = told(&found(&sandbox), "or forget it: 'cast secrets delete {name} --all'");
    fs::copy(&kept, sandbox.vault("a")).unwrap();
    is_well(&sandbox);
    fs::remove_file(sandbox.vault("a")).unwrap();
    let command = advice.command("cast secrets set --new").replace("KEY", "K");
    typed(&sandbox, &command).input(SECRET).succeeds();
    is_well(&sandbox);
    fs::remove_file(sandbox.vault("a")).unwrap();
    typed(&sandbox, &format!("{} --yes", forget.command("cast secrets delete"))).succeeds();
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn none_by_that_name() {
    let sandbox = Sandbox::with("my-agent", &[("API_TOKEN", SECRET)]);
    let refused = sandbox.cast(["list", "my-agnt"]).refuses(3, "has no vault", &[]);
    let known = told(&refused, "did you mean '{known}'?").hole(0).to_owned();
    sandbox.cast(["list", &known]).succeeds();
    let refused = sandbox.cast(["list", "other"]).refuses(3, "has no vault", &[]);
    let advice = told(&refused, "create it with 'cast secrets set {agent} KEY'");
    typed(&sandbox, &advice.command("cast secrets set").replace("KEY", "K")).input(SECRET).succeeds();
    sandbox.cast(["list", "other"]).succeeds();
    let refused = sandbox.cast(["delete", "my-agent", "SOMETHING"]).refuses(3, "has no secret", &[]);
    let advice = told(&refused, "see what there is: 'cast secrets list {agent}'");
    assert!(typed(&sandbox, &advice.command("cast secrets list")).succeeds().out.contains("API_TOKEN"));
}

#[test]
fn the_record_of_what_was_seen() {
    let sandbox = sandbox();
    let seen = sandbox.state().join("seen");
    let records = |folder: &std::path::Path| -> Vec<_> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.into_iter().filter(|path| path.is_file() && path.extension().is_none()).collect()
    };
    for folder in [seen.clone(), seen.join("at")] {
        for path in records(&folder) {
            for bytes in [&b"nonsense"[..], b"", &[0xff; 100]] {
                fs::write(&path, bytes).unwrap();
                let refused = sandbox.cast(["list", "a"]).refuses(5, "seen is damaged", &[SECRET]);
                typed(&sandbox, told(&refused, "if you trust the vault as it is: {}").hole(0)).succeeds();
                is_well(&sandbox);
            }
        }
    }
}

#[test]
fn with_the_key_of_an_agent() {
    let sandbox = sandbox();
    let key = sandbox.cast(["key", "export", "--agent", "a"]).succeeds().out;
    let refused = sandbox.cast(["set", "a", "L", SECRET]).env("CAST_KEY", key.trim());
    let refused = refused.refuses(4, "reads its vault and changes nothing", &[SECRET]);
    let advice = told(&refused, "the owner of the vault can: '{command}'");
    typed(&sandbox, advice.hole(0)).input(SECRET).succeeds();
    sandbox.cast(["key", "revoke", "--agent", "a"]).run();
    sandbox.cast(["key", "revoke", "--agent", "a", "--yes"]).run();
    let refused = sandbox.cast(["list", "a"]).env("CAST_KEY", key.trim()).refuses(5, "wrong key", &[SECRET]);
    let form = "a revoked or rotated agent key opens nothing; the owner of the vault makes a new one with 'cast key export --agent {agent}'";
    let new = typed(&sandbox, &told(&refused, form).command("cast key export")).succeeds().out;
    sandbox.cast(["list", "a"]).env("CAST_KEY", new.trim()).succeeds();
    // Nor does it make or open another vault.
    sandbox.set("b", "K", SECRET);
    let new = new.trim();
    for words in ["set c K hunter2-hunter2", "list b"] {
        let line = format!("cast {words}");
        let refused = typed(&sandbox, &line).env("CAST_KEY", new).refuses(4, "the agent key of 'a'", &[SECRET, new]);
        let form = "if this machine has the master key, use that one: 'unset CAST_KEY CAST_KEY_FILE'";
        let line = format!("{}; {line}", told(&refused, form).command("unset"));
        typed(&sandbox, &line).env("CAST_KEY", new).succeeds();
    }
    // There is none for the built-in secrets.
    sandbox.set("builtin", "B", SECRET);
    let refused = sandbox.cast(["key", "export", "--agent", "builtin"]).refuses(2, "built-in", &[SECRET]);
    let advice = told(&refused, "give each agent what it needs: 'cast secrets copy builtin AGENT KEY'");
    typed(&sandbox, &advice.command("cast secrets copy").replace("AGENT KEY", "a B")).succeeds();
    is_well(&sandbox);
}
