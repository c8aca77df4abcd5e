//! `CAST_PASSPHRASE_FILE`: opens and makes `key.age` without a person, and nothing of it reaches CMD.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use crate::sandbox::{Call, Sandbox};
use crate::terminal::Terminal;

const WORD: &str = "correct horse";
const VARIABLE: &str = "CAST_PASSPHRASE_FILE";

/// An empty home with the passphrase in `word`, which ends as an editor ends it.
fn with_word(word: &str) -> Sandbox {
    let sandbox = Sandbox::empty();
    write(&sandbox, word.as_bytes());
    sandbox
}

fn write(sandbox: &Sandbox, word: &[u8]) {
    let path = sandbox.home().join("word");
    fs::write(&path, word).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
}

/// One whose key is in `key.age`, with the secret `K` of agent `a`.
fn sealed() -> Sandbox {
    let sandbox = with_word("correct horse\n");
    given(&sandbox, &["init", "--key-store", "passphrase"]).succeeds();
    given(&sandbox, &["set", "a", "K", "hunter2"]).succeeds();
    sandbox
}

fn given<'a>(sandbox: &'a Sandbox, words: &[&str]) -> Call<'a> {
    sandbox.cast(words).env(VARIABLE, "word")
}

#[test]
fn makes_and_opens_a_key_file() {
    let sandbox = with_word("correct horse\r\n");
    let made = given(&sandbox, &["init", "--key-store", "passphrase"]).succeeds();
    assert!(made.err.contains("key.age"), "{made:?}");
    made.says_nothing_of(&["horse"]);
    assert!(!sandbox.key_file().exists());
    given(&sandbox, &["set", "a", "K", "hunter2"]).succeeds();
    let run = given(&sandbox, &["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds();
    assert_eq!((run.out.as_str(), run.err.as_str()), ("hunter2\n", ""));
    given(&sandbox, &["key", "rotate"]).succeeds();
    given(&sandbox, &["key", "move", "file"]).succeeds();
    assert!(sandbox.key().starts_with("AGE-SECRET-KEY-1") && !sandbox.data().join("key.age").exists());
    given(&sandbox, &["key", "move", "passphrase"]).succeeds();
    // The line end is no part of it: what a person types is the same.
    let mut list = Terminal::start(sandbox.cast(["list", "a"]));
    list.sees("Passphrase for ");
    list.hides_input();
    list.types(format!("{WORD}\n"));
    list.ends_with(0);
    // With it, nobody is asked.
    let shown = Terminal::start(given(&sandbox, &["list", "a"])).ends_with(0);
    assert!(!shown.contains("assphrase"), "{shown}");
    assert_eq!(given(&sandbox, &["doctor"]).succeeds().code, 0);
}

#[test]
fn is_a_word_for_a_file_under_a_passphrase() {
    // No keyring and nobody to ask: not a plain file.
    let sandbox = with_word(WORD);
    given(&sandbox, &["init"]).succeeds();
    assert!(sandbox.data().join("key.age").exists() && !sandbox.key_file().exists());
    // In so many words: a plain one.
    let sandbox = with_word(WORD);
    given(&sandbox, &["init", "--key-store", "file"]).succeeds();
    assert!(sandbox.key_file().exists());
    // Without it, the refusals name it.
    let sandbox = Sandbox::empty();
    let refused = sandbox.cast(["init", "--key-store", "passphrase"]).refuses(2, "without a terminal", &[]);
    assert!(refused.err.contains("CAST_PASSPHRASE_FILE="), "{refused:?}");
    let refused = sealed().cast(["list", "a"]).refuses(4, "needs its passphrase", &["hunter2"]);
    assert!(refused.err.contains("CAST_PASSPHRASE_FILE="), "{refused:?}");
}

#[test]
fn what_is_no_passphrase_is_refused() {
    let sandbox = sealed();
    let list = || given(&sandbox, &["list", "a"]);
    for (word, why) in [
        (&b""[..], "is empty"),
        (b"\n", "is empty"),
        (b"correct horse\n\n", "more than one line"),
        (b"correct\nhorse", "more than one line"),
        (b"correct horse\xff", "not valid UTF-8"),
        (&[b'x'; 5000], "longer than 4096 bytes"),
        (b"correct horse ", "wrong passphrase: it came from CAST_PASSPHRASE_FILE"),
    ] {
        write(&sandbox, word);
        list().refuses(4, why, &["horse", "hunter2"]);
        given(&sandbox, &["run", "a", "--", "touch", "started"]).refuses(125, why, &["horse", "hunter2"]);
    }
    // cast asks nobody instead.
    let shown = Terminal::start(list()).ends_with(4);
    assert!(shown.contains("wrong passphrase") && !shown.contains("Passphrase for "), "{shown}");
    write(&sandbox, WORD.as_bytes());
    // The passphrase itself in place of the path is not echoed.
    for path in ["", ".", "no-such-file", "correct horse"] {
        let call = sandbox.cast(["list", "a"]).env(VARIABLE, path);
        call.refuses(4, "CAST_PASSPHRASE_FILE", &["no-such-file", "horse", "hunter2"]);
    }
    // A new one has at least 8 characters.
    let new = with_word("ééééééé\n");
    given(&new, &["init", "--key-store", "passphrase"]).refuses(2, "at least 8 characters", &["é"]);
    given(&new, &["init"]).refuses(2, "at least 8 characters", &["é"]);
}

#[test]
fn is_not_needed_where_the_key_is_not_under_a_passphrase() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    sandbox.cast(["list", "a"]).env(VARIABLE, "no-such-file").succeeds();
    let key = sandbox.key();
    sealed().cast(["list"]).env("CAST_KEY", key).env(VARIABLE, "no-such-file").succeeds();
}

#[test]
fn a_file_that_others_can_access_is_not_taken() {
    let sandbox = sealed();
    let file = sandbox.home().join("word");
    for (mode, why) in [(0o640, "can read"), (0o604, "can read"), (0o620, "can write"), (0o666, "can write")] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let refused = given(&sandbox, &["list", "a"]).refuses(4, why, &["horse", "hunter2"]);
        assert!(refused.err.contains("chmod 600"), "{refused:?}");
        let open = sandbox.cast_after("exec 3<word", ["list", "a"]).env(VARIABLE, "/dev/fd/3");
        open.refuses(4, why, &["horse", "hunter2"]);
    }
    if !rustix::process::geteuid().is_root() {
        return crate::sandbox::skip("passphrase file: only root can give a file away");
    }
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    chown(&file, Some(65534), None).unwrap();
    given(&sandbox, &["list", "a"]).refuses(4, "can write", &["horse", "hunter2"]);
    // A secret that root mounted for a service, which cannot change its mode.
    sandbox.cast_as_nobody("", ["list", "a"]).env(VARIABLE, "word").succeeds();
    fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
    chown(&file, Some(0), Some(0)).unwrap();
    let copy = sandbox.home().join("cast");
    let as_service = ["--reuid=65534", "--regid=65534", "--clear-groups", copy.to_str().unwrap(), "list", "a"];
    sandbox.other("setpriv", as_service).env(VARIABLE, "word").succeeds();
}

/// Lists where the descriptors of CMD lead, tries to read those that the passphrase had, and shows the environment.
const CMD: &str = "for each in /proc/self/fd/*; do readlink \"$each\"; done; cat <&3; cat <&4; env; echo end";

#[test]
fn nothing_of_it_reaches_cmd() {
    let sealed = sealed();
    let plain = Sandbox::with("a", &[("K", "hunter2")]);
    write(&plain, WORD.as_bytes());
    // Whether it was needed or not, named as a descriptor or as a file.
    for sandbox in [&sealed, &plain] {
        for name in ["/dev/fd/3", "/proc/self/fd/4", "$HOME/word", "word"] {
            for mask in ["--explain", "--no-mask", ""] {
                let first = format!("exec 3<word 4<&3; export {VARIABLE}={name}");
                let words = ["run", "a", mask, "--", "sh", "-c", CMD];
                let run = sandbox.cast_after(&first, words.into_iter().filter(|word| !word.is_empty())).succeeds();
                if mask != "--explain" {
                    assert!(run.out.ends_with("end\n") && run.out.lines().count() > 5, "{name}: {run:?}");
                }
                assert!(!run.out.contains("/word") && !run.out.contains(VARIABLE), "{name} {mask}: {run:?}");
                run.says_nothing_of(&["horse", "AGE-SECRET-KEY"]);
            }
        }
        // Through a pipe, or as standard input.
        for first in
            ["exec 3<&0 </dev/null; export CAST_PASSPHRASE_FILE=/dev/fd/3", "export CAST_PASSPHRASE_FILE=/dev/stdin"]
        {
            let run = sandbox.cast_after(first, ["run", "a", "--no-mask", "--", "sh", "-c", "cat; cat <&3; echo end"]);
            let run = run.input("correct horse\n").succeeds();
            assert_eq!(run.out, "end\n", "{first}: {run:?}");
        }
    }
}

#[test]
fn a_pipe_is_read_once() {
    let sandbox = sealed();
    let words = ["key", "rotate"];
    sandbox.cast_after("exec 3<&0 </dev/null", words).env(VARIABLE, "/dev/fd/3").input("correct horse\n").succeeds();
    let script = ["key", "move", "file"];
    sandbox.cast_after("exec 3<&0 </dev/null", script).env(VARIABLE, "/dev/fd/3").input("correct horse\n").succeeds();
    sandbox.cast(["list", "a"]).succeeds();
}
