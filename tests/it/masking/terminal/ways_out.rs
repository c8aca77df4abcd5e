//! The end of a masked run on a terminal: codes, signals, the last bytes, and a terminal as it was.

use std::process::Command;

use rustix::process::Signal;

use super::{MARKER, cast, file, keeper, masked, ready};
use crate::sandbox::CAST;
use crate::supervise::process::{Mortal, is_alive, send, until};
use crate::supervise::{SECRET, sandbox};
use crate::terminal::{AND_STAY, Terminal, assert_same_modes};

#[test]
fn the_end_of_cmd_is_that_of_cast() {
    let sandbox = sandbox();
    for expected in [0, 1, 7, 125, 126, 127, 130, 255] {
        let shown = Terminal::start(sandbox.cast(masked(&format!("echo $K; exit {expected}")))).ends_with(expected);
        assert!(shown.starts_with(MARKER), "{shown}");
    }
    for signal in [1, 2, 3, 6, 9, 11, 13, 15, 10, 34] {
        let (status, shown) = Terminal::start(sandbox.cast(masked(&format!("echo $K; kill -{signal} $$")))).ends();
        let ended = std::os::unix::process::ExitStatusExt::signal(&status);
        assert!(ended == Some(signal) || signal == 34 && status.code() == Some(162), "{signal}: {status}");
        assert!(shown.starts_with(MARKER), "{shown}");
    }
    for (command, expected) in [("no-such-command", 127), ("/", 126), ("/dev/null", 126)] {
        let mut terminal = Terminal::start_in_shell(
            sandbox.cast(["run", "--mask", "a", "--", command]),
            &format!("echo begin; {AND_STAY}"),
        );
        terminal.sees("begin");
        terminal.sees(&format!("[ended with {expected}]"));
        terminal.becomes_raw(false);
    }
}

#[test]
fn the_last_bytes_arrive() {
    let sandbox = sandbox();
    let words = |more: &'static str| sandbox.cast(masked(more));
    for script in ["\"$@\"", "\"$@\" </dev/null", "\"$@\" 2>/dev/null"] {
        let expected = (1..=30_000).map(|i| format!("{i}\r\n")).collect::<Vec<_>>().concat();
        assert!(Terminal::start_in_shell(words("seq 30000"), script).ends_with(0) == expected, "{script}");
        for _ in 0..20 {
            let shown = Terminal::start_in_shell(words("printf %4000d\\\\n 1; printf end"), script).ends_with(0);
            assert!(shown.len() == 4005 && shown.ends_with("1\r\nend"), "{script}: {}", shown.len());
        }
    }
    // A reader that takes its time: all of it is in the terminals when CMD ends.
    let shown = Terminal::start(words("seq 2000; kill -9 $$")).ends().1;
    assert!(shown.ends_with("2000\r\n"));
}

#[test]
fn a_background_process_does_not_keep_cast() {
    let sandbox = sandbox();
    for script in ["\"$@\"", "\"$@\" </dev/null"] {
        let run = "trap '' HUP; mkfifo go; sh -c 'echo $$ >other; read line <go; echo late; echo \"wrote $?\" >wrote' & until test -s other; do :; done; echo $K";
        let shown = Terminal::start_in_shell(
            sandbox.cast(masked(run)),
            &format!("{script}; echo ended; echo on >go; until test -s wrote; do :; done"),
        )
        .ends_with(0);
        assert!(shown.starts_with(MARKER) && shown.ends_with("ended\r\n") && !shown.contains("late"), "{shown}");
        assert!(!file(&sandbox, "wrote").contains("wrote 0"));
        for name in ["go", "other", "wrote"] {
            std::fs::remove_file(sandbox.home().join(name)).unwrap();
        }
    }
}

/// cast gets the signal, CMD the same; then the terminal is as it was, and cast ends by it.
#[test]
fn a_signal_restores_the_terminal() {
    let sandbox = sandbox();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1] {
        let (mut terminal, before) = ready(&sandbox, "exec sleep 1000");
        send(cast(&sandbox), signal);
        terminal.sees(&format!("[ended with {}]", 128 + signal.as_raw()));
        assert_same_modes(&before, &terminal.modes());
        std::fs::remove_file(sandbox.home().join("cmd")).unwrap();
    }
}

#[test]
fn the_death_of_cmd_or_its_keeper_restores_the_terminal() {
    let sandbox = sandbox();
    for victim in ["cmd", "keeper"] {
        let (mut terminal, before) = ready(&sandbox, "exec sleep 1000");
        let cmd = file(&sandbox, "cmd").parse().unwrap();
        send(if victim == "cmd" { cmd } else { keeper(&sandbox) }, Signal::KILL);
        terminal.sees("[ended with 137]");
        assert_same_modes(&before, &terminal.modes());
        until("the end of CMD", || (!is_alive(cmd)).then_some(()));
        std::fs::remove_file(sandbox.home().join("cmd")).unwrap();
    }
}

/// Nothing can restore the terminal then, but nothing of the run is left.
#[test]
fn cmd_dies_when_cast_is_killed() {
    let sandbox = sandbox();
    for script in ["exec sleep 1000", "trap '' HUP TERM; while :; do sleep 1000; done", "exec cat"] {
        let run = sandbox.cast(masked(&format!("echo $$ >cmd; echo ready; {script}")));
        let mut terminal = Terminal::start_in_shell(run, AND_STAY);
        terminal.sees("ready");
        let (cmd, keeper) = (file(&sandbox, "cmd").parse().unwrap(), keeper(&sandbox));
        send(cast(&sandbox), Signal::KILL);
        terminal.sees("[ended with 137]");
        until("the end of CMD", || (!is_alive(cmd) && !is_alive(keeper)).then_some(()));
        std::fs::remove_file(sandbox.home().join("cmd")).unwrap();
    }
}

#[test]
fn a_window_that_is_closed_ends_cmd() {
    let sandbox = sandbox();
    for option in ["--mask", "--no-builtin"] {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        let mut command: Command = sandbox.command(CAST);
        let script = "echo $$ >cmd; exec sleep 1000";
        command.env("CI", "1").args(["run", "a", option, "--", "sh", "-c", script]);
        let mut cast = Mortal(pty_process::blocking::Command::from(command).spawn(pts).unwrap());
        let cmd: i32 = file(&sandbox, "cmd").parse().unwrap();
        drop(pty);
        until("the end of CMD", || (!is_alive(cmd)).then_some(()));
        let status = until("the end of cast", || cast.0.try_wait().unwrap());
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(1));
        std::fs::remove_file(sandbox.home().join("cmd")).unwrap();
    }
}

/// The terminal takes no more, and CMD has ended: a signal ends cast, with the terminal as it was.
#[test]
fn a_terminal_that_takes_no_more_does_not_hold_cast() {
    let sandbox = sandbox();
    let (mut terminal, before) = ready(&sandbox, "read line; seq 500; echo $K >done");
    let cast = cast(&sandbox);
    terminal.pauses_output(true);
    terminal.types("\r");
    assert_eq!(file(&sandbox, "done"), SECRET);
    let cmd: i32 = file(&sandbox, "cmd").parse().unwrap();
    until("the end of CMD", || (!is_alive(cmd)).then_some(()));
    until("the modes", || {
        send_if_alive(cast);
        (!is_alive(cast)).then_some(())
    });
    terminal.pauses_output(false);
    terminal.sees("[ended with 143]");
    assert_same_modes(&before, &terminal.modes());
}

fn send_if_alive(pid: i32) {
    if is_alive(pid) {
        let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), Signal::TERM);
    }
}
