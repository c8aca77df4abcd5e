//! Whoever can move the folder of the vaults and put another one, or a link, in its place makes no writer change a file there.

#![cfg(unix)]

use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cast_core::brokered::Brokering;
use cast_core::change::Missing;
use cast_core::disk::{Lock, OpenFolder, Transient};
use cast_core::failure::Result;
use cast_core::key_store::{KeyPlace, Nobody, PATIENCE};
use cast_core::paths::Places;
use cast_core::session::Session;
use cast_core::verbs::init::Init;
use cast_core::verbs::list::List;
use cast_core::verbs::set::Set;
use cast_vault::{AgentName, SecretName, SecretValue};

/// A folder with a locked file `a`, which lies elsewhere now: in its place a link leads to another folder with an `a`.
fn moved(home: &Path) -> (Transient, PathBuf, PathBuf) {
    let [here, elsewhere, private] = ["here", "elsewhere", "private"].map(|name| home.join(name));
    for folder in [&here, &private] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("a"), format!("of {}", folder.file_name().unwrap().display())).unwrap();
    }
    let lock = lock(&here);
    fs::rename(&here, elsewhere).unwrap();
    std::os::unix::fs::symlink(&private, &here).unwrap();
    (lock, here, private)
}

fn lock(folder: &Path) -> Transient {
    Lock::acquire_transient(&Arc::new(OpenFolder::open(folder).unwrap()), "lock".as_ref()).unwrap()
}

fn names(folder: &Path) -> Vec<OsString> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

/// Neither the file nor the one that it is written to before, at any time.
#[test]
fn nothing_is_written_in_another_folder() {
    let home = tempfile::tempdir().unwrap();
    let (lock, here, private) = moved(home.path());
    let replaced = lock.replace(&here.join("a"), &here.join("a.tmp"), b"new", &Cell::default(), |back| {
        assert_eq!((back, names(&private)), (&b"new"[..], vec!["a".into()]));
        Ok(())
    });
    assert!(replaced.unwrap_err().to_string().contains("the folder was moved or replaced meanwhile"));
    assert_eq!(fs::read_to_string(private.join("a")).unwrap(), "of private");
    // It is not left in the locked folder either, and what a killed writer left is cleared there.
    fs::write(private.join("left.tmp"), "").unwrap();
    lock.clear(&here.join("left.tmp"));
    drop(lock);
    assert_eq!(names(&home.path().join("elsewhere")), ["a"]);
    assert_eq!(fs::read_to_string(home.path().join("elsewhere/a")).unwrap(), "of here");
    assert_eq!(names(&private).len(), 2);
}

#[test]
fn nothing_is_removed_from_another_folder() {
    let home = tempfile::tempdir().unwrap();
    let (lock, here, private) = moved(home.path());
    lock.remove(&here.join("a")).unwrap();
    assert_eq!(fs::read_to_string(private.join("a")).unwrap(), "of private");
    assert!(!home.path().join("elsewhere/a").exists());
}

#[test]
fn a_lock_that_is_elsewhere_by_now_is_none() {
    let home = tempfile::tempdir().unwrap();
    let (lock, here, private) = moved(home.path());
    // The next writer locks where the path leads.
    let next = self::lock(&here);
    assert!(private.join("lock").exists());
    next.replace(&here.join("a"), &here.join("a.tmp"), b"new", &Cell::default(), |_| Ok(())).unwrap();
    drop((lock, next));
    assert_eq!(fs::read_to_string(private.join("a")).unwrap(), "new");
    assert_eq!(fs::read_to_string(home.path().join("elsewhere/a")).unwrap(), "of here");
}

/// Who can lead the way elsewhere during a command makes it judge nothing by what is known of another place, and write nothing there.
#[test]
fn a_command_stays_in_the_folder_that_it_opened() {
    let home = tempfile::tempdir().unwrap();
    let [first, second, link] = ["first", "second", "link"].map(|name| home.path().join(name));
    let session = |folder: &Path| {
        let places = Places::under(home.path()).with_vaults(folder);
        Session::new(places, Box::new(Nobody { patience: PATIENCE }))
    };
    session(&first).perform(Init { place: Some(KeyPlace::File) }).unwrap();
    let agent = AgentName::parse("a").unwrap();
    let set = |session: &Session, name: &str| -> Result<()> {
        let (name, value) = (SecretName::parse(name).unwrap(), SecretValue::from_text("v".to_owned()).unwrap());
        let set = Set {
            agent: &agent,
            name,
            value: Some(value),
            dangerous: false,
            unmasked: None,
            brokering: Brokering::default(),
            missing: Missing::Create,
        };
        session.perform(set).map(drop)
    };
    let names = |session: &Session| -> Vec<String> {
        session.perform(List { agent: &agent }).unwrap().into_iter().map(|secret| secret.name.to_string()).collect()
    };
    set(&session(&first), "FIRST").unwrap();
    set(&session(&second), "SECOND").unwrap();
    let seen = || {
        let places = fs::read_dir(home.path().join("state/seen/at")).unwrap().map(|place| place.unwrap().path());
        let mut places: Vec<_> = places.map(|place| (place.clone(), fs::read(place).unwrap())).collect();
        places.sort();
        places
    };
    let files = || [&first, &second].map(|folder| fs::read(folder.join("a.age")).unwrap());
    std::os::unix::fs::symlink(&first, &link).unwrap();
    let by_link = session(&link);
    assert_eq!(names(&by_link), ["FIRST"]);
    // With what a reader notes of the way.
    let before = (files(), seen());
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&second, &link).unwrap();
    assert_eq!(names(&by_link), ["FIRST"]);
    let refused = set(&by_link, "K").unwrap_err();
    assert!(refused.to_string().contains("the folder was moved or replaced meanwhile"), "{refused}");
    assert!((files(), seen()) == before);
    // Nor does the next command follow the link to another vault of that name than the one that it led to before.
    let other = session(&link).perform(List { agent: &agent }).unwrap_err();
    assert!(other.to_string().contains("is not the vault that this machine has known here"), "{other}");
    assert_eq!(names(&session(&second)), ["SECOND"]);
    assert!((files(), seen()) == before);
}
