//! A descriptor of the key reaches CMD under no name, masked or not.

use std::fs;
use std::os::unix::fs::symlink;

use super::sandbox;

/// Lists where the descriptors of CMD lead, then tries to read the ones that the key had.
const CMD: &str = "for each in /proc/self/fd/*; do readlink \"$each\"; done; cat <&3; cat <&4; echo end";

#[test]
fn reaches_cmd_under_no_name() {
    let sandbox = sandbox();
    let given = sandbox.home().join("given.key");
    fs::write(&given, sandbox.key() + "\n").unwrap();
    fs::remove_file(sandbox.key_file()).unwrap();
    symlink("/proc/self/fd/3", sandbox.home().join("link")).unwrap();
    symlink("given.key", sandbox.home().join("to-the-file")).unwrap();
    let names = [
        "/dev/fd/3",
        "/dev/fd/4",
        "/proc/self/fd/3",
        "/proc/thread-self/fd/3",
        "/proc/$$/fd/3",
        "/proc/self/../self/fd/3",
        "$HOME/link",
        "link",
        "$HOME/given.key",
        "to-the-file",
    ];
    for name in names {
        for mask in ["", "--no-mask"] {
            let first = format!("exec 3<given.key 4<&3; export CAST_KEY_FILE={name}");
            let words = ["run", "a", mask, "--", "sh", "-c", CMD];
            let run = sandbox.cast_after(&first, words.into_iter().filter(|word| !word.is_empty())).succeeds();
            assert!(run.out.ends_with("end\n") && run.out.lines().count() > 3, "{name}: {run:?}");
            assert!(!run.out.contains("given.key"), "{name} {mask}: {run:?}");
            run.says_nothing_of(&["AGE-SECRET-KEY", &sandbox_key(&given)]);
        }
    }
}

#[test]
fn a_pipe_with_the_key_does_not_either() {
    let sandbox = sandbox();
    let key = sandbox.key();
    fs::remove_file(sandbox.key_file()).unwrap();
    for name in ["/dev/fd/3", "/proc/thread-self/fd/3", "/proc/$$/fd/3"] {
        let script = format!(
            "(echo \"$GIVEN\"; echo; echo) | (exec 3<&0 </dev/null; unset GIVEN; CAST_KEY_FILE={name} exec \"$0\" \"$@\")"
        );
        // `$$` is that of the outer shell, whose descriptor 3 is closed there.
        if name.contains("$$") {
            continue;
        }
        let call =
            sandbox.other("sh", ["-c", &script, crate::sandbox::CAST, "run", "a", "--no-mask", "--", "sh", "-c"]);
        let mut command = call.env("GIVEN", &key).command();
        let output = command.arg("cat <&3; printenv K; echo end").output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert_eq!(out, "hunter2\nend\n", "{name}");
    }
}

fn sandbox_key(path: &std::path::Path) -> String {
    fs::read_to_string(path).unwrap().trim().to_owned()
}

#[test]
fn a_file_that_others_can_write_is_not_taken() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = sandbox();
    let given = sandbox.home().join("given.key");
    fs::write(&given, sandbox.key() + "\n").unwrap();
    let list = || sandbox.cast(["list", "a"]).env("CAST_KEY_FILE", "given.key");
    for mode in [0o620, 0o602, 0o666, 0o777] {
        fs::set_permissions(&given, fs::Permissions::from_mode(mode)).unwrap();
        let refused = list().refuses(4, "other users can write", &["hunter2"]);
        assert!(refused.err.contains("chmod go-w"), "{refused:?}");
        sandbox.cast_after("exec 3<given.key", ["list", "a"]).env("CAST_KEY_FILE", "/dev/fd/3").refuses(
            4,
            "other users can write",
            &[],
        );
    }
    // Others may read it: every user of a container can read a mounted secret.
    for mode in [0o600, 0o644, 0o444] {
        fs::set_permissions(&given, fs::Permissions::from_mode(mode)).unwrap();
        list().succeeds();
    }
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&given, Some(65534), None).unwrap();
        list().refuses(4, "other users can write", &["hunter2"]);
    }
}
