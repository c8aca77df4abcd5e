//! Several casts that ask on one terminal.

use std::fs;

use rustix::process::{Signal, kill_process};

use super::{PASSPHRASE, VALUE, asks, locked, open, pid, shows_no_secret};
use crate::sandbox::{CAST, Sandbox};
use crate::terminal::{Terminal, assert_same_modes};

/// `sh -c script` with `$CAST`, between `before` and `[ended]`.
fn shell(sandbox: &Sandbox, script: &str) -> Terminal {
    let call = sandbox.cast([""]).env("CAST", CAST);
    Terminal::start_in_shell(call, &format!("echo be''fore; read -r _; {script}; echo [ended]; read -r _"))
}

/// Answers the question so many times; nothing shows, and all is as it was.
#[track_caller]
fn check(sandbox: &Sandbox, script: &str, question: &str, answer: &str, times: usize) -> String {
    let mut terminal = shell(sandbox, script);
    terminal.sees("before");
    let modes = terminal.modes();
    terminal.types("\r");
    for time in 1..=times {
        asks(&mut terminal, question);
        let asked = terminal.text().matches(question).count();
        assert_eq!(asked, time, "asked before its turn: {}", terminal.text());
        terminal.types(format!("{answer}\r"));
    }
    terminal.sees("[ended]");
    assert_same_modes(&modes, &terminal.modes());
    terminal.types("\r");
    let shown = terminal.ends_with(0);
    shows_no_secret(&shown);
    shown
}

#[test]
fn in_a_pipeline() {
    let sandbox = locked();
    let script = "$CAST run a -- echo one | $CAST run a -- sed s/^/two:/";
    assert!(check(&sandbox, script, "Passphrase for ", PASSPHRASE, 2).contains("two:one"));
    let script = "$CAST run a -- echo 1 | $CAST run a -- sed s/^/2:/ | $CAST run a -- sed s/^/3:/";
    assert!(check(&sandbox, script, "Passphrase for ", PASSPHRASE, 3).contains("3:2:1"));
}

#[test]
fn in_processes_side_by_side() {
    let sandbox = locked();
    let script = "for n in 1 2 3; do $CAST run a -- echo job-$n & done; wait";
    let shown = check(&sandbox, script, "Passphrase for ", PASSPHRASE, 3);
    assert!((1..=3).all(|n| shown.contains(&format!("job-{n}"))), "{shown}");
    let sandbox = open();
    let script = "for n in 1 2 3; do $CAST set a NEW_$n </dev/tty & done; wait";
    check(&sandbox, script, "Enter value for NEW_", VALUE, 3);
    for n in 1..=3 {
        assert_eq!(sandbox.value("a", &format!("NEW_{n}")), VALUE.as_bytes());
    }
    let sandbox = open();
    sandbox.set("b", "K", "hunter2-hunter2");
    check(&sandbox, "$CAST delete a --all & $CAST delete b --all; wait", "[y/N] ", "y", 2);
    assert!(!sandbox.vault("a").exists() && !sandbox.vault("b").exists());
}

/// While one asks, the other waits; the end of the first, in any way, is the turn of the second.
#[test]
fn the_end_of_one_is_the_turn_of_the_next() {
    let sandbox = locked();
    let go = sandbox.home().join("go");
    assert!(sandbox.command("mkfifo").arg(&go).status().unwrap().success());
    for signal in [Signal::KILL, Signal::TERM, Signal::HUP] {
        let script =
            r#"sh -c 'echo "[pid $$]"; exec $CAST run a -- echo fir''st' & : <go; $CAST run a -- echo sec''ond; wait"#;
        let mut terminal = shell(&sandbox, script);
        terminal.sees("before");
        terminal.types("\r");
        let first = pid(&mut terminal);
        asks(&mut terminal, "Passphrase for ");
        fs::write(&go, "").unwrap();
        kill_process(first, signal).unwrap();
        asks(&mut terminal, "Passphrase for ");
        terminal.types(format!("{PASSPHRASE}\r"));
        terminal.sees("second");
        terminal.sees("[ended]");
        terminal.types("\r");
        let shown = terminal.ends_with(0);
        assert!(!shown.contains("first"), "{shown}");
        shows_no_secret(&shown);
    }
}

/// A job that was stopped at its question does not keep another from asking.
#[test]
fn a_stopped_one_gives_its_turn_away() {
    let sandbox = locked();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    terminal.types("$CAST run a -- echo fir''st\r");
    asks(&mut terminal, "Passphrase for ");
    terminal.types("\x1a");
    terminal.sees("shell> ");
    for word in ["second", "third"] {
        let (head, tail) = word.split_at(3);
        terminal.types(format!("$CAST run a -- echo {head}''{tail}\r"));
        asks(&mut terminal, "Passphrase for ");
        terminal.types(format!("{PASSPHRASE}\r"));
        terminal.sees(word);
        terminal.sees("shell> ");
    }
    terminal.types("fg\r");
    asks(&mut terminal, "Passphrase for ");
    terminal.types(format!("{PASSPHRASE}\r"));
    terminal.sees("first");
    terminal.sees("shell> ");
    terminal.types("exit\r");
    shows_no_secret(&terminal.ends_with(0));
}
