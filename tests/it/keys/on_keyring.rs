//! The keys in a real gnome-keyring: moved there and back, rotated there.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{keys_in, opened};
use crate::durability::faults::traced_on;
use crate::keyring::{Session, somewhere};
use crate::sandbox::{CAST, skip};

#[test]
fn moved_there_and_back() {
    let Some(session) = Session::unlocked() else { return };
    session.cast(["init", "--key-store", "file"]).succeeds();
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    let key = session.sandbox.key();
    let moved = session.cast(["key", "move", "keyring"]).succeeds();
    assert!(moved.err.contains("moved to the OS keyring"), "{moved:?}");
    assert!(!somewhere(session.sandbox.home(), b"AGE-SECRET-KEY-"));
    assert_eq!(session.items(), 1);
    session.cast(["list", "a"]).succeeds();
    let again = session.cast(["key", "move", "keyring"]).succeeds();
    assert!(again.err.contains("already in"), "{again:?}");
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
    // The keyring held the key first: both homes use it.
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    session.cast(["key", "move", "file"]).succeeds();
    assert_eq!((session.items(), keys_in(&session.sandbox.key_file()).len()), (0, 1));
    // One key in a home's file, another in the keyring: moving one does not touch the other.
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
fn the_key_of_other_homes_is_taken_from_them_by_word_alone() {
    let Some(session) = Session::unlocked() else { return };
    let elsewhere = session.sandbox.home().join("elsewhere");
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    session.cast(["set", "c", "K", "hunter2"]).env("CAST_HOME", &elsewhere).succeeds();
    session.cast(["key", "rotate"]).env("CAST_HOME", &elsewhere).succeeds();
    for words in [["key", "rotate", "--retire"], ["key", "move", "file"]] {
        let refused = session.cast(words).env("CAST_HOME", &elsewhere).refuses(2, "all homes of this user", &[]);
        assert!(refused.err.contains("'--yes'"), "{refused:?}");
    }
    assert_eq!(session.items(), 1);
    // Once the vaults here are sealed to the newest key as well, the former key may go.
    // The newest was not made in this home.
    session.cast(["list", "a"]).succeeds();
    let rotated = session.cast(["key", "rotate"]).run();
    assert!(rotated.code == 5 && rotated.err.contains("the newest was not made here"), "{rotated:?}");
    session.cast(["vault", "accept", "a", "--yes"]).succeeds();
    session.cast(["key", "rotate", "--retire", "--yes"]).env("CAST_HOME", &elsewhere).succeeds();
    session.cast(["list", "a"]).succeeds();
    session.cast(["key", "move", "file", "--yes"]).env("CAST_HOME", &elsewhere).succeeds();
    assert_eq!((session.items(), keys_in(&elsewhere.join("key.txt")).len()), (0, 1));
    // With its own key in a file, this home does not need the keyring's.
    session.cast(["key", "rotate", "--retire"]).env("CAST_HOME", &elsewhere).succeeds();
}

#[test]
fn a_key_that_moves_away_while_it_is_fetched_is_found_where_it_went() {
    let Some(session) = Session::unlocked() else { return };
    let words = ["run", "a", "--", "true"];
    session.cast(["set", "a", "K", "hunter2"]).succeeds();
    let Some(calls) = traced_on(&session.sandbox, &session.address, &words) else {
        return skip("a key that moves while it is fetched: strace does not work here");
    };
    let talk = calls.iter().filter(|call| call.name.starts_with("send") || call.name.starts_with("recv"));
    let mut stops = 0;
    for call in talk {
        let log = session.sandbox.home().join("stopped.log");
        let inject = format!("inject={}:signal=SIGSTOP:when={}", call.name, call.number);
        let mut reader = session.command("strace");
        reader.env_remove("XDG_RUNTIME_DIR").env_remove("XDG_DATA_HOME");
        reader.args(["-f", "-qq", "-e", &format!("trace={}", call.name), "-e", &inject, "-o"]).arg(&log);
        let mut reader = reader.arg(CAST).args(words).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stopped = loop {
            let text = fs::read_to_string(&log).unwrap_or_default();
            if let Some(line) = text.lines().find(|line| line.contains("stopped by SIGSTOP")) {
                break line.split_whitespace().next().map(str::to_owned);
            }
            if reader.try_wait().unwrap().is_some() {
                break None;
            }
            thread::yield_now();
        };
        session.cast(["key", "move", "file"]).succeeds();
        if let Some(process) = stopped {
            stops += 1;
            assert!(session.command("kill").args(["-CONT", &process]).status().unwrap().success());
        }
        let output = reader.wait_with_output().unwrap();
        assert!(output.status.success(), "stopped after {}: {output:?}", call.line);
        session.cast(["key", "move", "keyring"]).succeeds();
        fs::remove_file(log).unwrap();
    }
    assert!(stops > 3, "only {stops} stops");
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
