//! A person whom the owner listed, through the binary: the first look, values that this person may set, and the end.

use std::fs;

use super::{SECRET, sandbox, text};
use crate::durability::faults::{injected, traced};
use crate::forge::{Key, Text, fingerprint};
use crate::sandbox::{Call, Sandbox, skip};

/// An owner with `K` and `L`, and alice with a copy of that vault, who may set `K`; bob may set nothing.
fn shared() -> (Sandbox, Sandbox, Sandbox) {
    let (owner, alice, bob) = (sandbox(), Sandbox::new(), Sandbox::new());
    owner.set("a", "L", "hunter2-l");
    let listed = text(&owner).with_person("alice", &Key::master(&alice).card(), &["K"]).with_person(
        "bob",
        &Key::master(&bob).card(),
        &[],
    );
    fs::write(owner.vault("a"), listed.next().seal(Key::master(&owner))).unwrap();
    assert_eq!(owner.value("a", "K"), b"hunter2-first");
    for person in [&alice, &bob] {
        fs::create_dir_all(person.vault("a").parent().unwrap()).unwrap();
        fs::copy(owner.vault("a"), person.vault("a")).unwrap();
    }
    (owner, alice, bob)
}

fn accept(person: &Sandbox) -> Call<'_> {
    person.cast(["vault", "accept", "a", "--yes"])
}

#[test]
fn accepts_the_owner_by_the_fingerprint_of_the_card() {
    let (owner, alice, _) = shared();
    alice.cast(["list", "a"]).refuses(5, "has another owner", &[SECRET]);
    let before = alice.snapshot();
    let asked = alice.cast(["vault", "accept", "a"]).run();
    let card = Key::master(&owner).card();
    let alice_is = fingerprint(&Key::master(&alice).card());
    let alice_may = format!("person 'alice' (you), fingerprint {alice_is}: may set K\n");
    for part in [&card, &fingerprint(&card), &alice_may, "person 'bob', fingerprint ", "K  "] {
        assert!(asked.code == 2 && asked.err.contains(part), "no '{part}': {asked:?}");
    }
    asked.says_nothing_of(&[SECRET]);
    assert!(alice.snapshot() == before);
    let file = fs::read(alice.vault("a")).unwrap();
    accept(&alice).succeeds();
    // Only what this machine expects has changed.
    assert_eq!(fs::read(alice.vault("a")).unwrap(), file);
    assert_eq!(alice.value("a", "K"), b"hunter2-first");
    // From then on another owner is refused, even one who lists her.
    let mallory = Key::generate();
    let id = text(&owner).id;
    let other =
        Text::new("a", &id, mallory, &[("K", "evil")]).with_person("alice", &Key::master(&alice).card(), &["K"]);
    fs::write(alice.vault("a"), other.next().seal(mallory)).unwrap();
    alice.cast(["run", "a", "--", "touch", "started"]).refuses(125, "has another owner", &["evil"]);
}

#[test]
fn sets_what_the_owner_permits_and_nothing_else() {
    let (owner, alice, bob) = shared();
    accept(&alice).succeeds();
    accept(&bob).succeeds();
    let part = text(&owner).part;
    alice.set("a", "K", "hunter2-of-alice");
    for words in [
        &["set", "a", "L", "evil"][..],
        &["set", "a", "NEW", "evil"],
        &["set", "a", "K", "--unmasked", "evil"],
        &["set", "a", "--allow-dangerous-name", "LD_PRELOAD", "evil"],
        &["delete", "a", "K"],
        &["secrets", "rename", "a", "K", "M"],
        &["key", "revoke", "--agent", "a"],
        &["key", "export", "--agent", "a"],
    ] {
        alice.cast(words).refuses(4, "the vault of agent 'a' is not yours", &[SECRET, "evil"]);
    }
    bob.cast(["set", "a", "K", "evil"]).refuses(4, "the vault of agent 'a' is not yours", &[SECRET, "evil"]);
    // Her seal, the owner's part as it was: the owner and bob read it, and see whose it is.
    for reader in [&owner, &bob] {
        fs::copy(alice.vault("a"), reader.vault("a")).unwrap();
        assert_eq!(reader.value("a", "K"), b"hunter2-of-alice");
        let explained = reader.cast(["run", "a", "--explain"]).succeeds();
        assert!(explained.out.contains("agent 'a', sealed by 'alice'"), "{explained:?}");
        assert!(reader.listing("a").iter().all(|secret| secret["sealer"] == "alice"));
        let said = reader.cast(["list", "a"]).succeeds();
        assert!(said.err.contains("'alice' set values of agent 'a' last"), "{said:?}");
    }
    let sealed = text(&owner);
    assert!(sealed.verifies() && sealed.part == part && sealed.sealer == Key::master(&alice).verification());
    // A runner reads it too.
    let grant = sealed.grant(Key::master(&owner));
    let run = bob.cast(["run", "a", "--no-mask", "--", "printenv", "K"]).env("CAST_KEY", grant).succeeds();
    assert_eq!(run.out, "hunter2-of-alice\n");
    owner.set("a", "K", "hunter2-of-the-owner");
    assert!(owner.listing("a").iter().all(|secret| secret["sealer"] == "owner"));
}

#[test]
fn a_person_who_was_removed_opens_no_new_state_and_seals_none() {
    let (owner, alice, _) = shared();
    let master = Key::master(&owner);
    accept(&alice).succeeds();
    let listed = text(&owner);
    let begin = listed.part.find("\n[people.alice]").unwrap();
    let removed = Text { part: listed.part[..begin].to_owned(), ..listed.clone() }.next();
    fs::write(owner.vault("a"), removed.seal(master)).unwrap();
    assert_eq!(owner.value("a", "K"), b"hunter2-first");
    let good = fs::read(owner.vault("a")).unwrap();
    // She goes on where she was.
    alice.set("a", "K", "evil");
    fs::copy(alice.vault("a"), owner.vault("a")).unwrap();
    owner.cast(["run", "a", "--", "touch", "started"]).refuses(125, "older than this machine has seen", &["evil"]);
    // And under the new owner's part, with other tools.
    let forged = text_of(&good, master).edited("hunter2", "evil").next_values().sealed_by(Key::master(&alice));
    fs::write(owner.vault("a"), forged.file()).unwrap();
    owner.cast(["run", "a", "--", "touch", "started"]).refuses(125, "sealed by a stranger", &["evil"]);
    fs::write(alice.vault("a"), good).unwrap();
    alice.cast(["list", "a"]).refuses(5, "wrong key", &[SECRET]);
}

/// A vault of mallory for `agent`, which lists alice, under this id, above all that anybody has seen.
fn of_mallory(mallory: Key, alice: &Sandbox, agent: &str, known: &Text) -> Vec<u8> {
    let vault = Text::new(agent, &known.id, mallory, &[("K", "evil")]);
    vault.with_person("alice", &Key::master(alice).card(), &[]).over(known).in_epoch(9, mallory).seal(mallory)
}

#[track_caller]
fn still_reads(alice: &Sandbox, value: &str) {
    assert_eq!(alice.value("a", "K"), value.as_bytes());
}

#[test]
fn an_owner_is_accepted_for_one_agent() {
    let (alice, mallory) = (Sandbox::new(), Key::generate());
    let id = "42".repeat(16);
    fs::create_dir_all(alice.vault("tool").parent().unwrap()).unwrap();
    fs::write(alice.vault("tool"), of_mallory(mallory, &alice, "tool", &Text::new("tool", &id, mallory, &[]))).unwrap();
    alice.cast(["vault", "accept", "tool", "--yes"]).succeeds();
    assert_eq!(alice.value("tool", "K"), b"evil");
    // A vault of another agent is another one, though the id is the same, also where that owner was accepted for a
    // tool.
    let clone = alice.home().join("clone");
    fs::create_dir(&clone).unwrap();
    fs::copy(alice.vault("tool"), clone.join("tool.age")).unwrap();
    alice.cast(["vault", "accept", "tool", "--yes"]).env("CAST_VAULTS", &clone).succeeds();
    for folder in [alice.vault("tool").parent().unwrap(), &clone] {
        fs::write(folder.join("a.age"), of_mallory(mallory, &alice, "a", &Text::new("a", &id, mallory, &[]))).unwrap();
        let run = alice.cast(["run", "a", "--", "touch", "started"]).env("CAST_VAULTS", folder);
        run.refuses(125, "has another owner", &["evil"]);
    }
}

/// Who was accepted could put the vault in any folder, where alice takes it for her own.
#[test]
fn an_owner_is_accepted_in_one_folder() {
    let (owner, alice, _) = shared();
    let mine = alice.vault("a");
    accept(&alice).succeeds();
    let old = fs::read(&mine).unwrap();
    let clone = alice.home().join("clone");
    fs::create_dir(&clone).unwrap();
    let there = |words: &[&str]| alice.cast(words).env("CAST_VAULTS", &clone);
    fs::copy(&mine, clone.join("a.age")).unwrap();
    let message = format!("belongs to another owner, who was accepted in another folder: '{}'", mine.display());
    let refuse_all = || {
        there(&["run", "a", "--", "touch", "started"]).refuses(125, &message, &[SECRET]);
        there(&["list", "a"]).refuses(5, &message, &[SECRET]);
        let refused = there(&["set", "a", "K", "hunter2-mine"]).refuses(5, &message, &[SECRET]);
        assert!(refused.err.contains("'cast vault accept a'"), "{refused:?}");
    };
    refuse_all();
    let asked = there(&["vault", "accept", "a"]).run();
    assert!(asked.code == 2 && asked.err.contains(&message), "{asked:?}");
    assert!(asked.err.contains(&fingerprint(&Key::master(&owner).card())), "{asked:?}");
    // Nor is it silent there that it is older than what she has seen, nor is a moved folder the same one.
    alice.set("a", "K", "hunter2-newer");
    let asked = there(&["vault", "accept", "a"]).run();
    assert!(asked.code == 2 && asked.err.contains("older than this machine has seen"), "{asked:?}");
    fs::rename(&mine, clone.join("a.age")).unwrap();
    refuse_all();
    there(&["vault", "accept", "a", "--yes"]).succeeds();
    there(&["run", "a", "--", "true"]).succeeds();
    // Both places are known from then on.
    fs::copy(clone.join("a.age"), &mine).unwrap();
    still_reads(&alice, "hunter2-newer");
    fs::write(clone.join("a.age"), old).unwrap();
    there(&["list", "a"]).refuses(5, "older than this machine has seen", &[SECRET]);
}

#[test]
fn each_change_names_the_owner() {
    let (owner, alice, _) = shared();
    accept(&alice).succeeds();
    let line = format!(
        "cast: the vault of agent 'a' belongs to another owner, with the fingerprint: {}",
        fingerprint(&Key::master(&owner).card())
    );
    let file = alice.home().join(".env");
    for words in [
        &["set", "a", "K", "hunter2-set"][..],
        &["-q", "set", "a", "K", "hunter2-quiet"],
        &["set", "a", "K", "--generate"],
        &["secrets", "import", "a", ".env"],
    ] {
        fs::write(&file, "K=hunter2-imported\n").unwrap();
        let changed = alice.cast(words).succeeds();
        assert_eq!(changed.err.lines().filter(|said| **said == line).count(), 1, "{words:?}: {changed:?}");
    }
    // Nor is that left out because the command does not come to its end.
    let words = ["set", "a", "K", "hunter2-unconfirmed"];
    match traced(&alice, &words) {
        None => skip("vault people: strace does not work here"),
        Some(calls) => {
            let last = calls.iter().rfind(|call| call.name == "fsync" && call.number > 1).unwrap();
            let failed = injected(&alice, &words, last, "error=EIO");
            assert!(failed.code == 6 && failed.err.contains(&line), "{failed:?}");
        }
    }
    // Nobody else is named: not for a look, not for one's own, not for a change that was refused.
    alice.set("mine", "K", "hunter2-mine");
    for words in [&["set", "mine", "K", "hunter2"][..], &["list", "mine"], &["delete", "mine", "--all", "--yes"]] {
        let done = alice.cast(words).succeeds();
        assert!(!done.err.contains("fingerprint"), "{words:?}: {done:?}");
    }
}

/// Whoever holds a key that alice had before makes a vault that she owns, under the id of one that she was shown.
#[test]
fn ones_own_former_key_takes_no_place_of_another_owner() {
    let (owner, alice, _) = shared();
    accept(&alice).succeeds();
    let former = Key::master(&alice);
    alice.set("mine", "K", "hunter2-mine");
    alice.cast(["key", "rotate"]).succeeds();
    let known = text(&owner);
    let elsewhere = alice.home().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for agent in ["a", "tool"] {
        let planted =
            Text::new(agent, &known.id, former, &[("K", "evil")]).over(&known).in_epoch(9, former).seal(former);
        fs::write(elsewhere.join(format!("{agent}.age")), planted).unwrap();
        let there = |words: &[&str]| alice.cast(words).env("CAST_VAULTS", &elsewhere);
        there(&["run", agent, "--", "touch", "started"]).refuses(125, "of yours", &["evil"]);
        // Once she looked at it, it is hers, there.
        there(&["vault", "accept", agent, "--yes"]).succeeds();
        there(&["list", agent]).succeeds();
    }
    still_reads(&alice, "hunter2-first");
}

/// What is known by a card counts for who has that owner's key now.
#[test]
fn an_older_state_of_one_whose_key_became_ones_own() {
    let (owner, alice, _) = shared();
    let old = fs::read(owner.vault("a")).unwrap();
    accept(&alice).succeeds();
    owner.cast(["key", "revoke", "--agent", "a"]).succeeds();
    owner.set("a", "K", "hunter2-second");
    fs::copy(owner.vault("a"), alice.vault("a")).unwrap();
    still_reads(&alice, "hunter2-second");
    let leaked = Text::parse(&crate::forge::decrypt(&old, Key::master(&owner))).agent_key(Key::master(&owner));
    fs::write(alice.home().join("owner.key"), owner.key()).unwrap();
    alice.cast(["key", "import", "owner.key", "--replace"]).succeeds();
    // In its place, and in a clone that this machine has not seen.
    let clone = alice.home().join("clone");
    fs::create_dir(&clone).unwrap();
    for folder in [alice.vault("a").parent().unwrap().to_owned(), clone] {
        fs::write(folder.join("a.age"), &old).unwrap();
        let there = |words: &[&str]| alice.cast(words).env("CAST_VAULTS", &folder);
        there(&["run", "a", "--", "touch", "started"]).refuses(125, "older than this machine has seen", &["hunter2"]);
        there(&["vault", "accept", "a", "--yes"]).succeeds();
        there(&["set", "a", "K", "hunter2-third"]).succeeds();
        let now = fs::read(folder.join("a.age")).unwrap();
        assert!(crate::forge::opens(&old, leaked) && !crate::forge::opens(&now, leaked));
        assert_eq!(there(&["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds().out, "hunter2-third\n");
    }
}

/// A number that is counted twice would let one change pass for another.
#[test]
fn what_is_set_after_an_older_state_was_accepted_counts_anew() {
    let (owner, alice, _) = shared();
    accept(&alice).succeeds();
    let old = fs::read(alice.vault("a")).unwrap();
    let at = || text_of(&fs::read(alice.vault("a")).unwrap(), Key::master(&owner)).at;
    alice.set("a", "K", "hunter2-one");
    let first = at();
    fs::write(alice.vault("a"), &old).unwrap();
    alice.cast(["list", "a"]).refuses(5, "older than this machine has seen", &["hunter2"]);
    accept(&alice).succeeds();
    alice.set("a", "K", "hunter2-two");
    let second = at();
    let entries = |at: &str| at.split(',').map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let before = entries(&text_of(&old, Key::master(&owner)).at);
    let [first, second] = [first, second].map(|at| entries(&at).difference(&before).cloned().collect::<Vec<_>>());
    assert!(first.len() == 1 && second.len() == 1 && first != second, "{first:?} {second:?}");
}

/// The line says whose vault a run expects, for that run.
#[test]
fn a_line_in_the_place_of_ones_own_changes_nothing_that_is_known() {
    let (owner, alice, _) = shared();
    let mallory = Key::generate();
    accept(&alice).succeeds();
    alice.set("mine", "K", "hunter2-mine");
    let (mine, hers) = (Text::read(&alice.vault("mine"), Key::master(&alice)), text(&owner));
    let other = Text { id: "42".repeat(16), ..hers.clone() };
    for (agent, known, good) in [("mine", &mine, "hunter2-mine"), ("a", &hers, "hunter2-first")] {
        let file = fs::read(alice.vault(agent)).unwrap();
        let records = || {
            let folder = alice.state().join("seen");
            let is_of_a_line = |path: &std::path::Path| path.to_str().unwrap().contains(".line");
            let files = alice.snapshot().into_iter();
            files.filter(|(path, _)| path.starts_with(&folder) && !is_of_a_line(path)).collect::<Vec<_>>()
        };
        let before = records();
        for (known, is_used) in [(known, true), (&other, false)] {
            let forged = Text::new(agent, &known.id, mallory, &[("K", "evil")])
                .with_person("alice", &Key::master(&alice).card(), &[])
                .over(known)
                .in_epoch(9, mallory)
                .signed(mallory);
            fs::write(alice.vault(agent), forged.file()).unwrap();
            let run = alice.cast(["run", agent, "--", "true"]).env("CAST_KEY", forged.grant(mallory)).run();
            assert_eq!(run.code == 0, is_used, "{run:?}");
            alice.cast(["run", agent, "--", "touch", "started"]).refuses(125, "has another owner", &["evil"]);
            assert_eq!(records(), before, "{agent} {}", known.id);
        }
        fs::write(alice.vault(agent), file).unwrap();
        assert_eq!(alice.value(agent, "K"), good.as_bytes());
    }
}

/// Who reads a vault knows its id.
#[test]
fn no_vault_passes_for_another_that_this_machine_knows() {
    let (owner, alice, _) = shared();
    let mallory = Key::generate();
    accept(&alice).succeeds();
    alice.set("mine", "K", "hunter2-mine");
    alice.set("builtin", "B", "hunter2-builtin");
    let master = Key::master(&alice);
    let read = |agent: &str| Text::read(&alice.vault(agent), master);
    let (mine, builtin, hers) = (read("mine"), read("builtin"), text(&owner));
    let elsewhere = alice.home().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for (agent, known, whose) in [
        ("tool", &hers, "a vault of another owner"),
        ("a", &hers, "a vault of another owner"),
        ("tool", &mine, "another vault of yours"),
        ("mine", &mine, "another vault of yours"),
        ("tool", &builtin, "another vault of yours"),
    ] {
        fs::write(elsewhere.join(format!("{agent}.age")), of_mallory(mallory, &alice, agent, known)).unwrap();
        let call = alice.cast(["vault", "accept", agent, "--yes"]).env("CAST_VAULTS", &elsewhere);
        call.refuses(5, &format!("has the id of {whose} that this machine knows"), &["evil"]);
    }
    // Nor where it takes the place of one's own.
    let good = fs::read(alice.vault("mine")).unwrap();
    fs::write(alice.vault("mine"), of_mallory(mallory, &alice, "mine", &mine)).unwrap();
    alice.cast(["vault", "accept", "mine", "--yes"]).refuses(5, "has the id of another vault of yours", &["evil"]);
    fs::write(alice.vault("mine"), good).unwrap();
    assert_eq!(alice.value("mine", "K"), b"hunter2-mine");
    assert_eq!(alice.value("mine", "B"), b"hunter2-builtin");
    still_reads(&alice, "hunter2-first");
}

#[test]
fn an_owner_with_a_new_key_is_reviewed_beside_the_former_one() {
    let (owner, alice, _) = shared();
    accept(&alice).succeeds();
    let (former, new) = (Key::master(&owner).card(), Key::generate());
    fs::write(alice.vault("a"), of_mallory(new, &alice, "a", &text(&owner))).unwrap();
    let asked = alice.cast(["vault", "accept", "a"]).run();
    for part in [fingerprint(&new.card()), format!("with the fingerprint: {}", fingerprint(&former))] {
        assert!(asked.code == 2 && asked.err.contains(&part), "no '{part}': {asked:?}");
    }
    accept(&alice).succeeds();
    still_reads(&alice, "evil");
}

#[test]
fn the_line_of_an_agent_key_accepts_nobody() {
    let (owner, alice, _) = shared();
    let mallory = Key::generate();
    accept(&alice).succeeds();
    alice.set("mine", "K", "hunter2-mine");
    let (mine, hers) = (Text::read(&alice.vault("mine"), Key::master(&alice)), text(&owner));
    for known in [&hers, &mine, &Text { id: "42".repeat(16), ..hers.clone() }] {
        let text = Text::new("tool", &known.id, mallory, &[("K", "evil")])
            .with_person("alice", &Key::master(&alice).card(), &[])
            .over(known)
            .in_epoch(9, mallory)
            .signed(mallory);
        fs::write(alice.vault("tool"), text.file()).unwrap();
        // She runs it with the line that mallory gave her; her own key trusts mallory no more than before.
        alice.cast(["run", "tool", "--", "true"]).env("CAST_KEY", text.grant(mallory)).succeeds();
        alice.cast(["run", "tool", "--", "touch", "started"]).refuses(125, "has another owner", &["evil"]);
        still_reads(&alice, "hunter2-first");
        assert_eq!(alice.value("mine", "K"), b"hunter2-mine");
        fs::remove_file(alice.vault("tool")).unwrap();
    }
    for (agent, known, good) in [("mine", &mine, "hunter2-mine"), ("a", &hers, "hunter2-first")] {
        let file = fs::read(alice.vault(agent)).unwrap();
        fs::write(alice.vault(agent), of_mallory(mallory, &alice, agent, known)).unwrap();
        alice.cast(["run", agent, "--", "touch", "started"]).refuses(125, "has another owner", &["evil"]);
        fs::write(alice.vault(agent), file).unwrap();
        assert_eq!(alice.value(agent, "K"), good.as_bytes());
    }
}

fn text_of(file: &[u8], key: Key) -> Text {
    Text::parse(&crate::forge::decrypt(file, key))
}
