//! Terminals that a person may not be reading alone: CMD gets a terminal of cast's own, with all that a terminal does.

mod job;
mod keys;
mod outputs;
mod programs;
mod ways_out;

use std::fs;

use rustix::termios::Termios;
use serde_json::Value;

use crate::sandbox::{CAST, CODING_AGENTS, Sandbox};
use crate::supervise::process::{stat, until};
use crate::supervise::{SECRET, sandbox};
use crate::terminal::{AND_STAY, Terminal};

/// What a masked terminal shows of the secret begins so. How the marker is filled is the masker's.
const MARKER: &str = "[cast:K";

/// The words of a masked run of a script.
fn masked(script: &str) -> [&str; 7] {
    ["run", "--mask", "a", "--", "sh", "-c", script]
}

/// A masked run that has written its id into the file `cmd` and goes on with this script, from a shell that stays; and
/// the modes of the terminal before it.
#[track_caller]
fn ready(sandbox: &Sandbox, script: &str) -> (Terminal, Termios) {
    let run = sandbox.cast(masked(&format!("echo $$ >cmd; echo ready; {script}")));
    let mut terminal = Terminal::start_in_shell(run, &format!("echo begin; read _; {AND_STAY}"));
    terminal.sees("begin");
    let before = terminal.modes();
    terminal.types("\r");
    terminal.sees("ready");
    terminal.becomes_raw(true);
    (terminal, before)
}

fn settings(sandbox: &Sandbox, text: &str) {
    let path = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What a terminal shows of a run with this option, in an environment with these variables.
fn shown(sandbox: &Sandbox, option: &[&str], variables: &[(&str, &str)]) -> String {
    let words = [
        &["run", "a"],
        option,
        &["--", "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && echo seen $K; echo $K >&2"],
    ]
    .concat();
    let call = variables.iter().fold(sandbox.cast(words), |call, (name, value)| call.env(name, value));
    Terminal::start(call).ends_with(0)
}

#[track_caller]
fn assert_masked(shown: &str) {
    assert!(
        !shown.contains(SECRET) && shown.starts_with("seen [cast:K") && shown.matches(MARKER).count() == 2,
        "{shown}"
    );
}

#[track_caller]
fn assert_plain(shown: &str) {
    assert_eq!(shown, format!("seen {SECRET}\r\n{SECRET}\r\n"));
}

#[test]
fn a_terminal_is_masked_if_the_caller_or_the_settings_say_so() {
    let sandbox = sandbox();
    assert_masked(&shown(&sandbox, &["--mask"], &[]));
    settings(&sandbox, "mask = \"always\"\n");
    assert_masked(&shown(&sandbox, &[], &[]));
    assert_plain(&shown(&sandbox, &["--no-mask"], &[]));
    // The caller has the last word.
    settings(&sandbox, "mask = \"never\"\n");
    assert_masked(&shown(&sandbox, &["--mask"], &[]));
    assert_plain(&shown(&sandbox, &[], &[("CI", "true"), ("CLAUDECODE", "1")]));
    let both = sandbox.cast(["run", "a", "--mask", "--no-mask", "--", "touch", "started"]).run();
    assert!(both.code != 0 && both.err.contains("cannot be used with"), "{both:?}");
    assert!(!sandbox.home().join("started").exists());
}

#[test]
fn a_terminal_is_masked_below_an_agent_and_in_ci() {
    let sandbox = sandbox();
    for variable in CODING_AGENTS.into_iter().chain(["CI"]) {
        assert_masked(&shown(&sandbox, &[], &[(variable, "1")]));
        assert_plain(&shown(&sandbox, &[], &[(variable, "")]));
    }
    assert_masked(&shown(&sandbox, &[], &[("CI", "true")]));
    assert_plain(&shown(&sandbox, &[], &[("CI", "false")]));
    assert_plain(&shown(&sandbox, &["--no-mask"], &[("CI", "true")]));
    settings(&sandbox, "mask = \"auto\"\n");
    assert_masked(&shown(&sandbox, &[], &[("CODEX_CI", "1")]));
    // Files and pipes are masked as ever.
    let piped = sandbox.cast(["run", "a", "--", "printenv", "K"]).env("CI", "1").succeeds();
    assert_eq!(piped.out, "[cast:K]\n");
}

#[test]
fn only_the_variables_of_the_caller_count() {
    let names = [("K", SECRET), ("CI", "true"), ("CLAUDECODE", "1"), ("GEMINI_CLI", "1")];
    assert_plain(&shown(&Sandbox::with("a", &names), &[], &[]));
    let sandbox = sandbox();
    sandbox.set("builtin", "AGENT", "someone");
    sandbox.set("builtin", "CI", "1");
    assert_plain(&shown(&sandbox, &[], &[]));
}

#[test]
fn with_nothing_to_mask_cast_becomes_cmd() {
    let sandbox = Sandbox::with("a", &[("PORT", "3000")]);
    for (option, variables) in [(&["--mask"][..], &[][..]), (&[], &[("CI", "1")]), (&["--no-mask"], &[("CI", "1")])] {
        let words = [&["run", "a"], option, &["--", "sh", "-c", "echo cmd $$ $PORT"]].concat();
        let call = variables.iter().fold(sandbox.cast(words), |call, (name, value)| call.env(name, value));
        let terminal = Terminal::start(call);
        let pid = terminal.pid();
        assert_eq!(terminal.ends_with(0), format!("cmd {} 3000\r\n", pid.as_raw_nonzero()));
    }
}

#[test]
fn the_inner_terminal_is_cmds_controlling_terminal() {
    let sandbox = sandbox();
    let script = "tty; echo through dev tty $K >/dev/tty; stty size </dev/tty";
    let shown = Terminal::start(sandbox.cast(masked(script))).ends_with(0);
    assert!(shown.starts_with("/dev/pts/") && !shown.contains(SECRET), "{shown}");
    assert!(shown.contains("through dev tty [cast:K") && shown.contains("24 80"), "{shown}");
}

#[test]
fn a_marker_takes_as_many_columns_as_the_secret() {
    let sandbox = sandbox();
    let shown = Terminal::start(sandbox.cast(masked("echo \"|$K|$K|\""))).ends_with(0);
    assert!(shown.starts_with("|[cast:K") && shown.trim_end().len() == 3 + 2 * SECRET.len(), "{shown}");
}

#[test]
fn runs_nest() {
    let sandbox = sandbox();
    let script = "tty; stty size; echo $K; read line; echo \"got $line\"; exit 3";
    let words =
        [&["run", "--mask", "a", "--", CAST, "run", "--mask", "a", "--", CAST][..], &masked(script)[..]].concat();
    let mut terminal = Terminal::start(sandbox.cast(words));
    terminal.sees("24 80");
    terminal.sees(MARKER);
    terminal.types("text\r");
    terminal.sees("got text");
    assert!(!terminal.ends_with(3).contains(SECRET));
}

#[test]
fn explain_says_what_is_masked_on_a_terminal() {
    let sandbox = sandbox();
    let told = |option: &str, script: &str| {
        Terminal::start_in_shell(sandbox.cast(["run", "a", option, "--explain"]), script).ends_with(0)
    };
    let (whole, outputs) =
        ("masked, on a terminal of cast's own", "What CMD writes to /dev/tty itself is not masked here");
    let said = told("--mask", "\"$@\"");
    assert!(said.matches(whole).count() == 2 && !said.contains(outputs), "{said}");
    let said = told("--mask", "\"$@\" </dev/null");
    assert!(said.matches(whole).count() == 2 && said.matches(outputs).count() == 1, "{said}");
    let said = told("--mask", "\"$@\" | cat");
    assert!(said.matches(whole).count() == 1 && said.matches(outputs).count() == 1, "{said}");
    let said = told("--clean-env", "\"$@\" 2>/dev/null");
    assert!(said.contains("unchanged: a terminal\r\n"), "{said}");
    assert!(said.contains("unchanged: /dev/null or closed\r\n"), "{said}");
    let said = told("--clean-env", "\"$@\" 2>&1 | cat");
    assert!(said.matches("masked, in one stream with the other").count() == 2, "{said}");
    let said = told("--no-mask", "\"$@\"");
    assert!(!said.contains(whole) && !said.contains(outputs), "{said}");
    for (option, script, stdout, stderr, own) in [
        ("--mask", "\"$@\" --json", "masked terminal", "masked terminal", Value::from("whole")),
        ("--mask", "\"$@\" --json </dev/null", "masked terminal", "masked terminal", "outputs".into()),
        ("--mask", "\"$@\" --json 2>/dev/null | cat", "masked", "left alone", Value::Null),
        ("--clean-env", "\"$@\" --json", "left alone", "left alone", Value::Null),
    ] {
        let told: Value = serde_json::from_str(&told(option, script)).unwrap();
        assert_eq!((&told["stdout"], &told["stderr"], &told["own_terminal"]), (&stdout.into(), &stderr.into(), &own));
    }
}

/// A run that is masked is not started where no pseudo-terminal is to be had.
#[test]
fn without_a_terminal_of_its_own_nothing_is_started() {
    let sandbox = sandbox();
    let script = "ulimit -n 16; \"$@\"; echo \"[ended with $?]\"";
    let shown = Terminal::start_in_shell(sandbox.cast(masked("echo >started; echo $K")), script).ends_with(0);
    assert!(
        shown.contains("[ended with 125]") && shown.contains("cast cannot start a command: too many open files"),
        "{shown}"
    );
    assert!(!shown.contains(SECRET) && !sandbox.home().join("started").exists());
}

/// Waits for a file that CMD writes.
fn file(sandbox: &Sandbox, name: &str) -> String {
    let path = sandbox.home().join(name);
    until(name, || fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'))).trim_end().to_owned()
}

fn parent(pid: i32) -> i32 {
    stat(pid).unwrap()[1].parse().unwrap()
}

/// The leader of the session of CMD, which has written its id into the file `cmd`.
fn keeper(sandbox: &Sandbox) -> i32 {
    parent(file(sandbox, "cmd").parse().unwrap())
}

fn cast(sandbox: &Sandbox) -> i32 {
    parent(keeper(sandbox))
}
