//! `cast run`: CMD replaces cast, and cannot tell that cast started it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;

use crate::sandbox::{CAST, Sandbox, skip};
use crate::terminal::Terminal;

/// With a value too short to be masked, so that cast always replaces itself with the command.
fn sandbox() -> Sandbox {
    Sandbox::with("a", &[("K", "abc")])
}

/// An executable file, or one that is not, in the home of the sandbox.
fn program(sandbox: &Sandbox, name: &str, text: &[u8], mode: u32) -> PathBuf {
    let path = sandbox.home().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let sandbox = sandbox();
    for code in (0..=255).step_by(15).chain([1, 2, 3, 124, 125, 126, 127, 128, 130, 137, 143, 254]) {
        let outcome = sandbox.cast(["run", "a", "--", "sh", "-c", &format!("exit {code}")]).run();
        assert_eq!((outcome.code, outcome.out.as_str(), outcome.err.as_str()), (code, "", ""));
    }
}

#[test]
fn the_death_is_that_of_the_command() {
    let sandbox = sandbox();
    for signal in [1, 2, 6, 9, 13, 15] {
        let output = sandbox.cast(["run", "a", "--", "sh", "-c", &format!("kill -{signal} $$")]).output();
        assert_eq!(output.status.signal(), Some(signal), "{output:?}");
        assert_eq!(output.stderr, b"");
    }
}

#[test]
fn the_process_is_the_same() {
    let sandbox = sandbox();
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", "echo $$ $PPID"]).command();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let expected = format!("{} {}\n", child.id(), std::process::id());
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap(), expected);
}

#[test]
fn arguments_arrive_byte_for_byte() {
    let sandbox = sandbox();
    let words: &[&[u8]] = &[
        b"",
        b" blanks ",
        b"line\nbreak",
        b"\xff\xfe",
        b"--",
        b"-q",
        b"--explain",
        b"$K `id` \"'*?\\",
        b"%s",
        b"K=V",
        b"\x01\x1b",
    ];
    let call = ["run", "a", "--", "printf", "%s\\0"].map(OsStr::new);
    let output = sandbox.cast(call.into_iter().chain(words.iter().map(|word| OsStr::from_bytes(word)))).output();
    let expected: Vec<u8> = words.iter().flat_map(|word| [word, b"\0".as_slice()].concat()).collect();
    assert_eq!(output.stdout, expected, "{output:?}");
    // Argument 0 is the word that was typed.
    let zero = sandbox.cast(["run", "a", "--", "sh", "-c", "echo \"$0\"; tr '\\0' '\\n' </proc/$$/cmdline | head -1"]);
    assert_eq!(zero.succeeds().out, "sh\nsh\n");
    // Also a program whose name is not UTF-8.
    let name = OsStr::from_bytes(b"./tool-\xff");
    fs::write(sandbox.home().join(name), "#!/bin/sh\necho found\n").unwrap();
    fs::set_permissions(sandbox.home().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(sandbox.cast(["run", "a", "--"].map(OsStr::new).into_iter().chain([name])).succeeds().out, "found\n");
}

#[test]
fn what_is_not_found_ends_with_127() {
    let sandbox = sandbox();
    for command in ["no-such-command", "./no-such-file", "/no/such/folder/file", ""] {
        sandbox.cast(["run", "a", "--", command, "sk-live-argument"]).refuses(127, "not found", &["sk-live"]);
    }
    sandbox.cast(["run", "a", "--", "sh"]).env("PATH", "/nowhere:/no/where").refuses(127, "not found", &["sk-live"]);
    let not_a_folder = program(&sandbox, "file", b"", 0o755).join("below");
    let refused = sandbox.cast(["run", "a", "--", not_a_folder.to_str().unwrap()]).run();
    assert!([126, 127].contains(&refused.code), "{refused:?}");
}

#[test]
fn what_cannot_be_executed_ends_with_126() {
    let sandbox = sandbox();
    program(&sandbox, "not-executable", b"#!/bin/sh\n", 0o644);
    program(&sandbox, "no-interpreter", b"#!/no/such/interpreter\n", 0o755);
    fs::create_dir(sandbox.home().join("folder")).unwrap();
    for command in ["./not-executable", "./no-interpreter", "./folder", "/"] {
        sandbox.cast(["run", "a", "--", command, "sk-live-argument"]).refuses(126, "cannot be executed", &["sk-live"]);
    }
    // In PATH, a folder of that name is not a command; a file without the execute bit is one that cannot be executed,
    // as in a shell.
    let here = sandbox.home().to_str().unwrap();
    sandbox.cast(["run", "a", "--", "not-executable"]).env("PATH", here).refuses(
        126,
        "cannot be executed",
        &["sk-live"],
    );
    let folder = sandbox.cast(["run", "a", "--", "folder"]).env("PATH", here).run();
    assert!([126, 127].contains(&folder.code), "{folder:?}");
}

#[test]
fn a_script_without_an_interpreter_is_for_the_shell() {
    let sandbox = sandbox();
    program(&sandbox, "script", b"printf '%s|' \"$0\" \"$@\"; printenv K\n", 0o755);
    let here = sandbox.cast(["run", "a", "--", "./script", "one", "", "two words"]).succeeds();
    assert_eq!(here.out, "./script|one||two words|abc\n");
    let path = format!("{}:{}", sandbox.home().display(), std::env::var("PATH").unwrap());
    let found = sandbox.cast(["run", "a", "--", "script", "one"]).env("PATH", path).succeeds();
    assert!(found.out.ends_with("script|one|abc\n"), "{found:?}");
}

#[test]
fn no_vault_and_no_key_start_nothing() {
    let sandbox = sandbox();
    let started = |agent: &'static str| sandbox.cast(["run", agent, "--", "touch", "started"]);
    let unknown = started("aa").refuses(125, "agent 'aa' has no vault", &[]);
    assert!(unknown.err.contains("cast: hint: "), "{unknown:?}");
    started("builtin").refuses(125, "has no vault", &[]);
    started("a").env("CAST_KEY", "sk-live-abc").refuses(125, "CAST_KEY", &["sk-live"]);
    started("a").env("CAST_KEY_FILE", "/no/such/file").refuses(125, "CAST_KEY_FILE", &[]);
    sandbox.set("damaged", "K", "abc");
    fs::write(sandbox.vault("damaged"), "damaged").unwrap();
    started("damaged").refuses(125, "'damaged'", &[]);
    fs::remove_file(sandbox.key_file()).unwrap();
    started("a").refuses(125, "no key", &[]);
}

#[test]
fn streams_are_left_alone() {
    let sandbox = sandbox();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let output = sandbox.cast(["run", "a", "--", "cat"]).input(&bytes).output();
    assert!(output.stdout == bytes && output.stderr.is_empty());
    let output = sandbox.cast(["run", "a", "--", "sh", "-c", "echo out; echo err >&2"]).output();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (b"out\n".as_slice(), b"err\n".as_slice()));
    // CMD inherits other descriptors, and cast leaks none of its own.
    let script = "exec \"$0\" run a -- sh -c 'echo three >&3; ls -l /proc/self/fd' 3>three";
    let output = sandbox.command("sh").args(["-c", script, CAST]).output().unwrap();
    assert_eq!(fs::read_to_string(sandbox.home().join("three")).unwrap(), "three\n");
    let open = String::from_utf8(output.stdout).unwrap();
    assert!(!open.contains("cast/"), "left open: {open}");
    // cast writes nothing to a closed stream.
    let output = sandbox.command("sh").args(["-c", "exec \"$0\" run a -- echo said 2>&-", CAST]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"said\n".as_slice()));
}

/// Whether the command run by `script` has this signal ignored, and whether any is blocked.
fn signals(script: &str) -> (u64, u64) {
    let sandbox = sandbox();
    let output = sandbox.command("sh").args(["-c", script, CAST]).output().unwrap();
    let status = String::from_utf8_lossy(&output.stdout);
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{output:?}"));
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    (mask("SigIgn:"), mask("SigBlk:"))
}

#[test]
fn signals_are_as_the_caller_left_them() {
    let bit = |signal: u32| 1_u64 << (signal - 1);
    let (hup, int, pipe, xfsz) = (bit(1), bit(2), bit(13), bit(25));
    let (ignored, blocked) = signals("exec \"$0\" run a -- cat /proc/self/status");
    assert_eq!((ignored & (hup | int | pipe | xfsz), blocked), (0, 0));
    let (ignored, _) = signals("trap '' HUP INT; exec \"$0\" run a -- cat /proc/self/status");
    assert_eq!(ignored & (hup | int | pipe), hup | int);
    // As with nohup, but the test waits for the end: the command survives the signal.
    let sandbox = sandbox();
    let script = "trap '' HUP; exec \"$0\" run a -- sh -c 'kill -HUP $$; echo alive'";
    assert_eq!(sandbox.command("sh").args(["-c", script, CAST]).output().unwrap().stdout, b"alive\n");
}

#[test]
fn too_much_environment_names_the_longest() {
    let sandbox = sandbox();
    for (key, length) in [("LARGE", 120_000), ("LARGEST", 130_000), ("LESS", 110_000)] {
        sandbox.cast(["set", "a", key]).input("v".repeat(length)).succeeds();
    }
    // The kernel allows a quarter of the stack limit.
    let script = "ulimit -s 1024; exec \"$0\" run a -- true";
    let output = sandbox.command("sh").args(["-c", script, CAST]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(126), b"".as_slice()), "{said}");
    let (largest, large) = (said.find("LARGEST").expect(&said), said.find("LARGE ").expect(&said));
    assert!(largest < large, "{said}");
    assert!(!said.contains("vvvv"), "{said}");
}

#[test]
fn ctrl_c_ends_the_command() {
    let sandbox = sandbox();
    let mut terminal =
        Terminal::start(sandbox.cast(["run", "a", "--", "sh", "-c", "tty; echo ready; exec sleep 1000"]));
    terminal.sees("/dev/pts/");
    terminal.sees("ready");
    terminal.types("\x03");
    let (status, shown) = terminal.ends();
    assert_eq!(status.signal(), Some(2), "{shown}");
    assert!(!shown.contains("cast"), "{shown}");
}

#[test]
fn ctrl_z_stops_the_command_and_fg_continues_it() {
    let sandbox = sandbox();
    // An interactive shell: it has job control.
    let script = "PS1='shell> ' ENV= exec sh -i";
    let mut terminal = Terminal::start_in_shell(sandbox.cast([""]).env("CAST", CAST), script);
    terminal.sees("shell> ");
    terminal.types(
        "\"$CAST\" run a -- sh -c 'echo rea''dy; read line; echo \"got $line\"; read line; echo \"last $line\"'\r",
    );
    terminal.sees("ready");
    terminal.types("\x1a");
    terminal.sees("shell> ");
    terminal.types("fg; echo ended w''ith $?\r");
    terminal.types("hello\r");
    terminal.sees("got hello");
    terminal.types("world\r");
    terminal.sees("last world");
    terminal.sees("ended with 0");
    terminal.types("exit\r");
    terminal.ends_with(0);
}

#[test]
fn does_only_what_it_needs() {
    let sandbox = sandbox();
    let key = sandbox.key();
    fs::remove_file(sandbox.key_file()).unwrap();
    let log = sandbox.home().join("strace.log");
    let words = ["-f", "-o", log.to_str().unwrap(), CAST, "run", "a", "--", "true"];
    let traced = sandbox.command("strace").args(words).env("CAST_KEY", key).output();
    let Some(output) = traced.ok().filter(|_| fs::read_to_string(&log).is_ok_and(|log| log.contains("execve("))) else {
        return skip("run: strace is not installed or not allowed");
    };
    assert!(output.status.success(), "{output:?}");
    let log = fs::read_to_string(&log).unwrap();
    // From the start of cast to where it becomes `true`.
    let lines: Vec<_> = log.lines().collect();
    let last = lines.iter().rposition(|line| line.contains("execve(") && line.ends_with("= 0")).unwrap();
    let own = &lines[1..last];
    assert!(own.len() > 10, "{log}");
    for call in [
        "socket(", "connect(", "clone(", "clone3(", "fork(", "vfork(", "getdents", "key.txt", "key.age", "mkdir",
        "rename",
    ] {
        let found: Vec<_> = own.iter().filter(|line| line.contains(call)).collect();
        assert!(found.is_empty(), "{call}: {found:#?}");
    }
    let configured = own.iter().any(|line| line.contains("config") && !line.contains("ENOENT"));
    assert!(!configured, "a configuration was found: {own:#?}");
    let written: Vec<_> = own.iter().filter(|line| line.contains("O_CREAT") || line.contains(" write(")).collect();
    assert!(written.len() == 1 && written[0].contains("{\\\"time\\\""), "not only the audit log: {written:#?}");
}

#[test]
fn a_variable_before_the_command_is_not_repeated() {
    let sandbox = sandbox();
    let call = sandbox.cast(["run", "a", "--", "TOKEN=sk-live-123", "node", "x.js"]);
    call.refuses(127, "command '...=...' was not found", &["sk-live"]);
}
