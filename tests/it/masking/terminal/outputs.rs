//! Where cast does not have the whole terminal, only outputs go through one of its own: input, process group and
//! controlling terminal stay.

use super::{MARKER, masked};
use crate::supervise::process::stat;
use crate::supervise::{COUNTER, SECRET, has, sandbox};
use crate::terminal::Terminal;

#[test]
fn outputs_are_terminals_and_input_stays() {
    let sandbox = sandbox();
    let both = "test -t 0 || test -t 1 && test -t 2 && echo both $K; echo $K >&2; stty size <&1";
    for script in ["\"$@\" </dev/null", "echo piped | \"$@\"", "\"$@\" <&-"] {
        let shown = Terminal::start_in_shell(sandbox.cast(masked(both)), script).ends_with(0);
        assert!(shown.starts_with("both [cast:K") && shown.matches(MARKER).count() == 2, "{script}: {shown}");
        assert!(!shown.contains(SECRET) && shown.ends_with("24 80\r\n"), "{script}: {shown}");
    }
    let shown = Terminal::start_in_shell(sandbox.cast(masked("cat; echo $K")), "echo piped | \"$@\"").ends_with(0);
    assert!(shown.starts_with("piped\r\n[cast:K"), "{shown}");
    // One of them, beside a pipe, a file and nothing.
    for (to, expected) in [("| cat", "out [cast:K]\r\n"), (">out; cat out", "out [cast:K]\r\n"), (">/dev/null", "")] {
        let script = "test -t 0 && test -t 2 && echo seen $K >&2; echo out $K";
        let shown = Terminal::start_in_shell(sandbox.cast(masked(script)), &format!("\"$@\" {to}")).ends_with(0);
        assert!(shown.starts_with("seen [cast:K") || shown.contains("\nseen [cast:K"), "{shown}");
        assert!(shown.contains(expected) && !shown.contains(SECRET), "{shown}");
    }
    let shown = Terminal::start_in_shell(
        sandbox.cast(masked("test -t 0 && test -t 1 && echo $K; echo $K >&2")),
        "\"$@\" 2>f; cat f",
    )
    .ends_with(0);
    assert!(shown.starts_with(MARKER) && shown.ends_with("[cast:K]\r\n") && !shown.contains(SECRET), "{shown}");
}

#[test]
fn cmd_stays_in_the_group_and_session_of_cast() {
    let sandbox = sandbox();
    let script = "\"$@\" </dev/null; cat /proc/$$/stat";
    let shown = Terminal::start_in_shell(sandbox.cast(masked("cat /proc/$$/stat; echo $K")), script).ends_with(0);
    let lines: Vec<Vec<&str>> =
        shown.lines().filter_map(|line| line.split_once(") ")).map(|(_, rest)| rest.split(' ').collect()).collect();
    // Group, session and terminal.
    assert_eq!(lines[0][2..5], lines[1][2..5]);
}

/// What CMD writes to the terminal by its own name is not masked: documented, and said by '--explain'.
#[test]
fn dev_tty_is_the_outer_terminal() {
    let sandbox = sandbox();
    let shown = Terminal::start_in_shell(sandbox.cast(masked("echo $K >/dev/tty")), "\"$@\" </dev/null").ends_with(0);
    assert_eq!(shown, format!("{SECRET}\r\n"));
}

#[test]
fn bytes_are_as_without_cast() {
    let sandbox = sandbox();
    let scripts = ["printf 'a\\nb\\r\\nc\\n'", "printf 'tab\\there\\n\\033[31mred\\033[m\\n'; printf end", "seq 20000"];
    for script in scripts {
        let plain = Terminal::start_in_shell(sandbox.cast(["run", "a", "--", "sh", "-c", script]), "\"$@\" </dev/null");
        let through = Terminal::start_in_shell(sandbox.cast(masked(script)), "\"$@\" </dev/null");
        assert!(plain.ends_with(0) == through.ends_with(0), "{script}");
    }
}

#[test]
fn keys_reach_a_job_whose_output_goes_on() {
    if !has("python3", &["--version"]) {
        return;
    }
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    let counter = COUNTER.replace("signal.SIGQUIT}", "signal.SIGQUIT, signal.SIGCONT}");
    std::fs::write(sandbox.home().join("counter"), counter).unwrap();
    terminal.types("$CAST run --mask a -- python3 counter </dev/null\r");
    terminal.sees("ready");
    for count in 1..=3 {
        terminal.types("\x03");
        terminal.sees(&format!("SIGINT {count}"));
    }
    for count in 4..=6 {
        terminal.resizes(30 + count, 80);
        terminal.sees("SIGWINCH");
    }
    terminal.types("\x1a");
    terminal.sees("Stopped");
    terminal.sees("shell> ");
    terminal.types("fg\r");
    // bash names the job before it gives it the terminal, and continues it after that.
    terminal.sees("SIGCONT");
    terminal.types("\x1c");
    terminal.sees("in all");
    terminal.sees("shell> ");
    terminal.types("exit\r");
    terminal.ends();
}

#[test]
fn a_changed_size_is_there_when_its_signal_is() {
    if !has("python3", &["--version"]) {
        return;
    }
    let sandbox = sandbox();
    let watch = "
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})
print('size', *os.get_terminal_size(1), flush=True)
while True:
    signal.sigwait({signal.SIGWINCH})
    print('size', *os.get_terminal_size(1), flush=True)
";
    let words = ["run", "--mask", "a", "--", "python3", "-c", watch];
    let mut terminal = Terminal::start_in_shell(sandbox.cast(words), "\"$@\" </dev/null");
    terminal.sees("size 80 24");
    for (rows, columns) in [(50, 132), (10, 40), (24, 80)] {
        terminal.resizes(rows, columns);
        terminal.sees(&format!("size {columns} {rows}"));
    }
}

#[test]
fn a_background_job_shows_its_output_and_never_takes_the_terminal() {
    let sandbox = sandbox();
    let mut terminal = Terminal::bash(&sandbox, &[]);
    let before = terminal.modes();
    terminal.types(
        "mkfifo go end; $CAST run --mask a -- sh -c 'read line <go; echo we''nt $K; echo $$ >cmd; read line <end' &\r",
    );
    terminal.sees("shell> ");
    terminal.types("echo 1 >go\r");
    terminal.sees("went [cast:K");
    crate::terminal::assert_same_modes(&before, &terminal.modes());
    let cmd = super::file(&sandbox, "cmd").parse().unwrap();
    // In the session of the shell.
    assert_eq!(stat(cmd).unwrap()[3], terminal.pid().as_raw_nonzero().to_string());
    terminal.types("echo 2 >end; wait; exit\r");
    assert!(!terminal.ends_with(0).contains(SECRET));
}
