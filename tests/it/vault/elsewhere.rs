//! What is known of a vault in one place says nothing of another place, and what a former key owns is used only where
//! this machine has verified that very state. Each forger here holds a key that is good elsewhere.

use std::fs;

use super::{ID, elsewhere, sandbox, second_machine, text, there};
use crate::advice::{told, typed};
use crate::forge::{Key, Text, grant_of};
use crate::sandbox::Sandbox;

/// A vault that lists this user, and that its owner can read.
fn of(owner: Key, agent: &str, epoch: u64, person: &Sandbox) -> Vec<u8> {
    let vault = Text::new(agent, ID, owner, &[("K", "evil")]);
    vault.with_person("me", &Key::master(person).card(), &["K"]).in_epoch(epoch, owner).seal(owner)
}

/// One of a former key, for an agent that this machine does not know, above the vault whose id it has.
fn planted(former: Key, agent: &str, known: &Text) -> Vec<u8> {
    Text::new(agent, &known.id, former, &[("K", "evil")]).over(known).in_epoch(9, former).seal(former)
}

const REFUSED: &str = "belongs to a former key of yours";

/// No verb but `accept` and `delete --all` takes it, and it stays as it is.
#[track_caller]
fn is_of_no_use(sandbox: &Sandbox, agent: &str) {
    let file = fs::read(sandbox.vault(agent)).unwrap();
    for words in [
        &["list", agent][..],
        &["set", agent, "K", "hunter2-typed"],
        &["delete", agent, "K"],
        &["secrets", "copy", "a", agent, "K", "--replace"],
        &["secrets", "copy", agent, "a", "--replace"],
        &["secrets", "rename", agent, "K", "L"],
        &["key", "revoke", "--agent", agent],
        &["key", "export", "--agent", agent],
    ] {
        let hint = format!("cast vault accept {agent}");
        let refused = sandbox.cast(words).refuses(5, REFUSED, &["evil", "hunter2"]);
        assert!(refused.err.contains(&hint), "{words:?}: {refused:?}");
    }
    sandbox.cast(["run", agent, "--", "touch", "started"]).refuses(125, REFUSED, &["evil"]);
    sandbox.cast(["run", agent, "--older", "--", "touch", "started"]).refuses(125, REFUSED, &["evil"]);
    for words in [&["key", "rotate"][..], &["key", "rotate", "--retire"]] {
        let left = sandbox.cast(words).run();
        assert!(left.code != 0 && left.err.contains(REFUSED), "{left:?}");
    }
    assert!(fs::read(sandbox.vault(agent)).unwrap() == file);
}

#[test]
fn an_owner_who_takes_over_an_id_in_one_place_has_it_in_no_other() {
    let (me, first, second) = (Sandbox::new(), Key::generate(), Key::generate());
    fs::create_dir_all(me.vault("a").parent().unwrap()).unwrap();
    let other = elsewhere(&me).join("a.age");
    for path in [&me.vault("a"), &other] {
        fs::write(path, of(first, "a", 1, &me)).unwrap();
    }
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    there(&me, &["vault", "accept", "a", "--yes"]).succeeds();
    for path in [&me.vault("a"), &other] {
        fs::write(path, of(second, "a", 5, &me)).unwrap();
    }
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    assert_eq!(me.value("a", "K"), b"evil");
    there(&me, &["run", "a", "--", "touch", "started"]).refuses(125, "has another owner", &["evil"]);
    there(&me, &["set", "a", "K", "hunter2"]).refuses(5, "has another owner", &["evil", "hunter2"]);
}

#[test]
fn an_agent_line_makes_no_place_for_the_master_key() {
    let (me, owner) = (Sandbox::new(), Key::generate());
    fs::create_dir_all(me.vault("t").parent().unwrap()).unwrap();
    fs::write(me.vault("t"), of(owner, "t", 1, &me)).unwrap();
    me.cast(["vault", "accept", "t", "--yes"]).succeeds();
    let file = of(owner, "stripe", 2, &me);
    fs::write(elsewhere(&me).join("stripe.age"), &file).unwrap();
    let grant = Text::read(&elsewhere(&me).join("stripe.age"), owner).grant(owner);
    there(&me, &["run", "stripe", "--", "true"]).env("CAST_KEY", grant).succeeds();
    for words in [&["list", "stripe"][..], &["set", "stripe", "K", "hunter2"]] {
        there(&me, words).refuses(5, "has another owner", &["evil", "hunter2"]);
    }
    assert!(fs::read(elsewhere(&me).join("stripe.age")).unwrap() == file);
}

#[test]
fn what_a_former_key_owns_is_used_only_as_it_was_verified_here() {
    let me = sandbox();
    let (former, eve) = (Key::master(&me), Key::generate());
    me.cast(["set", "b", "K", "hunter2-b"]).env("CAST_VAULTS", elsewhere(&me)).succeeds();
    let known = Text::read(&elsewhere(&me).join("b.age"), former);
    me.cast(["key", "rotate"]).succeeds();
    // Known and unchanged: used as before.
    there(&me, &["list", "b"]).succeeds();
    // A new id, the id of a vault that lies elsewhere, and that very file.
    let copied = fs::read(elsewhere(&me).join("b.age")).unwrap();
    let unknown = Text::new("m", ID, former, &[]);
    for (agent, file) in [("m", planted(former, "m", &unknown)), ("n", planted(former, "n", &known)), ("b", copied)] {
        fs::write(me.vault(agent), file).unwrap();
        is_of_no_use(&me, agent);
        fs::remove_file(me.vault(agent)).unwrap();
    }
    // An agent line of that holder is no way around that.
    let shared = Text::new("m", ID, former, &[("K", "evil")]).with_person("eve", &eve.card(), &["K"]);
    fs::write(me.vault("m"), shared.seal(former)).unwrap();
    let run = me.cast(["run", "m", "--", "true"]).env("CAST_KEY", shared.clone().signed(former).grant(former));
    run.refuses(125, REFUSED, &["evil"]);
    is_of_no_use(&me, "m");
    // A newer state of a known one, with people.
    let newer = known.clone().with_person("eve", &eve.card(), &["K"]).in_epoch(9, former).seal(former);
    fs::write(elsewhere(&me).join("b.age"), &newer).unwrap();
    there(&me, &["set", "b", "K", "hunter2-typed"]).refuses(5, REFUSED, &["hunter2"]);
    // A look shows who is in it; then it is this user's, under the newest key.
    let shown = there(&me, &["vault", "accept", "b"]).run();
    assert!(shown.err.contains("person 'eve', fingerprint ") && shown.err.contains(": may set K\n"), "{shown:?}");
    there(&me, &["vault", "accept", "b", "--yes"]).succeeds();
    there(&me, &["list", "b"]).succeeds();
    // What somebody else made goes.
    me.cast(["delete", "m", "--all", "--yes"]).succeeds();
    assert!(!me.vault("m").exists());
    me.cast(["key", "rotate", "--retire"]).succeeds();
    there(&me, &["list", "b"]).succeeds();
}

#[test]
fn built_in_secrets_of_a_former_key_are_not_used_once_the_known_ones_are_gone() {
    let me = sandbox();
    let former = Key::master(&me);
    there(&me, &["set", "builtin", "B", "hunter2-b"]).succeeds();
    let known = Text::read(&elsewhere(&me).join("builtin.age"), former);
    me.cast(["key", "rotate"]).succeeds();
    fs::remove_file(elsewhere(&me).join("builtin.age")).unwrap();
    fs::write(me.vault("builtin"), planted(former, "builtin", &known)).unwrap();
    me.cast(["run", "a", "--", "touch", "started"]).refuses(125, REFUSED, &["evil"]);
}

#[test]
fn a_copy_in_another_folder_keeps_the_former_key_and_takes_over_nothing() {
    let me = sandbox();
    let former = Key::master(&me);
    there(&me, &["set", "b", "K", "hunter2-b"]).succeeds();
    let known = Text::read(&elsewhere(&me).join("b.age"), former);
    // Before the rotation, in a folder where others were seen.
    let forged = known.with_person("eve", &Key::generate().card(), &["K"]).in_epoch(9, former).seal(former);
    fs::write(me.vault("b"), &forged).unwrap();
    let rotated = me.cast(["key", "rotate"]).run();
    assert!(rotated.code == 5 && rotated.err.contains("the vault of agent 'b'"), "{rotated:?}");
    assert!(fs::read(me.vault("b")).unwrap() == forged);
    fs::copy(elsewhere(&me).join("b.age"), me.vault("b")).unwrap();
    let kept = me.cast(["key", "rotate", "--retire"]).run();
    assert!(kept.code != 0, "{kept:?}");
    me.cast(["delete", "b", "--all", "--yes"]).succeeds();
    let kept = me.cast(["key", "rotate", "--retire"]).run();
    assert!(kept.code == 1 && kept.err.contains("still sealed to a former master key"), "{kept:?}");
    there(&me, &["list", "b"]).succeeds();
}

#[test]
fn a_folder_whose_vaults_were_deleted_is_one_where_vaults_were_seen() {
    let me = sandbox();
    let former = Key::master(&me);
    me.cast(["delete", "a", "--all", "--yes"]).succeeds();
    fs::write(me.vault("m"), planted(former, "m", &Text::new("m", ID, former, &[]))).unwrap();
    let rotated = me.cast(["key", "rotate"]).run();
    assert!(rotated.code == 5 && rotated.err.contains(REFUSED), "{rotated:?}");
}

#[test]
fn what_is_deleted_in_one_place_stays_in_the_others_and_does_not_come_back() {
    let me = sandbox();
    let file = fs::read(me.vault("a")).unwrap();
    let grant = grant_of(&me, "a");
    fs::write(elsewhere(&me).join("a.age"), &file).unwrap();
    there(&me, &["list", "a"]).succeeds();
    there(&me, &["delete", "a", "--all", "--yes"]).succeeds();
    assert_eq!(me.value("a", "K"), b"hunter2-first");
    me.cast(["run", "a", "--", "true"]).env("CAST_KEY", grant).succeeds();
    fs::write(elsewhere(&me).join("a.age"), &file).unwrap();
    there(&me, &["list", "a"]).refuses(5, "deleted or replaced on this machine", &["hunter2"]);
    // And from the last place it is gone everywhere.
    me.cast(["delete", "a", "--all", "--yes"]).succeeds();
    let third = me.home().join("third");
    fs::create_dir_all(&third).unwrap();
    fs::write(third.join("a.age"), &file).unwrap();
    me.cast(["list", "a"]).env("CAST_VAULTS", &third).refuses(5, "deleted or replaced on this machine", &["hunter2"]);
}

#[test]
fn an_owner_who_is_accepted_again_elsewhere_does_not_come_back_where_the_vault_was_deleted() {
    let (me, owner) = (Sandbox::new(), Key::generate());
    fs::create_dir_all(me.vault("t").parent().unwrap()).unwrap();
    let file = of(owner, "t", 1, &me);
    fs::write(me.vault("t"), &file).unwrap();
    me.cast(["vault", "accept", "t", "--yes"]).succeeds();
    me.cast(["delete", "t", "--all", "--yes"]).succeeds();
    fs::write(elsewhere(&me).join("t.age"), &file).unwrap();
    there(&me, &["vault", "accept", "t", "--yes"]).succeeds();
    fs::write(me.vault("t"), &file).unwrap();
    me.cast(["run", "t", "--", "touch", "started"]).refuses(125, "of agent 't'", &["evil"]);
}

#[test]
fn a_vault_that_has_used_up_its_epochs_begins_anew() {
    let me = sandbox();
    let key = Key::master(&me);
    fs::write(me.vault("a"), text(&me).in_epoch((1 << 53) - 1, key).seal(key)).unwrap();
    me.cast(["list", "a"]).succeeds();
    let refused = me.cast(["key", "revoke", "--agent", "a"]).refuses(1, "cannot count another epoch", &["hunter2"]);
    let advice = told(&refused, "accept it, which makes a new vault of what is in it: 'cast vault accept {agent}'");
    let used_up = fs::read(me.vault("a")).unwrap();
    typed(&me, &format!("{} --yes", advice.command("cast vault accept"))).succeeds();
    me.cast(["key", "revoke", "--agent", "a"]).succeeds();
    assert_eq!(me.value("a", "K"), b"hunter2-first");
    // What it was is used nowhere.
    fs::write(elsewhere(&me).join("a.age"), used_up).unwrap();
    there(&me, &["list", "a"]).refuses(5, "was deleted or replaced on this machine", &["hunter2"]);
}

/// A person who may set a value can fill the vector of the values.
#[test]
fn a_vault_that_no_further_machine_can_change_begins_anew() {
    let (me, eve) = (sandbox(), Key::generate());
    let key = Key::master(&me);
    let shared = text(&me).with_person("eve", &eve.card(), &["K"]).next().signed(key);
    let removed = Text { part: text(&me).part, ..shared.edited("first", "replaced") }.next().signed(key);
    let full = (0x100..0x13f).map(|number| format!("{number:08x}.1")).collect::<Vec<_>>().join(",");
    let full = Text { at: format!("{full},{}", shared.at), ..shared.clone() }.sealed_by(eve);
    let behind = second_machine(&me);
    for (sandbox, states) in [(&me, [&shared, &removed]), (&behind, [&shared, &full])] {
        for state in states {
            fs::write(sandbox.vault("a"), state.file()).unwrap();
            sandbox.cast(["list", "a"]).succeeds();
        }
    }
    for words in [&["set", "a", "K", "hunter2-typed"][..], &["set", "a", "L", "hunter2-typed"]] {
        let refused = behind.cast(words).run();
        let why = ["was changed by too many machines", "'cast vault accept a'"];
        assert!(refused.code == 1 && why.iter().all(|part| refused.err.contains(part)), "{refused:?}");
        refused.says_nothing_of(&["hunter2"]);
        assert_eq!(Text::read(&behind.vault("a"), key).at, full.at);
    }
    let why = behind.cast(["vault", "accept", "a", "--yes"]).succeeds();
    assert!(why.err.contains("was changed by too many machines"), "{why:?}");
    behind.set("a", "K", "hunter2-typed");
    // Another machine, which has seen more than that one, does not take it for the vault that it knows.
    fs::copy(behind.vault("a"), me.vault("a")).unwrap();
    me.cast(["run", "a", "--", "touch", "started"]).refuses(
        125,
        "is not the vault that this machine has known here",
        &["hunter2"],
    );
    let look = me.cast(["vault", "accept", "a"]).run();
    assert!(look.err.contains("eve"), "{look:?}");
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    assert_eq!(me.value("a", "K"), b"hunter2-typed");
}

/// A place where the vault was read makes no state of a former key's holder its own.
#[test]
fn a_known_copy_gives_its_id_to_nobody() {
    let me = sandbox();
    let former = Key::master(&me);
    fs::copy(me.vault("a"), elsewhere(&me).join("a.age")).unwrap();
    there(&me, &["list", "a"]).succeeds();
    me.cast(["key", "rotate"]).succeeds();
    let known = Text::read(&me.vault("a"), Key::master(&me));
    let evil = Text::new("a", &known.id, former, &[("K", "evil")]).over(&known).in_epoch(9, former);
    fs::write(elsewhere(&me).join("a.age"), evil.seal(former)).unwrap();
    there(&me, &["vault", "accept", "a", "--yes"]).succeeds();
    assert_ne!(Text::read(&elsewhere(&me).join("a.age"), Key::master(&me)).id, known.id);
    assert_eq!(me.value("a", "K"), b"hunter2-first");
}
