//! Forged, spliced, replayed and bit-flipped vaults, made at random by those who hold a key: none is ever used. A few
//! of
//! each kind; `CAST_FORGERIES=2000` makes that many.

use std::fs;

use crate::dice::Dice;
use crate::forge::{Key, Text, encrypt};
use crate::sandbox::{Sandbox, Tries};

/// What a forger has to work with.
struct World {
    owner: Sandbox,
    /// The newest state, which the owner's machine has seen.
    newest: Text,
    /// States that their owner signed, older ones first.
    known: Vec<Text>,
    /// A vault of the same owner.
    other: Text,
    former: Key,
    /// The home of alice, who may set `K`.
    person: Sandbox,
    alice: Key,
    bob: Key,
}

/// A vault with a history: bob was removed from it, its agent key revoked, its master key replaced.
fn world() -> World {
    let owner = Sandbox::with("a", &[("K", "hunter2-first"), ("L", "hunter2-l")]);
    owner.set("b", "K", "hunter2-of-b");
    let person = Sandbox::new();
    let (alice, bob, former) = (Key::master(&person), Key::generate(), Key::master(&owner));
    let mut known = Vec::new();
    let mut next = |text: Text, master: Key| {
        fs::write(owner.vault("a"), text.seal(master)).unwrap();
        owner.cast(["list", "a"]).succeeds();
        known.push(Text::read(&owner.vault("a"), master));
    };
    let read = |master| Text::read(&owner.vault("a"), master);
    next(read(former).with_person("bob", &bob.card(), &["K", "L"]).next(), former);
    owner.cast(["set", "a", "--allow-dangerous-name", "LD_PRELOAD", "hunter2.so"]).succeeds();
    next(read(former), former);
    owner.cast(["delete", "a", "LD_PRELOAD"]).succeeds();
    owner.cast(["key", "revoke", "--agent", "a"]).succeeds();
    next(read(former).next_values(), former);
    owner.cast(["key", "rotate", "--retire"]).succeeds();
    let master = Key::master(&owner);
    next(read(master).with_person("alice", &alice.card(), &["K"]).next(), master);
    let without_bob = read(master);
    let (begin, end) = (without_bob.part.find("\n[people.bob]").unwrap(), without_bob.part.len());
    next(Text { part: without_bob.part.replace(&without_bob.part[begin..end], ""), ..without_bob }.next(), master);
    owner.set("a", "K", "hunter2-newest");
    let newest = read(master);
    assert!(newest.verifies() && newest.recipients().len() == 3, "{newest:?}");
    let other = Text::read(&owner.vault("b"), master);
    fs::create_dir_all(person.vault("a").parent().unwrap()).unwrap();
    fs::copy(owner.vault("a"), person.vault("a")).unwrap();
    person.cast(["vault", "accept", "a", "--yes"]).succeeds();
    World { owner, newest, known, other, former, person, alice, bob }
}

/// One that a forger with these keys makes of what it has read.
fn forgery(world: &World, keys: &[Key], dice: &mut Dice) -> Text {
    let World { newest, known, other, .. } = world;
    let all: Vec<_> = known.iter().chain([newest, newest, newest, other]).collect();
    let mut text = (*dice.pick(&all)).clone();
    let key = *dice.pick(keys);
    for _ in 0..=dice.throw(3) {
        let from = (*dice.pick(&all)).clone();
        text = match dice.throw(12) {
            0 => Text { values: text.values.replace("hunter2", "evil"), ..text },
            1 if !text.part.contains("LD_PRELOAD") => text.with("LD_PRELOAD", "/tmp/evil.so", "dangerous = true\n"),
            2 if !text.part.contains("people.mallory") => text.with_person("mallory", &key.card(), &["K"]),
            3 => Text { part: text.part.replace("[names.K]\n", "[names.K]\nunmasked = true\n"), ..text },
            4 => text.next(),
            5 => text.next_values(),
            6 => Text { epoch: text.epoch + 1, ..text },
            7 => Text { at: from.at, sealer: from.sealer, sig2: from.sig2, values: from.values, ..text },
            8 => Text {
                part: from.part,
                bytes: from.bytes,
                sig1: from.sig1,
                rules: from.rules,
                epoch: from.epoch,
                ..text
            },
            9 => Text {
                owner: key.verification(),
                part: text.part.replace(&newest.recipients()[0], &key.recipient()),
                ..text
            },
            10 => Text { part: text.part.replace(&newest.recipients()[1], &key.recipient()), ..text },
            _ => Text { id: newest.id.clone(), agent: newest.agent.clone(), epoch: newest.epoch, ..text },
        };
    }
    // Who wants to be believed counts on from the newest.
    let text = if dice.throw(2) == 0 { text.over(newest) } else { text };
    // What its holder may not write is not the newest owner's part: whoever may set a value seals one under that.
    let text = match dice.throw(4) {
        0 => text,
        1 => text.with_owners_signature(key).with_seal(key),
        2 => text.signed(key),
        _ => text.with_owners_signature(key),
    };
    match dice.throw(3) {
        0 => text,
        1 => text.sealed_by(key),
        _ => text.with_seal(key),
    }
}

/// Makes some of a kind; the owner's machine refuses each, so does that of a person who accepted the owner, and so does
/// a
/// runner that has the newest agent key.
fn all_refused(kind: &str, keys: impl Fn(&World) -> Vec<Key>) {
    let number = std::env::var("CAST_FORGERIES").map_or(25, |number| number.parse().unwrap());
    let world = world();
    let (keys, mut dice) = (keys(&world), Dice(kind.bytes().map(u64::from).sum()));
    let World { owner, newest, .. } = &world;
    let master = Key::master(owner);
    let (grant, recipients) = (newest.grant(master), newest.recipients());
    let recipients: Vec<_> = recipients.iter().map(String::as_str).collect();
    let runner = Sandbox::empty();
    fs::create_dir_all(runner.vault("a").parent().unwrap()).unwrap();
    let (tries, mut made) = (Tries::at(1, "forged vaults"), 0);
    while made < number {
        let text = forgery(&world, &keys, &mut dice);
        // A person's new values under the newest owner's part are what a permission is for.
        let above = |text: &Text| {
            text.plain()[..text.plain().len() - text.values.len()].split("# cast-values").next().unwrap().to_owned()
        };
        if above(&text) == above(newest) && (keys == [world.alice] || text.plain() == newest.plain()) {
            continue;
        }
        made += 1;
        let mut plain = text.plain().into_bytes();
        if dice.throw(8) == 0 {
            let (at, bit) = (dice.throw(plain.len()), dice.throw(8));
            plain[at] ^= 1 << bit;
        }
        let file = encrypt(&plain, &recipients);
        let describe = || format!("{kind}, number {made}: {}", String::from_utf8_lossy(&plain));
        for (sandbox, key) in [(owner, None), (&world.person, None), (&runner, Some(&grant))] {
            tries.next();
            fs::write(sandbox.vault("a"), &file).unwrap();
            let call = |words: &[&str]| {
                let call = sandbox.cast(words);
                if let Some(key) = key { call.env("CAST_KEY", key) } else { call }.run()
            };
            let outcome = call(&["list", "a", "--json"]);
            assert!(outcome.code == 5 && outcome.out.is_empty(), "{outcome:?} {}", describe());
            if made % 10 == 0 {
                let outcome = call(&["run", "a", "--", "touch", "started"]);
                assert!(outcome.code == 125 && !sandbox.home().join("started").exists(), "{outcome:?} {}", describe());
            }
            assert!(fs::read(sandbox.vault("a")).unwrap() == file, "{}", describe());
        }
    }
    // What was there is still in order.
    fs::write(owner.vault("a"), newest.encrypt(&recipients)).unwrap();
    assert_eq!(owner.value("a", "K"), b"hunter2-newest");
}

#[test]
fn by_the_holder_of_an_agent_key() {
    all_refused("agent key", |world| {
        let World { newest, owner, .. } = world;
        vec![newest.agent_key(Key::master(owner))]
    });
}

#[test]
fn by_the_holder_of_a_revoked_agent_key() {
    all_refused("revoked agent key", |World { known, former, .. }| {
        [&known[0], &known[2]].map(|text| text.agent_key(*former)).into()
    });
}

#[test]
fn by_the_holder_of_another_vaults_key() {
    all_refused("another vault's key", |World { other, owner, .. }| vec![other.agent_key(Key::master(owner))]);
}

#[test]
fn by_the_holder_of_a_former_master_key() {
    all_refused("former master key", |world| vec![world.former]);
}

#[test]
fn by_a_person_who_may_set_a_value() {
    all_refused("may-set person", |world| vec![world.alice]);
}

#[test]
fn by_a_person_who_was_removed() {
    all_refused("removed person", |world| vec![world.bob]);
}

#[test]
fn by_all_of_them_together() {
    all_refused("all", |world| {
        let agent = world.newest.agent_key(Key::master(&world.owner));
        vec![world.former, world.bob, agent, Key::generate()]
    });
}
