//! Where the key comes from and in which order, and that cast never looks further after an invalid source.

mod agent;
mod descriptor;
mod file;
mod first;
mod passphrase_file;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown, fchown, lchown, symlink};

use crate::forge::{Key, encrypt_with_passphrase};
use crate::sandbox::{Sandbox, skip};

/// A home with a key file and the secret `K` of agent `a`.
fn sandbox() -> Sandbox {
    Sandbox::with("a", &[("K", "hunter2")])
}

#[test]
fn either_variable_comes_before_the_key_file() {
    let sandbox = sandbox();
    let good = sandbox.key();
    let stranger = Key::generate().identity();
    let list = || sandbox.cast(["list", "a"]);
    let file = sandbox.home().join("given.key");
    fs::write(&file, &stranger).unwrap();
    list().env("CAST_KEY", &stranger).refuses(5, "wrong key", &["hunter2"]);
    list().env("CAST_KEY_FILE", &file).refuses(5, "wrong key", &["hunter2"]);
    // The other way round: the key in the key store is the foreign one.
    fs::write(sandbox.key_file(), &stranger).unwrap();
    list().refuses(5, "wrong key", &["hunter2"]);
    list().env("CAST_KEY", &good).succeeds();
    fs::write(&file, &good).unwrap();
    list().env("CAST_KEY_FILE", "given.key").succeeds();
    // cast does not even read the key store.
    fs::write(sandbox.key_file(), "garbage").unwrap();
    list().env("CAST_KEY", &good).succeeds();
}

#[test]
fn a_wrong_key_is_no_damage_to_the_vault() {
    let sandbox = sandbox();
    let stranger = Key::generate().identity();
    fs::write(sandbox.home().join(".env"), "K=hunter2\n").unwrap();
    for (code, words) in [
        (5, &["secrets", "import", "a", ".env"][..]),
        (5, &["secrets", "copy", "a", "b"]),
        (5, &["secrets", "rename", "a", "K", "L"]),
        (5, &["list", "a"]),
        (5, &["set", "a", "K", "hunter2"]),
        (5, &["delete", "a", "K"]),
        (5, &["delete", "a", "--all", "--yes"]),
        (5, &["vault", "accept", "a", "--yes"]),
        (125, &["run", "a", "--", "touch", "started"]),
    ] {
        sandbox.cast(words).env("CAST_KEY", &stranger).refuses(code, "wrong key", &["hunter2"]);
    }
    // Nor does cast create a vault beside one that the key does not open.
    let set = sandbox.cast(["set", "b", "K", "hunter2"]).env("CAST_KEY", &stranger);
    set.refuses(5, "opens none of the vaults here", &["hunter2"]);
    let import = sandbox.cast(["secrets", "import", "b", ".env"]).env("CAST_KEY", &stranger);
    import.refuses(5, "opens none of the vaults here", &["hunter2"]);
    // Listing names needs no key.
    assert!(sandbox.cast(["list"]).env("CAST_KEY", "x").succeeds().out.contains("a "));
}

#[test]
fn both_variables_are_an_error() {
    let sandbox = sandbox();
    let good = sandbox.key();
    for (key, file) in [(good.as_str(), "given.key"), (&good, ""), ("", "given.key"), ("", "")] {
        let list = sandbox.cast(["list", "a"]).env("CAST_KEY", key).env("CAST_KEY_FILE", file);
        list.refuses(4, "both CAST_KEY and CAST_KEY_FILE are set", &["hunter2"]);
    }
}

#[test]
fn an_invalid_cast_key_is_never_passed_over() {
    let sandbox = sandbox();
    let good = sandbox.key();
    let agent = crate::forge::grant_of(&sandbox, "a");
    let cases = [
        (String::new(), "empty"),
        (" \n".into(), "empty"),
        ("# AGE-SECRET-KEY\n".into(), "empty"),
        ("sk-live-hunter2".into(), "line 1 is not a whole age identity"),
        (good[..good.len() - 1].into(), "line 1 is not a whole age identity"),
        (good.replace("KEY-1", "KEY-1QQ"), "line 1 is not a whole age identity"),
        (format!("{good}\nsk-live-hunter2"), "line 2 is not a whole age identity"),
        (Key::parse(&good).recipient(), "line 1 is not a whole age identity"),
        ("AGE-PLUGIN-YUBIKEY-1HUNTER2".into(), "unsupported key type"),
        ("AGE-SECRET-KEY-PQ-1HUNTER2".into(), "unsupported key type"),
        (agent[..agent.len() - 1].into(), "line 1 is not a whole agent key"),
        (agent.replace(":a:", ":A:"), "line 1 is not a whole agent key"),
        (agent.replacen(":1:", ":01:", 1), "line 1 is not a whole agent key"),
        (agent.replacen(":1:", ":", 1), "line 1 is not a whole agent key"),
        (format!("{agent}\n{good}"), "an agent key must be the only key"),
    ];
    for (key, why) in cases {
        let quoted: Vec<&str> = if key.trim().is_empty() { vec![] } else { vec![key.trim(), "live", "HUNTER2"] };
        for (code, words) in
            [(4, &["list", "a"][..]), (4, &["set", "a", "K", "v"]), (125, &["run", "a", "--", "touch", "x"])]
        {
            sandbox.cast(words).env("CAST_KEY", &key).refuses(code, why, &quoted);
        }
        // The same from a file.
        fs::write(sandbox.home().join("given.key"), &key).unwrap();
        sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", "given.key").refuses(4, why, &quoted);
        sandbox.cast(["init"]).env("CAST_KEY", &key).refuses(4, why, &quoted);
    }
}

#[test]
fn blanks_and_comments_around_a_key_are_accepted() {
    let sandbox = sandbox();
    let good = sandbox.key();
    for key in [format!("{good}\n"), format!("  {good} \r\n\n"), format!("# mine\n\n{good}")] {
        sandbox.cast(["list", "a"]).env("CAST_KEY", &key).succeeds();
        fs::write(sandbox.home().join("given.key"), &key).unwrap();
        sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", "given.key").succeeds();
    }
}

#[test]
fn a_former_key_behind_the_newest_opens_older_vaults() {
    let sandbox = sandbox();
    let (former, newest) = (sandbox.key(), sandbox.begin_rotation());
    assert_eq!(sandbox.value("a", "K"), b"hunter2");
    // A change seals to the newest.
    sandbox.set("a", "L", "x");
    sandbox.cast(["list", "a"]).env("CAST_KEY", &newest).succeeds();
    sandbox.cast(["list", "a"]).env("CAST_KEY", &former).refuses(5, "wrong key", &["hunter2"]);
}

#[test]
fn a_key_through_a_descriptor() {
    let sandbox = sandbox();
    fs::rename(sandbox.key_file(), sandbox.home().join("given.key")).unwrap();
    // A file, and a pipe that was written and closed before.
    sandbox.cast_after("exec 9<given.key", ["list", "a"]).env("CAST_KEY_FILE", "/dev/fd/9").succeeds();
    let key = fs::read(sandbox.home().join("given.key")).unwrap();
    sandbox.cast_after("exec 9<&0 </dev/null", ["list", "a"]).env("CAST_KEY_FILE", "/dev/fd/9").input(&key).succeeds();
    sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", "/dev/stdin").input(&key).succeeds();
    // cast closes it: CMD cannot read the key again.
    let again = ["run", "a", "--no-mask", "--", "sh", "-c", "cat <&9 || echo closed"];
    let run = sandbox.cast_after("exec 9<given.key", again).env("CAST_KEY_FILE", "/dev/fd/9").succeeds();
    assert_eq!(run.out, "closed\n");
    let closed = sandbox.cast_after("exec 9<&-", ["list", "a"]).env("CAST_KEY_FILE", "/dev/fd/9");
    closed.refuses(4, "cannot read the file that CAST_KEY_FILE names", &[]);
}

/// Who feeds a file chooses the key. A pipe without a name is the caller's, whoever made it.
#[test]
fn a_key_through_a_fifo() {
    let sandbox = sandbox();
    // Not in the home, all of whose files are read to see that they stay as they are.
    let folder = tempfile::tempdir().unwrap();
    let (key, fifo) = (fs::read(sandbox.key_file()).unwrap(), folder.path().join("fifo"));
    assert!(sandbox.command("mkfifo").arg(&fifo).status().unwrap().success());
    let with_mode = |mode| fs::set_permissions(&fifo, Permissions::from_mode(mode)).unwrap();
    with_mode(0o600);
    std::thread::scope(|scope| {
        scope.spawn(|| fs::write(&fifo, &key).unwrap());
        sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", &fifo).succeeds();
    });
    // Held open, so that nobody waits for a writer.
    let mut held = fs::File::options().read(true).write(true).open(&fifo).unwrap();
    held.write_all(&key).unwrap();
    let refused = |name: &str, what: &str| {
        sandbox.cast(["list", "a"]).env(name, &fifo).refuses(4, what, &["hunter2", "AGE-SECRET"]);
    };
    for mode in [0o620, 0o602] {
        with_mode(mode);
        refused("CAST_KEY_FILE", "CAST_KEY_FILE: other users can write the file that it names");
    }
    // The passphrase as well; it is asked for where there is a key that needs one.
    let sealed = encrypt_with_passphrase(&key, "correct horse");
    fs::write(sandbox.data().join("key.age"), sealed).unwrap();
    fs::set_permissions(sandbox.data().join("key.age"), Permissions::from_mode(0o600)).unwrap();
    let plain = fs::read(sandbox.key_file()).unwrap();
    fs::remove_file(sandbox.key_file()).unwrap();
    refused("CAST_PASSPHRASE_FILE", "CAST_PASSPHRASE_FILE names a file that other users can write");
    fs::write(sandbox.key_file(), plain).unwrap();
    if !rustix::process::geteuid().is_root() {
        return skip("a key through a FIFO of another user: not root");
    }
    // A link of another user on the way, though it leads to one's own file.
    let (link, own) = (folder.path().join("link"), sandbox.key_file());
    symlink(folder.path(), &link).unwrap();
    symlink(&own, folder.path().join("key")).unwrap();
    let through = |path: &str| sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", link.join(path));
    through("key").succeeds();
    for path in [link.clone(), folder.path().join("key")] {
        lchown(&path, Some(65534), None).unwrap();
        through("key").refuses(4, "CAST_KEY_FILE: other users can write the file that it names", &["hunter2"]);
        lchown(&path, Some(0), None).unwrap();
    }
    // No terminal, whosever it is: `/dev/tty` is the one of whoever logged in.
    let terminal = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&terminal).and_then(|()| rustix::pty::unlockpt(&terminal)).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let list = sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", &name);
    list.refuses(4, "cannot read the file that CAST_KEY_FILE names: it is a terminal", &["hunter2"]);
    with_mode(0o600);
    chown(&fifo, Some(65534), None).unwrap();
    refused("CAST_KEY_FILE", "CAST_KEY_FILE: other users can write the file that it names");
    let (reader, mut writer) = std::io::pipe().unwrap();
    fchown(&reader, Some(65534), None).unwrap();
    writer.write_all(&key).unwrap();
    drop(writer);
    let mut command = sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", "/dev/stdin").command();
    let output = command.stdin(reader).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_file_that_cannot_be_the_key() {
    let sandbox = sandbox();
    let list = |path: &str| sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", path);
    list("").refuses(4, "CAST_KEY_FILE is set but empty", &[]);
    list("no-such-file").refuses(4, "cannot read the file that CAST_KEY_FILE names", &["no-such-file"]);
    // cast does not print a key that is in the place of a path.
    list(&sandbox.key()).refuses(4, "cannot read the file that CAST_KEY_FILE names", &[&sandbox.key()]);
    list(".").refuses(4, "CAST_KEY_FILE", &[]);
    fs::write(sandbox.home().join("given.key"), b"\xff\xfe\0").unwrap();
    list("given.key").refuses(4, "CAST_KEY_FILE does not contain a usable key", &[]);
    fs::write(sandbox.home().join("given.key"), "#\n".repeat(100_000)).unwrap();
    list("given.key").refuses(4, "longer than", &[]);
    list("/dev/zero").refuses(4, "longer than", &[]);
    let sealed = crate::forge::encrypt(sandbox.key().as_bytes(), &[&Key::master(&sandbox).recipient()]);
    fs::write(sandbox.home().join("given.key"), sealed).unwrap();
    let outcome = list("given.key").refuses(4, "names an encrypted file", &[]);
    assert!(outcome.err.contains("age -d"), "{outcome:?}");
}

#[test]
fn a_key_from_a_variable_stays_with_cast() {
    let sandbox = sandbox();
    fs::write(sandbox.home().join("given.key"), sandbox.key()).unwrap();
    for (name, value) in [("CAST_KEY", sandbox.key()), ("CAST_KEY_FILE", "given.key".into())] {
        for options in [&[][..], &["--clean-env"]] {
            let words = ["run", "a"].iter().chain(options).chain(&["--no-mask", "--", "env"]);
            let outcome = sandbox.cast(words).env(name, &value).succeeds();
            assert!(outcome.out.contains("K=hunter2"), "{outcome:?}");
            outcome.says_nothing_of(&["CAST_KEY", "AGE-SECRET", "given.key"]);
        }
    }
}
