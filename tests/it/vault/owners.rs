//! Whoever reads a vault knows its id, and can give it to another vault: that changes nothing of what this machine
//! knows of the first one. What an agent line led to is known of that line alone.

use std::fs;
use std::path::PathBuf;

use super::{ID, SECRET, elsewhere, sandbox, second_machine, there};
use crate::forge::{Key, Text};
use crate::sandbox::Sandbox;

const LAST_EPOCH: u64 = (1 << 53) - 1;

fn value_there(sandbox: &Sandbox, agent: &str) -> String {
    there(sandbox, &["run", agent, "--no-mask", "--", "printenv", "K"]).succeeds().out
}

/// A vault that lists this user.
fn shared(owner: Key, me: &Sandbox, agent: &str, id: &str, value: &str) -> Text {
    Text::new(agent, id, owner, &[("K", value)]).with_person("me", &Key::master(me).card(), &["K"])
}

/// Runs `agent` with the line of this vault, which is put in its place.
fn run_with_the_line(sandbox: &Sandbox, text: &Text, owner: Key) {
    fs::create_dir_all(sandbox.vault(&text.agent).parent().unwrap()).unwrap();
    fs::write(sandbox.vault(&text.agent), text.seal(owner)).unwrap();
    let line = text.clone().signed(owner).grant(owner);
    sandbox.cast(["run", &text.agent, "--", "true"]).env("CAST_KEY", line).succeeds();
}

#[test]
fn an_owner_under_the_same_id_in_another_place_neither_lowers_nor_hinders() {
    let me = Sandbox::new();
    let (owner, other) = (Key::generate(), Key::generate());
    fs::create_dir_all(me.vault("a").parent().unwrap()).unwrap();
    let old = shared(owner, &me, "a", ID, "evil-old");
    let new = Text { rules: "0000000a.9".into(), at: "0000000a.9".into(), ..old.edited("old", "new") };
    for path in [me.vault("a"), elsewhere(&me).join("a.age")] {
        fs::write(path, new.seal(owner)).unwrap();
    }
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    there(&me, &["vault", "accept", "a", "--yes"]).succeeds();
    // In the vault's own place, which may have a new owner.
    for (epoch, again) in [(1, false), (5, false), (5, true)] {
        if again {
            me.cast(["delete", "a", "--all", "--yes"]).succeeds();
        }
        fs::write(me.vault("a"), shared(other, &me, "a", ID, "evil-other").in_epoch(epoch, other).seal(other)).unwrap();
        me.cast(["vault", "accept", "a", "--yes"]).succeeds();
        assert_eq!(me.value("a", "K"), b"evil-other");
        fs::write(elsewhere(&me).join("a.age"), old.seal(owner)).unwrap();
        there(&me, &["list", "a"]).refuses(5, "older than this machine has seen", &["evil"]);
        fs::write(elsewhere(&me).join("a.age"), new.seal(owner)).unwrap();
        assert_eq!(value_there(&me, "a"), "evil-new\n");
    }
}

#[test]
fn two_lines_under_one_id_know_nothing_of_each_other() {
    let runner = Sandbox::empty();
    let (one, other) = (Key::generate(), Key::generate());
    let first = Text::new("a", ID, one, &[("K", "v")]);
    let next = first.clone().next();
    run_with_the_line(&runner, &next, one);
    run_with_the_line(&runner, &Text::new("b", ID, other, &[("K", "evil")]).in_epoch(LAST_EPOCH, other), other);
    run_with_the_line(&runner, &next, one);
    run_with_the_line(&runner, &next.clone().next(), one);
    // What the first one has seen is known still, to a line that was made before.
    fs::write(runner.vault("a"), next.seal(one)).unwrap();
    let line = first.signed(one).grant(one);
    let run = runner.cast(["run", "a", "--", "touch", "started"]).env("CAST_KEY", line);
    run.refuses(125, "older than this machine has seen", &[]);
}

/// The id of a vault that this machine has not seen yet, or that a former key owns still.
#[test]
fn neither_a_card_nor_a_line_takes_the_id_of_ones_own_vault() {
    let first = sandbox();
    let key = Key::master(&first);
    there(&first, &["set", "b", "K", "hunter2-b"]).succeeds();
    let mine = Text::read(&elsewhere(&first).join("b.age"), key);
    let mallory = Key::generate();
    for by_line in [false, true] {
        let second = second_machine(&first);
        fs::write(elsewhere(&second).join("b.age"), mine.file()).unwrap();
        let evil = shared(mallory, &second, "t", &mine.id, "evil").over(&mine).in_epoch(LAST_EPOCH, mallory);
        if by_line {
            run_with_the_line(&second, &evil, mallory);
        } else {
            fs::write(second.vault("t"), evil.seal(mallory)).unwrap();
            second.cast(["vault", "accept", "t", "--yes"]).succeeds();
        }
        assert_eq!(value_there(&second, "b"), "hunter2-b\n");
        there(&second, &["set", "b", "K", "hunter2-next"]).succeeds();
        let now = Text::read(&elsewhere(&second).join("b.age"), key);
        assert_eq!((now.id.as_str(), now.epoch), (mine.id.as_str(), 1));
        fs::write(elsewhere(&second).join("b.age"), mine.file()).unwrap();
        there(&second, &["list", "b"]).refuses(5, "older than this machine has seen", &[SECRET]);
        // Nor does the end of that one end this one.
        fs::write(elsewhere(&second).join("b.age"), now.file()).unwrap();
        if !by_line {
            second.cast(["delete", "t", "--all", "--yes"]).succeeds();
        }
        there(&second, &["key", "revoke", "--agent", "b"]).succeeds();
    }
    // Of a former key, before it is sealed to the new one.
    first.cast(["key", "rotate"]).succeeds();
    let evil = Text::new("n", &mine.id, key, &[("K", "evil")]).over(&mine).in_epoch(LAST_EPOCH, key);
    fs::write(first.vault("n"), evil.seal(key)).unwrap();
    let run = first.cast(["run", "n", "--", "true"]).env("CAST_KEY", evil.signed(key).grant(key));
    run.refuses(125, "belongs to a former key of yours", &["evil"]);
    fs::remove_file(first.vault("n")).unwrap();
    assert_eq!(value_there(&first, "b"), "hunter2-b\n");
    there(&first, &["key", "rotate"]).succeeds();
    assert_eq!(Text::read(&elsewhere(&first).join("b.age"), Key::master(&first)).epoch, 2);
}

/// A line is compared with what its owner's vault is known as with a master key, too.
#[test]
fn what_a_master_key_has_seen_holds_for_a_line() {
    let me = sandbox();
    let old = super::text(&me);
    let line = old.grant(Key::master(&me));
    me.set("a", "K", "hunter2-next");
    fs::write(me.vault("a"), old.file()).unwrap();
    let run = me.cast(["run", "a", "--", "touch", "started"]).env("CAST_KEY", &line);
    run.refuses(125, "older than this machine has seen", &[SECRET]);
}

#[test]
fn a_vault_that_lies_only_where_its_file_is_gone_is_given_up_with_the_last_file() {
    let me = sandbox();
    let file = fs::read(me.vault("a")).unwrap();
    fs::write(elsewhere(&me).join("a.age"), &file).unwrap();
    there(&me, &["list", "a"]).succeeds();
    fs::remove_dir_all(elsewhere(&me)).unwrap();
    me.cast(["delete", "a", "--all", "--yes"]).succeeds();
    let third = me.home().join("third");
    fs::create_dir(&third).unwrap();
    fs::write(third.join("a.age"), &file).unwrap();
    me.cast(["list", "a"]).env("CAST_VAULTS", &third).refuses(5, "deleted or replaced on this machine", &[SECRET]);
}

#[test]
fn a_damaged_place_is_not_taken_for_none() {
    let me = sandbox();
    there(&me, &["set", "builtin", "B", "hunter2-builtin"]).succeeds();
    fs::copy(elsewhere(&me).join("builtin.age"), me.vault("builtin")).unwrap();
    let place = elsewhere(&me).join("builtin.age");
    let places = fs::read_dir(me.state().join("seen/at")).unwrap().map(|entry| entry.unwrap().path());
    let is_it = |path: &PathBuf| fs::read_to_string(path).unwrap().contains(place.to_str().unwrap());
    fs::write(places.into_iter().find(is_it).unwrap(), "").unwrap();
    me.cast(["run", "a", "--", "touch", "started"]).refuses(125, "what this machine has seen is damaged", &[SECRET]);
}
