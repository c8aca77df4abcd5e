//! A rotation goes by what this machine has seen, and where: who can write a folder, or lead the way to it elsewhere,
//! gets no key dropped that is needed, and nothing taken over.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{keys_in, sandbox};
use crate::forge::{Key, Text};
use crate::sandbox::{Sandbox, skip};

const ID: &str = "42424242424242424242424242424242";
const REFUSED: &str = "belongs to a former key of yours";

fn elsewhere(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join("elsewhere")
}

/// A vault that lets Eve in, as a holder of `key` makes one.
fn planted(agent: &str, key: Key) -> Text {
    Text::new(agent, ID, key, &[("K", "evil")]).with_person("eve", &Key::generate().card(), &["K"]).signed(key)
}

/// `--retire`, with the vaults of `folder`, drops nothing and says why.
#[track_caller]
fn keeps_the_former_key(sandbox: &Sandbox, folder: &Path, why: &str) {
    let kept = sandbox.cast(["key", "rotate", "--retire"]).env("CAST_VAULTS", folder).run();
    assert!(kept.code == 1 && kept.err.contains(why) && kept.err.contains("--retire --yes'"), "{why}: {kept:?}");
    assert!(kept.err.contains(", and the former keys are kept"), "{kept:?}");
    assert_eq!(keys_in(&sandbox.key_file()).len(), 2);
}

#[test]
fn what_is_gone_from_this_folder_keeps_the_former_key() {
    for is_new in [false, true] {
        let owner = sandbox();
        let folder = owner.vault("b").parent().unwrap().to_owned();
        let file = fs::read(owner.vault("b")).unwrap();
        fs::remove_file(owner.vault("b")).unwrap();
        if !is_new {
            owner.cast(["key", "rotate"]).succeeds();
        }
        keeps_the_former_key(&owner, &folder, "has seen is gone: '");
        // It comes back.
        fs::write(owner.vault("b"), file).unwrap();
        assert_eq!(owner.value("b", "K"), b"hunter2-of-b");
        fs::remove_file(owner.vault("b")).unwrap();
        owner.cast(["key", "rotate", "--retire", "--yes"]).succeeds();
        assert_eq!(keys_in(&owner.key_file()).len(), 1);
        // What was deleted on purpose is not gone.
        owner.cast(["key", "rotate"]).succeeds();
        keeps_the_former_key(&owner, &folder, "has seen is gone: '");
        owner.cast(["set", "b", "K", "hunter2", "--new"]).succeeds();
        owner.cast(["delete", "b", "--all", "--yes"]).succeeds();
        owner.cast(["key", "rotate", "--retire"]).succeeds();
    }
    // The whole folder, as on a disk that is not mounted.
    let owner = sandbox();
    let folder = elsewhere(&owner);
    owner.cast(["set", "c", "K", "hunter2-of-c"]).env("CAST_VAULTS", &folder).succeeds();
    fs::rename(&folder, owner.home().join("away")).unwrap();
    owner.cast(["key", "rotate"]).succeeds();
    keeps_the_former_key(&owner, &folder, "elsewhere/c.age'");
    fs::remove_dir_all(&folder).unwrap();
    fs::rename(owner.home().join("away"), &folder).unwrap();
    owner.cast(["list", "c"]).env("CAST_VAULTS", &folder).succeeds();
}

#[test]
fn another_vault_in_the_place_of_one_elsewhere_keeps_the_former_key() {
    type Swap = fn(&Sandbox) -> Vec<u8>;
    let cases: [(&str, Swap); 4] = [
        ("one that no key opens", |_| {
            let key = Key::generate();
            Text::new("b", ID, key, &[]).seal(key)
        }),
        ("another owner's", |me| {
            let key = Key::generate();
            Text::new("b", ID, key, &[]).with_person("me", &Key::master(me).card(), &[]).seal(key)
        }),
        ("another one of the same owner", |me| fs::read(me.vault("b")).unwrap()),
        ("the newest key's own, which that key does not open", |me| {
            let (newest, former) = (Key::master(me), keys_in(&me.key_file()).pop().unwrap());
            let known = Text::read(&elsewhere(me).join("b.age"), Key::parse(&former));
            Text::new("b", &known.id, newest, &[]).signed(newest).encrypt(&[&Key::parse(&former).recipient()])
        }),
    ];
    for (what, swap) in cases {
        let me = sandbox();
        let there = elsewhere(&me).join("b.age");
        me.cast(["set", "b", "K", "hunter2-there"]).env("CAST_VAULTS", elsewhere(&me)).succeeds();
        me.cast(["key", "rotate"]).succeeds();
        let file = fs::read(&there).unwrap();
        fs::write(&there, swap(&me)).unwrap();
        let folder = me.vault("a").parent().unwrap().to_owned();
        keeps_the_former_key(&me, &folder, "is gone, and another lies in its place: '");
        fs::write(&there, file).unwrap();
        let list = me.cast(["list", "b"]).env("CAST_VAULTS", elsewhere(&me)).run();
        assert_eq!(list.code, 0, "{what}: {list:?}");
    }
}

/// Where vaults were seen is also the way by which they were reached.
#[test]
fn a_way_that_leads_elsewhere_now_is_no_new_folder() {
    let owner = Sandbox::new();
    let (first, second, way) = (owner.home().join("1"), owner.home().join("2"), owner.home().join("way"));
    for folder in [&first, &second] {
        fs::create_dir(folder).unwrap();
    }
    symlink(&first, &way).unwrap();
    let cast = |words: &[&str]| owner.cast(words).env("CAST_VAULTS", &way);
    cast(&["set", "a", "K", "hunter2-a"]).succeeds();
    let former = Key::master(&owner);
    let file = planted("m", former).file();
    fs::write(second.join("m.age"), &file).unwrap();
    fs::remove_file(&way).unwrap();
    symlink(&second, &way).unwrap();
    // Nor is one that leads there by that way.
    let outer = owner.home().join("outer");
    symlink(&way, &outer).unwrap();
    for way in [&outer, &way] {
        let rotated = owner.cast(["key", "rotate"]).env("CAST_VAULTS", way).run();
        assert!(rotated.code == 5 && rotated.err.contains(REFUSED), "{rotated:?}");
        assert!(fs::read(second.join("m.age")).unwrap() == file);
    }
}

/// As one's own.
#[test]
fn another_vault_in_the_place_of_an_accepted_one_keeps_the_former_key() {
    let me = sandbox();
    let (owner, stranger) = (Key::generate(), Key::generate());
    let there = elsewhere(&me).join("t.age");
    fs::create_dir_all(elsewhere(&me)).unwrap();
    let listed = |text: Text| text.with_person("me", &Key::master(&me).card(), &["K"]);
    let real = listed(Text::new("t", ID, owner, &[("K", "theirs")])).seal(owner);
    fs::write(&there, &real).unwrap();
    me.cast(["vault", "accept", "t", "--yes"]).env("CAST_VAULTS", elsewhere(&me)).succeeds();
    me.cast(["key", "rotate"]).succeeds();
    let folder = me.vault("a").parent().unwrap().to_owned();
    for other in [
        Text::new("t", ID, stranger, &[]).seal(stranger),
        listed(Text::new("t", ID, stranger, &[("K", "evil")])).seal(stranger),
        listed(Text::new("t", &"43".repeat(16), owner, &[("K", "evil")])).seal(owner),
    ] {
        fs::write(&there, other).unwrap();
        keeps_the_former_key(&me, &folder, "is gone, and another lies in its place: '");
    }
    fs::write(&there, real).unwrap();
    me.cast(["list", "t"]).env("CAST_VAULTS", elsewhere(&me)).succeeds();
}

/// Only its owner can seal it to the new key.
#[test]
fn another_owners_vault_that_lists_a_former_card_keeps_the_former_key() {
    for is_elsewhere in [false, true] {
        let me = sandbox();
        let other = Key::generate();
        let here = me.vault("a").parent().unwrap().to_owned();
        let folder = if is_elsewhere { elsewhere(&me) } else { here.clone() };
        fs::create_dir_all(&folder).unwrap();
        let shared = |text: Text, name| text.with_person(name, &Key::master(&me).card(), &["K"]);
        let first = shared(Text::new("t", ID, other, &[("K", "theirs")]), "me");
        fs::write(folder.join("t.age"), first.seal(other)).unwrap();
        let accept = || me.cast(["vault", "accept", "t", "--yes"]).env("CAST_VAULTS", &folder).succeeds();
        accept();
        me.cast(["key", "rotate"]).succeeds();
        // It is known to be needed, so `--yes` does not help.
        let keeps = || {
            for yes in [&["--yes"][..], &[]] {
                let kept = me.cast([&["key", "rotate", "--retire"], yes].concat()).env("CAST_VAULTS", &here).run();
                let why = "another owner's vault lists a former key of yours";
                assert!(kept.code == 1 && kept.err.contains(why), "{kept:?}");
                assert_eq!(keys_in(&me.key_file()).len(), 2);
            }
        };
        keeps();
        // A stanza for the newest key alone is not enough.
        let mut recipients = first.clone().signed(other).recipients();
        recipients.push(Key::master(&me).recipient());
        let recipients: Vec<_> = recipients.iter().map(String::as_str).collect();
        fs::write(folder.join("t.age"), first.clone().signed(other).encrypt(&recipients)).unwrap();
        keeps();
        fs::write(folder.join("t.age"), shared(first, "new").next().seal(other)).unwrap();
        me.cast(["key", "rotate", "--retire"]).succeeds();
        assert_eq!(keys_in(&me.key_file()).len(), 1);
        let value = me.cast(["run", "t", "--no-mask", "--", "printenv", "K"]).env("CAST_VAULTS", &folder).succeeds();
        assert_eq!(value.out, "theirs\n");
    }
}

/// What a rotation began to take in lay in one folder, and not in another to which the same link leads now.
#[test]
fn what_a_killed_rotation_takes_in_lies_in_its_folder() {
    let owner = sandbox();
    let (first, second) = (owner.home().join("1"), owner.vault("a").parent().unwrap().to_owned());
    let way = owner.home().join("way");
    let key = Key::master(&owner);
    fs::create_dir(&first).unwrap();
    symlink(&first, &way).unwrap();
    fs::write(first.join("m.age"), planted("m", key).file()).unwrap();
    let cast = |words: &[&str]| owner.cast(words).env("CAST_VAULTS", &way);
    // As of one that did not come to its end.
    let record = owner.state().join("seen/taking-in");
    let begun = Text::read(&first.join("m.age"), key);
    let (part, values) = begun.hashes();
    let states = format!("{} {part} {values}\n", begun.epoch);
    fs::write(&record, format!("{} {}\n{states}", key.recipient(), way.display())).unwrap();
    fs::copy(first.join("m.age"), second.join("m.age")).unwrap();
    fs::remove_file(&way).unwrap();
    symlink(&second, &way).unwrap();
    let rotated = cast(&["key", "rotate"]).run();
    assert!(rotated.code == 5 && rotated.err.contains("'cast vault accept m'"), "{rotated:?}");
    assert!(Text::read(&second.join("m.age"), key) == begun);
}

#[test]
fn a_folder_is_known_by_each_byte_of_its_name() {
    let owner = Sandbox::new();
    let folder = owner.home().join(OsStr::from_bytes(b"v\xff"));
    if fs::create_dir(&folder).is_err() {
        return skip("keys places: this disk has no names that are not Unicode");
    }
    let cast = |words: &[&str]| owner.cast(words).env("CAST_VAULTS", &folder);
    cast(&["set", "a", "K", "hunter2-a"]).succeeds();
    cast(&["set", "builtin", "SHARED", "hunter2-of-all"]).succeeds();
    // The built-in secrets of that folder do not go to another one unasked.
    let other = elsewhere(&owner);
    fs::create_dir(&other).unwrap();
    fs::copy(folder.join("builtin.age"), other.join("builtin.age")).unwrap();
    owner.cast(["set", "c", "K", "hunter2-c"]).env("CAST_VAULTS", &other).succeeds();
    let run = owner.cast(["run", "c", "--", "touch", "started"]).env("CAST_VAULTS", &other);
    run.refuses(125, "is that of another folder", &["hunter2"]);
    fs::write(folder.join("m.age"), planted("m", Key::master(&owner)).file()).unwrap();
    let rotated = cast(&["key", "rotate"]).run();
    assert!(rotated.code == 5 && rotated.err.contains("2 vaults sealed to it"), "{rotated:?}");
    assert!(rotated.err.contains("'cast vault accept m'"), "{rotated:?}");
    cast(&["delete", "m", "--all", "--yes"]).succeeds();
    let doctor = cast(&["doctor"]).run();
    assert!(!format!("{doctor:?}").contains("is gone"), "{doctor:?}");
}

/// The same key and folder, whose first rotation did not come to its end.
#[test]
fn what_comes_after_a_rotation_that_did_not_end_is_not_taken_over() {
    // An error: nothing was taken over yet.
    let owner = sandbox();
    let key = Key::master(&owner);
    fs::remove_dir_all(owner.state()).unwrap();
    fs::create_dir(owner.vault("z")).unwrap();
    let failed = owner.cast(["key", "rotate"]).run();
    assert!(failed.code == 6 && keys_in(&owner.key_file()).len() == 1, "{failed:?}");
    fs::remove_dir(owner.vault("z")).unwrap();
    owner.set("a", "K", "hunter2-later");
    fs::write(owner.vault("m"), planted("m", key).file()).unwrap();
    let rotated = owner.cast(["key", "rotate"]).run();
    assert!(rotated.code == 5 && rotated.err.contains("'cast vault accept m'"), "{rotated:?}");

    // A kill, when one of two was taken over: the next one takes the other, unless the user has gone on.
    for goes_on in [false, true] {
        let owner = sandbox();
        let key = Key::master(&owner);
        let states = ["a", "b"].map(|agent| {
            let text = Text::read(&owner.vault(agent), key);
            let (part, values) = text.hashes();
            format!("{} {part} {values}\n", text.epoch)
        });
        fs::remove_dir_all(owner.state()).unwrap();
        owner.cast(["list", "a"]).succeeds();
        let (record, folder) = (owner.state().join("seen/taking-in"), owner.vault("a").parent().unwrap().to_owned());
        fs::write(
            &record,
            format!("{} {} {}\n{}", key.recipient(), folder.as_os_str().len(), folder.display(), states.concat()),
        )
        .unwrap();
        fs::write(owner.vault("m"), planted("m", key).file()).unwrap();
        if goes_on {
            owner.set("a", "L", "hunter2-later");
            assert!(!record.exists());
        }
        let rotated = owner.cast(["key", "rotate"]).run();
        assert!(rotated.code == 5 && rotated.err.contains("'cast vault accept m'"), "{rotated:?}");
        assert_eq!(rotated.err.contains("'cast vault accept b'"), goes_on, "{rotated:?}");
        assert_eq!(rotated.err.contains("the new key takes them over: 'a', 'b'"), !goes_on, "{rotated:?}");
        assert!(!record.exists());
    }
}

/// Who can make a header can give it a stanza for any key.
#[test]
fn a_stanza_for_the_newest_key_makes_no_vault_of_it() {
    let owner = sandbox();
    let former = Key::master(&owner);
    owner.cast(["key", "rotate"]).succeeds();
    for more in [true, false] {
        let text = Text { id: if more { "43" } else { "44" }.repeat(16), ..planted("m", former) }.in_epoch(1, former);
        let text = text.signed(former);
        let newest = Key::master(&owner).recipient();
        let mut recipients = text.recipients();
        recipients.retain(|_| more);
        recipients.push(newest);
        fs::write(owner.vault("m"), text.encrypt(&recipients.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
        owner.cast(["list", "m"]).refuses(5, REFUSED, &["evil"]);
        owner.cast(["set", "m", "K", "hunter2"]).refuses(5, REFUSED, &["evil", "hunter2"]);
        for words in [&["key", "rotate"][..], &["key", "rotate", "--retire"]] {
            let waits = owner.cast(words).run();
            assert!(waits.code == 5 && waits.err.contains("'cast vault accept m'"), "{waits:?}");
            assert_eq!(keys_in(&owner.key_file()).len(), 2);
        }
        let shown = owner.cast(["vault", "accept", "m"]).run();
        assert!(
            shown.code == 2 && shown.err.contains("person 'eve', fingerprint ") && shown.err.contains(": may set K\n"),
            "{shown:?}"
        );
        owner.cast(["delete", "m", "--all", "--yes"]).succeeds();
    }
    fs::write(owner.vault("n"), planted("n", former).encrypt(&[&Key::master(&owner).recipient()])).unwrap();
    owner.cast(["vault", "accept", "n", "--yes"]).succeeds();
    owner.cast(["key", "rotate", "--retire"]).succeeds();
    assert_eq!(owner.value("n", "K"), b"evil");
}
