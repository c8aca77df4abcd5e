//! What was put beside or in the place of a vault that this machine knows does not harm that one: not when it is
//! accepted, not when it is deleted, and not when that fails halfway.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::thread;

use super::{ID, SECRET, elsewhere, refused, sandbox, text, there, works};
use crate::durability::faults::{KILLED, injected, traced};
use crate::forge::{Key, Text, grant_of};
use crate::sandbox::{Sandbox, Tries, skip};

/// One of a former key, under the id of a vault that lies elsewhere.
fn planted(former: Key, agent: &str, id: &str, epoch: u64) -> Vec<u8> {
    Text::new(agent, id, former, &[("K", "evil")]).in_epoch(epoch, former).seal(former)
}

#[test]
fn what_a_former_key_made_gets_an_id_of_its_own_whatever_it_states() {
    // Whether the real one has the newest key already, which epoch the other one states, and whether another vault lay
    // in its place.
    for (is_sealed, epoch, is_known) in
        [(true, 1, false), (true, (1 << 53) - 2, false), (false, 1, false), (false, 9, false), (false, 7, true)]
    {
        let me = sandbox();
        let former = Key::master(&me);
        there(&me, &["set", "b", "K", "hunter2-b"]).succeeds();
        let known = Text::read(&elsewhere(&me).join("b.age"), former).id;
        if is_known {
            me.set("n", "K", "hunter2-n");
        }
        me.cast(["key", "rotate"]).succeeds();
        if is_sealed {
            there(&me, &["key", "rotate"]).succeeds();
        }
        fs::write(me.vault("n"), planted(former, "n", &known, epoch)).unwrap();
        me.cast(["list", "n"]).refuses(5, "the vault of agent 'n' ", &["evil"]);
        me.cast(["vault", "accept", "n", "--yes"]).succeeds();
        assert_ne!(Text::read(&me.vault("n"), Key::master(&me)).id, known);
        assert_eq!(me.value("n", "K"), b"evil");
        there(&me, &["list", "b"]).succeeds();
        there(&me, &["set", "b", "K", "hunter2-next"]).succeeds();
        there(&me, &["key", "revoke", "--agent", "b"]).succeeds();
    }
}

#[test]
fn built_in_secrets_of_a_former_key_get_an_id_of_their_own_too() {
    let me = sandbox();
    let former = Key::master(&me);
    there(&me, &["set", "builtin", "B", "hunter2-b"]).succeeds();
    let known = Text::read(&elsewhere(&me).join("builtin.age"), former).id;
    me.cast(["key", "rotate"]).succeeds();
    there(&me, &["key", "rotate"]).succeeds();
    fs::write(me.vault("builtin"), planted(former, "builtin", &known, 9)).unwrap();
    me.cast(["vault", "accept", "builtin", "--yes"]).succeeds();
    assert_ne!(Text::read(&me.vault("builtin"), Key::master(&me)).id, known);
    there(&me, &["list", "builtin"]).succeeds();
}

#[test]
fn what_a_former_key_made_is_deleted_without_a_look_whatever_it_states() {
    let me = sandbox();
    let (former, id) = (Key::master(&me), text(&me).id);
    me.set("n", "K", "hunter2-n");
    me.cast(["key", "rotate"]).succeeds();
    let real = fs::read(me.vault("n")).unwrap();
    let line = grant_of(&me, "a");
    for (agent, id, epoch) in [("m", id.as_str(), 1), ("m", id.as_str(), 9), ("n", id.as_str(), 9), ("n", ID, 1)] {
        fs::write(me.vault(agent), planted(former, agent, id, epoch)).unwrap();
        let asked = me.cast(["delete", agent, "--all"]).refuses(2, "--yes", &["evil"]);
        assert!(me.vault(agent).exists(), "{asked:?}");
        me.cast(["delete", agent, "--all", "--yes"]).succeeds();
        assert!(!me.vault(agent).exists());
    }
    // What lies elsewhere under that id stays, and what lay in its place is missed, and as it was.
    me.cast(["run", "a", "--", "true"]).env("CAST_KEY", line).succeeds();
    works(&me);
    me.cast(["set", "n", "K", "hunter2"]).refuses(2, "that this machine has seen is gone", &[SECRET]);
    fs::write(me.vault("n"), real).unwrap();
    assert_eq!(me.value("n", "K"), b"hunter2-n");
}

/// A full disk, and a writer of the folder: here a limit on the size of files.
#[test]
fn what_was_not_replaced_is_not_given_up() {
    let small = "ulimit -f 4";
    for is_there in [true, false] {
        let me = sandbox();
        let (file, line) = (fs::read(me.vault("a")).unwrap(), grant_of(&me, "a"));
        let words: &[&str] = if is_there {
            let master = Key::master(&me);
            fs::write(me.vault("a"), Text::new("a", ID, master, &[("K", "hunter2-other")]).seal(master)).unwrap();
            &["vault", "accept", "a", "--yes"]
        } else {
            fs::remove_file(me.vault("a")).unwrap();
            &["set", "a", "K", "hunter2-anew", "--new"]
        };
        let failed = me.cast_after(small, words).run();
        assert!(failed.code == 6, "{failed:?}");
        assert_eq!(me.vault("a").exists(), is_there);
        fs::write(me.vault("a"), &file).unwrap();
        assert_eq!(me.value("a", "K"), b"hunter2-first");
        me.cast(["run", "a", "--", "true"]).env("CAST_KEY", line).succeeds();
        works(&me);
    }
}

/// Killed before the other one was written, the former is what it was; after that, the other one is there, with a look
/// at most.
#[test]
fn a_kill_gives_up_nothing_that_was_not_replaced() {
    let other = |me: &Sandbox| {
        let master = Key::master(me);
        Text::new("a", ID, master, &[("K", "hunter2-other")]).seal(master)
    };
    for is_there in [true, false] {
        let words: &[&str] =
            if is_there { &["vault", "accept", "a", "--yes"] } else { &["set", "a", "K", "hunter2-new", "--new"] };
        let begin = || {
            let me = sandbox();
            let former = fs::read(me.vault("a")).unwrap();
            if is_there { fs::write(me.vault("a"), other(&me)) } else { fs::remove_file(me.vault("a")) }.unwrap();
            (me, former)
        };
        let Some(calls) = traced(&begin().0, words) else { return skip("kills beside: strace does not work here") };
        let calls: Vec<_> =
            calls.iter().filter(|call| ["rename", "fsync", "unlink", "flock"].contains(&call.name.as_str())).collect();
        assert!(calls.len() > 8, "only {} calls", calls.len());
        let tries = Tries::at(calls.len(), KILLED);
        let next = Mutex::new(calls.into_iter());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let Some(call) = next.lock().unwrap().next() else { break };
                        tries.next();
                        let (me, former) = begin();
                        let before = fs::read(me.vault("a")).ok();
                        let killed = injected(&me, words, call, "signal=SIGKILL");
                        assert!(killed.code == 128 + 9, "{}: {killed:?}", call.line);
                        if fs::read(me.vault("a")).ok() == before {
                            fs::write(me.vault("a"), former).unwrap();
                            works(&me);
                        } else if me.cast(["list", "a"]).run().code != 0 {
                            me.cast(["vault", "accept", "a", "--yes"]).succeeds();
                            assert!(me.value("a", "K") != b"hunter2-first", "{}", call.line);
                            fs::write(me.vault("a"), former).unwrap();
                            refused(&me, "the vault of agent 'a' ");
                        } else {
                            works(&me);
                        }
                    }
                });
            }
        });
    }
}

/// Whoever makes a vault looks again once it has the lock: who can write the folder can hold it, and take the vault
/// away meanwhile.
#[test]
fn what_is_taken_away_while_a_writer_waits_is_not_replaced() {
    if !std::path::Path::new("/proc/self/fd").exists() {
        return skip("vaults beside: needs /proc");
    }
    let me = sandbox();
    fs::write(me.home().join(".env"), "K=hunter2-next\n").unwrap();
    me.set("b", "K", "hunter2-b");
    let file = fs::read(me.vault("a")).unwrap();
    for words in [
        &["set", "a", "K", "hunter2-next"][..],
        &["secrets", "import", "a", ".env"],
        &["secrets", "copy", "b", "a", "--replace"],
    ] {
        fs::write(me.vault("a"), &file).unwrap();
        let lock = fs::File::create(me.vault("a").with_file_name(".cast.lock")).unwrap();
        // One that others can open is no lock.
        lock.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
        lock.lock().unwrap();
        let mut writer = me.cast(words).command();
        let mut writer = writer.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let files = format!("/proc/{}/fd", writer.id());
        let waits = || {
            fs::read_dir(&files).unwrap().flatten().any(|file| {
                fs::read_link(file.path()).is_ok_and(|path| path.file_name().is_some_and(|name| name == ".cast.lock"))
            })
        };
        while !waits() {
            assert_eq!(writer.try_wait().unwrap(), None, "{words:?}");
            thread::yield_now();
        }
        fs::remove_file(me.vault("a")).unwrap();
        drop(lock);
        let done = writer.wait_with_output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(
            done.status.code() == Some(2) && said.contains("that this machine has seen is gone"),
            "{words:?}: {said}"
        );
        assert!(said.contains("'--new'") && !said.contains(SECRET), "{words:?}: {said}");
        assert!(!me.vault("a").exists());
    }
    fs::write(me.vault("a"), &file).unwrap();
    works(&me);
}

#[test]
fn built_in_secrets_that_go_while_an_agent_starts_are_missed() {
    let me = sandbox();
    me.set("builtin", "SHARED", "hunter2-of-all");
    let words = ["run", "a", "--", "sh", "-c", "test \"$K\" = hunter2-first"];
    let Some(calls) = traced(&me, &words) else { return skip("built-in secrets: strace does not work here") };
    let reads: Vec<_> =
        calls.iter().filter(|call| call.name == "openat" && call.line.contains("builtin.age\"")).collect();
    assert!(!reads.is_empty());
    for read in reads {
        let run = injected(&me, &words, read, "error=ENOENT");
        assert!(run.code == 0 && run.err.contains("built-in secrets that this machine has seen are gone"), "{run:?}");
    }
}

/// Its holder can state any epoch: the last one after which the newest key can begin its own, say.
#[test]
fn a_former_keys_state_of_the_last_epoch_but_one_can_be_accepted() {
    for epoch in [(1 << 53) - 3, (1 << 53) - 2, (1 << 53) - 1] {
        let me = sandbox();
        let former = Key::master(&me);
        let first = text(&me);
        me.set("a", "K", "hunter2-next");
        me.cast(["key", "rotate"]).succeeds();
        fs::write(me.vault("a"), Text { epoch, ..first }.read_by_its_agent_key(former).seal(former)).unwrap();
        me.cast(["list", "a"]).refuses(5, "the vault of agent 'a' ", &["hunter2"]);
        me.cast(["vault", "accept", "a", "--yes"]).succeeds();
        assert_eq!(me.value("a", "K"), b"hunter2-first");
        me.cast(["key", "revoke", "--agent", "a"]).succeeds();
        works(&me);
    }
}
