//! Disks that are full, closed or limited, and paths that are not files: exit code 6, the old vault, no leftovers.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::leftovers;
use crate::sandbox::{Sandbox, Tries, skip};

const SHORTAGES: &str = "full disk and other real shortages";

/// A file system of 16 KiB.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"]).arg(&at).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let Some(disk) = SmallDisk::mount(sandbox.home().join("disk")) else {
        return skip("a full disk: no file system may be mounted here");
    };
    let cast = |words: &[&str]| sandbox.cast(words).env("CAST_VAULTS", &disk.0);
    cast(&["set", "b", "K", "hunter2"]).succeeds();
    // Four pages in all; the vault has one, and its directory what it needs.
    while fs::write(disk.0.join(format!("junk{}", fs::read_dir(&disk.0).unwrap().count())), [1; 4096]).is_ok() {}
    fs::write(sandbox.home().join(".env"), "K=hunter2-new\nL=hunter2-new\n").unwrap();
    let tries = Tries::at(1, SHORTAGES);
    for words in [
        &["set", "b", "K", "hunter2-new"][..],
        &["set", "new", "K", "hunter2-new"],
        &["secrets", "import", "b", ".env"],
        &["secrets", "copy", "b", "new"],
        &["secrets", "rename", "b", "K", "L"],
        &["delete", "b", "K"],
    ] {
        tries.next();
        cast(words).refuses(6, "no space left on device", &["hunter2"]);
    }
    assert_eq!(cast(&["run", "b", "--no-mask", "--", "printenv", "K"]).succeeds().out, "hunter2\n");
    fs::remove_file(disk.0.join("junk1")).unwrap();
    cast(&["set", "b", "K", "next"]).succeeds();
    // More than the disk can hold.
    tries.next();
    let long = "hunter2".repeat(4000);
    cast(&["set", "b", "LONG", &long]).refuses(6, "no space left on device", &["hunter2hunter2"]);
}

#[test]
fn a_file_size_limit() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    fs::write(sandbox.home().join(".env"), "K=hunter2-new\n").unwrap();
    let tries = Tries::at(1, SHORTAGES);
    for words in [
        &["set", "a", "K", "hunter2-new"][..],
        &["set", "new", "K", "hunter2-new"],
        &["secrets", "import", "a", ".env"],
        &["secrets", "copy", "a", "new"],
        &["secrets", "rename", "a", "K", "L"],
        &["delete", "a", "K"],
    ] {
        tries.next();
        sandbox.cast_after("ulimit -f 0", words).refuses(6, "file too large", &["hunter2"]);
    }
    assert_eq!(leftovers(&sandbox), Vec::<String>::new());
    let empty = Sandbox::empty();
    tries.next();
    empty.cast_after("ulimit -f 0", ["init", "--key-store", "file"]).refuses(6, "file too large", &[]);
    assert!(!empty.key_file().exists());
    // Reading writes no file, not even for a state that is new here. CMD inherits the limit and the signal's
    // disposition.
    fs::remove_dir_all(sandbox.state()).unwrap();
    let limited = ["run", "a", "--no-mask", "--", "sh", "-c", "ulimit -f; (echo x >f); echo $?"];
    let outcome = sandbox.cast_after("ulimit -f 0", limited).succeeds();
    assert_eq!(outcome.out, "0\n153\n", "{outcome:?}");
}

#[test]
fn folders_that_cannot_be_written() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let vaults = sandbox.data().join("vaults");
    let nobody = |words: &[&str]| sandbox.cast_as_nobody("", words);
    // Makes the user `nobody` the owner.
    nobody(&["list", "a"]).succeeds();
    fs::set_permissions(&vaults, Permissions::from_mode(0o500)).unwrap();
    let tries = Tries::at(3, SHORTAGES);
    for words in
        [&["set", "a", "K", "hunter2"][..], &["set", "new", "K", "hunter2"], &["delete", "a", "--all", "--yes"]]
    {
        tries.next();
        nobody(words).refuses(6, "permission denied", &["hunter2"]);
    }
    nobody(&["run", "a", "--", "true"]).succeeds();
    fs::set_permissions(&vaults, Permissions::from_mode(0o700)).unwrap();
    // Not even readable, nor for the tests if they do not run as root.
    let denied = |words: &[&str], code: i32| {
        tries.next();
        let outcome = nobody(words).run();
        assert!(outcome.code == code && outcome.err.contains("permission denied"), "{words:?}: {outcome:?}");
        assert_eq!(outcome.out, "");
    };
    fs::set_permissions(sandbox.vault("a"), Permissions::from_mode(0o000)).unwrap();
    denied(&["list", "a"], 6);
    denied(&["run", "a", "--", "echo", "started"], 125);
    fs::set_permissions(&vaults, Permissions::from_mode(0o000)).unwrap();
    for words in [&["list", "a"][..], &["list"], &["set", "a", "K", "v"], &["set", "new", "K", "v"]] {
        denied(words, 6);
    }
    fs::set_permissions(&vaults, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_state_folder_that_cannot_be_written() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let nobody = |words: &[&str]| sandbox.cast_as_nobody("", words);
    nobody(&["list", "a"]).succeeds();
    for folder in ["", "seen", "locks"] {
        fs::set_permissions(sandbox.state().join(folder), Permissions::from_mode(0o500)).unwrap();
    }
    assert_eq!(nobody(&["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds().out, "hunter2\n");
    nobody(&["list", "a"]).succeeds();
    for folder in ["", "seen", "locks"] {
        fs::set_permissions(sandbox.state().join(folder), Permissions::from_mode(0o700)).unwrap();
    }
    // And one that cannot be made at all, as with HOME=/dev/null.
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    fs::remove_dir_all(sandbox.state()).unwrap();
    fs::write(sandbox.state(), "in the way").unwrap();
    assert_eq!(sandbox.value("a", "K"), b"hunter2");
    sandbox.cast(["set", "a", "K", "hunter2"]).refuses(6, "cast: error: ", &["hunter2"]);
}

#[test]
fn a_home_that_cannot_be_entered() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let (key, home) = (sandbox.key(), sandbox.home().join("closed"));
    fs::create_dir_all(home.join(".config/cast")).unwrap();
    fs::write(home.join(".config/cast/config.toml"), "nonsense").unwrap();
    let nobody = |words: &[&str]| {
        let call = sandbox.cast_as_nobody("", words).env("HOME", &home).env("CAST_KEY", &key);
        call.env("CAST_VAULTS", sandbox.data().join("vaults"))
    };
    // Makes the user `nobody` the owner.
    sandbox.cast_as_nobody("", ["list", "a"]).succeeds();
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(&home, 0o000);
    assert_eq!(nobody(&["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds().out, "hunter2\n");
    nobody(&["list", "a"]).succeeds();
    // A writer cannot lock, and so changes nothing.
    let vault = fs::read(sandbox.vault("a")).unwrap();
    let outcome = nobody(&["set", "a", "K", "next"]).run();
    assert!(outcome.code == 6 && outcome.err.contains("permission denied"), "{outcome:?}");
    assert_eq!(fs::read(sandbox.vault("a")).unwrap(), vault);
    // Settings that cast cannot read may require the audit log.
    mode(&home, 0o700);
    mode(&home.join(".config/cast/config.toml"), 0o000);
    nobody(&["run", "a", "--", "touch", "started"]).refuses(125, "config.toml': permission denied", &["hunter2"]);
    fs::remove_file(home.join(".config/cast/config.toml")).unwrap();
    // An unreadable record of a vault may refuse it, in a state folder that cast can enter.
    nobody(&["list", "a"]).succeeds();
    let seen = home.join(".local/state/cast/seen");
    let mut records = fs::read_dir(&seen).unwrap().map(|entry| entry.unwrap().path());
    let record = records.find(|path| path.is_file() && path.extension().is_none()).unwrap();
    for path in [&record, &seen] {
        mode(path, 0o000);
        let outcome = nobody(&["run", "a", "--", "touch", "started"]).run();
        assert!(outcome.code == 125 && outcome.err.contains("permission denied"), "{outcome:?}");
        mode(path, 0o700);
    }
    assert!(!sandbox.home().join("started").exists());
}

#[test]
fn vaults_that_are_no_files() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let aside = sandbox.home().join("aside.age");
    for file in [".env", ".env.example"] {
        fs::write(sandbox.home().join(file), "K=hunter2\n").unwrap();
    }
    fs::rename(sandbox.vault("a"), &aside).unwrap();
    let refused = |sandbox: &Sandbox| {
        for words in [
            &["list", "a"][..],
            &["set", "a", "K", "hunter2"],
            &["delete", "a", "K"],
            &["delete", "a", "--all", "--yes"],
            &["secrets", "import", "a", ".env"],
            &["secrets", "check", "a"],
            &["secrets", "copy", "a", "b"],
            &["secrets", "rename", "a", "K", "L"],
            &["list", "--stale", "90d"],
            &["vault", "accept", "a", "--yes"],
        ] {
            sandbox.cast(words).refuses(6, "not a regular file", &["hunter2"]);
        }
        sandbox.cast(["run", "a", "--", "touch", "started"]).refuses(125, "not a regular file", &["hunter2"]);
    };
    symlink(&aside, sandbox.vault("a")).unwrap();
    refused(&sandbox);
    fs::remove_file(sandbox.vault("a")).unwrap();
    symlink("nowhere", sandbox.vault("a")).unwrap();
    refused(&sandbox);
    fs::remove_file(sandbox.vault("a")).unwrap();
    assert!(sandbox.command("mkfifo").arg(sandbox.vault("a")).status().unwrap().success());
    refused(&sandbox);
    fs::remove_file(sandbox.vault("a")).unwrap();
    fs::create_dir(sandbox.vault("a")).unwrap();
    refused(&sandbox);
}

#[test]
fn a_folder_behind_a_symlink_is_the_owners_affair() {
    let sandbox = Sandbox::new();
    let (real, link) = (sandbox.home().join("real"), sandbox.home().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    sandbox.cast(["set", "a", "K", "v"]).env("CAST_VAULTS", &link).succeeds();
    assert_eq!(
        sandbox.cast(["run", "a", "--no-mask", "--", "printenv", "K"]).env("CAST_VAULTS", &real).succeeds().out,
        "v\n"
    );
}

#[test]
fn leftovers_of_killed_writers_are_cleared_by_the_next() {
    let sandbox = Sandbox::with("a", &[("K", "v")]);
    let vaults = sandbox.data().join("vaults");
    for name in [".a.4711.age.tmp", ".gone.age.tmp"] {
        fs::write(vaults.join(name), "half a vault").unwrap();
    }
    // Readers and listings ignore it.
    assert_eq!(sandbox.cast(["list"]).succeeds().out.lines().count(), 2);
    assert_eq!(sandbox.value("a", "K"), b"v");
    assert_eq!(leftovers(&sandbox).len(), 2);
    sandbox.set("b", "K", "v");
    assert_eq!(leftovers(&sandbox), Vec::<String>::new());
    // cast does not delete other files.
    fs::write(vaults.join("notes.tmp"), "mine").unwrap();
    fs::write(vaults.join(".gitignore"), "mine").unwrap();
    sandbox.set("b", "K", "v");
    assert!(vaults.join("notes.tmp").exists() && vaults.join(".gitignore").exists());
    // Nor does cast write through a leftover, whatever it is.
    fs::write(sandbox.home().join("target"), "mine").unwrap();
    symlink(sandbox.home().join("target"), vaults.join(".a.4711.age.tmp")).unwrap();
    sandbox.set("a", "K", "next");
    assert_eq!(fs::read(sandbox.home().join("target")).unwrap(), b"mine");
    assert_eq!(sandbox.value("a", "K"), b"next");
}
