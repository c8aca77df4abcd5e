//! The key file in the key store: trusted only if it is a regular file of this user that no other user can read.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::sandbox;
use crate::forge::encrypt_with_passphrase;
use crate::sandbox::{Sandbox, skip};

fn mode(path: impl AsRef<std::path::Path>) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn readable_by_others() {
    let sandbox = sandbox();
    for bits in [0o644, 0o640, 0o604, 0o660, 0o602] {
        fs::set_permissions(sandbox.key_file(), Permissions::from_mode(bits)).unwrap();
        let outcome = sandbox.cast(["list", "a"]).refuses(6, "the key file is not used", &["hunter2"]);
        assert!(outcome.err.contains("chmod 600"), "{outcome:?}");
        sandbox.cast(["set", "a", "K", "hunter2"]).refuses(6, "the key file is not used", &["hunter2"]);
        sandbox.cast(["init"]).refuses(6, "the key file is not used", &[]);
        sandbox.cast(["run", "a", "--", "touch", "x"]).refuses(125, "the key file is not used", &["hunter2"]);
    }
    for bits in [0o600, 0o400] {
        fs::set_permissions(sandbox.key_file(), Permissions::from_mode(bits)).unwrap();
        sandbox.cast(["list", "a"]).succeeds();
    }
}

#[test]
fn of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return skip("key file of another user: not root");
    }
    let sandbox = sandbox();
    std::os::unix::fs::chown(sandbox.key_file(), Some(65534), None).unwrap();
    sandbox.cast(["list", "a"]).refuses(6, "belongs to another user", &["hunter2"]);
    // The file owner of a vault does not matter; its MAC does.
    std::os::unix::fs::chown(sandbox.key_file(), Some(0), None).unwrap();
    std::os::unix::fs::chown(sandbox.vault("a"), Some(65534), None).unwrap();
    sandbox.cast(["list", "a"]).succeeds();
}

#[test]
fn no_regular_file() {
    let sandbox = sandbox();
    let key = sandbox.home().join("moved.key");
    fs::rename(sandbox.key_file(), &key).unwrap();
    let refused = || {
        sandbox.cast(["list", "a"]).refuses(6, "not a regular file", &["hunter2"]);
        sandbox.cast(["init"]).refuses(6, "not a regular file", &[]);
        sandbox.cast(["run", "a", "--", "touch", "x"]).refuses(125, "not a regular file", &["hunter2"]);
    };
    symlink(&key, sandbox.key_file()).unwrap();
    refused();
    fs::remove_file(sandbox.key_file()).unwrap();
    // No process writes into it: a reader that waits would wait forever.
    assert!(sandbox.command("mkfifo").arg(sandbox.key_file()).status().unwrap().success());
    fs::set_permissions(sandbox.key_file(), Permissions::from_mode(0o600)).unwrap();
    refused();
    fs::remove_file(sandbox.key_file()).unwrap();
    fs::create_dir(sandbox.key_file()).unwrap();
    refused();
}

#[test]
fn no_key_in_it() {
    let sandbox = sandbox();
    let good = sandbox.key();
    for (bytes, why) in [
        (&b""[..], "empty"),
        (b"sk-live-hunter2", "line 1 is not a whole age identity"),
        (b"\xff\0", "it is not text"),
        (&good.as_bytes()[..good.len() - 3], "line 1 is not a whole age identity"),
        (b"AGE-PLUGIN-YUBIKEY-1HUNTER2", "unsupported key type"),
    ] {
        fs::write(sandbox.key_file(), bytes).unwrap();
        for words in [&["list", "a"][..], &["set", "a", "K", "v"], &["set", "new", "K", "v"], &["init"]] {
            sandbox.cast(words).refuses(4, why, &["hunter2", "HUNTER2"]);
        }
    }
}

#[test]
fn with_a_passphrase_and_nobody_to_ask() {
    let sandbox = sandbox();
    let text = fs::read(sandbox.key_file()).unwrap();
    fs::rename(sandbox.key_file(), sandbox.home().join("given.key")).unwrap();
    let sealed = sandbox.data().join("key.age");
    fs::write(&sealed, encrypt_with_passphrase(&text, "correct horse")).unwrap();
    fs::set_permissions(&sealed, Permissions::from_mode(0o600)).unwrap();
    for words in [&["list", "a"][..], &["set", "a", "K", "hunter2"], &["set", "new", "K", "hunter2"]] {
        sandbox.cast(words).refuses(4, "needs its passphrase", &["hunter2", "horse"]);
        sandbox.cast(words).env("CAST_KEY_FILE", "given.key").succeeds();
    }
    fs::set_permissions(&sealed, Permissions::from_mode(0o644)).unwrap();
    sandbox.cast(["list", "a"]).refuses(6, "the key file is not used", &["hunter2"]);
}

#[test]
fn never_in_a_git_work_tree() {
    for git_is_a_file in [false, true] {
        let sandbox = Sandbox::empty();
        let repository = sandbox.home().join("repository");
        fs::create_dir(&repository).unwrap();
        if git_is_a_file {
            fs::write(repository.join(".git"), "gitdir: elsewhere\n").unwrap();
        } else {
            fs::create_dir(repository.join(".git")).unwrap();
        }
        for words in [&["init"][..], &["init", "--key-store", "file"]] {
            let init = sandbox.cast(words).env("CAST_HOME", repository.join("deep/cast"));
            init.refuses(6, "git work tree", &[]);
        }
        // Nor through a link from elsewhere.
        let link = sandbox.home().join("link");
        std::os::unix::fs::symlink(&repository, &link).unwrap();
        sandbox.cast(["init", "--key-store", "file"]).env("CAST_HOME", link.join("deep")).refuses(
            6,
            "git work tree",
            &[],
        );
        fs::remove_dir_all(repository.join("deep")).unwrap();
        // Vaults may be there, but only vaults.
        let vaults = repository.join("vaults");
        sandbox.cast(["init", "--key-store", "file"]).env("CAST_VAULTS", &vaults).succeeds();
        sandbox.cast(["set", "a", "K", "v"]).env("CAST_VAULTS", &vaults).succeeds();
        let names: Vec<_> = fs::read_dir(&vaults).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a.age"]);
        assert_eq!(fs::read_dir(&repository).unwrap().count(), 2);
    }
}

#[test]
fn modes_whatever_the_umask() {
    for umask in ["000", "022", "027", "077", "0777"] {
        let sandbox = Sandbox::empty();
        let first = format!("umask {umask}");
        let cast = |words: &[&str]| sandbox.cast_as_nobody(&first, words);
        cast(&["init", "--key-store", "file"]).succeeds();
        for value in ["one", "two"] {
            cast(&["set", "a", "K", value]).succeeds();
            assert_eq!(
                cast(&["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds().out,
                format!("{value}\n"),
                "{umask}"
            );
        }
        cast(&["set", "b", "K", "v"]).succeeds();
        cast(&["delete", "b", "K"]).succeeds();
        for path in sandbox.snapshot().keys().filter(|path| !path.ends_with("cast")) {
            assert_eq!(mode(path), 0o600, "umask {umask}: {}", path.display());
            for folder in path.ancestors().skip(1).take_while(|folder| *folder != sandbox.home()) {
                assert_eq!(mode(folder), 0o700, "umask {umask}: {}", folder.display());
            }
        }
        for entry in fs::read_dir(sandbox.state().join("locks")).unwrap() {
            assert_eq!(mode(entry.unwrap().path()), 0o600, "umask {umask}");
        }
    }
}
