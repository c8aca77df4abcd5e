//! `cast key rotate`: creates a new key, seals every vault to it, and keeps the former keys while a vault needs them.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{exported, keys_in, opened, sandbox, vaults};
use crate::forge::{Key, Text};
use crate::sandbox::Sandbox;
use crate::terminal::Terminal;

#[test]
fn seals_every_vault_to_a_new_key_and_keeps_the_former() {
    let sandbox = sandbox();
    let former = sandbox.key();
    let outcome = sandbox.cast(["key", "rotate"]).succeeds();
    assert!(outcome.err.contains("✓ New master key age1") && outcome.err.contains("2 vaults"), "{outcome:?}");
    assert_eq!(outcome.out, "");
    outcome.says_nothing_of(&["AGE-SECRET-KEY", "hunter2"]);
    let keys = keys_in(&sandbox.key_file());
    assert_eq!((keys.len(), &keys[1]), (2, &former));
    assert_eq!(opened(sandbox.cast(["key", "status", "--json"])), [vec!["a", "b"], vec![]]);
    assert_eq!(sandbox.value("a", "K"), b"hunter2-of-a");
    // The former key opens neither.
    for agent in ["a", "b"] {
        sandbox.cast(["list", agent]).env("CAST_KEY", &former).refuses(5, "wrong key", &["hunter2"]);
        sandbox.cast(["list", agent]).env("CAST_KEY", &keys[0]).succeeds();
    }
}

#[test]
fn vaults_elsewhere_open_until_the_former_key_is_retired() {
    let sandbox = sandbox();
    let elsewhere = sandbox.home().join("repository");
    sandbox.cast(["set", "c", "K", "v"]).env("CAST_VAULTS", &elsewhere).succeeds();
    sandbox.cast(["key", "rotate"]).succeeds();
    sandbox.cast(["list", "c"]).env("CAST_VAULTS", &elsewhere).succeeds();
    // This machine has seen a vault there, so it knows which one it would lock out.
    let kept = sandbox.cast(["key", "rotate", "--retire"]).run();
    assert!(kept.code == 1 && kept.err.contains("repository/c.age'"), "{kept:?}");
    assert!(kept.err.contains("former keys are kept") && kept.err.contains("CAST_VAULTS=FOLDER"), "{kept:?}");
    assert_eq!(keys_in(&sandbox.key_file()).len(), 2);
    let there = sandbox.cast(["key", "rotate"]).env("CAST_VAULTS", &elsewhere).succeeds();
    assert!(there.err.contains("no new key was created"), "{there:?}");
    // From then on, only a backup of the former key opens a copy that cast never saw.
    let (copy, former) = (sandbox.home().join("copy"), keys_in(&sandbox.key_file()).pop().unwrap());
    fs::create_dir(&copy).unwrap();
    let text = Text::new("d", &"d".repeat(32), Key::parse(&former), &[("K", "v")]);
    fs::write(copy.join("d.age"), text.seal(Key::parse(&former))).unwrap();
    let retired = sandbox.cast(["key", "rotate", "--retire"]).succeeds();
    assert!(retired.err.contains("Former keys dropped: 1"), "{retired:?}");
    assert_eq!(keys_in(&sandbox.key_file()).len(), 1);
    assert_eq!(opened(sandbox.cast(["key", "status", "--json"])), [["a", "b"]]);
    sandbox.cast(["list", "c"]).env("CAST_VAULTS", &elsewhere).succeeds();
    sandbox.cast(["list", "d"]).env("CAST_VAULTS", &copy).refuses(5, "wrong key", &[]);
    sandbox.cast(["list", "d"]).env("CAST_VAULTS", &copy).env("CAST_KEY", former).succeeds();
    fs::remove_dir_all(&elsewhere).unwrap();
    // `--retire` does both: without a former key, it first creates a new one. A vault that was seen and is gone may be
    // on another disk.
    let (only, before) = (sandbox.key(), vaults(&sandbox));
    let gone = sandbox.cast(["key", "rotate", "--retire"]).run();
    assert!(gone.code == 1 && gone.err.contains("is gone") && gone.err.contains("--retire --yes'"), "{gone:?}");
    assert_eq!(keys_in(&sandbox.key_file()).len(), 2);
    let both = sandbox.cast(["key", "rotate", "--retire", "--yes"]).succeeds();
    assert!(both.err.contains("Former keys dropped: 1"), "{both:?}");
    let both = sandbox.cast(["key", "rotate", "--retire", "--yes"]).succeeds();
    assert!(both.err.contains("New master key") && both.err.contains("Former keys dropped: 1"), "{both:?}");
    assert_ne!(sandbox.key(), only);
    assert!(vaults(&sandbox) != before);
    assert_eq!(keys_in(&sandbox.key_file()).len(), 1);
}

#[test]
fn a_vault_elsewhere_that_cannot_be_looked_at_keeps_the_former_keys() {
    type Spoil = fn(&std::path::Path);
    let cases: [(&str, Spoil, i32); 3] = [
        ("is damaged", |vault| fs::write(vault, "junk").unwrap(), 5),
        (
            "not a regular file",
            |vault| {
                fs::remove_file(vault).unwrap();
                fs::create_dir(vault).unwrap();
            },
            6,
        ),
        ("is gone", |vault| fs::remove_file(vault).unwrap(), 1),
    ];
    for (why, spoil, code) in cases {
        let sandbox = sandbox();
        let elsewhere = sandbox.home().join("repository");
        sandbox.cast(["set", "c", "K", "v"]).env("CAST_VAULTS", &elsewhere).succeeds();
        sandbox.cast(["key", "rotate"]).succeeds();
        let behind = fs::read(elsewhere.join("c.age")).unwrap();
        spoil(&elsewhere.join("c.age"));
        let kept = sandbox.cast(["key", "rotate", "--retire"]).run();
        assert!(kept.code == code && kept.err.contains(why) && kept.err.contains("c.age'"), "{why}: {kept:?}");
        assert!(kept.err.contains("former keys are kept") && kept.err.contains("--retire --yes'"), "{why}: {kept:?}");
        assert_eq!(keys_in(&sandbox.key_file()).len(), 2, "{why}");
        // `--yes` does not apply to a vault that is known to need them.
        if why == "is gone" {
            fs::write(elsewhere.join("c.age"), behind).unwrap();
            let kept = sandbox.cast(["key", "rotate", "--retire", "--yes"]).run();
            assert!(kept.code == 1 && kept.err.contains("still sealed to a former"), "{kept:?}");
            fs::remove_file(elsewhere.join("c.age")).unwrap();
        }
        sandbox.cast(["key", "rotate", "--retire", "--yes"]).succeeds();
        assert_eq!(keys_in(&sandbox.key_file()).len(), 1, "{why}");
    }
    Sandbox::new().cast(["key", "rotate", "--yes"]).refuses(2, "--retire", &[]);
}

#[test]
fn what_the_holder_of_a_former_agent_key_seals_is_old() {
    // Either the rotation or a concurrent change seals the vault to the new key.
    for rotated in [true, false] {
        let owner = sandbox();
        let key = exported(&owner, &["--agent", "a"]);
        let former = Key::master(&owner);
        let before = Text::read(&owner.vault("a"), former);
        let runner = super::with_vaults_of(&owner);
        if rotated {
            owner.cast(["key", "rotate"]).succeeds();
        } else {
            owner.begin_rotation();
            owner.set("a", "L", "sealed to the newest");
        }
        runner.cast(["set", "a", "K", "evil"]).env("CAST_KEY", key.trim()).refuses(4, "agent key", &["evil"]);
        // Nor does it with other tools.
        let agent = before.agent_key(former);
        let forged = before.edited("hunter2", "evil").next().with_owners_signature(agent).with_seal(agent);
        fs::write(owner.vault("a"), forged.file()).unwrap();
        owner.cast(["run", "a", "--", "touch", "started"]).refuses(125, "the vault of agent 'a' ", &["evil"]);
        // And what it could keep is old.
        fs::copy(runner.vault("a"), owner.vault("a")).unwrap();
        owner.cast(["run", "a", "--", "touch", "started"]).refuses(125, "older than this machine has seen", &["evil"]);
    }
    // A revocation reports the vault's epoch.
    let owner = sandbox();
    owner.begin_rotation();
    let said = owner.cast(["key", "revoke", "--agent", "a"]).succeeds();
    let epoch = Text::read(&owner.vault("a"), Key::master(&owner)).epoch;
    assert!(epoch > 1 && said.err.contains(&format!("now in epoch {epoch}")), "{epoch}: {said:?}");
}

/// Who holds a former key can make vaults of it until it is retired. They are not sealed to the newest key unasked.
#[test]
fn what_the_holder_of_a_former_key_plants_does_not_outlive_that_key() {
    let owner = sandbox();
    let former = Key::master(&owner);
    owner.cast(["key", "rotate"]).succeeds();
    let planted = |agent: &str, name: &str| {
        let text = Text::new(agent, &"42".repeat(16), former, &[]).with(name, "evil", "dangerous = true\n");
        fs::write(owner.vault(agent), text.seal(former)).unwrap();
    };
    // Built-in secrets would go into every agent.
    planted("builtin", "LD_PRELOAD");
    owner.cast(["run", "a", "--", "touch", "started"]).refuses(125, "belongs to a former key of yours", &["evil"]);
    let kept = owner.cast(["key", "rotate", "--retire"]).run();
    assert!(kept.code != 0 && kept.err.contains("belongs to a former key of yours"), "{kept:?}");
    fs::remove_file(owner.vault("builtin")).unwrap();
    planted("planted", "LD_PRELOAD");
    let planted = fs::read(owner.vault("planted")).unwrap();
    for words in [&["key", "rotate"][..], &["key", "rotate", "--retire"]] {
        let kept = owner.cast(words).run();
        assert!(kept.code != 0 && kept.err.contains("'cast vault accept planted'"), "{kept:?}");
        assert!(fs::read(owner.vault("planted")).unwrap() == planted && keys_in(&owner.key_file()).len() == 2);
    }
    // Once its owner has looked at it, it is one like others.
    owner.cast(["secrets", "list", "planted"]).refuses(5, "belongs to a former key of yours", &["evil"]);
    owner.cast(["vault", "accept", "planted", "--yes"]).succeeds();
    owner.cast(["key", "rotate", "--retire"]).succeeds();
    assert_eq!(keys_in(&owner.key_file()).len(), 1);
}

/// A person in it would open what the owner stores there also after the former key is gone.
#[test]
fn a_vault_of_a_former_key_with_people_is_looked_at_before_it_is_used() {
    let owner = sandbox();
    let (former, eve) = (Key::master(&owner), Key::generate());
    owner.cast(["key", "rotate"]).succeeds();
    let text = Text::new("planted", &"42".repeat(16), former, &[("K", "evil")]).with_person("eve", &eve.card(), &["K"]);
    fs::write(owner.vault("planted"), text.seal(former)).unwrap();
    let message = "belongs to a former key of yours";
    owner.cast(["set", "planted", "PASSWORD", "hunter2"]).refuses(5, message, &["hunter2", "evil"]);
    owner.cast(["run", "planted", "--", "touch", "started"]).refuses(125, message, &["evil"]);
    owner.cast(["list", "planted"]).refuses(5, message, &["evil"]);
    let kept = owner.cast(["key", "rotate", "--retire"]).run();
    assert!(kept.code != 0 && keys_in(&owner.key_file()).len() == 2, "{kept:?}");
    // The look shows who else opens it.
    let look = owner.cast(["vault", "accept", "planted", "--yes"]).succeeds();
    assert!(look.out.contains("eve") || look.err.contains("eve"), "{look:?}");
}

#[test]
fn more_keys_than_can_be_read_back_are_not_written() {
    let sandbox = sandbox();
    let former: String = (0..440).map(|_| Key::generate().identity() + "\n").collect();
    fs::write(sandbox.key_file(), sandbox.key() + "\n" + &former).unwrap();
    let refused = sandbox.cast(["key", "rotate"]).refuses(1, "a key store cannot hold", &[]);
    assert!(refused.err.contains("cast key rotate --retire"), "{refused:?}");
    assert_eq!(sandbox.value("a", "K"), b"hunter2-of-a");
    sandbox.cast(["key", "rotate", "--retire"]).succeeds();
    sandbox.cast(["key", "rotate"]).succeeds();
}

#[test]
fn an_unfinished_one_is_finished_and_makes_no_further_key() {
    let sandbox = sandbox();
    let former = sandbox.key();
    let newest = sandbox.begin_rotation();
    sandbox.set("a", "K", "sealed to the newest");
    let outcome = sandbox.cast(["key", "rotate"]).succeeds();
    assert!(outcome.err.contains("finished") && outcome.err.contains("1 vault sealed"), "{outcome:?}");
    assert_eq!(keys_in(&sandbox.key_file()), [newest.clone(), former]);
    assert_eq!(opened(sandbox.cast(["key", "status", "--json"])), [vec!["a", "b"], vec![]]);
    // With nothing left to finish, the same command creates another key.
    sandbox.cast(["key", "rotate"]).succeeds();
    assert_eq!((keys_in(&sandbox.key_file()).len(), &keys_in(&sandbox.key_file())[1]), (3, &newest));
}

#[test]
fn a_vault_that_does_not_verify_is_left_and_keeps_the_former_keys() {
    type Spoil = fn(&Sandbox);
    let cases: [(&str, Spoil, i32); 4] = [
        ("is damaged", |sandbox| fs::write(sandbox.vault("a"), "junk").unwrap(), 5),
        (
            "wrong key",
            |sandbox| {
                fs::copy(Sandbox::with("a", &[("K", "v")]).vault("a"), sandbox.vault("a")).unwrap();
            },
            5,
        ),
        (
            "not authentic",
            |sandbox| {
                let text = Text::read(&sandbox.vault("a"), Key::master(sandbox));
                let key = Key::master(sandbox);
                let agent = text.agent_key(key);
                fs::write(sandbox.vault("a"), text.encrypt(&[&key.recipient(), &agent.recipient()])).unwrap();
                let text = text.next();
                fs::write(sandbox.vault("a"), text.encrypt(&[&key.recipient(), &agent.recipient()])).unwrap();
            },
            5,
        ),
        (
            "not a regular file",
            |sandbox| {
                fs::remove_file(sandbox.vault("a")).unwrap();
                fs::create_dir(sandbox.vault("a")).unwrap();
            },
            6,
        ),
    ];
    for (why, spoil, code) in cases {
        let sandbox = sandbox();
        spoil(&sandbox);
        let before = fs::read(sandbox.vault("a")).unwrap_or_default();
        for (words, keys) in [(&["key", "rotate"][..], 2), (&["key", "rotate", "--retire"], 2)] {
            let outcome = sandbox.cast(words).run();
            assert_eq!(outcome.code, code, "{why}: {outcome:?}");
            assert!(outcome.err.contains("cast: warning: ") && outcome.err.contains(why), "{outcome:?}");
            assert!(outcome.err.contains("not sealed to the newest key: 1 vault"), "{outcome:?}");
            assert_eq!(keys_in(&sandbox.key_file()).len(), keys, "{why} {words:?}");
            assert_eq!(fs::read(sandbox.vault("a")).unwrap_or_default(), before, "{why}");
            sandbox.cast(["list", "b"]).env("CAST_KEY", sandbox.key()).succeeds();
        }
    }
}

#[test]
fn a_rolled_back_vault_waits_for_its_owner_with_its_key() {
    let sandbox = sandbox();
    let old = fs::read(sandbox.vault("a")).unwrap();
    sandbox.cast(["key", "rotate"]).succeeds();
    fs::write(sandbox.vault("a"), old).unwrap();
    let refused = sandbox.cast(["key", "rotate", "--retire"]).run();
    assert!(refused.code == 5 && refused.err.contains("older than this machine has seen"), "{refused:?}");
    assert_eq!(keys_in(&sandbox.key_file()).len(), 2);
    sandbox.cast(["vault", "accept", "a", "--yes"]).succeeds();
    sandbox.cast(["key", "rotate", "--retire"]).succeeds();
    assert_eq!(keys_in(&sandbox.key_file()).len(), 1);
    assert_eq!(sandbox.value("a", "K"), b"hunter2-of-a");
}

#[test]
fn a_key_from_a_variable_is_not_changed() {
    let sandbox = sandbox();
    let key = sandbox.key();
    fs::write(sandbox.home().join("given"), &key).unwrap();
    for words in [&["rotate"][..], &["rotate", "--retire"], &["move", "file"], &["import", "given"]] {
        let call = || sandbox.cast(["key"].iter().chain(words));
        call().env("CAST_KEY", &key).refuses(2, "came from CAST_KEY", &[&key]);
        call().env("CAST_KEY_FILE", "given").refuses(2, "came from CAST_KEY_FILE", &[&key]);
    }
    Sandbox::empty().cast(["key", "rotate"]).refuses(4, "no key", &[]);
}

#[test]
fn everything_works_meanwhile() {
    let sandbox = sandbox();
    sandbox.set("builtin", "SHARED", "for-everyone");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let loops: Vec<_> = [
            &["run", "a", "--no-mask", "--", "printenv", "K", "SHARED"][..],
            &["list", "b"],
            &["key", "status", "--json"],
            &["set", "b", "N", "v"],
        ]
        .into_iter()
        .map(|words| {
            let (sandbox, done) = (&sandbox, &done);
            scope.spawn(move || {
                let mut times = 0;
                while !done.load(Ordering::Relaxed) || times == 0 {
                    let outcome = sandbox.cast(words).succeeds();
                    assert!(words[0] != "run" || outcome.out == "hunter2-of-a\nfor-everyone\n", "{outcome:?}");
                    times += 1;
                }
            })
        })
        .collect();
        for round in 0..15 {
            // Every third time, also drop the former keys: a vault that was read a moment ago may be sealed to a
            // dropped key.
            let words: &[&str] = if round % 3 == 2 { &["key", "rotate", "--retire"] } else { &["key", "rotate"] };
            sandbox.cast(words).succeeds();
        }
        done.store(true, Ordering::Relaxed);
        for each in loops {
            each.join().unwrap();
        }
    });
    sandbox.cast(["key", "rotate", "--retire"]).succeeds();
    assert_eq!(opened(sandbox.cast(["key", "status", "--json"])), [["a", "b", "builtin"]]);
}

#[test]
fn agents_made_meanwhile_are_not_left_behind() {
    let sandbox = Sandbox::new();
    thread::scope(|scope| {
        for number in 0..8 {
            let sandbox = &sandbox;
            scope.spawn(move || sandbox.set(&format!("agent-{number}"), "K", "v"));
        }
        for _ in 0..3 {
            sandbox.cast(["key", "rotate", "--retire"]).succeeds();
        }
    });
    sandbox.cast(["key", "rotate", "--retire"]).succeeds();
    let opened = opened(sandbox.cast(["key", "status", "--json"]));
    assert_eq!((opened.len(), opened[0].len()), (1, 8));
}

#[test]
fn two_at_once_end_in_order() {
    let sandbox = sandbox();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| sandbox.cast(["key", "rotate"]).succeeds());
        }
    });
    assert_eq!(keys_in(&sandbox.key_file()).len(), 5);
    assert_eq!(opened(sandbox.cast(["key", "status", "--json"]))[0], ["a", "b"]);
}

#[test]
fn many_vaults_have_a_bar_on_a_terminal_alone() {
    let sandbox = sandbox();
    let elsewhere = sandbox.home().join("many");
    fs::create_dir(&elsewhere).unwrap();
    let master = Key::master(&sandbox);
    for number in 0..60 {
        let agent = format!("agent-{number}");
        let text = Text::new(&agent, &format!("{number:032x}"), master, &[("K", "v")]);
        fs::write(elsewhere.join(format!("{agent}.age")), text.seal(master)).unwrap();
    }
    let rotate = || sandbox.cast(["key", "rotate"]).env("CAST_VAULTS", &elsewhere);
    let mut terminal = Terminal::start(rotate());
    terminal.sees("Sealing vaults");
    terminal.sees("60 vaults sealed to it");
    terminal.ends_with(0);
    let piped = rotate().succeeds();
    assert!(!piped.err.contains("Sealing"), "{piped:?}");
    assert!(exported(&sandbox, &[]).matches("AGE-SECRET-KEY-1").count() == 3);
}

/// Up to the rotation the holder of the key is as good as its owner, so nothing in a vault tells who made it.
#[test]
fn a_vault_that_this_machine_has_not_seen_does_not_get_the_new_key_unasked() {
    let owner = sandbox();
    let (former, eve) = (Key::master(&owner), Key::generate());
    let planted = |agent: &str, id: &str| Text::new(agent, &id.repeat(16), former, &[("K", "evil")]);
    fs::write(owner.vault("planted"), planted("planted", "42").seal(former)).unwrap();
    let with_people = planted("shared", "43").with_person("eve", &eve.card(), &["K"]);
    fs::write(owner.vault("shared"), with_people.seal(former)).unwrap();
    let before = ["planted", "shared"].map(|agent| fs::read(owner.vault(agent)).unwrap());
    let rotated = owner.cast(["key", "rotate"]).run();
    assert!(rotated.code == 5 && rotated.err.contains("2 vaults sealed to it"), "{rotated:?}");
    for part in [
        "the vault of agent 'planted' belongs to a former key of yours, and this machine has not seen this state of it",
        "'cast vault accept planted'",
        "the vault of agent 'shared' belongs to a former key of yours",
        "'cast vault accept shared'",
        "not sealed to the newest key: 2 vaults, and the former keys are kept",
    ] {
        assert!(rotated.err.contains(part), "no '{part}': {rotated:?}");
    }
    rotated.says_nothing_of(&["evil", "hunter2"]);
    assert_eq!(["planted", "shared"].map(|agent| fs::read(owner.vault(agent)).unwrap()), before);
    for agent in ["a", "b"] {
        owner.cast(["list", agent]).env("CAST_KEY", former.identity()).refuses(5, "wrong key", &["hunter2"]);
    }
    // As long as they wait, there is no further key.
    let again = owner.cast(["key", "rotate"]).run();
    assert!(again.code == 5 && keys_in(&owner.key_file()).len() == 2, "{again:?}");
    // One's own gets it with a look; what somebody else made goes.
    owner.cast(["vault", "accept", "planted", "--yes"]).succeeds();
    owner.cast(["delete", "shared", "--all", "--yes"]).succeeds();
    owner.cast(["list", "planted"]).env("CAST_KEY", former.identity()).refuses(5, "wrong key", &["evil"]);
}

#[test]
fn where_this_machine_has_seen_no_vault_each_is_named_and_gets_the_new_key() {
    let owner = sandbox();
    let former = owner.key();
    fs::remove_dir_all(owner.state()).unwrap();
    for words in [&["-q", "key", "rotate"][..], &["key", "rotate", "--retire"]] {
        let rotated = owner.cast(words).succeeds();
        let named = rotated.err.contains("has not seen these vaults before, and the new key takes them over: 'a', 'b'");
        let first = words[0] == "-q";
        assert!(named == first && rotated.err.contains("'cast secrets delete AGENT --all'") == first, "{rotated:?}");
    }
    for agent in ["a", "b"] {
        owner.cast(["list", agent]).env("CAST_KEY", &former).refuses(5, "wrong key", &["hunter2"]);
        owner.cast(["list", agent]).succeeds();
    }
}
