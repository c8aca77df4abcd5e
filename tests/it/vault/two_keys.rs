//! One machine can know a vault as a person, by its owner's card, and as its owner, whose key came to it. What it has seen
//! of the vault in one way holds in the other.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{ID, SECRET, elsewhere, second_machine, there};
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
    other.cast(["list", "a"]).succeeds();
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
