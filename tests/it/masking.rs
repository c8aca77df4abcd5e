//! What `cast run` masks, and where: output to a file, pipe or socket; a terminal only where a person may not be
//! reading alone; never `/dev/null` or a closed stream.

mod file;
mod fixed;
mod forms;
mod large;
mod lost;
mod places;
mod streams;
mod terminal;
mod writers;

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use crate::sandbox::{CAST, Sandbox};
use crate::supervise::process::Running;
use crate::supervise::{SECRET, bash, sandbox};
use crate::terminal::Terminal;

const SAY: &str = "echo out $K; echo err $K >&2";

#[test]
fn a_pipe_a_file_and_a_socket_are_masked() {
    let sandbox = sandbox();
    let outcome = sandbox.cast(["run", "a", "--", "sh", "-c", SAY]).succeeds();
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("out [cast:K]\n", "err [cast:K]\n"));
    assert_eq!(
        bash(&sandbox, &format!("$CAST -q run a -- sh -c '{SAY}' >o 2>e; cat o e")),
        "out [cast:K]\nerr [cast:K]\n"
    );
    // The file's former contents stay, and each stream goes to its own file.
    assert_eq!(bash(&sandbox, "echo old >f; $CAST -q run a -- printenv K >>f; cat f"), "old\n[cast:K]\n");
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", SAY]).command();
    let both = (OwnedFd::from(theirs.try_clone().unwrap()), OwnedFd::from(theirs));
    let mut cast = command.stdin(Stdio::null()).stdout(both.0).stderr(both.1).spawn().unwrap();
    drop(command);
    let mut said = String::new();
    ours.read_to_string(&mut said).unwrap();
    assert_eq!((said.as_str(), cast.wait().unwrap().code()), ("out [cast:K]\nerr [cast:K]\n", Some(0)));
}

#[test]
fn one_masked_stream_leaves_the_other_as_it_is() {
    let sandbox = sandbox();
    let said =
        bash(&sandbox, "$CAST run a -- sh -c 'to=$(readlink /proc/$$/fd/1); echo $to >&2; echo $K >&2' >/dev/null");
    assert_eq!(said, "/dev/null\n[cast:K]\n");
    let said = bash(&sandbox, "$CAST run a -- sh -c 'to=$(readlink /proc/$$/fd/2); echo $to; echo $K' 2>/dev/null");
    assert_eq!(said, "/dev/null\n[cast:K]\n");
}

#[test]
fn without_what_a_masker_needs_nothing_is_started() {
    let sandbox = sandbox();
    // From too few descriptors to enough for pipes and threads. With fewer than 4 the program itself cannot be loaded.
    for (failed, descriptors) in (4..64).enumerate() {
        let limit = format!("ulimit -n {descriptors}");
        let call = || sandbox.cast_after(&limit, ["run", "a", "--", "sh", "-c", "echo >started; echo $K"]);
        if sandbox.cast_after(&limit, ["run", "a", "--", "true"]).run().code == 0 {
            assert_eq!(call().succeeds().out, "[cast:K]\n");
            assert!(failed > 3, "it was never short of descriptors");
            return;
        }
        call().refuses(125, "", &[SECRET]);
    }
    panic!("it was always short of descriptors");
}

#[test]
fn with_nobody_to_read_cast_becomes_cmd() {
    let sandbox = sandbox();
    for streams in [">/dev/null 2>&1", ">/dev/null 2>&-", ">&- 2>/dev/null", ">&- 2>&-"] {
        let said =
            bash(&sandbox, &format!("(exec $CAST run a -- sh -c 'echo $$ >pid' {streams}) & wait; cat pid; echo $!"));
        let (cmd, cast) = said.trim().split_once('\n').unwrap();
        assert_eq!(cmd, cast, "{streams}");
    }
    assert_eq!(bash(&sandbox, "$CAST run a -- sh -c 'echo $K >&2' >&-"), "[cast:K]\n");
    assert_eq!(bash(&sandbox, "$CAST run a -- sh -c 'echo $K' 2>&-"), "[cast:K]\n");
}

#[test]
fn a_terminal_that_a_person_reads_is_left_alone() {
    let sandbox = sandbox();
    let all = Terminal::start(sandbox.cast(["run", "a", "--", "sh", "-c", "tty; echo out $K; echo err $K >&2"]));
    let shown = all.ends_with(0);
    assert!(shown.contains("/dev/pts/") && shown.contains(&format!("out {SECRET}\r\nerr {SECRET}\r\n")), "{shown}");
    let words = ["run", "a", "--", "sh", "-c", "test -t 0 && test -t 1 && echo seen $K; echo err $K >&2"];
    let shown = Terminal::start_in_shell(sandbox.cast(words), "\"$@\" 2>errors").ends_with(0);
    assert_eq!(shown, format!("seen {SECRET}\r\n"));
    assert_eq!(fs::read_to_string(sandbox.home().join("errors")).unwrap(), "err [cast:K]\n");
    let words = ["run", "a", "--", "sh", "-c", "test -t 2 && echo seen $K >&2; echo out $K"];
    let shown = Terminal::start_in_shell(sandbox.cast(words), "\"$@\" | cat >output").ends_with(0);
    assert_eq!(shown, format!("seen {SECRET}\r\n"));
    assert_eq!(fs::read_to_string(sandbox.home().join("output")).unwrap(), "out [cast:K]\n");
}

#[test]
fn two_streams_that_are_one_keep_their_order() {
    let sandbox = sandbox();
    let script = "i=0; while [ $i -lt 2000 ]; do echo $i; echo $i $K >&2; i=$((i+1)); done";
    let expected: Vec<_> = (0..2000).map(|i| format!("{i}\n{i} [cast:K]\n")).collect();
    let expected = expected.concat();
    assert!(bash(&sandbox, &format!("$CAST run a -- sh -c '{script}'")) == expected);
    assert!(bash(&sandbox, &format!("$CAST run a -- sh -c '{script}' >f 2>&1; cat f")) == expected);
    // A reader sees a secret whose parts come from both streams as one.
    let halves = "printf %s ${K%%56789}; printf %s 56789 >&2";
    assert_eq!(bash(&sandbox, &format!("$CAST run a -- sh -c '{halves}'")), "[cast:K]");
    let apart = sandbox.cast(["run", "a", "--", "sh", "-c", "echo $K; echo $K >&2"]).succeeds();
    assert_eq!((apart.out.as_str(), apart.err.as_str()), ("[cast:K]\n", "[cast:K]\n"));
}

#[test]
fn masking_can_be_turned_off() {
    let sandbox = sandbox();
    let run = |sandbox: &Sandbox, more: &[&str]| {
        let words = [&["run", "a"], more, &["--", "sh", "-c", "echo $$ $K"]].concat();
        let mut cast = Running::cast(sandbox, &words);
        let pid = cast.pid().to_string();
        let said = cast.rest();
        // Turned off, cast becomes CMD.
        let (process, value) = said.trim().split_once(' ').unwrap();
        assert_eq!(process == pid, value == SECRET, "{said}");
        value.to_owned()
    };
    assert_eq!(run(&sandbox, &[]), "[cast:K]");
    assert_eq!(run(&sandbox, &["--no-mask"]), SECRET);
    let settings = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    for (text, expected) in [("mask = \"never\"\n", SECRET), ("mask = \"auto\"\n", "[cast:K]"), ("", "[cast:K]")] {
        fs::write(&settings, text).unwrap();
        assert_eq!(run(&sandbox, &[]), expected);
        assert_eq!(run(&sandbox, &["--no-mask"]), SECRET);
    }
}

#[test]
fn settings_lie_in_cast_home_where_that_is_set() {
    let sandbox = Sandbox::empty();
    let home = sandbox.home().join("all");
    let cast = |words: &[&str]| sandbox.cast(words).env("CAST_HOME", &home).succeeds();
    cast(&["init", "--key-store", "file"]);
    cast(&["set", "a", "K", SECRET]);
    assert_eq!(cast(&["run", "a", "--", "printenv", "K"]).out, "[cast:K]\n");
    // Only there.
    fs::create_dir_all(sandbox.home().join(".config/cast")).unwrap();
    fs::write(sandbox.home().join(".config/cast/config.toml"), "mask = \"never\"").unwrap();
    assert_eq!(cast(&["run", "a", "--", "printenv", "K"]).out, "[cast:K]\n");
    fs::write(home.join("config.toml"), "mask = \"never\"").unwrap();
    assert_eq!(cast(&["run", "a", "--", "printenv", "K"]).out, format!("{SECRET}\n"));
}

#[test]
fn settings_that_are_not_understood_start_nothing() {
    let sandbox = sandbox();
    let settings = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    for text in
        ["# 1\nmask = \"hunter22\"\n", "# 1\nhunter22\n", "# 1\n[hunter22\n", "# 1\nmask = \"never\" hunter22\n"]
    {
        fs::write(&settings, text).unwrap();
        let run = sandbox.cast(["run", "a", "--", "touch", "started"]);
        let refused = run.refuses(125, "line 2 of the settings", &["hunter22", SECRET]);
        assert!(refused.err.contains("config.toml"), "{refused:?}");
    }
    fs::write(&settings, b"# 1\nmask = \"\xff\"\n").unwrap();
    sandbox.cast(["run", "a", "--", "touch", "started"]).refuses(125, "settings", &[SECRET]);
    fs::remove_file(&settings).unwrap();
    fs::create_dir(&settings).unwrap();
    sandbox.cast(["run", "a", "--", "touch", "started"]).refuses(125, "config.toml", &[SECRET]);
    fs::remove_dir(&settings).unwrap();
    // Nor files that never end or block until another process writes to them.
    let refused = |what: &str| {
        sandbox.cast(["run", "a", "--", "touch", "started"]).refuses(125, what, &[SECRET]);
        sandbox.cast(["set", "a", "K", SECRET]).refuses(6, what, &[SECRET]);
        assert!(sandbox.cast(["doctor"]).run().out.contains(what));
    };
    assert!(sandbox.command("mkfifo").arg(&settings).status().unwrap().success());
    refused("not a regular file");
    fs::remove_file(&settings).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &settings).unwrap();
    refused("not a regular file");
    fs::remove_file(&settings).unwrap();
    fs::write(&settings, "#\n".repeat(32 << 10) + "#").unwrap();
    refused("larger than 64 KiB");
    // The user may point a link to another file.
    fs::remove_file(&settings).unwrap();
    fs::write(sandbox.home().join("dotfile"), "mask = \"never\"").unwrap();
    std::os::unix::fs::symlink(sandbox.home().join("dotfile"), &settings).unwrap();
    assert_eq!(sandbox.cast(["run", "a", "--", "printenv", "K"]).succeeds().out, format!("{SECRET}\n"));
}

#[test]
fn a_plain_setting_is_said_and_marked() {
    let sandbox = sandbox();
    let set = sandbox.cast(["set", "a", "URL", "--unmasked", "https://example.com/api"]).succeeds();
    assert!(!set.err.contains("not masked"), "{set:?}");
    assert_eq!(sandbox.cast(["run", "a", "--", "printenv", "URL"]).succeeds().out, "https://example.com/api\n");
    let masked = |key: &str| {
        let listing = sandbox.listing("a");
        listing.iter().find(|entry| entry["key"] == key).unwrap()["masked"].as_bool().unwrap()
    };
    assert!(masked("K") && !masked("URL"));
    // Set again, it keeps its flags; made anew, it is a secret.
    sandbox.set("a", "URL", "https://example.com/other");
    assert!(!masked("URL"));
    sandbox.cast(["delete", "a", "URL"]).succeeds();
    sandbox.set("a", "URL", "https://example.com/api");
    assert!(masked("URL"));
    assert_eq!(sandbox.cast(["run", "a", "--", "printenv", "URL"]).succeeds().out, "[cast:URL]\n");
}

#[test]
fn set_says_by_name_what_will_not_be_masked() {
    let sandbox = Sandbox::new();
    for value in
        ["", "abc", "true", "FALSE", "null", "3000", "1234567", "-12.5", "production", "Staging", "localhost", "debug"]
    {
        let set = sandbox.cast(["set", "a", "PLAIN", "--", value]).succeeds();
        let hint =
            set.err.lines().find(|line| line.starts_with("cast: hint: ")).unwrap_or_else(|| panic!("{value}: {set:?}"));
        assert!(hint.contains("'PLAIN' is not masked"), "{hint}");
        assert!(value.len() < 4 || !set.err.contains(value), "{set:?}");
        assert_eq!(sandbox.listing("a")[0]["masked"], false, "{value}");
        assert_eq!(sandbox.cast(["run", "a", "--", "printenv", "PLAIN"]).succeeds().out, format!("{value}\n"));
    }
    for value in ["abcd", "truely", "12345678", "a b c", "productions"] {
        let set = sandbox.cast(["set", "a", "PLAIN", "--", value]).succeeds();
        assert!(!set.err.contains("hint"), "{set:?}");
        assert_eq!(sandbox.listing("a")[0]["masked"], true, "{value}");
        assert_eq!(sandbox.cast(["run", "a", "--", "printenv", "PLAIN"]).succeeds().out, "[cast:PLAIN]\n");
    }
}

#[test]
fn a_prompt_without_a_line_end_appears_at_once() {
    let sandbox = Sandbox::with("a", &[("K", SECRET), ("L", ": Password"), ("M", "> then some"), ("N", "Password:x")]);
    let mut cast =
        Running::cast(&sandbox, &["run", "a", "--", "sh", "-c", "printf 'Login: '; read x; printf '%s> ' $K; read x"]);
    cast.says("Login: ");
    cast.hears("me\n");
    cast.says("[cast:K]> ");
    cast.hears("\n");
    assert_eq!(cast.rest(), "Login: [cast:K]> ");
    let mut command = sandbox.command("sh");
    command.args(["-c", "exec \"$0\" run a -- sh -c 'printf \"Go on? \" >&2; read x' 2>&1 >/dev/null", CAST]);
    let mut cast = Running::start(command);
    cast.says("Go on? ");
    cast.hears("\n");
    assert_eq!(cast.ends().code(), Some(0));
}
