//! Job control: a masked run on a terminal is a job like any other.

use super::{MARKER, cast, file, keeper, masked};
use crate::supervise::process::{is_stopped, send, until};
use crate::supervise::{COUNTER, SECRET, counts_each_ctrl_c_once, has, sandbox};
use crate::terminal::Terminal;
use rustix::process::Signal;

#[test]
fn ctrl_c_and_ctrl_backslash_arrive_once() {
    if !has("python3", &["--version"]) {
        return;
    }
    let sandbox = sandbox();
    let mut terminal = Terminal::start(sandbox.cast(["run", "--mask", "a", "--", "python3", "-c", COUNTER]));
    counts_each_ctrl_c_once(&mut terminal);
    terminal.ends_with(0);
}

#[test]
fn a_signal_for_cast_reaches_cmd_once() {
    if !has("python3", &["--version"]) {
        return;
    }
    let sandbox = sandbox();
    let mut terminal = Terminal::start(sandbox.cast(["run", "--mask", "a", "--", "python3", "-c", COUNTER]));
    terminal.sees("ready");
    let cast = terminal.pid().as_raw_nonzero().get();
    let signals = [Signal::TERM, Signal::HUP, Signal::INT, Signal::USR1, Signal::USR2, Signal::ALARM, Signal::WINCH];
    for (signal, count) in signals.into_iter().zip(1..) {
        send(cast, signal);
        terminal.sees(&format!(" {count}\r\n"));
    }
    send(cast, Signal::QUIT);
    terminal.sees("in all 7");
    terminal.ends_with(0);
}

#[test]
fn ctrl_z_stops_it_and_fg_continues_it() {
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    let before = terminal.modes();
    let script = "echo rea\"\"dy $K; while read line; do echo \"got $line $K\"; done; echo last";
    terminal.types(format!("$CAST run --mask a -- sh -c '{script}'\r"));
    terminal.sees("ready [cast:K");
    for round in 0..10 {
        terminal.types("\x1a");
        terminal.sees("Stopped");
        terminal.sees("shell> ");
        crate::terminal::assert_same_modes(&before, &terminal.modes());
        // The size changes meanwhile.
        terminal.resizes(24 + round, 80);
        terminal.types("fg\r");
        terminal.sees("run --mask a");
        terminal.becomes_raw(true);
        terminal.types(format!("line {round}\r"));
        terminal.sees(&format!("got line {round} [cast:K"));
    }
    terminal.types("\x04");
    terminal.sees("last");
    terminal.sees("shell> ");
    terminal.types("exit\r");
    assert!(!terminal.ends_with(0).contains(SECRET));
}

#[test]
fn in_the_background_it_is_stopped_when_it_reads() {
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    // Not `cat` alone: a shell that starts it by vfork hangs if both are stopped before cat is there.
    terminal.types("$CAST run --mask a -- sh -c 'echo $$ >cmd; echo rea''dy; exec cat'\r");
    terminal.sees("ready");
    let group = [file(&sandbox, "cmd").parse().unwrap(), keeper(&sandbox), cast(&sandbox)];
    for round in 0..3 {
        terminal.types("\x1a");
        terminal.sees("Stopped");
        terminal.sees("shell> ");
        terminal.types("bg\r");
        terminal.sees("&");
        terminal.sees("shell> ");
        until("its stop", || group.iter().all(|pid| is_stopped(*pid)).then_some(()));
        // The terminal is the shell's.
        terminal.types(format!("echo round {round}\r"));
        terminal.sees(&format!("\nround {round}"));
        terminal.sees("shell> ");
        terminal.types("fg\r");
        terminal.sees("run --mask a");
        terminal.becomes_raw(true);
        terminal.types(format!("text {round}\r"));
        terminal.sees(&format!("text {round}\r\ntext {round}"));
    }
    terminal.types("\x04");
    terminal.sees("shell> ");
    terminal.types("exit\r");
    terminal.ends();
}

#[test]
fn in_the_background_it_goes_on_without_input() {
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    terminal.types("mkfifo go; $CAST run --mask a -- sh -c 'echo rea''dy; read line <go; echo went $line $K; read line; echo got $line'\r");
    terminal.sees("ready");
    terminal.types("\x1a");
    terminal.sees("Stopped");
    terminal.types("bg\r");
    terminal.sees("&");
    terminal.sees("shell> ");
    // Standard error of the shell says when the writer is through.
    terminal.types("echo on >go\r");
    terminal.sees("went on [cast:K");
    // It stops as it reads. A `fg` before the shell knows that would not continue it.
    terminal.types("until [ \"$(jobs -s)\" ]; do :; done; fg\r");
    terminal.becomes_raw(true);
    terminal.types("it\r");
    terminal.sees("got it");
    terminal.sees("shell> ");
    terminal.types("exit\r");
    terminal.ends();
}

#[test]
fn a_stop_by_signal_stops_all() {
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    terminal.types("$CAST run --mask a -- sh -c 'echo $$ >cmd; read line; echo got $line'\r");
    let (cmd, cast): (i32, i32) = (file(&sandbox, "cmd").parse().unwrap(), cast(&sandbox));
    for (pid, signal) in [(cast, Signal::TSTP), (cmd, Signal::STOP), (cast, Signal::STOP)] {
        terminal.becomes_raw(true);
        send(pid, signal);
        terminal.sees("Stopped");
        terminal.sees("shell> ");
        assert!(is_stopped(cast));
        terminal.types("fg\r");
        terminal.sees("run --mask a");
        until("cast", || (!is_stopped(cast) && !is_stopped(cmd)).then_some(()));
    }
    terminal.becomes_raw(true);
    terminal.types("text\r");
    terminal.sees("got text");
    terminal.sees("shell> ");
    terminal.types("exit\r");
    terminal.ends();
}

/// Where no shell could continue it, Ctrl-Z stops nothing, as without cast.
#[test]
fn without_a_shell_ctrl_z_stops_nothing() {
    let sandbox = sandbox();
    let mut terminal = Terminal::start(sandbox.cast(masked("echo ready; read line; echo \"got $line $K\"")));
    terminal.sees("ready");
    for _ in 0..3 {
        terminal.types("\x1a");
        terminal.sees("^Z");
    }
    terminal.types("text\r");
    terminal.sees("got text [cast:K");
    terminal.ends_with(0);
}

#[test]
fn a_shell_inside_has_jobs_of_its_own() {
    let sandbox = sandbox();
    let call = sandbox.cast(["run", "--mask", "a", "--", "bash", "--norc", "--noprofile", "--noediting", "-i"]);
    let mut terminal = Terminal::start(call.env("PS1", "inner> "));
    terminal.sees("inner> ");
    for round in 0..3 {
        terminal.types("cat\r");
        terminal.types(format!("line {round}\r"));
        terminal.sees(&format!("line {round}\r\nline {round}"));
        terminal.types("\x1a");
        terminal.sees("Stopped");
        terminal.sees("inner> ");
        terminal.types("jobs\r");
        terminal.sees("[1]+  Stopped");
        terminal.sees("inner> ");
        terminal.types("fg\r");
        terminal.sees("fg\r\ncat\r\n");
        // It has the terminal when it reads.
        terminal.types("text\r");
        terminal.sees("text\r\ntext");
        terminal.types("\x03");
        terminal.sees("inner> ");
        terminal.types("echo code $? $K\r");
        terminal.sees(&format!("code 130 {MARKER}"));
        terminal.sees("inner> ");
    }
    terminal.types("sleep 1000 &\r");
    terminal.sees("inner> ");
    terminal.types("kill %1; wait; exit 5\r");
    let shown = terminal.ends_with(5);
    assert!(!shown.contains("no job control") && !shown.contains(SECRET), "{shown}");
}

/// A shell in a masked terminal, itself in a job of a shell.
#[test]
fn a_shell_inside_can_stop_itself() {
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    terminal.types("PS1='inner> ' $CAST run --mask a -- bash --norc --noprofile --noediting -i\r");
    terminal.sees("inner> ");
    for _ in 0..3 {
        terminal.types("suspend\r");
        terminal.sees("Stopped");
        terminal.sees("shell> ");
        terminal.types("fg\r");
        terminal.sees("--noediting -i");
        terminal.becomes_raw(true);
        terminal.types("echo in''ner\r");
        terminal.sees("inner\r\n");
        terminal.sees("inner> ");
    }
    terminal.types("exit\r");
    terminal.sees("shell> ");
    terminal.types("exit\r");
    terminal.ends();
}
