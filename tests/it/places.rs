//! Where cast keeps its files, and what it says of a place that is not what it seems: a relative path, a link, the
//! home of another user.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::forge::{Key, Text, grant_of};
use crate::sandbox::{Sandbox, lacks};

const SECRET: &str = "hunter2-hunter2";

#[test]
fn folders_are_named_by_whole_paths() {
    let sandbox = Sandbox::empty();
    let home = sandbox.home().display().to_string();
    for (variable, value, whole) in [
        ("CAST_HOME", "cast", format!("'{home}/cast'")),
        ("CAST_HOME", "./cast", format!("'{home}/cast'")),
        ("CAST_HOME", "~/cast", format!("'{home}/cast'")),
        ("CAST_HOME", "~", format!("'{home}/'")),
        ("CAST_HOME", "~root/cast", "write the whole path".to_owned()),
        ("CAST_VAULTS", "vaults", format!("'{home}/vaults'")),
        ("CAST_VAULTS", "~/vaults", format!("'{home}/vaults'")),
        ("HOME", "home", "set HOME to the whole path".to_owned()),
        ("HOME", "~", "set HOME to the whole path".to_owned()),
    ] {
        for words in [&["init"][..], &["set", "a", "K", SECRET], &["list"], &["key", "status"]] {
            let message = format!("{variable} is not an absolute path: '{value}'");
            let refused = sandbox.cast(words).env(variable, value).refuses(6, &message, &[SECRET]);
            assert!(variable == "HOME" || value.starts_with("~root") || refused.err.contains(&whole), "{refused:?}");
        }
        sandbox.cast(["run", "a", "--", "touch", "x"]).env(variable, value).refuses(125, "absolute path", &[]);
        let found = sandbox.cast(["doctor"]).env(variable, value).run();
        assert!(found.code == 1 && found.out.contains("is not an absolute path"), "{found:?}");
        sandbox.cast(["--help"]).env(variable, value).succeeds();
    }
    // HOME does not matter where CAST_HOME says it all.
    sandbox.cast(["init"]).env("HOME", "home").env("CAST_HOME", sandbox.home().join("cast")).succeeds();
    assert!(!sandbox.home().join("home").exists());
}

#[test]
fn a_key_file_is_not_named_with_a_tilde() {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    let whole = format!("write the whole path: '{}/key.txt'", sandbox.home().display());
    let message = "CAST_KEY_FILE begins with '~', which only a shell replaces";
    let refused = sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", "~/key.txt").refuses(4, message, &[SECRET]);
    assert!(refused.err.contains(&whole), "{refused:?}");
    let message = "CAST_PASSPHRASE_FILE begins with '~', which only a shell replaces";
    let init = Sandbox::empty();
    init.cast(["init", "--key-store", "passphrase"]).env("CAST_PASSPHRASE_FILE", "~/words").refuses(4, message, &[]);
    // A relative one is allowed.
    fs::copy(sandbox.key_file(), sandbox.home().join("key.txt")).unwrap();
    sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", "key.txt").succeeds();
}

#[test]
fn relative_xdg_variables_are_ignored_and_doctor_says_so() {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    for variable in ["XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
        sandbox.cast(["list", "a"]).env(variable, "rel").succeeds();
        let found = sandbox.cast(["doctor"]).env(variable, "rel").run();
        assert_eq!(found.code, 1, "{found:?}");
        assert!(found.out.contains(&format!("not an absolute path, and so ignored: {variable}")), "{found:?}");
    }
    assert!(!sandbox.home().join("rel").exists());
}

#[test]
fn a_link_to_a_folder_that_is_not_there() {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    let vaults = sandbox.data().join("vaults");
    let elsewhere = sandbox.home().join("disk");
    fs::rename(&vaults, &elsewhere).unwrap();
    symlink(&elsewhere, &vaults).unwrap();
    // While it is there, all is well.
    sandbox.cast(["list", "a"]).succeeds();
    fs::rename(&elsewhere, sandbox.home().join("away")).unwrap();
    let message = format!("behind a link to '{}', which is not there", elsewhere.display());
    for words in
        [&["list"][..], &["list", "a"], &["set", "a", "K", SECRET], &["set", "b", "K", SECRET], &["delete", "a", "K"]]
    {
        sandbox.cast(words).refuses(6, &message, &[SECRET]);
    }
    sandbox.cast(["run", "a", "--", "touch", "x"]).refuses(125, &message, &[]);
    let found = sandbox.cast(["doctor"]).run();
    assert!(found.code == 1 && found.out.contains(&message), "{found:?}");
    // What it says to type works.
    let advice = found.out.lines().find_map(|line| line.split_once("run: ")).unwrap().1.to_owned();
    sandbox.other("sh", ["-c", &advice]).succeeds();
    sandbox.cast(["list"]).succeeds();
}

#[test]
fn a_folder_of_vaults_that_is_missing_is_named() {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    let missing = sandbox.home().join("typo");
    let list = sandbox.cast(["list"]).env("CAST_VAULTS", &missing).succeeds();
    let message = format!("the folder that CAST_VAULTS names does not exist: '{}'", missing.display());
    assert!(list.err.contains(&message), "{list:?}");
    let found = sandbox.cast(["doctor"]).env("CAST_VAULTS", &missing).run();
    assert!(found.code == 1 && found.out.contains(&message), "{found:?}");
    assert!(!missing.exists());
}

#[test]
fn a_linked_file_is_refused_with_where_it_leads_and_the_advice_works() {
    for (name, code) in [("vaults/a.age", 6), ("key.txt", 6)] {
        let sandbox = Sandbox::with("a", &[("K", SECRET)]);
        let (file, dotfiles) = (sandbox.data().join(name), sandbox.home().join("dotfiles"));
        let real = dotfiles.join(file.file_name().unwrap());
        fs::create_dir(dotfiles).unwrap();
        fs::rename(&file, &real).unwrap();
        symlink(&real, &file).unwrap();
        let message = format!("'{}': it is a link to '{}'", file.display(), real.display());
        sandbox.cast(["list", "a"]).refuses(code, &message, &[SECRET]);
        let refused = sandbox.cast(["set", "a", "K", SECRET]).refuses(code, &message, &[SECRET]);
        let found = sandbox.cast(["doctor"]).run();
        assert!(found.code == 1 && found.out.contains(&message), "{found:?}");
        let advice = refused.err.lines().find_map(|line| line.split_once("put the file itself there: ")).unwrap().1;
        sandbox.other("sh", ["-c", advice]).succeeds();
        assert_eq!(sandbox.value("a", "K"), SECRET.as_bytes());
        // To something else, which may be the key or the vault of another agent; nowhere; and a folder.
        for other in ["other", "other.age", "other.txt"].map(|name| sandbox.home().join(name)) {
            fs::remove_file(&file).unwrap();
            fs::write(&other, "other").unwrap();
            symlink(&other, &file).unwrap();
            let refused = sandbox.cast(["list", "a"]).refuses(code, "it is a link to", &[SECRET]);
            assert!(!refused.err.contains("mv -f"), "{refused:?}");
        }
        fs::remove_file(&file).unwrap();
        symlink(&real, &file).unwrap();
        sandbox.cast(["list", "a"]).refuses(code, "restore what it leads to", &[SECRET]);
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        let refused = sandbox.cast(["list", "a"]).refuses(code, "not a regular file", &[SECRET]);
        let advice = refused.err.lines().find_map(|line| line.split_once("move it away: ")).unwrap().1;
        sandbox.other("sh", ["-c", advice]).succeeds();
        assert!(!file.exists());
    }
}

#[test]
fn a_runner_reads_vaults_as_kubernetes_mounts_them() {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    let line = sandbox.cast(["key", "export", "--agent", "a"]).succeeds().out;
    let mount = sandbox.home().join("mount");
    fs::create_dir_all(mount.join("..2026")).unwrap();
    fs::copy(sandbox.vault("a"), mount.join("..2026/a.age")).unwrap();
    symlink("..2026", mount.join("..data")).unwrap();
    symlink("..data/a.age", mount.join("a.age")).unwrap();
    let print = ["run", "--no-mask", "a", "--", "printenv", "K"];
    let run = sandbox.cast(print).env("CAST_KEY", &line).env("CAST_VAULTS", &mount).succeeds();
    assert_eq!(run.out, format!("{SECRET}\n"));
    // With the master key the link could be written over, and a link that leaves the folder is refused to anybody.
    sandbox.cast(print).env("CAST_VAULTS", &mount).refuses(125, "it is a link to", &[SECRET]);
    fs::remove_file(mount.join("a.age")).unwrap();
    symlink(sandbox.vault("a"), mount.join("a.age")).unwrap();
    sandbox.cast(print).env("CAST_KEY", &line).env("CAST_VAULTS", &mount).refuses(125, "it is a link to", &[SECRET]);
}

/// Whoever can write the folder swaps the way to a vault while a runner reads it: the runner reads what is inside, or
/// nothing.
#[test]
fn no_link_that_is_swapped_in_leads_a_runner_out_of_the_folder() {
    const ROUNDS: usize = 200;
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    let line = grant_of(&sandbox, "a");
    let (mount, outside) = (sandbox.home().join("mount"), sandbox.home().join("outside"));
    for folder in [&mount.join("real"), &outside] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::copy(sandbox.vault("a"), mount.join("real/a.age")).unwrap();
    let master = Key::master(&sandbox);
    let other = Text::read(&sandbox.vault("a"), master).with("OUTSIDE", SECRET, "").next();
    fs::write(outside.join("a.age"), other.seal(master)).unwrap();
    symlink("real/a.age", mount.join("a.age")).unwrap();
    symlink(&outside, mount.join("swap")).unwrap();
    let (done, mut read) = (AtomicBool::new(false), 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (folder, flags) = (fs::File::open(&mount).unwrap(), rustix::fs::RenameFlags::EXCHANGE);
            while !done.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(&folder, "real", &folder, "swap", flags).unwrap();
            }
        });
        for _ in 0..ROUNDS {
            let listed = sandbox.cast(["list", "a", "--json"]).env("CAST_KEY", &line).env("CAST_VAULTS", &mount).run();
            read += usize::from(listed.code == 0);
            // No panic here, while the other thread waits for the end.
            if listed.out.contains("OUTSIDE") {
                read = usize::MAX / 2;
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(read <= ROUNDS, "a vault outside of the folder was read");
}

#[test]
fn a_home_that_is_a_work_tree_holds_the_key_once_git_ignores_it() {
    if lacks("git", "a home that is a work tree") {
        return;
    }
    let sandbox = Sandbox::empty();
    sandbox.other("git", ["init", "-q", "."]).succeeds();
    let refused = sandbox.cast(["init", "--key-store", "file"]).refuses(6, "must not be in the git work tree", &[]);
    let advice = refused.err.lines().find_map(|line| line.split_once("make git ignore it: ")).unwrap().1.to_owned();
    sandbox.other("sh", ["-c", &advice]).succeeds();
    sandbox.cast(["init", "--key-store", "file"]).succeeds();
    let status = sandbox.other("git", ["status", "--porcelain", "--untracked-files=all"]).succeeds();
    assert!(!status.out.contains("key.txt"), "{status:?}");
    let found = sandbox.cast(["doctor"]).run();
    assert!(!found.out.contains("work tree"), "{found:?}");
    // Once it is committed, doctor says so, whatever the list says.
    sandbox.other("git", ["add", "--force", sandbox.key_file().to_str().unwrap()]).succeeds();
    let found = sandbox.cast(["doctor"]).run();
    assert!(found.code == 1 && found.out.contains("a key file is in the git work tree"), "{found:?}");
}

#[test]
fn a_key_file_as_editors_and_shells_leave_it() {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    let key = sandbox.key();
    let key = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap();
    let utf16: Vec<u8> = format!("\u{feff}{key}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [
        format!("\u{feff}{key}\r\n").into_bytes(),
        utf16,
        format!("\"{key}\"\n").into_bytes(),
        format!("'{key}'").into_bytes(),
    ] {
        fs::write(sandbox.key_file(), &bytes).unwrap();
        sandbox.cast(["list", "a"]).succeeds();
        let file = sandbox.home().join("given");
        fs::write(&file, &bytes).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", &file).succeeds();
    }
    sandbox.cast(["list", "a"]).env("CAST_KEY", format!("\"{key}\"")).succeeds();
    fs::write(sandbox.key_file(), b"\xff\xfe\x00\xd8").unwrap();
    sandbox.cast(["list", "a"]).refuses(4, "it is not text", &[key]);
}

#[test]
fn root_leaves_nothing_in_a_users_home_that_is_roots() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let roots = |sandbox: &Sandbox| sandbox.other("find", [sandbox.home().to_str().unwrap(), "-user", "0"]).run().out;
    // `sudo cast init` where sudo keeps HOME.
    let sandbox = Sandbox::empty();
    sandbox.other("chown", ["-R", "65534:65534", sandbox.home().to_str().unwrap()]).succeeds();
    let message = "cast runs as root, and the folder belongs to another user";
    sandbox.cast(["init", "--key-store", "file"]).refuses(6, message, &[]);
    assert_eq!(roots(&sandbox), "");
    sandbox.cast_as_nobody("", ["init", "--key-store", "file"]).succeeds();
    sandbox.cast_as_nobody("", ["set", "a", "K", SECRET]).succeeds();
    // Nor with the user's key, in the home or in a repository.
    let key = sandbox.key();
    for agent in ["a", "b"] {
        sandbox.cast(["set", agent, "L", SECRET]).env("CAST_KEY", &key).refuses(6, message, &[SECRET]);
    }
    let own = Sandbox::with("a", &[("K", SECRET)]);
    let vaults = sandbox.data().join("vaults");
    own.cast(["set", "c", "K", SECRET]).env("CAST_VAULTS", &vaults).refuses(6, message, &[SECRET]);
    assert_eq!(roots(&sandbox), "");
    sandbox.cast_as_nobody("", ["list", "a"]).succeeds();
    // Root's own key stays root's wherever it is exported to.
    let backup = sandbox.home().join("backup.key");
    own.cast(["key", "export", "--output", backup.to_str().unwrap()]).succeeds();
    let data = fs::metadata(&backup).unwrap();
    assert_eq!((data.uid(), data.mode() & 0o777), (0, 0o600));
}

#[test]
fn a_home_that_cannot_be_written() {
    // As in a container that runs under a random user id.
    let sandbox = Sandbox::empty();
    fs::set_permissions(sandbox.home(), fs::Permissions::from_mode(0o755)).unwrap();
    let refused = sandbox.cast_as_nobody("", ["init", "--key-store", "file"]).env("HOME", "/").run();
    assert_eq!((refused.code, refused.out.as_str()), (6, ""), "{refused:?}");
    assert!(refused.err.contains("cannot create the folder '/.local'"), "{refused:?}");
    assert!(refused.err.contains("set CAST_HOME to a folder that you can write"), "{refused:?}");
    let home = sandbox.home().join("cast-home");
    let call = |words: &[&str]| sandbox.cast_as_nobody("", words).env("HOME", "/").env("CAST_HOME", &home);
    call(&["init", "--key-store", "file"]).succeeds();
    call(&["set", "a", "K", SECRET]).succeeds();
    assert_eq!(call(&["run", "--no-mask", "a", "--", "printenv", "K"]).succeeds().out, format!("{SECRET}\n"));
}

/// A container's user, say: in no list of users, and without `HOME`. An agent key needs nothing but the vault.
#[test]
fn a_runner_needs_no_home() {
    if !rustix::process::geteuid().is_root() || lacks("setpriv", "a runner without a home") {
        return;
    }
    let owner = Sandbox::with("a", &[("K", SECRET)]);
    let key = grant_of(&owner, "a");
    // The folder, and a binary that this user can reach.
    owner.cast_as_nobody("", ["--version"]).succeeds();
    for folder in owner.vault("a").ancestors().skip(1).take_while(|folder| folder.starts_with(owner.home())) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(owner.vault("a"), fs::Permissions::from_mode(0o644)).unwrap();
    let words = ["--reuid=54321", "--regid=54321", "--clear-groups", "env", "-i", "PATH=/usr/bin:/bin"];
    let mut runner = owner.command("setpriv");
    runner
        .args(words)
        .arg(format!("CAST_KEY={key}"))
        .arg(format!("CAST_VAULTS={}", owner.data().join("vaults").display()));
    runner.arg(owner.home().join("cast")).args(["run", "a", "--no-mask", "--no-builtin", "--", "printenv", "K"]);
    let ended = runner.current_dir("/").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stdout), format!("{SECRET}\n"), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
}
