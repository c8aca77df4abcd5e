//! What CMD finds, and what others see of it, in a masked run: the same as without cast.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::process::{Mortal, Output, Running, until};
use super::{SECRET, bash, sandbox};
use crate::sandbox::{CAST, Sandbox};

/// The output of `sh -c script` as a masked CMD and without cast, both started by `before`.
fn both(sandbox: &Sandbox, before: &str, script: &str) -> [String; 2] {
    ["\"$CAST\" run a -- sh -c \"$SCRIPT\"", "sh -c \"$SCRIPT\""].map(|start| {
        let mut command = sandbox.command("bash");
        command.args(["-c", &before.replace("START", start)]).env("CAST", CAST).env("SCRIPT", script);
        Running::start(command).rest()
    })
}

#[track_caller]
fn assert_same(sandbox: &Sandbox, before: &str, script: &str) {
    let [with, without] = both(sandbox, before, script);
    assert!(!without.is_empty(), "{before}: nothing was said");
    assert_eq!(with, without, "{before}");
}

/// The signals that CMD finds blocked, ignored and caught; less 32 and 33, which belong to the C library and its
/// threads.
fn signals(status: &str) -> Vec<(String, u64)> {
    let sets = status
        .lines()
        .filter_map(|line| line.split_once(":\t"))
        .filter(|(name, _)| ["SigBlk", "SigIgn", "SigCgt"].contains(name));
    sets.map(|(name, set)| (name.to_owned(), u64::from_str_radix(set, 16).unwrap() & !(0b11 << 31))).collect()
}

#[test]
fn signals_are_blocked_and_ignored_as_before() {
    let sandbox = sandbox();
    for before in [
        "",
        "nohup",
        "trap '' INT HUP QUIT TERM USR1 TSTP;",
        "env --block-signal=USR1,TERM,WINCH,CHLD",
        "env --block-signal=INT --ignore-signal=USR2,HUP",
        "env --ignore-signal=XFSZ",
        "env --ignore-signal=CHLD",
    ] {
        // Without a shell in between, which would restore some of them.
        let ask = "grep -E '^Sig(Blk|Ign|Cgt):' /proc/self/status";
        let with = bash(&sandbox, &format!("{before} $CAST run a -- {ask}"));
        let without = bash(&sandbox, &format!("{before} {ask}"));
        assert_eq!(signals(&without).len(), 3, "{without}");
        assert_eq!(signals(&with), signals(&without), "{before}");
    }
}

#[test]
fn a_script_without_an_interpreter_finds_them_so_too() {
    let sandbox = sandbox();
    let path = sandbox.home().join("script");
    fs::write(&path, "cat /proc/self/status; echo $K\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let masked = sandbox.cast(["run", "a", "--", "./script"]).succeeds().out;
    let bare = sandbox.cast(["run", "a", "--no-mask", "--", "./script"]).succeeds().out;
    assert!(masked.ends_with("[cast:K]\n") && bare.ends_with(&format!("{SECRET}\n")), "{masked}{bare}");
    assert_eq!(signals(&masked).len(), 3, "{masked}");
    assert_eq!(signals(&masked), signals(&bare));
}

#[test]
fn place_limits_and_descriptors_are_as_before() {
    let sandbox = sandbox();
    fs::write(sandbox.home().join("lines"), "1\n2\n").unwrap();
    assert_same(&sandbox, "mkdir -p d; cd d; umask 027; ulimit -n 200 -c 0; START", "umask; pwd; ulimit -n; ulimit -c");
    // Standard output is a pipe either way; under cast, it is cast's.
    assert_same(&sandbox, "exec 5<lines 7>out; START <&5", "ls /proc/self/fd; cat <&5; readlink /proc/self/fd/7");
    assert_same(&sandbox, "START 2>/dev/null", "ls /proc/self/fd; readlink /proc/self/fd/2");
    // Group, session and terminal.
    assert_same(
        &sandbox,
        "START",
        "cut -d' ' -f5-8 /proc/self/stat | sed \"s/$(ps -o pgid= -p $$ | tr -d ' ')/group/\"",
    );
    assert_same(&sandbox, "nice -n 5 bash -c 'START'", "nice");
}

#[test]
fn standard_input_is_inherited_and_never_copied() {
    let sandbox = sandbox();
    fs::write(sandbox.home().join("lines"), "1\n2\n3\n").unwrap();
    assert_eq!(bash(&sandbox, "($CAST run a -- sh -c 'read x; echo x $x'; cat) <lines"), "x 1\n2\n3\n");
    // A pipe: input that CMD did not read is left for the next program.
    assert_eq!(bash(&sandbox, "printf '1\n2\n3\n' | ($CAST run a -- sh -c 'read x; echo x $x'; cat)"), "x 1\n2\n3\n");
    assert_eq!(bash(&sandbox, "printf '1\n2\n' | ($CAST run a -- true; cat)"), "1\n2\n");
    let same = "$CAST run a -- readlink /proc/self/fd/0 <lines";
    assert!(bash(&sandbox, same).ends_with("/lines\n"));
}

#[test]
fn an_output_that_cmd_closes_ends_for_its_reader() {
    let sandbox = sandbox();
    for both in [false, true] {
        let mut command =
            sandbox.cast(["run", "a", "--", "sh", "-c", "echo $K; exec >&-; read x; echo $x >&2"]).command();
        command.stderr(if both { Stdio::piped() } else { Stdio::null() });
        let mut cast = Running::start(command);
        let errors = both.then(|| cast.errors());
        assert_eq!(cast.rest(), "[cast:K]\n");
        cast.hears("over\n");
        assert_eq!(cast.ends().code(), Some(0));
        assert_eq!(errors.map_or(b"over\n".to_vec(), |mut errors| errors.all()), b"over\n");
    }
}

#[test]
fn an_input_that_cmd_closes_ends_for_its_writer() {
    let sandbox = sandbox();
    assert!(Command::new("mkfifo").arg(sandbox.home().join("go")).status().unwrap().success());
    let mut writer = Mortal(Command::new("yes").stdout(Stdio::piped()).spawn().unwrap());
    let script = "exec <&-; echo closed; read x <go; echo $x";
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", script]).command();
    command.stdin(writer.0.stdout.take().unwrap()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut cast = Mortal(command.spawn().unwrap());
    drop(command);
    let mut output = Output::of(cast.0.stdout.take().unwrap());
    output.says("closed\n");
    // While CMD still runs.
    until("the writer's end", || writer.0.try_wait().unwrap());
    assert_eq!(cast.0.try_wait().unwrap(), None);
    fs::write(sandbox.home().join("go"), "on\n").unwrap();
    assert_eq!(output.all(), b"closed\non\n");
    assert_eq!(cast.0.wait().unwrap().code(), Some(0));
}
