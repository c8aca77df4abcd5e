//! A masked run in the pipeline of a shell with job control, on a real terminal.

use std::fs;
use std::process::Stdio;

use super::process::{Mortal, is_alive, until};
use super::{COUNTER, counts_each_ctrl_c_once, has, sandbox};
use crate::sandbox::CAST;
use crate::terminal::Terminal;

#[test]
fn ctrl_c_arrives_once() {
    if !has("python3", &["--version"]) {
        return;
    }
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[("COUNTER", COUNTER)]);
    // The reader stays: only CMD must get the signal.
    terminal.types(
        "$CAST run a -- python3 -c \"$COUNTER\" | (trap '' INT QUIT; exec cat); echo en''ded ${PIPESTATUS[@]}\r",
    );
    counts_each_ctrl_c_once(&mut terminal);
    terminal.sees("ended 0 0");
    terminal.types("exit\r");
    terminal.ends_with(0);
}

#[test]
fn ctrl_c_ends_a_pipeline() {
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    terminal.types("$CAST run a -- sh -c 'echo rea''dy; exec sleep 1000' | (trap '' INT; exec cat)\r");
    terminal.sees("ready");
    terminal.types("\x03");
    terminal.sees("shell> ");
    terminal.types("echo ended ${PIPESTATUS[@]}\r");
    terminal.sees("ended 130");
    terminal.types("exit\r");
    terminal.ends();
}

#[test]
fn ctrl_z_stops_it_and_fg_continues_it() {
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    let script = "echo rea\"\"dy $K; while read line; do echo \"got $line $K\"; done; echo last";
    terminal.types(format!("$CAST run a -- sh -c '{script}' | cat\r"));
    terminal.sees("ready [cast:K]");
    for round in 0..10 {
        terminal.types("\x1a");
        terminal.sees("Stopped");
        terminal.sees("shell> ");
        terminal.types("fg\r");
        // bash prints the resumed command again.
        terminal.sees("| cat");
        terminal.types(format!("line {round}\r"));
        terminal.sees(&format!("got line {round} [cast:K]"));
    }
    terminal.types("\x04");
    terminal.sees("last");
    terminal.sees("shell> ");
    terminal.types("exit\r");
    terminal.ends_with(0);
}

#[test]
fn a_terminal_that_goes_away_ends_cmd() {
    let sandbox = sandbox();
    let (pty, pts) = pty_process::blocking::open().unwrap();
    // cast leads the session, as in its own terminal window; only its standard error is masked.
    let mut command = sandbox.command(CAST);
    command.args(["run", "a", "--", "sh", "-c", "echo $$ >pid.new; mv pid.new pid; exec sleep 1000"]);
    let errors = fs::File::create(sandbox.home().join("errors")).unwrap();
    let command = pty_process::blocking::Command::from(command).stderr(Stdio::from(errors));
    let mut cast = Mortal(command.spawn(pts).unwrap());
    let pid = sandbox.home().join("pid");
    let cmd: i32 = until("CMD", || fs::read_to_string(&pid).ok()).trim().parse().unwrap();
    assert_ne!(cmd, cast.0.id().cast_signed(), "cast did not stay as the parent");
    drop(pty);
    until("the end of CMD", || (!is_alive(cmd)).then_some(()));
    let status = until("the end of cast", || cast.0.try_wait().unwrap());
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(1));
}
