//! `cast vault accept`: the owner reviews and accepts a refused vault.

use std::fs;
use std::process::Command;

use super::{SECRET, refused, sandbox, text, works};
use crate::forge::{Key, Text, grant_of};
use crate::sandbox::{Sandbox, skip};

/// cast refuses the vault, shows it and asks; with `--yes` it accepts the vault. Then everything works, at a generation
/// above every seen one.
#[track_caller]
fn accepted(sandbox: &Sandbox, why: &str, keys: &[&str]) {
    accepted_with(sandbox, &[], why, keys);
}

#[track_caller]
fn accepted_with(sandbox: &Sandbox, options: &[&str], why: &str, keys: &[&str]) {
    refused(sandbox, "the vault of agent 'a' ");
    let seen = newest_seen(sandbox);
    let words = || ["vault", "accept", "a"].iter().chain(options);

    // Without a terminal: cast shows the vault but does nothing.
    let before = sandbox.snapshot();
    let asked = sandbox.cast(words()).run();
    assert_eq!((asked.code, asked.out.as_str()), (2, ""), "{asked:?}");
    assert!(asked.err.contains(why) && asked.err.contains("'--yes'"), "no '{why}': {asked:?}");
    for key in keys {
        let row = asked.err.lines().find(|line| line.starts_with(&format!("{key}  ")));
        let row = row.unwrap_or_else(|| panic!("{key}: {asked:?}"));
        let dates = row.split_whitespace().filter(|word| word.len() == "2026-01-15".len() && word.starts_with("20"));
        assert_eq!(dates.count(), 2, "{asked:?}");
    }
    asked.says_nothing_of(&[SECRET, "AGE-SECRET-KEY-1"]);
    assert!(sandbox.snapshot() == before, "{asked:?}");

    let taken = sandbox.cast(words().chain(&["--yes"])).succeeds();
    assert!(taken.err.contains(why) && taken.err.contains("✓ Vault of agent 'a' accepted"), "{taken:?}");
    taken.says_nothing_of(&[SECRET, "AGE-SECRET-KEY-1"]);
    let now = text(sandbox);
    assert!(seen.iter().all(|(id, generation)| *id != now.id || now.generation > *generation), "{seen:?} {now:?}");
    works(sandbox);
    nothing_to_accept(sandbox);
}

#[track_caller]
fn nothing_to_accept(sandbox: &Sandbox) {
    let before = sandbox.snapshot();
    let outcome = sandbox.cast(["vault", "accept", "a"]).succeeds();
    assert!(outcome.err.contains("nothing to accept"), "{outcome:?}");
    assert!(sandbox.snapshot() == before);
}

/// Every vault that has a record, and its generation there.
fn newest_seen(sandbox: &Sandbox) -> Vec<(String, u64)> {
    let records = fs::read_dir(sandbox.state().join("seen")).unwrap().map(|entry| entry.unwrap().path());
    records
        .map(|path| {
            let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
            let generation = text.split("generation=").nth(1).unwrap().split(' ').next().unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), generation.parse().unwrap())
        })
        .collect()
}

#[test]
fn rolled_back() {
    let sandbox = sandbox();
    let old = fs::read(sandbox.vault("a")).unwrap();
    for value in 2..9 {
        sandbox.set("a", "NEWER", &format!("hunter2-{value}"));
    }
    fs::write(sandbox.vault("a"), old).unwrap();
    accepted(&sandbox, "older than this machine has seen", &["K"]);
    assert_eq!(sandbox.listing("a").len(), 1);
}

#[test]
fn changed_on_two_machines() {
    let sandbox = sandbox();
    let there = text(&sandbox);
    sandbox.set("a", "K", "hunter2-here");
    let there = Text { generation: 2, body: there.body.replace("first", "there"), ..there };
    fs::write(sandbox.vault("a"), there.seal("a", Key::master(&sandbox))).unwrap();
    accepted(&sandbox, "changed on two machines", &["K"]);
}

#[test]
fn deleted_and_restored() {
    let sandbox = sandbox();
    sandbox.set("a", "L", "hunter2-l");
    let old = fs::read(sandbox.vault("a")).unwrap();
    let id = text(&sandbox).id;
    sandbox.cast(["delete", "a", "--all", "--yes"]).succeeds();
    fs::write(sandbox.vault("a"), &old).unwrap();
    accepted(&sandbox, "deleted", &["K", "L"]);
    // Agent keys handed out for the former vault still open nothing.
    assert_ne!(text(&sandbox).id, id);
    fs::write(sandbox.vault("a"), &old).unwrap();
    refused(&sandbox, "deleted or made anew");
}

#[test]
fn edited_by_the_owner_with_stock_age() {
    if Command::new("age").arg("--version").output().is_err() {
        return skip("vault accept: age is not installed");
    }
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let agent = master.of_agent("a", &text(&sandbox).id, 1).recipient();
    let script = "age -d -i $KEY $VAULT > plain && sed -i s/first/edited/ plain &&
        printf '\\n[secrets.ADDED]\\nvalue = \"hunter2-added\"\\ncreated = 2026-01-15T10:30:00Z\\n' >> plain &&
        echo 'updated = 2026-01-15T10:30:00Z' >> plain && age -r $MASTER -r $AGENT -o $VAULT plain && rm plain";
    let edit = sandbox
        .command("sh")
        .args(["-c", script])
        .env("KEY", sandbox.key_file())
        .env("VAULT", sandbox.vault("a"))
        .env("MASTER", master.recipient())
        .env("AGENT", agent)
        .status();
    assert!(edit.unwrap().success());
    accepted(&sandbox, "is not authentic", &["ADDED", "K"]);
    assert_eq!(sandbox.value("a", "ADDED"), b"hunter2-added");
}

#[test]
fn a_backup_from_before_another_key() {
    let sandbox = Sandbox::new();
    let former = Key::generate();
    let key_file = sandbox.home().join("former.key");
    fs::write(&key_file, former.identity()).unwrap();
    sandbox.cast(["set", "a", "K", "hunter2-first"]).env("CAST_KEY_FILE", &key_file).succeeds();
    sandbox.cast(["vault", "accept", "a", "--yes"]).refuses(5, "wrong key", &[SECRET]);
    accepted_with(&sandbox, &["--key", "former.key"], "not to yours", &["K"]);
    // Sealed only to the current key.
    sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", &key_file).refuses(5, "wrong key", &[SECRET]);
}

#[test]
fn never_another_agents_vault() {
    let sandbox = sandbox();
    sandbox.set("b", "K", "hunter2-of-b");
    fs::copy(sandbox.vault("b"), sandbox.vault("a")).unwrap();
    sandbox.cast(["vault", "accept", "a", "--yes"]).refuses(5, "another agent", &[SECRET]);
    // Nor a renamed vault of an agent that is gone.
    fs::rename(sandbox.vault("b"), sandbox.vault("c")).unwrap();
    sandbox.cast(["vault", "accept", "c", "--yes"]).refuses(5, "another agent", &[SECRET]);
}

#[test]
fn never_one_with_a_foreign_master_a_newer_version_or_damage() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let good = text(&sandbox);
    let accept = || sandbox.cast(["vault", "accept", "a", "--yes"]);
    let foreign = good.body.replace(&master.recipient(), &Key::generate().recipient());
    fs::write(sandbox.vault("a"), Text { body: foreign, ..good.clone() }.seal("a", master)).unwrap();
    accept().refuses(5, "not yours", &[SECRET]);
    for newer in [
        Text { version: "2".into(), ..good.clone() },
        Text { body: format!("{}expires = 2027-01-01T00:00:00Z\n", good.body), ..good.clone() },
    ] {
        fs::write(sandbox.vault("a"), newer.seal("a", master)).unwrap();
        accept().refuses(5, "newer cast", &[SECRET]);
    }
    fs::write(sandbox.vault("a"), b"").unwrap();
    accept().refuses(5, "is damaged", &[]);
}

#[test]
fn what_it_needs() {
    let sandbox = sandbox();
    let accept = || sandbox.cast(["vault", "accept", "a", "--yes"]);
    accept().env("CAST_KEY", grant_of(&sandbox, "a")).refuses(4, "needs the master key", &[SECRET]);
    sandbox.cast(["vault", "accept", "b", "--yes"]).refuses(3, "agent 'b' has no vault", &[]);
    sandbox.cast(["vault", "accept", "a", "--key", "no-such-file"]).refuses(4, "--key", &[]);
    sandbox.cast(["vault", "accept", "sk-live-abc/", "--yes"]).refuses(2, "AGENT is not a valid", &["sk-live"]);
    nothing_to_accept(&sandbox);
    fs::remove_file(sandbox.key_file()).unwrap();
    accept().refuses(4, "no key", &[]);
}
