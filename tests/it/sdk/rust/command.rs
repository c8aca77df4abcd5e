//! `client.command`: a program started with secrets in its environment.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use cast::{Client, Error};

use super::super::scenario;
use super::{HERE, SECRET, again, here, in_a_process_of_its_own, itself, key_of, refused};
use crate::broker::world;
use crate::sandbox::{CAST, Sandbox, lacks};
use crate::supervise::process::until;

#[test]
fn a_command_is_started_as_it_is_said() {
    let Some(home) = in_a_process_of_its_own("command::a_command_is_started_as_it_is_said") else { return };
    let client = Client::builder().key(key_of(&home)).open().unwrap();
    client.secrets().set("a", "K", SECRET).unwrap();
    client.secrets().set("a", "OTHER", "other-0123456789").unwrap();
    client.secrets().set("builtin", "SHARED", "shared-0123456789").unwrap();
    let script = "printf %s \"$K|$OTHER|$SHARED|$MINE|${PWD##*/}|$1|${CAST_KEY-}${CAST_KEY_FILE-}|${HERE-}\"";
    let command = || client.command("a", "sh").arg("-c").args([script, "sh", "'$HOME\""]).current_dir("/");
    let prints = |command: cast::Command, expected: &str| {
        let output = command.output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    };
    prints(command(), &format!("{SECRET}|other-0123456789|shared-0123456789|||'$HOME\"||"));
    let mine = || command().env("MINE", "mine").env("K", "not this").env("CAST_KEY", "k").env("CAST_KEY_FILE", "f");
    prints(mine(), &format!("{SECRET}|other-0123456789|shared-0123456789|mine||'$HOME\"||"));
    prints(mine().only(["OTHER"]).no_builtin(), "not this|other-0123456789||mine||'$HOME\"||");
    prints(mine().except(["OTHER", "SHARED"]).clean_env(), &format!("{SECRET}|||mine||'$HOME\"||"));

    let mut child = client.command("a", "cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"to and fro").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"to and fro");
    let ended = client.command("a", "sh").args(["-c", "exit 7"]).stderr(Stdio::null()).status().unwrap();
    assert_eq!(ended.code(), Some(7));

    // A relative path starts here, not in the program's folder.
    fs::write(home.join("tool"), "#!/bin/sh\npwd -P\n").unwrap();
    fs::set_permissions(home.join("tool"), fs::Permissions::from_mode(0o700)).unwrap();
    std::env::set_current_dir(&home).unwrap();
    prints(
        client.command("a", "./tool").current_dir("vaults"),
        &format!("{}/vaults\n", home.canonicalize().unwrap().display()),
    );

    let shown = format!("{:?}", command().arg(SECRET).env("X", SECRET));
    assert!(shown.contains("sh") && !shown.contains(SECRET), "{shown}");
}

/// The broker lives in this process, as long as the program or what stands for it.
#[test]
fn a_brokered_command() {
    const NAME: &str = "command::a_brokered_command";
    let script = format!("curl -sS -H \"Authorization: Bearer ${}\" https://{}/", world::KEY, world::NAME);
    if std::env::var_os(HERE).is_none() {
        if lacks("curl", "sdk") {
            return;
        }
        let world = world::World::with(world::TO_NAME, |mut line| {
            line.head();
            line.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
            line.all();
        });
        again(NAME, &mut world.sandbox.command(itself()));
        assert_eq!((world.host.seen.count(world::VALUE), world.folders()), (2, 0));
        let log = world.sandbox.audit_log();
        assert_eq!(log.matches("\"action\":\"broker\"").count(), 4, "{log}");
        assert_eq!(log.matches(&format!("\"host\":\"{}\",\"requests\":1", world::NAME)).count(), 2, "{log}");
        return;
    }
    let client = Client::open().unwrap();
    let command = |script: &str| client.command("a", "sh").args(["-c", script]).stderr(Stdio::inherit());
    assert_eq!(command(&script).output().unwrap().stdout, b"hello");
    assert_eq!(command("test -n \"$HTTPS_PROXY\" && exit 5").status().unwrap().code(), Some(5));
    let wait = format!("read x; {script}");
    let mut child = command(&wait).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"hello");
    // Without the broker the program goes on, and reaches nothing.
    let late = format!("read x; {script} >out 2>&1; echo $? >ended.new; mv ended.new ended");
    let mut child = command(&late).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    drop(child);
    input.write_all(b"go on\n").unwrap();
    let ended = until("the end of the program", || fs::read_to_string("ended").ok());
    assert!(ended != "0\n" && !fs::read_to_string("out").unwrap().contains("hello"), "{ended}");
    // A program that cannot be started leaves nothing.
    refused(client.command("a", "no-such-command").status());
}

/// In a program that an outer `cast run` started.
#[test]
fn a_command_gets_nothing_of_an_outer_run() {
    const NAME: &str = "command::a_command_gets_nothing_of_an_outer_run";
    let Some(home) = here() else {
        let sandbox = Sandbox::empty();
        let home = scenario::home(&sandbox);
        let cast = |words: &[&str]| sandbox.cast(words).env("CAST_HOME", &home).succeeds();
        cast(&["set", "outer", "K", SECRET]);
        cast(&["set", "outer", "CHANGED", "of-the-outer"]);
        let mut command = sandbox.command(CAST);
        return again(NAME, command.args(["run", "outer", "--no-mask", "--"]).arg(itself()).env("CAST_HOME", home));
    };
    assert_eq!(std::env::var("K").unwrap(), SECRET);
    let client = Client::builder().key(key_of(&home)).open().unwrap();
    client.secrets().set("a", "OWN", "own-0123456789").unwrap();
    let prints = |command: cast::Command, expected: &str| {
        let script = "printf %s \"${K-none}|${CHANGED-none}|${OWN-none}\"; env >&2";
        let output = command.args(["-c", script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        let lists = String::from_utf8(output.stderr).unwrap();
        let list = lists.lines().find(|line| line.starts_with("CAST_INJECTED=")).unwrap();
        assert!(
            list.contains("OWN:")
                && [":K:", ",K:"].iter().any(|entry| list.contains(entry)) == expected.starts_with(SECRET),
            "{list}"
        );
    };
    prints(client.command("a", "sh"), "none|none|own-0123456789");
    prints(client.command("a", "sh").clean_env(), "none|none|own-0123456789");
    // What the program sets itself is its own word.
    prints(client.command("a", "sh").env("CHANGED", "x"), "none|x|own-0123456789");
    prints(client.command("a", "sh").env("CHANGED", "of-the-outer"), "none|of-the-outer|own-0123456789");
    let kept = client.command("a", "sh").inherit_secrets();
    prints(kept, &format!("{SECRET}|of-the-outer|own-0123456789"));
    let kept = client.command("a", "sh").inherit_secrets().env("CHANGED", "x");
    prints(kept, &format!("{SECRET}|x|own-0123456789"));
}

#[test]
fn a_command_that_is_not_started_says_why() {
    let Some(home) = in_a_process_of_its_own("command::a_command_that_is_not_started_says_why") else { return };
    let client = Client::open().unwrap();
    client.secrets().set("a", "K", SECRET).unwrap();
    let check = |command: cast::Command, expected: fn(&Error) -> bool, says: &str| {
        let error = refused(command.arg(SECRET).status());
        assert!(expected(&error) && error.to_string().contains(says), "{error:?}");
    };
    let not_found = |error: &Error| matches!(error, Error::NotFound(_));
    let usage = |error: &Error| matches!(error, Error::Usage(_));
    let other = |error: &Error| matches!(error, Error::Other(_));
    check(client.command("nobody", "true"), not_found, "agent 'nobody' has no vault");
    check(client.command("sk-live/", "true"), usage, "AGENT");
    check(client.command("a", "true").only(["sk-live/"]), usage, "KEY");
    check(client.command("a", "true").only(["X"]), not_found, "no secret 'X'");
    check(client.command("a", "no-such-program"), not_found, "'no-such-program' was not found");
    check(client.command("a", "TOKEN=sk-live-x"), not_found, "command");
    check(client.command("a", home.join("key.txt")), other, "cannot be executed");
    check(client.command("a", "true").arg("sk-live\0"), other, "cannot be executed");
    check(client.command("a", "true").arg("x".repeat(3_000_000)), other, "environment are too long");
    check(
        client.command("a", "true").current_dir(home.join("none")),
        |error| matches!(error, Error::Io(_)),
        "cannot use the working folder",
    );
    check(
        client.command("a", "true").current_dir(home.join("key.txt")),
        |error| matches!(error, Error::Io(_)),
        "cannot use the working folder",
    );
}
