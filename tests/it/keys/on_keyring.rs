//! The keys in a real gnome-keyring: moved there and back, rotated there.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{keys_in, opened};
use crate::keyring::{Session, somewhere};
use crate::sandbox::CAST;

#[test]
fn moved_there_and_back() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["init", "--key-store", "file"]).succeeds();
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    let key = session.sandbox.key();
    let moved = session.cast(["key", "move", "keyring"]).succeeds();
    assert!(moved.err.contains("in the OS keyring now"), "{moved:?}");
    assert!(!somewhere(session.sandbox.home(), b"AGE-SECRET-KEY-"));
    assert_eq!(session.items(), 1);
    session.cast(["list", "a"]).succeeds();
    let again = session.cast(["key", "move", "keyring"]).succeeds();
    assert!(again.err.contains("there already"), "{again:?}");
    session.cast(["key", "move", "file"]).succeeds();
    assert_eq!((session.items(), session.sandbox.key()), (0, key));
    session.cast(["list", "a"]).succeeds();
}

#[test]
fn rotated_there() {
    let Some(session) = Session::unlocked() else { return };
    for agent in ["a", "b"] {
        session.cast(["set", agent, "K", "hunter2"]).succeeds();
    }
    session.cast(["key", "rotate"]).succeeds();
    assert_eq!(opened(session.cast(["key", "status", "--json"])), [vec!["a", "b"], vec![]]);
    session.cast(["key", "rotate", "--retire"]).succeeds();
    assert_eq!(opened(session.cast(["key", "status", "--json"])), [["a", "b"]]);
    assert_eq!(session.items(), 1);
    assert!(!somewhere(session.sandbox.home(), b"AGE-SECRET-KEY-"));
}

#[test]
fn the_key_of_another_home_is_not_lost_by_a_move() {
    let Some(session) = Session::unlocked() else { return };
    let elsewhere = session.sandbox.home().join("elsewhere");
    session.cast(["set", "c", "K", "hunter2"]).env("CAST_HOME", &elsewhere).succeeds();
    session.cast(["init", "--key-store", "file"]).run();
    // The keyring came first: it is the key of both homes.
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    session.cast(["key", "move", "file"]).succeeds();
    assert_eq!((session.items(), keys_in(&session.sandbox.key_file()).len()), (0, 1));
    // One of its own in the file, another one in the keyring: neither is touched by the other's move.
    let other = crate::forge::Key::generate().identity();
    session.store(&[], other.as_bytes());
    session.cast(["key", "move", "file"]).succeeds();
    assert_eq!(session.items(), 1);
    session.cast(["key", "move", "keyring"]).succeeds();
    session.cast(["key", "move", "file"]).succeeds();
    assert_eq!(keys_in(&session.sandbox.key_file())[1], other);
    session.cast(["list", "a"]).succeeds();
}

#[test]
fn two_first_uses_in_different_homes_end_with_one_key() {
    let Some(session) = Session::unlocked() else { return };
    let homes = ["one", "two", "three", "four"].map(|name| session.sandbox.home().join(name));
    let children: Vec<_> = homes
        .iter()
        .map(|home| {
            let mut set = session.command(CAST);
            set.args(["set", "a", "K", "v"]).env("CAST_HOME", home).stdin(Stdio::null()).stderr(Stdio::null());
            set.spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(session.items(), 1);
    for home in &homes {
        session.cast(["list", "a"]).env("CAST_HOME", home).succeeds();
    }
}

#[test]
fn everything_works_while_it_is_rotated_there() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let run = scope.spawn(|| {
            let mut times = 0;
            while !done.load(Ordering::Relaxed) || times == 0 {
                session.cast(["run", "a", "--", "true"]).succeeds();
                times += 1;
            }
        });
        for _ in 0..5 {
            session.cast(["key", "rotate"]).succeeds();
            session.cast(["key", "rotate", "--retire"]).succeeds();
            session.cast(["key", "move", "file"]).succeeds();
            session.cast(["key", "move", "keyring"]).succeeds();
        }
        done.store(true, Ordering::Relaxed);
        run.join().unwrap();
    });
    assert_eq!(opened(session.cast(["key", "status", "--json"])), [["a"]]);
}
