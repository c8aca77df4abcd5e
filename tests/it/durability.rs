//! A vault is the old one or the new one, whole: parallel writers, kills, failing and full disks, locks. Readers of
//! what is known never wait.

mod disk;
pub mod faults;
mod order;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::advice::{told, typed};
use crate::sandbox::{Sandbox, Tries, lacks};

const AT_ONCE: &str = "writers at once";

/// The file that writers of vaults lock, which is there only while one of them holds it.
fn lock_file(sandbox: &Sandbox) -> File {
    let path = sandbox.data().join("vaults/.cast.lock");
    let file = File::create(path).unwrap();
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    file
}

/// Every file whose name marks it as temporary.
pub fn leftovers(sandbox: &Sandbox) -> Vec<String> {
    let paths = sandbox.snapshot().into_keys();
    paths.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).filter(|name| name.contains(".tmp")).collect()
}

#[test]
fn fifty_writers_of_one_vault_and_readers_meanwhile() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let (done, tries) = (AtomicBool::new(false), Tries::at(1, AT_ONCE));
    let reads = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) || reads == 0 {
                let before = sandbox.listing("a").len();
                sandbox.cast(["run", "a", "--", "printenv", "K"]).succeeds();
                assert!(sandbox.listing("a").len() >= before);
                reads += 1;
            }
            reads
        });
        let set = |number: usize| {
            tries.next();
            sandbox.set("a", &format!("KEY_{number}"), &number.to_string());
        };
        let writers: Vec<_> = (0..50).map(|number| scope.spawn(move || set(number))).collect();
        let ended: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        for end in ended {
            end.unwrap();
        }
        reader.join().unwrap()
    });
    assert!(reads > 0);
    let keys: BTreeSet<_> = sandbox.listing("a").iter().map(|secret| secret["key"].to_string()).collect();
    assert_eq!(keys.len(), 51);
    assert_eq!(leftovers(&sandbox), Vec::<String>::new());
}

#[test]
fn writers_from_two_homes_of_one_folder() {
    let (one, other) = (Sandbox::with("a", &[("K", "v")]), Sandbox::empty());
    let (key, vaults, tries) = (one.key(), one.data().join("vaults"), Tries::at(1, AT_ONCE));
    thread::scope(|scope| {
        for number in 0..60 {
            tries.next();
            let (key, vaults, home) = (&key, &vaults, if number % 2 == 0 { &one } else { &other });
            scope.spawn(move || {
                let set = home.cast(["set", "a", &format!("KEY_{number}"), "--", "v"]);
                set.env("CAST_KEY", key).env("CAST_VAULTS", vaults).succeeds();
            });
        }
    });
    assert_eq!(one.listing("a").len(), 61);
    // They come to the folder itself, where cast writes only vaults.
    let files: Vec<_> = fs::read_dir(&vaults).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["a.age"]);
    assert!(other.state().join("locks").exists());
}

/// What they share is the name under which their home counts, which the first of them makes.
#[test]
fn first_writers_in_several_folders_of_one_home() {
    let tries = Tries::at(1, AT_ONCE);
    for _ in 0..5 {
        let sandbox = Sandbox::new();
        thread::scope(|scope| {
            for number in 0..4 {
                tries.next();
                let (sandbox, vaults) = (&sandbox, sandbox.home().join(format!("vaults-{number}")));
                scope.spawn(move || sandbox.cast(["set", "a", "K", "v"]).env("CAST_VAULTS", vaults).succeeds());
            }
        });
        assert_eq!(leftovers(&sandbox), Vec::<String>::new());
    }
}

#[test]
fn a_folder_locked_from_another_home() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let lock = lock_file(&sandbox);
    lock.lock().unwrap();
    // A file that another home is writing is not a leftover.
    let begun = sandbox.data().join("vaults/.a.1.age.tmp");
    fs::write(&begun, "half a vault").unwrap();
    let mut writer = sandbox.cast(["-q", "set", "a", "K", "next"]).command().spawn().unwrap();
    for _ in 0..10 {
        assert_eq!(sandbox.value("a", "K"), b"v");
        assert!(writer.try_wait().unwrap().is_none() && begun.exists());
    }
    assert!(!sandbox.cast(["doctor"]).run().out.contains(".age.tmp"));
    lock.unlock().unwrap();
    assert!(writer.wait().unwrap().success());
    assert_eq!(sandbox.value("a", "K"), b"next");
    assert!(!begun.exists());
}

#[test]
fn writers_of_many_new_vaults() {
    let (sandbox, tries) = (Sandbox::new(), Tries::at(1, AT_ONCE));
    thread::scope(|scope| {
        for number in 0..20 {
            tries.next();
            let sandbox = &sandbox;
            scope.spawn(move || sandbox.set(&format!("agent-{number}"), "K", "v"));
        }
    });
    for number in 0..20 {
        assert_eq!(sandbox.value(&format!("agent-{number}"), "K"), b"v");
    }
}

#[test]
fn the_same_new_vault_by_two_writers() {
    let tries = Tries::at(1, AT_ONCE);
    for _ in 0..5 {
        let sandbox = Sandbox::new();
        thread::scope(|scope| {
            for key in ["ONE", "TWO", "THREE"] {
                tries.next();
                let sandbox = &sandbox;
                scope.spawn(move || sandbox.set("a", key, "v"));
            }
        });
        assert_eq!(sandbox.listing("a").len(), 3);
    }
}

#[test]
fn a_thousand_vaults_in_a_row_all_open() {
    // age adds random stanzas. Each write reads the one before, and the last is read here.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let sandbox = Sandbox::new();
                for number in 0..250 {
                    sandbox.set("a", "K", &number.to_string());
                }
                assert_eq!(sandbox.value("a", "K"), b"249");
            });
        }
    });
}

#[test]
fn a_lock_held_by_another() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    fs::write(sandbox.home().join(".env"), "K=hunter2-new\n").unwrap();
    let lock = lock_file(&sandbox);
    lock.lock().unwrap();
    // Readers ignore the lock.
    sandbox.cast(["list", "a"]).succeeds();
    assert_eq!(sandbox.value("a", "K"), b"hunter2");
    let begin = Instant::now();
    thread::scope(|scope| {
        let mut refusals = Vec::new();
        for words in [
            &["set", "a", "K", "hunter2"][..],
            &["delete", "a", "K"],
            &["delete", "a", "--all", "--yes"],
            &["secrets", "import", "a", ".env"],
            &["secrets", "copy", "a", "b"],
            &["secrets", "rename", "a", "K", "L"],
        ] {
            let sandbox = &sandbox;
            refusals.push(scope.spawn(move || sandbox.cast(words).refuses(7, "held the lock for 10 s", &["hunter2"])));
        }
        let refused = refusals.into_iter().map(|refusal| refusal.join().unwrap()).next().unwrap();
        let command = told(&refused, "find out which process: {command}").hole(0).to_owned();
        if !lacks("fuser", "the lock that another process holds") {
            let holders = typed(&sandbox, &command).succeeds();
            assert!(holders.out.contains(&std::process::id().to_string()), "{holders:?}");
        }
    });
    assert!((Duration::from_secs(10)..Duration::from_secs(20)).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    lock.unlock().unwrap();
    sandbox.set("a", "K", "v");
}

/// A user who can read the folder can lock it, and keeps nobody from writing.
#[test]
fn a_lock_on_the_folder_itself_holds_up_no_writer() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let folder = File::open(sandbox.data().join("vaults")).unwrap();
    folder.lock().unwrap();
    sandbox.set("a", "K", "next");
    assert_eq!(sandbox.value("a", "K"), b"next");
}

/// The lock file goes with the lock. One that a killed writer left is taken over.
#[test]
fn the_lock_file_goes_with_the_lock() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let path = sandbox.data().join("vaults/.cast.lock");
    assert!(!path.exists());
    drop(lock_file(&sandbox));
    sandbox.set("a", "K", "next");
    assert!(!path.exists());
    // Neither a link nor a file that others can open is locked: both are cleared away.
    let elsewhere = sandbox.home().join("elsewhere");
    let foreign = File::create(&elsewhere).unwrap();
    foreign.lock().unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    sandbox.set("a", "K", "third");
    let open = File::create(&path).unwrap();
    open.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    open.lock().unwrap();
    sandbox.set("a", "K", "fourth");
    assert!(!path.exists() && elsewhere.exists());
}

#[test]
fn a_lock_let_go_in_time() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let lock = lock_file(&sandbox);
    lock.lock().unwrap();
    let mut writer = sandbox.cast(["-q", "set", "a", "K", "next"]).command().spawn().unwrap();
    // Readers see the old value for as long as the writer waits.
    for _ in 0..10 {
        assert_eq!(sandbox.value("a", "K"), b"v");
        assert!(writer.try_wait().unwrap().is_none());
    }
    lock.unlock().unwrap();
    assert!(writer.wait().unwrap().success());
    assert_eq!(sandbox.value("a", "K"), b"next");
}
