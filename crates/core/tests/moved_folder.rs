//! Whoever can move the folder of the vaults and put another one, or a link, in its place makes no writer change a file there.

#![cfg(unix)]

use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use cast_core::disk::{Lock, Transient};

/// A folder with a locked file `a`, which lies elsewhere now: in its place a link leads to another folder with an `a`.
fn moved(home: &Path) -> (Transient, PathBuf, PathBuf) {
    let [here, elsewhere, private] = ["here", "elsewhere", "private"].map(|name| home.join(name));
    for folder in [&here, &private] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("a"), format!("of {}", folder.file_name().unwrap().display())).unwrap();
    }
    let lock = Lock::acquire_transient(&here.join("lock")).unwrap();
    fs::rename(&here, elsewhere).unwrap();
    std::os::unix::fs::symlink(&private, &here).unwrap();
    (lock, here, private)
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
    let next = Lock::acquire_transient(&here.join("lock")).unwrap();
    assert!(private.join("lock").exists());
    next.replace(&here.join("a"), &here.join("a.tmp"), b"new", &Cell::default(), |_| Ok(())).unwrap();
    drop((lock, next));
    assert_eq!(fs::read_to_string(private.join("a")).unwrap(), "new");
    assert_eq!(fs::read_to_string(home.path().join("elsewhere/a")).unwrap(), "of here");
}
