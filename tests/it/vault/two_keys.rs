//! One machine can know a vault as a person, by its owner's card, and as its owner, whose key came to it. What it has
//! seen of the vault in one way holds in the other.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{ID, SECRET, elsewhere, second_machine, there};
use crate::advice::told;
use crate::forge::{Key, Text};
use crate::sandbox::{Call, Sandbox};
use crate::supervise::process::until;

/// A machine whose user is a person of another owner's vault, and the vault in its first state.
fn person() -> (Sandbox, Key, Text) {
    let (me, owner) = (Sandbox::new(), Key::generate());
    let first = of(owner, &me, "hunter2-first");
    fs::create_dir_all(me.vault("a").parent().unwrap()).unwrap();
    (me, owner, first)
}

fn of(owner: Key, me: &Sandbox, value: &str) -> Text {
    Text::new("a", ID, owner, &[("K", value)]).with_person("me", &Key::master(me).card(), &["K"])
}

/// The owner's key comes to this machine: for one call, in another folder.
fn as_owner<'a>(me: &'a Sandbox, owner: Key, words: &[&str]) -> Call<'a> {
    there(me, words).env("CAST_KEY", owner.identity())
}

fn put(path: &Path, text: &Text, owner: Key) {
    fs::write(path, text.seal(owner)).unwrap();
}

fn there_path(me: &Sandbox) -> PathBuf {
    elsewhere(me).join("a.age")
}

/// The store then holds these keys, the newest first.
fn import(me: &Sandbox, keys: &[Key]) {
    let file = me.home().join("keys");
    fs::write(&file, keys.iter().map(|key| key.identity() + "\n").collect::<String>()).unwrap();
    me.cast(["key", "import", "--replace", file.to_str().unwrap()]).succeeds();
}

#[test]
fn an_older_state_that_a_person_accepts_is_used() {
    let (me, owner, first) = person();
    let newer = first.edited("first", "newer").next_values();
    put(&me.vault("a"), &first, owner);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    put(&there_path(&me), &newer, owner);
    as_owner(&me, owner, &["list", "a"]).succeeds();
    me.cast(["list", "a"]).refuses(5, "older than this machine has seen", &[SECRET]);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    assert_eq!(me.value("a", "K"), b"hunter2-first");
    // For the owner it is the newest one, too.
    put(&there_path(&me), &first, owner);
    as_owner(&me, owner, &["list", "a"]).succeeds();
}

#[test]
fn what_a_card_has_shown_is_below_what_is_sealed_to_its_key() {
    let (me, _, _) = person();
    let (former, newest) = (Key::generate(), Key::generate());
    let first = of(former, &me, "hunter2-first");
    let later = of(newest, &me, "hunter2-later").in_epoch(5, newest);
    put(&me.vault("a"), &later, newest);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    // Under this number, the person has set a value.
    me.set("a", "K", "hunter2-by-me");
    let by_me = Text::read(&me.vault("a"), newest);
    import(&me, &[newest, former]);
    put(&me.vault("a"), &first, former);
    me.cast(["list", "a"]).refuses(5, "the vault of agent 'a' ", &[SECRET]);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    assert_eq!(me.value("a", "K"), b"hunter2-first");
    let sealed = Text::read(&me.vault("a"), newest);
    // No number is used twice: this machine counts under another name.
    let is_counted = |one: &str| sealed.at.split(',').any(|other| other == one);
    assert!(sealed.epoch > by_me.epoch && by_me.at.split(',').all(is_counted), "{by_me:?}\n{sealed:?}");
    assert!(sealed.at.len() > by_me.at.len(), "{by_me:?}\n{sealed:?}");
}

#[test]
fn a_former_keys_state_is_refused_once_the_newer_keys_card_was_seen() {
    let (me, _, _) = person();
    let (former, newest) = (Key::generate(), Key::generate());
    let (first, later) = (of(former, &me, "hunter2-first"), of(newest, &me, "hunter2-later").in_epoch(5, newest));
    put(&me.vault("a"), &later, newest);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    // Verified while its key was the only one.
    put(&there_path(&me), &first, former);
    as_owner(&me, former, &["list", "a"]).succeeds();
    import(&me, &[newest, former]);
    there(&me, &["list", "a"]).refuses(5, "older than this machine has seen", &[SECRET]);
}

/// A card that was accepted for a vault which became this user's own says nothing any more once that has a newer key.
#[test]
fn the_card_of_a_former_key_counts_no_more() {
    for (retire, by_me) in [(true, false), (false, false), (false, true)] {
        let (me, former, first) = person();
        let mine = Key::master(&me);
        for path in [me.vault("a"), there_path(&me)] {
            put(&path, &first, former);
        }
        me.cast(["vault", "accept", "a", "--yes"]).succeeds();
        there(&me, &["vault", "accept", "a", "--yes"]).succeeds();
        import(&me, &[former]);
        me.set("a", "L", "hunter2-mine");
        let mine_by_now = Text::read(&me.vault("a"), former);
        me.cast(["key", "rotate"]).succeeds();
        let newest = Key::master(&me);
        // The other folder still has a vault of the former key, whose holder can state any numbers.
        let who = if by_me { mine } else { newest };
        let evil = Text::new("a", ID, former, &[("K", "evil")]).with_person("me", &who.card(), &["K"]);
        let forged = [evil.clone().over(&mine_by_now).in_epoch(9, former), evil];
        if retire {
            fs::copy(me.vault("a"), there_path(&me)).unwrap();
            me.cast(["key", "rotate", "--retire", "--yes"]).succeeds();
        }
        for text in forged {
            put(&there_path(&me), &text, former);
            for words in [&["list", "a"][..], &["set", "a", "K", "hunter2-next"]] {
                there(&me, words).env("CAST_KEY", who.identity()).refuses(
                    5,
                    "the vault of agent 'a' ",
                    &["evil", SECRET],
                );
            }
            let older = there(&me, &["run", "--older", "a", "--", "true"]).env("CAST_KEY", who.identity());
            older.refuses(125, "the vault of agent 'a' ", &["evil", SECRET]);
        }
    }
}

#[test]
fn a_person_takes_no_state_back_that_is_from_before_a_revocation() {
    let (me, owner, first) = person();
    put(&me.vault("a"), &first, owner);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    put(&there_path(&me), &first, owner);
    as_owner(&me, owner, &["key", "revoke", "--agent", "a"]).succeeds();
    me.cast(["list", "a"]).refuses(5, "older than this machine has seen", &[SECRET]);
    let accept = me.cast(["vault", "accept", "a", "--yes"]);
    let accept = accept.refuses(5, "agent keys of the vault of agent 'a' were revoked on this machine", &[SECRET]);
    let told = told(&accept, "only its owner takes it back, with the key that owns it: 'cast vault accept {agent}'");
    let words = told.command("cast vault accept");
    let words: Vec<_> = words.split(' ').skip(1).chain(["--yes"]).collect();
    me.cast(words).env("CAST_KEY", owner.identity()).succeeds();
    assert!(Text::read(&me.vault("a"), owner).epoch > 2, "what was revoked stays closed");
}

/// The same where the vault was never read as an own one: this machine knows that it replaced that key.
#[test]
fn the_card_of_a_key_that_was_replaced_counts_no_more() {
    replaced(|me| drop(me.cast(["key", "rotate"]).succeeds()));
    // On another machine, say.
    replaced(|me| import(me, &[Key::generate(), Key::master(me)]));
}

fn replaced(replace: impl Fn(&Sandbox)) {
    let me = Sandbox::new();
    let (former, person) = (Key::master(&me), Key::generate());
    me.set("b", "K", "hunter2-b");
    let as_person = |words: &[&str]| there(&me, words).env("CAST_KEY", person.identity());
    let first = Text::new("a", ID, former, &[("K", "hunter2-first")]).with_person("me", &person.card(), &["K"]);
    put(&there_path(&me), &first, former);
    as_person(&["vault", "accept", "a", "--yes"]).succeeds();
    replace(&me);
    put(&there_path(&me), &first.edited("first", "evil").next(), former);
    as_person(&["list", "a"]).refuses(5, "belongs to a former key of yours", &["evil", SECRET]);
    as_person(&["set", "a", "K", "hunter2-next"]).refuses(5, "belongs to a former key of yours", &["evil", SECRET]);
    as_person(&["run", "--older", "a", "--", "true"]).refuses(
        125,
        "belongs to a former key of yours",
        &["evil", SECRET],
    );
    let accept = as_person(&["vault", "accept", "a", "--yes"]);
    let accept = accept.refuses(5, "it is not taken as another owner's", &["evil", SECRET]);
    let told = told(&accept, "with your own keys: 'cast vault accept {agent}'");
    let words = told.command("cast vault accept");
    let words: Vec<_> = words.split(' ').skip(1).chain(["--yes"]).collect();
    there(&me, &words).succeeds();
    there(&me, &["list", "a"]).succeeds();
}

/// An agent line of a former key is no way around the newer one, not with `--older` either.
#[test]
fn the_line_of_a_former_key_counts_no_more() {
    let me = Sandbox::with("a", &[("K", "hunter2-first")]);
    let former = Key::master(&me);
    let first = Text::read(&me.vault("a"), former);
    let later = first.edited("hunter2-first", "evil").in_epoch(9, former);
    let line = later.clone().signed(former).grant(former);
    me.cast(["key", "rotate"]).succeeds();
    me.cast(["key", "rotate", "--retire"]).succeeds();
    put(&me.vault("a"), &later, former);
    for options in [&[][..], &["--older"]] {
        let words = ["run"].iter().chain(options).chain(&["a", "--", "true"]);
        let run = me.cast(words).env("CAST_KEY", &line);
        run.refuses(125, "belongs to a former key of yours", &["evil", SECRET]);
    }
}

/// Nor is it where the vault is not sealed to the newer key yet; but for the states that are known.
#[test]
fn the_line_of_a_replaced_key_uses_what_is_known() {
    let me = Sandbox::new();
    let former = Key::master(&me);
    fs::create_dir_all(elsewhere(&me)).unwrap();
    there(&me, &["set", "a", "K", "hunter2-first"]).succeeds();
    me.set("b", "K", "hunter2-b");
    let first = Text::read(&there_path(&me), former);
    let line = first.grant(former);
    me.cast(["key", "rotate"]).succeeds();
    let with_line = |words: &[&str]| there(&me, words).env("CAST_KEY", &line);
    with_line(&["list", "a"]).succeeds();
    put(&there_path(&me), &first.edited("hunter2-first", "evil").next(), former);
    with_line(&["list", "a"]).refuses(5, "belongs to a former key of yours", &["evil", SECRET]);
    with_line(&["run", "--older", "a", "--", "true"]).refuses(125, "belongs to a former key of yours", &["evil"]);
}

/// What a person accepts opens nothing to an agent key that was revoked, as its line has seen.
#[test]
fn a_line_that_has_seen_a_later_epoch_stays_there() {
    let (me, owner, first) = person();
    let later = first.clone().in_epoch(2, owner).signed(owner);
    let [old, new] = [&first, &later].map(|text| text.clone().signed(owner).grant(owner));
    put(&me.vault("a"), &first, owner);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    me.cast(["list", "a"]).env("CAST_KEY", &old).succeeds();
    put(&me.vault("a"), &later, owner);
    me.cast(["list", "a"]).env("CAST_KEY", &new).succeeds();
    put(&me.vault("a"), &first, owner);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    me.cast(["list", "a"]).env("CAST_KEY", &old).refuses(5, "older than this machine has seen", &[SECRET]);
}

/// A look with the owner's key does not end what was accepted for a person's.
#[test]
fn two_keys_use_one_place() {
    let (me, owner, first) = person();
    put(&me.vault("a"), &first, owner);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    for _ in 0..2 {
        me.cast(["list", "a"]).env("CAST_KEY", owner.identity()).succeeds();
        me.set("a", "K", "hunter2-by-me");
        me.cast(["set", "a", "K", "hunter2-by-the-owner"]).env("CAST_KEY", owner.identity()).succeeds();
        assert_eq!(me.value("a", "K"), b"hunter2-by-the-owner");
    }
}

/// `--older` is for one run, of a newer state, too.
#[test]
fn what_is_used_with_older_is_not_remembered() {
    let (me, owner, first) = person();
    put(&me.vault("a"), &first, owner);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    put(&me.vault("a"), &first.edited("first", "newer").next(), owner);
    me.cast(["run", "--older", "a", "--", "true"]).succeeds();
    put(&me.vault("a"), &first, owner);
    me.cast(["list", "a"]).succeeds();
}

/// As soon as the owner's key reads what was known by the card, all that holds of an own vault holds of it.
#[test]
fn what_was_known_by_a_card_is_an_own_vault_with_the_first_look() {
    let (me, owner, first) = person();
    put(&me.vault("a"), &first, owner);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    put(&there_path(&me), &first, owner);
    as_owner(&me, owner, &["list", "a"]).succeeds();
    // Another vault in its place is noticed, and its own loss.
    let other = Text::new("a", &"43".repeat(16), owner, &[("K", "evil")]);
    put(&there_path(&me), &other, owner);
    as_owner(&me, owner, &["list", "a"]).refuses(5, "is not the vault that this machine has known here", &["evil"]);
    fs::remove_file(there_path(&me)).unwrap();
    as_owner(&me, owner, &["set", "a", "K", "hunter2-next"]).refuses(2, "is gone", &[SECRET]);
    // Deleted in the one place, it stays in the other.
    put(&there_path(&me), &first, owner);
    me.cast(["delete", "a", "--all", "--yes"]).succeeds();
    as_owner(&me, owner, &["list", "a"]).succeeds();
}

#[test]
fn one_that_is_deleted_here_stays_in_the_other_place() {
    let (me, owner, first) = person();
    put(&me.vault("a"), &first, owner);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    put(&there_path(&me), &first, owner);
    as_owner(&me, owner, &["set", "a", "L", "hunter2-more"]).succeeds();
    fs::copy(there_path(&me), me.vault("a")).unwrap();
    me.cast(["list", "a"]).succeeds();
    as_owner(&me, owner, &["delete", "a", "--all", "--yes"]).succeeds();
    me.set("a", "K", "hunter2-by-me");
    assert_eq!(me.value("a", "K"), b"hunter2-by-me");
}

/// What went since it was seen is gone for each reader, whichever of them saw it come, and whichever saw it go.
#[test]
fn a_removed_person_does_not_come_back_by_another_branch() {
    let eve = Key::generate();
    for (sees_it_come, sees_it_go) in [(true, false), (false, true)] {
        let (me, owner, first) = person();
        for folder in [me.vault("a"), there_path(&me)] {
            git(&me, folder.parent().unwrap(), &["init", "-q"]);
            put(&folder, &first, owner);
        }
        me.cast(["vault", "accept", "a", "--yes"]).succeeds();
        as_owner(&me, owner, &["list", "a"]).succeeds();
        let look = |text: &Text, is_owner: bool| {
            put(&if is_owner { there_path(&me) } else { me.vault("a") }, text, owner);
            if is_owner { as_owner(&me, owner, &["list", "a"]) } else { me.cast(["list", "a"]) }
        };
        let with_eve = first.clone().with_person("eve", &eve.card(), &["K"]).next();
        let without = Text { part: first.part.clone(), ..with_eve.clone() }.next();
        look(&with_eve, sees_it_come).succeeds();
        look(&without, sees_it_go).succeeds();
        for is_owner in [false, true] {
            look(&with_eve, is_owner).refuses(5, "older than this machine has seen", &[SECRET]);
        }
    }
}

#[test]
fn a_removed_person_does_not_come_back_by_an_agent_line() {
    let eve = Key::generate();
    for line_sees_it_go in [false, true] {
        let me = Sandbox::new();
        let owner = Key::master(&me);
        let first = Text::new("a", ID, owner, &[("K", "hunter2-first")]);
        let line = first.clone().signed(owner).grant(owner);
        fs::create_dir_all(me.vault("a").parent().unwrap()).unwrap();
        git(&me, me.vault("a").parent().unwrap(), &["init", "-q"]);
        let look = |text: &Text, with_line: bool| {
            put(&me.vault("a"), text, owner);
            let look = me.cast(["list", "a"]);
            if with_line { look.env("CAST_KEY", &line) } else { look }
        };
        let with_eve = first.clone().with_person("eve", &eve.card(), &["K"]).next();
        let without = Text { part: first.part.clone(), ..with_eve.clone() }.next();
        for with_line in [false, true] {
            look(&first, with_line).succeeds();
        }
        look(&with_eve, !line_sees_it_go).succeeds();
        look(&without, line_sees_it_go).succeeds();
        look(&with_eve, true).refuses(5, "older than this machine has seen", &[SECRET]);
    }
}

#[test]
fn what_is_accepted_is_used_by_an_agent_line_too() {
    // As another owner's vault.
    let (me, owner, first) = person();
    let later = first.edited("first", "later").next();
    let line = first.clone().signed(owner).grant(owner);
    let with_line = |words: &[&str]| me.cast(words).env("CAST_KEY", &line);
    put(&me.vault("a"), &first, owner);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    put(&me.vault("a"), &later, owner);
    me.cast(["list", "a"]).succeeds();
    with_line(&["list", "a"]).succeeds();
    put(&me.vault("a"), &first, owner);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    with_line(&["list", "a"]).succeeds();

    // As an own one, of which the line has seen more than the owner.
    let me = Sandbox::new();
    let owner = Key::master(&me);
    let states: Vec<Text> = (1..6)
        .map(|number| Text { at: format!("0000000a.{number}"), ..Text::new("a", ID, owner, &[("K", "hunter2-first")]) })
        .collect();
    let line = states[0].clone().signed(owner).grant(owner);
    fs::create_dir_all(me.vault("a").parent().unwrap()).unwrap();
    for (state, with_line) in [(0, false), (0, true), (1, false), (4, true)] {
        put(&me.vault("a"), &states[state], owner);
        let look = me.cast(["list", "a"]);
        if with_line { look.env("CAST_KEY", &line) } else { look }.succeeds();
    }
    put(&me.vault("a"), &states[1], owner);
    me.set("a", "K", "hunter2-by-the-owner");
    me.cast(["list", "a"]).env("CAST_KEY", &line).refuses(5, "changed on two machines", &[SECRET]);
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    me.cast(["list", "a"]).env("CAST_KEY", &line).succeeds();
    let text = Text::read(&me.vault("a"), owner);
    assert!(text.at.contains("0000000a.5"), "{text:?}");
}

#[test]
fn only_the_owners_key_from_elsewhere_takes_a_vault() {
    let (me, owner, first) = person();
    let other = Key::generate();
    put(&me.vault("a"), &first.with_person("other", &other.card(), &["K"]), owner);
    let file = me.home().join("other-key");
    fs::write(&file, other.identity() + "\n").unwrap();
    let accept = me.cast(["vault", "accept", "a", "--yes", "--key", file.to_str().unwrap()]);
    let accept = accept.refuses(5, "the key in the file does not own the vault of agent 'a'", &[SECRET]);
    let told = told(&accept, "to review it with your own key: 'cast vault accept {agent}'");
    let words = told.command("cast vault accept");
    me.cast(words.split(' ').skip(1).chain(["--yes"])).succeeds();
    assert_eq!(me.value("a", "K"), b"hunter2-first");
}

fn git(me: &Sandbox, folder: &Path, words: &[&str]) {
    assert!(me.command("git").args(words).current_dir(folder).status().unwrap().success());
}

#[test]
fn an_owner_writes_nothing_over_what_a_person_has_seen_meanwhile() {
    let (me, owner, first) = person();
    for path in [me.vault("a"), there_path(&me)] {
        put(&path, &first, owner);
    }
    me.cast(["vault", "accept", "a", "--yes"]).succeeds();
    as_owner(&me, owner, &["list", "a"]).succeeds();
    // Another machine on which the person has seen more.
    let other = second_machine(&me);
    other.cast(["vault", "accept", "a", "--yes"]).succeeds();
    put(&other.vault("a"), &first.edited("first", "newer").next(), owner);
    other.cast(["list", "a"]).env("CAST_KEY", owner.identity()).succeeds();
    let before = fs::read(there_path(&me)).unwrap();

    let lock =
        File::options().create(true).truncate(false).write(true).open(me.state().join("locks/seen.lock")).unwrap();
    lock.lock().unwrap();
    let mut set = as_owner(&me, owner, &["set", "a", "K", "hunter2-mine"]).command();
    let set = set.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let descriptors = PathBuf::from(format!("/proc/{}/fd", set.id()));
    until("it to wait for the records", || {
        let open = fs::read_dir(&descriptors).ok()?.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        open.into_iter().any(|path| path.ends_with("locks/seen.lock")).then_some(())
    });
    for record in fs::read_dir(other.state().join("seen")).unwrap().flatten().filter(|one| one.path().is_file()) {
        fs::copy(record.path(), me.state().join("seen").join(record.file_name())).unwrap();
    }
    drop(lock);
    let set = set.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&set.stderr);
    assert!(
        set.status.code() == Some(5) && said.contains("has seen another state of the vault of agent 'a'"),
        "{said}"
    );
    assert!(fs::read(there_path(&me)).unwrap() == before, "nothing is changed");
}
