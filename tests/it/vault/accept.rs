//! `cast vault accept`: the owner reviews and accepts a refused vault.

use std::fs;
use std::process::Command;

use super::{SECRET, refused, sandbox, text, works};
use crate::forge::{Key, Text, generation, grant_of};
use crate::sandbox::{Sandbox, skip};
use crate::terminal::Terminal;

/// cast refuses the vault, shows it and asks; with `--yes` it accepts the vault. Then everything works, in a state
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
        let row = asked.err.lines().find(|line| line.starts_with(&format!("{key} ")));
        assert_eq!(
            row.unwrap_or_else(|| panic!("{key}: {asked:?}"))
                .split_whitespace()
                .filter(|word| word.starts_with("20") && word.len() == "2026-01-15".len())
                .count(),
            2,
            "{asked:?}"
        );
    }
    asked.says_nothing_of(&[SECRET, "AGE-SECRET-KEY-1"]);
    assert!(sandbox.snapshot() == before, "{asked:?}");

    let taken = sandbox.cast(words().chain(&["--yes"])).succeeds();
    assert!(taken.err.contains(why) && taken.err.contains("✓ Vault of agent 'a' accepted"), "{taken:?}");
    taken.says_nothing_of(&[SECRET, "AGE-SECRET-KEY-1"]);
    let now = text(sandbox);
    assert!(now.verifies());
    for Seen { id, epoch, rules, at } in seen.into_iter().filter(|seen| seen.id == now.id) {
        let counts_on = covers(&now.rules, &rules) && covers(&now.at, &at) && generation(&now.at) > generation(&at);
        assert!(now.epoch > epoch || now.epoch == epoch && counts_on, "{id} {rules} {at} {now:?}");
    }
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

/// What a record states.
struct Seen {
    id: String,
    epoch: u64,
    rules: String,
    at: String,
}

/// Every vault that has a record, and its newest state.
fn newest_seen(sandbox: &Sandbox) -> Vec<Seen> {
    let paths = fs::read_dir(sandbox.state().join("seen")).unwrap().map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.is_file() && path.extension().is_none())
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let fields: Vec<_> = text.lines().nth(1).unwrap().split(' ').map(str::to_owned).collect();
            let [id, epoch, _, rules, _, at, _] = fields.try_into().unwrap();
            Seen { id, epoch: epoch.parse().unwrap(), rules, at }
        })
        .collect()
}

/// Whether a vector has every count of another.
fn covers(vector: &str, other: &str) -> bool {
    let counts = |vector: &str| -> Vec<(String, u64)> {
        let count =
            |entry: &str| entry.split_once('.').map(|(replica, count)| (replica.to_owned(), count.parse().unwrap()));
        vector.split(',').filter_map(count).collect()
    };
    let has = counts(vector);
    counts(other)
        .into_iter()
        .all(|(replica, count)| has.iter().any(|(other, more)| *other == replica && *more >= count))
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
    let there = there.edited("first", "there").next_values();
    fs::write(sandbox.vault("a"), there.seal(Key::master(&sandbox))).unwrap();
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
    refused(&sandbox, "not the vault that this machine has known");
}

#[test]
fn edited_by_the_owner_with_stock_age() {
    if Command::new("age").arg("--version").output().is_err() {
        return skip("vault accept: age is not installed");
    }
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let [owner, agent] = text(&sandbox).recipients().try_into().unwrap();
    assert_eq!(owner, master.recipient());
    let edit = |sed: &str| {
        let script =
            "age -d -i $KEY $VAULT | sed \"$SED\" > plain && age -r $MASTER -r $AGENT -o $VAULT plain && rm plain";
        let mut edit = sandbox.command("sh");
        edit.args(["-c", script]).env("SED", sed).env("KEY", sandbox.key_file()).env("VAULT", sandbox.vault("a"));
        assert!(edit.env("MASTER", &owner).env("AGENT", &agent).status().unwrap().success());
    };
    // Values only: names are the owner's part, and nothing but the owner's own cast signs that.
    let good = fs::read(sandbox.vault("a")).unwrap();
    edit("s/names.K/names.L/; s/secrets.K/secrets.L/");
    refused(&sandbox, "is not authentic");
    sandbox.cast(["vault", "accept", "a", "--yes"]).refuses(5, "is not authentic", &[SECRET]);
    fs::write(sandbox.vault("a"), good).unwrap();
    edit("s/first/edited/");
    let asked = sandbox.cast(["vault", "accept", "a"]).run();
    assert!(asked.err.contains("values sealed by: unknown"), "{asked:?}");
    accepted(&sandbox, "is not authentic", &["K"]);
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
fn never_one_with_foreign_keys_a_newer_version_or_damage() {
    let sandbox = sandbox();
    let (master, stranger) = (Key::master(&sandbox), Key::generate());
    let good = text(&sandbox);
    let accept = || sandbox.cast(["vault", "accept", "a", "--yes"]);
    // The owner's own signature, and somebody else as its reader or owner.
    for own in good.recipients() {
        let foreign = good.edited(&own, &stranger.recipient()).next().signed(master);
        fs::write(sandbox.vault("a"), foreign.encrypt(&[&master.recipient()])).unwrap();
        accept().refuses(5, "the vault of agent 'a' ", &[SECRET]);
    }
    // A stranger's, who lists nobody.
    let foreign = Text::new("a", &good.id, stranger, &[("K", "hunter2")]);
    fs::write(sandbox.vault("a"), foreign.encrypt(&[&master.recipient()])).unwrap();
    accept().refuses(5, "not shared with this key", &[SECRET]);
    // A forger's, who names the right owner.
    let forged = good.edited("first", "forged").next().with_owners_signature(stranger).with_seal(stranger);
    fs::write(sandbox.vault("a"), forged.file()).unwrap();
    accept().refuses(5, "is not authentic", &[SECRET]);
    let unknown = "expires = 2027-01-01T00:00:00Z\n";
    for newer in [
        Text { version: "2".into(), ..good.clone() },
        Text { part: good.part.clone() + unknown, ..good.clone() },
        Text { values: good.values.clone() + unknown, ..good.clone() },
    ] {
        fs::write(sandbox.vault("a"), newer.seal(master)).unwrap();
        accept().refuses(5, "newer cast", &[SECRET]);
    }
    fs::write(sandbox.vault("a"), b"").unwrap();
    accept().refuses(5, "is damaged", &[]);
}

#[test]
fn what_it_needs() {
    let sandbox = sandbox();
    let accept = || sandbox.cast(["vault", "accept", "a", "--yes"]);
    accept().env("CAST_KEY", grant_of(&sandbox, "a")).refuses(4, "agent key of 'a'", &[SECRET]);
    sandbox.cast(["vault", "accept", "b", "--yes"]).refuses(3, "agent 'b' has no vault", &[]);
    sandbox.cast(["vault", "accept", "a", "--key", "no-such-file"]).refuses(4, "--key", &[]);
    sandbox.cast(["vault", "accept", "sk-live-abc/", "--yes"]).refuses(2, "AGENT is not a valid", &["sk-live"]);
    nothing_to_accept(&sandbox);
    fs::remove_file(sandbox.key_file()).unwrap();
    accept().refuses(4, "no key", &[]);
}

/// While the question waits, an own vault of that id is seen: what is answered is not what was asked.
#[test]
fn what_this_machine_learns_meanwhile_counts() {
    let me = sandbox();
    let owner = Key::generate();
    let (key, id) = (Key::master(&me), "42".repeat(16));
    let folder = super::elsewhere(&me);
    let theirs = Text::new("t", &id, owner, &[("K", "evil")]).with_person("me", &key.card(), &["K"]).seal(owner);
    fs::write(folder.join("t.age"), &theirs).unwrap();
    let mut terminal = Terminal::start(me.cast(["vault", "accept", "t"]).env("CAST_VAULTS", &folder));
    terminal.sees("ccept the vault");
    fs::write(me.vault("t"), Text::new("t", &id, key, &[("K", "hunter2-own")]).file()).unwrap();
    assert_eq!(me.value("t", "K"), b"hunter2-own");
    terminal.types("y\r");
    let shown = terminal.ends_with(5);
    assert!(shown.contains("has changed meanwhile: review it again"), "{shown}");
    let again = super::there(&me, &["vault", "accept", "t", "--yes"]);
    again.refuses(5, "has the id of another vault of yours", &["evil", SECRET]);
    super::there(&me, &["list", "t"]).refuses(5, "of agent 't'", &["evil", SECRET]);
    assert!(fs::read(folder.join("t.age")).unwrap() == theirs);
}
