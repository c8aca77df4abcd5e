//! Three people, three homes, one bare repository and the installed git: one joins, two work at once, one leaves; and
//! what somebody who can write to the repository tries.

use std::fs;

use super::{card, fingerprint, user};
use crate::forge::{Key, Text};
use crate::git::Machine;
use crate::sandbox::{Sandbox, lacks};

/// What must be seen nowhere.
const SECRETS: [&str; 3] = ["hunter2-one", "hunter2-two", "hunter2-three"];

/// The owner, alice and bob, each with a key and a clone.
struct Team {
    owner: Machine,
    alice: Machine,
    bob: Machine,
}

impl Team {
    /// The owner's vault with `T_ONE` and `T_TWO` is pushed; the others have cloned it and see that it is not theirs.
    fn new() -> Option<Self> {
        if lacks("git", "share") {
            return None;
        }
        let [owner, alice, bob] = [Sandbox::new(), user(), user()].map(|sandbox| Machine { sandbox });
        let bare = owner.sandbox.home().join("bare.git");
        let bare = bare.to_str().unwrap();
        fs::create_dir(owner.tree()).unwrap();
        owner.gits(&["init", "-q", "--bare", bare]);
        owner.gits(&["init", "-q", "."]);
        owner.gits(&["remote", "add", "origin", bare]);
        owner.set("T_ONE", "hunter2-one");
        owner.set("T_TWO", "hunter2-two");
        owner.cast(&["git", "setup"]).succeeds();
        owner.commit_and_push("base");
        for machine in [&alice, &bob] {
            fs::create_dir(machine.tree()).unwrap();
            machine.gits(&["clone", "-q", "-b", "main", bare, "."]);
            machine.cast(&["git", "setup"]).succeeds();
            machine.cast(&["run", "a", "--", "touch", "started"]).refuses(125, "does not open: wrong key", &SECRETS);
        }
        Some(Self { owner, alice, bob })
    }

    /// The owner lists somebody, who pulls and accepts.
    fn joins(&self, name: &str, person: &Machine, may_set: &str) {
        let with = format!("{name}={}", card(&person.sandbox));
        self.owner.cast(&["share", "a", "--yes", "--with", &with, "--may-set", may_set]).succeeds();
        self.owner.commit_and_push("share");
        pull(person);
        let looked = person.cast(&["vault", "accept", "a"]).run();
        assert!(looked.code == 2 && looked.err.contains(&fingerprint(&self.owner.sandbox)), "{looked:?}");
        looked.says_nothing_of(&SECRETS);
        person.cast(&["vault", "accept", "a", "--yes"]).succeeds();
    }

    /// Both people are listed; alice may set `T_ONE`, bob `T_TWO`.
    fn joined() -> Option<Self> {
        let team = Self::new()?;
        team.joins("alice", &team.alice, "T_ONE");
        team.joins("bob", &team.bob, "T_TWO");
        pull(&team.alice);
        assert_eq!(team.alice.values(), "T_ONE=hunter2-one T_TWO=hunter2-two");
        Some(team)
    }
}

fn pull(machine: &Machine) {
    machine.gits(&["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]);
}

/// Refused by a run, which starts nothing, and by a listing.
#[track_caller]
fn refuses(machine: &Machine, message: &str) {
    machine.cast(&["run", "a", "--", "touch", "started"]).refuses(125, message, &SECRETS);
    machine.cast(&["list", "a"]).refuses(5, message, &SECRETS);
    machine.cast(&["set", "a", "T_ONE", "hunter2-three"]).refuses(5, message, &SECRETS);
}

#[test]
fn two_people_change_different_secrets_at_once() {
    let Some(team) = Team::joined() else { return };
    let Team { owner, alice, bob } = &team;
    alice.set("T_ONE", "hunter2-alice");
    alice.commit_and_push("alice");
    bob.set("T_TWO", "hunter2-bob");
    bob.commit("bob");
    let log = bob.gits(&["log", "-p", "-1", "--", "vaults/a.age"]).out;
    assert!(log.contains("+T_TWO  ") && log.contains("person alice  since "), "{log}");
    // bob may set one of the two, and what alice has set stays hers: her seal alone does not cover his, nor his hers.
    let merged = bob.git(&["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]).run();
    assert_eq!(merged.code, 0, "{merged:?}");
    let both = "T_ONE=hunter2-alice T_TWO=hunter2-bob";
    assert_eq!(bob.values(), both);
    bob.gits(&["push", "-q", "origin", "HEAD:main"]);
    for machine in [owner, alice] {
        pull(machine);
        assert_eq!(machine.values(), both);
    }
    let sealer = owner.cast(&["share", "a", "--json"]).succeeds().out;
    assert!(sealer.contains("\"sealer\": \"bob\""), "{sealer}");
    // The owner takes one of them and goes on.
    owner.set("T_ONE", "hunter2-owner");
    owner.commit_and_push("owner");
    pull(alice);
    assert_eq!(alice.values(), "T_ONE=hunter2-owner T_TWO=hunter2-bob");
}

#[test]
fn the_same_merge_made_twice_is_one_state() {
    let Some(team) = Team::joined() else { return };
    let Team { owner, alice, bob } = &team;
    alice.set("T_ONE", "hunter2-alice");
    alice.commit("alice");
    alice.gits(&["push", "-q", "origin", "HEAD:alice"]);
    bob.set("T_TWO", "hunter2-bob");
    bob.commit("bob");
    bob.gits(&["push", "-q", "origin", "HEAD:bob"]);
    for (machine, other) in [(alice, "origin/bob"), (bob, "origin/alice")] {
        machine.gits(&["fetch", "-q", "origin"]);
        machine.gits(&["merge", "-q", "--no-edit", other]);
        assert_eq!(machine.values(), "T_ONE=hunter2-alice T_TWO=hunter2-bob");
    }
    alice.gits(&["push", "-q", "origin", "HEAD:main"]);
    bob.gits(&["fetch", "-q", "origin"]);
    bob.gits(&["merge", "-q", "--no-edit", "origin/main"]);
    assert_eq!(bob.values(), "T_ONE=hunter2-alice T_TWO=hunter2-bob");
    pull(owner);
    assert_eq!(owner.values(), "T_ONE=hunter2-alice T_TWO=hunter2-bob");
}

#[test]
fn who_leaves_opens_nothing_new_and_her_branch_is_a_conflict() {
    let Some(team) = Team::joined() else { return };
    let Team { owner, alice, bob } = &team;
    // Her branch is from before she left.
    alice.set("T_ONE", "hunter2-three");
    alice.commit("hers");
    alice.gits(&["push", "-q", "origin", "HEAD:hers"]);
    let left = owner.cast(&["unshare", "a", "alice"]).succeeds();
    assert_eq!(left.out, "T_ONE\nT_TWO\n");
    owner.set("T_ONE", "hunter2-changed");
    owner.commit_and_push("alice leaves");
    pull(bob);
    assert_eq!(bob.values(), "T_ONE=hunter2-changed T_TWO=hunter2-two");
    // She cannot open what comes, nor merge it.
    let pulled = alice.git(&["pull", "-q", "--no-rebase", "--no-edit", "origin", "main"]).run();
    assert_ne!(pulled.code, 0, "{pulled:?}");
    alice.gits(&["checkout", "-q", "-f", "origin/main"]);
    refuses(alice, "does not open: wrong key");
    // M5: what she had set is no change of the result, whoever merges it; the vault stays as it was.
    for machine in [owner, bob] {
        machine.gits(&["fetch", "-q", "origin"]);
        let before = fs::read(machine.file()).unwrap();
        let merged = machine.git(&["merge", "-q", "--no-edit", "origin/hers"]).run();
        assert_ne!(merged.code, 0, "{merged:?}");
        assert!(merged.err.contains("T_ONE"), "{merged:?}");
        assert!(fs::read(machine.file()).unwrap() == before);
        assert_eq!(machine.values(), "T_ONE=hunter2-changed T_TWO=hunter2-two");
        machine.gits(&["merge", "--abort"]);
    }
    // A fast-forward to her branch, which no driver sees, is an older state for whoever saw her leave.
    bob.gits(&["checkout", "-q", "-f", "origin/hers"]);
    refuses(bob, "is older than this machine has seen");
    bob.gits(&["checkout", "-q", "-f", "main"]);
    // M10: bob has not seen it yet on another machine of his, and nothing there can tell.
    assert_eq!(bob.values(), "T_ONE=hunter2-changed T_TWO=hunter2-two");
}

#[test]
fn what_a_writer_of_the_repository_tries() {
    let Some(team) = Team::joined() else { return };
    let Team { owner, alice, bob } = &team;
    let (owner_key, alice_key) = (Key::master(&owner.sandbox), Key::master(&alice.sandbox));
    // A state that nobody else has seen, and the one after it.
    owner.set("T_TWO", "hunter2-two-and-a-half");
    let old = fs::read(owner.file()).unwrap();
    owner.set("T_TWO", "hunter2-new");
    owner.commit_and_push("new");
    for machine in [alice, bob] {
        pull(machine);
        assert_eq!(machine.values(), "T_ONE=hunter2-one T_TWO=hunter2-new");
    }
    let good = fs::read(owner.file()).unwrap();
    let text = Text::read(&owner.file(), owner_key);
    let mallory = Key::generate();
    let push = |bytes: &[u8], from: &Machine| {
        fs::write(from.file(), bytes).unwrap();
        from.commit("evil");
        from.gits(&["push", "-q", "-f", "origin", "HEAD:main"]);
    };
    let fetched = |machine: &Machine| {
        machine.gits(&["fetch", "-q", "origin"]);
        machine.gits(&["checkout", "-q", "-f", "origin/main"]);
    };
    let forged = text.edited("hunter2-one", "evil").next_values();
    let listed = text.clone().with_person("mallory", &mallory.card(), &["T_ONE"]).next();
    let evil = Text::new("a", &text.id, mallory, &[("T_ONE", "evil"), ("T_TWO", "evil")])
        .with_person("alice", &alice_key.card(), &[])
        .with_person("bob", &Key::master(&bob.sandbox).card(), &[])
        .over(&text);
    let of = |card: &str| card.strip_prefix("cast-card:").unwrap().split(':').next().unwrap().to_owned();
    let swapped = text.edited(&of(&alice_key.card()), &mallory.recipient());
    let not_to_bob: Vec<_> =
        text.recipients().into_iter().filter(|one| *one != Key::master(&bob.sandbox).recipient()).collect();
    let not_to_bob: Vec<_> = not_to_bob.iter().map(String::as_str).collect();
    let tries: [(&str, Vec<u8>, &str); 7] = [
        ("an old state", old.clone(), "is older than this machine has seen"),
        ("values sealed by a stranger", forged.clone().sealed_by(mallory).file(), "sealed by a stranger"),
        ("values nobody sealed", text.edited("hunter2-one", "evil").file(), "not the ones that were sealed"),
        ("a forged person", listed.with_owners_signature(mallory).sealed_by(owner_key).file(), "is not authentic"),
        ("another owner", evil.seal(mallory), "has another owner than this machine expects"),
        ("a swapped card", swapped.file(), "is not authentic"),
        ("encrypted without bob", text.encrypt(&not_to_bob), "does not open: wrong key"),
    ];
    // alice can write to the repository, and has made the files with other tools.
    let started = bob.sandbox.home().join("started");
    for (what, bytes, message) in tries {
        push(&bytes, alice);
        fetched(bob);
        refuses(bob, message);
        assert!(!started.exists(), "{what}");
        push(&good, alice);
        fetched(bob);
        assert_eq!(bob.values(), "T_ONE=hunter2-one T_TWO=hunter2-new", "{what}");
    }
    // alice may set T_ONE, and her seal is good for that; who reads sees whose it is.
    let hers = forged.sealed_by(alice_key).file();
    push(&hers, alice);
    fetched(owner);
    let used = owner.cast(&["list", "a"]).succeeds();
    assert!(used.err.contains("'alice' set values of agent 'a' last, and vouches for all of them"), "{used:?}");
}

/// The second machine of the owner, with a clone.
fn second_machine(team: &Team) -> Machine {
    let second = Machine { sandbox: Sandbox::empty() };
    let key = team.owner.sandbox.cast(["key", "export", "--output", "-"]).succeeds().out;
    second.sandbox.cast(["key", "import", "-q", "-"]).input(key).succeeds();
    fs::create_dir(second.tree()).unwrap();
    let bare = team.owner.sandbox.home().join("bare.git");
    second.gits(&["clone", "-q", "-b", "main", bare.to_str().unwrap(), "."]);
    second.cast(&["git", "setup"]).succeeds();
    second.cast(&["list", "a"]).succeeds();
    second
}

/// Whoever writes to the repository makes commits of states that there are, and so chooses what git takes for the base.
#[test]
fn a_made_up_history_lists_nobody_again() {
    let Some(team) = Team::new() else { return };
    let Team { owner, alice, .. } = &team;
    let revision = |name: &str| owner.gits(&["rev-parse", name]).out.trim().to_owned();
    let before = revision("HEAD");
    team.joins("alice", alice, "T_ONE");
    let second = second_machine(&team);
    owner.cast(&["unshare", "a", "alice"]).succeeds();
    owner.commit_and_push("alice leaves");
    let removed = revision("HEAD");
    second.set("T_NEW", "hunter2-new");
    second.commit("new");
    let tree = revision("HEAD^{tree}");
    let evil = owner.gits(&["commit-tree", &tree, "-p", &before, "-m", "evil"]).out.trim().to_owned();
    owner.gits(&["push", "-q", "-f", "origin", &format!("{evil}:main")]);
    let kept = fs::read(second.file()).unwrap();
    for how in ["--no-rebase", "--rebase"] {
        let pulled = second.git(&["pull", "-q", how, "--no-edit", "origin", "main"]).run();
        // A rebase goes by the commits of this machine, whose base is its own.
        if pulled.code == 0 {
            assert_eq!(how, "--rebase");
            assert!(!second.cast(&["share", "a", "--json"]).succeeds().out.contains("alice"));
            second.gits(&["reset", "-q", "--hard", "ORIG_HEAD"]);
        } else {
            assert!(pulled.err.contains("person 'alice'"), "{how}: {pulled:?}");
            second.git(&["merge", "--abort"]).run();
        }
        assert!(fs::read(second.file()).unwrap() == kept);
    }
    // The history that there is merges.
    owner.gits(&["push", "-q", "-f", "origin", &format!("{removed}:main")]);
    pull(&second);
    assert_eq!(second.values(), "T_NEW=hunter2-new T_ONE=hunter2-one T_TWO=hunter2-two");
    assert!(!second.cast(&["share", "a", "--json"]).succeeds().out.contains("alice"));
}

/// She counts for a machine of the owner's, whose next change would then seem to be known.
#[test]
fn counts_of_who_has_left_hide_no_change() {
    let Some(team) = Team::joined() else { return };
    let Team { owner, alice, .. } = &team;
    let (owner_key, alice_key) = (Key::master(&owner.sandbox), Key::master(&alice.sandbox));
    let second = second_machine(&team);
    second.set("T_TWO", "hunter2-second");
    second.commit("second");
    // The replica of that machine, as its own state has it.
    let (known, own) = (Text::read(&owner.file(), owner_key), Text::read(&second.file(), owner_key));
    let replica = own.at.split(',').find(|entry| !known.at.contains(*entry)).unwrap().split('.').next().unwrap();
    let mut counts: Vec<_> = known.at.split(',').map(str::to_owned).collect();
    counts.retain(|entry| !entry.starts_with(replica));
    counts.push(format!("{replica}.1000"));
    counts.sort();
    fs::write(alice.file(), Text { at: counts.join(","), ..known }.sealed_by(alice_key).file()).unwrap();
    alice.commit("evil");
    alice.gits(&["push", "-q", "origin", "HEAD:evil"]);
    owner.cast(&["unshare", "a", "alice"]).succeeds();
    owner.commit("alice leaves");
    owner.gits(&["fetch", "-q", "origin"]);
    let merged = owner.git(&["merge", "-q", "--no-edit", "origin/evil"]).run();
    assert!(
        merged.code != 0
            && merged.err.contains("somebody who may not seal the other: ")
            && merged.err.contains("'alice' in "),
        "{merged:?}"
    );
    owner.gits(&["merge", "--abort"]);
    owner.gits(&["push", "-q", "origin", "HEAD:main"]);
    pull(&second);
    assert_eq!(second.values(), "T_ONE=hunter2-one T_TWO=hunter2-second");
}
