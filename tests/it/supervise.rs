//! A masked run, with cast as the parent of CMD: signals, stops and exit codes are as they would be without cast.

mod background;
mod job_control;
pub mod process;
mod unchanged;

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::sandbox::{CAST, Sandbox, skip};
use crate::terminal::Terminal;
use process::{Running, code, is_alive, is_stopped, send, stat, until};

pub const SECRET: &str = "sk-live-0123456789";

/// Waits for signals one by one, so that none is missed or counted twice; prints each with its count so far. QUIT ends
/// it.
pub const COUNTER: &str = "
import signal, sys
wanted = {signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGWINCH, signal.SIGQUIT}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print('rea' + 'dy', flush=True)
count = 0
while True:
    signal_got = signal.sigwait(wanted)
    if signal_got == signal.SIGQUIT:
        break
    count += 1
    print(signal_got.name, count, flush=True)
print('in all', count, flush=True)
";

/// On a terminal with `COUNTER`, each Ctrl-C arrives once; Ctrl-\ ends it.
#[track_caller]
pub fn counts_each_ctrl_c_once(terminal: &mut Terminal) {
    terminal.sees("ready");
    for count in 1..=5 {
        terminal.types("\x03");
        terminal.sees(&format!("SIGINT {count}"));
    }
    terminal.types("\x1c");
    terminal.sees("in all 5");
}

pub fn sandbox() -> Sandbox {
    Sandbox::with("a", &[("K", SECRET)])
}

/// Whether a program can be run; reports a skipped test if not.
pub fn has(program: &str, words: &[&str]) -> bool {
    let ran = Command::new(program).args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = ran.is_ok_and(|status| status.success());
    if !there {
        skip(&format!("run: '{program} {}' does not work here", words.join(" ")));
    }
    there
}

/// What bash prints for a script that has `$CAST`; standard output and standard error are one pipe.
pub fn bash(sandbox: &Sandbox, script: &str) -> String {
    let mut command = sandbox.command("bash");
    command.args(["-c", &format!("exec 2>&1\n{script}")]).env("CAST", CAST);
    Running::start(command).rest()
}

#[test]
fn the_code_of_cmd_is_that_of_cast() {
    let sandbox = sandbox();
    for expected in [0, 1, 2, 3, 125, 126, 127, 128, 130, 141, 143, 254, 255] {
        let mut cast = Running::cast(&sandbox, &["run", "a", "--", "sh", "-c", &format!("echo $K; exit {expected}")]);
        assert_eq!((cast.ends().code(), cast.rest().as_str()), (Some(expected), "[cast:K]\n"));
    }
    // A command that was not started has no exit code.
    for (command, expected) in [("no-such-command", 127), ("/", 126), ("/dev/null", 126)] {
        assert_eq!(sandbox.cast(["run", "a", "--", command]).run().code, expected, "{command}");
    }
}

#[test]
fn the_death_of_cmd_is_that_of_cast() {
    let sandbox = sandbox();
    for signal in [1, 2, 3, 6, 9, 11, 13, 14, 15, 10, 31] {
        let mut cast = Running::cast(&sandbox, &["run", "a", "--", "sh", "-c", &format!("echo $K; kill -{signal} $$")]);
        assert_eq!((cast.ends().signal(), cast.rest().as_str()), (Some(signal), "[cast:K]\n"));
    }
}

#[test]
fn a_real_time_signal_ends_both() {
    let sandbox = sandbox();
    for signal in [34, 40, 64] {
        let mut cast = Running::cast(&sandbox, &["run", "a", "--", "sh", "-c", &format!("kill -{signal} $$")]);
        assert_eq!(cast.ends().signal(), Some(signal));
    }
}

#[test]
fn a_signal_for_cast_reaches_cmd_once() {
    if !has("python3", &["--version"]) {
        return;
    }
    let sandbox = sandbox();
    let mut cast = Running::cast(&sandbox, &["run", "a", "--", "python3", "-c", COUNTER]);
    cast.says("ready\n");
    let signals = [
        (Signal::TERM, "TERM"),
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::ALARM, "ALRM"),
        (Signal::WINCH, "WINCH"),
    ];
    for round in 0..3 {
        for (place, (signal, name)) in signals.into_iter().enumerate() {
            send(cast.pid(), signal);
            assert_eq!(cast.line(), format!("SIG{name} {}", round * signals.len() + place + 1));
        }
    }
    send(cast.pid(), Signal::QUIT);
    assert_eq!(cast.line(), "in all 21");
    assert_eq!(cast.ends().code(), Some(0));
}

#[test]
fn a_signal_that_comes_too_late_changes_nothing() {
    let sandbox = sandbox();
    let mut cast = Running::cast(&sandbox, &["run", "a", "--", "sh", "-c", "echo $$; read x; echo $x $K; exit 7"]);
    let cmd = cast.line().parse().unwrap();
    // CMD ends and signals arrive while cast is stopped, as a moment's delay could cause.
    send(cast.pid(), Signal::STOP);
    until("the stop of cast", || is_stopped(cast.pid()).then_some(()));
    cast.hears("over\n");
    until("the end of CMD", || (!is_alive(cmd)).then_some(()));
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::USR1] {
        send(cast.pid(), signal);
    }
    send(cast.pid(), Signal::CONT);
    assert_eq!((code(cast.ends()), cast.rest()), (7, format!("{cmd}\nover [cast:K]\n")));
}

#[test]
fn a_signal_that_cmd_does_not_catch_ends_both() {
    let sandbox = sandbox();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::USR1] {
        let mut cast = Running::cast(&sandbox, &["run", "a", "--", "sh", "-c", "echo $$; exec sleep 1000"]);
        let cmd = cast.line().parse().unwrap();
        send(cast.pid(), signal);
        assert_eq!(cast.ends().signal(), Some(signal.as_raw()));
        assert!(!is_alive(cmd));
    }
}

#[test]
fn cmd_does_not_outlive_a_killed_cast() {
    if !cfg!(target_os = "linux") {
        return skip("supervise: only Linux ends a process with its parent");
    }
    let sandbox = sandbox();
    let mut cast = Running::cast(&sandbox, &["run", "a", "--", "sh", "-c", "echo $$; exec sleep 1000"]);
    let cmd = cast.line().parse().unwrap();
    assert!(cmd != cast.pid() && is_alive(cmd));
    send(cast.pid(), Signal::KILL);
    until("the end of CMD", || (!is_alive(cmd)).then_some(()));
    assert_eq!(cast.ends().signal(), Some(9));
}

#[test]
fn a_reader_that_leaves_ends_cmd() {
    let sandbox = sandbox();
    assert_eq!(bash(&sandbox, "$CAST run a -- yes | head -1; echo ${PIPESTATUS[@]}"), "y\n141 0\n");
    assert_eq!(bash(&sandbox, "$CAST run a -- yes 2>/dev/null | head -1; echo ${PIPESTATUS[@]}"), "y\n141 0\n");
    assert_eq!(bash(&sandbox, "$CAST run a -- yes 2>&1 | head -1; echo ${PIPESTATUS[@]}"), "y\n141 0\n");
    // Also one that was silent when the reader left.
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", "echo one; read x; exec yes"]).command();
    let mut cast = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut reader = cast.stdout.take().unwrap();
    reader.read_exact(&mut [0; 4]).unwrap();
    drop(reader);
    cast.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    assert_eq!(until("its end", || cast.try_wait().unwrap()).signal(), Some(13));
}

#[test]
fn a_reader_that_leaves_a_socket_costs_no_time() {
    let sandbox = sandbox();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let script = "echo $$ >pid.new; mv pid.new pid; read x; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; \
        echo >worked; read y; exec yes";
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", script]).command();
    command.stdin(Stdio::piped()).stdout(OwnedFd::from(theirs)).stderr(Stdio::null());
    let mut cast = command.spawn().unwrap();
    drop(command);
    let there = |name: &str| fs::read_to_string(sandbox.home().join(name)).ok();
    let cmd: i32 = until("CMD", || there("pid")).trim().parse().unwrap();
    drop(ours);
    let mut input = cast.stdin.take().unwrap();
    input.write_all(b"work\n").unwrap();
    until("its work", || there("worked"));
    let ticks = |pid| -> u64 { stat(pid).unwrap()[11..=12].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum() };
    let (own, of_cmd) = (ticks(cast.id().cast_signed()), ticks(cmd));
    assert!(own <= 5 + of_cmd / 3, "cast took {own} ticks while CMD took {of_cmd}");
    input.write_all(b"write\n").unwrap();
    let status = until("its end", || cast.try_wait().unwrap());
    assert_eq!(status.signal(), Some(13));
}

#[test]
fn a_slow_reader_gets_everything_before_cast_ends() {
    let sandbox = sandbox();
    // As much as fits into both pipes, but not into the second: CMD ends before a reader has read any of it, and cast
    // cannot.
    let script = "echo $$ >pid.new; mv pid.new pid; head -c 100000 /dev/zero | tr '\\0' x; printf '%s' $K; exit 3";
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", script]).command();
    let (reader, writer) = std::io::pipe().unwrap();
    // cast gives more room only to a pipe of the usual size.
    #[cfg(target_os = "linux")]
    rustix::pipe::fcntl_setpipe_size(&writer, 32 << 10).unwrap();
    let mut cast = command.stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    drop(command);
    let pid = sandbox.home().join("pid");
    let cmd: i32 = until("CMD", || fs::read_to_string(&pid).ok()).trim().parse().unwrap();
    until("the end of CMD", || (!is_alive(cmd)).then_some(()));
    assert_eq!(cast.try_wait().unwrap(), None, "cast ended before its output was read");
    let all = process::Output::of(reader).all();
    assert_eq!(all.len(), 100_000 + "[cast:K]".len());
    assert!(all.ends_with(b"x[cast:K]"));
    assert_eq!(code(cast.wait().unwrap()), 3);
}

#[test]
fn when_cmd_stops_cast_stops_and_continues_it() {
    let sandbox = sandbox();
    for (to_cast, signal) in [(false, Signal::STOP), (true, Signal::TSTP), (false, Signal::TTIN)] {
        let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", "echo $$; read x; echo got $x $K"]).command();
        // A new process group, not an orphaned one: an orphaned group does not stop at TSTP.
        command.process_group(0);
        command.stderr(Stdio::null());
        let mut cast = Running::start(command);
        let cmd = cast.line().parse().unwrap();
        for _ in 0..3 {
            send(if to_cast { cast.pid() } else { cmd }, signal);
            until("the stop of CMD", || is_stopped(cmd).then_some(()));
            until("the stop of cast", || is_stopped(cast.pid()).then_some(()));
            send(cast.pid(), Signal::CONT);
            until("both to go on", || (!is_stopped(cmd) && !is_stopped(cast.pid())).then_some(()));
        }
        cast.hears("hello\n");
        assert_eq!((cast.ends().code(), cast.rest()), (Some(0), format!("{cmd}\ngot hello [cast:K]\n")));
    }
}

#[test]
fn what_cmd_wrote_before_it_stopped_is_out_before_cast_stops() {
    let sandbox = sandbox();
    let said = |line: usize| format!("{line} [cast:K]\n").repeat(2000);
    let script = "for line in 0 1 2 3; do yes \"$line $K\" | head -2000; kill -STOP $$; read x; done";
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", script]).command();
    command.process_group(0).stderr(Stdio::null()).stdin(Stdio::piped());
    let mut cast = command.stdout(fs::File::create(sandbox.home().join("said")).unwrap()).spawn().unwrap();
    let pid = cast.id().cast_signed();
    for line in 0..4 {
        until("the stop of cast", || is_stopped(pid).then_some(()));
        // CMD has stopped writing: output that is missing now would come after the stop.
        let all = fs::read_to_string(sandbox.home().join("said")).unwrap();
        assert_eq!(all, (0..=line).map(said).collect::<String>());
        send(pid, Signal::CONT);
        until("it to go on", || (!is_stopped(pid)).then_some(()));
        cast.stdin.as_mut().unwrap().write_all(b"on\n").unwrap();
    }
    assert_eq!(code(cast.wait().unwrap()), 0);
}

#[test]
fn cast_stops_also_where_nobody_takes_its_output_or_others_go_on_writing() {
    let sandbox = sandbox();
    for script in
        ["echo $$; head -c 500000 /dev/zero & sleep 0; kill -STOP $$", "echo $$; yes & kill -STOP $$; kill $!"]
    {
        let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", script]).command();
        command.process_group(0).stderr(Stdio::null()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut cast = process::Mortal(command.spawn().unwrap());
        let pid = cast.0.id().cast_signed();
        let output = cast.0.stdout.take().unwrap();
        if script.contains("yes") {
            // A reader that never has enough.
            let mut reader = Command::new("cat").stdin(output).stdout(Stdio::null()).spawn().unwrap();
            until("the stop of cast", || is_stopped(pid).then_some(()));
            send(pid, Signal::CONT);
            until("its end", || cast.0.try_wait().unwrap());
            reader.wait().unwrap();
        } else {
            until("the stop of cast", || is_stopped(pid).then_some(()));
        }
    }
}

#[test]
fn as_the_first_process_it_buries_orphans_and_exits_with_128_and_the_signal() {
    let first = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    if !has("unshare", &[&first[..], &["true"]].concat()) {
        return;
    }
    let sandbox = sandbox();
    let run = |script: &str| {
        let mut command = sandbox.command("unshare");
        command.args(first).args([CAST, "run", "a", "--", "sh", "-c", script]).stderr(Stdio::null());
        let mut cast = Running::start(command);
        let status = cast.ends();
        (status.code(), cast.rest())
    };
    for signal in [1, 9, 11, 13, 15] {
        assert_eq!(run(&format!("echo $PPID $K; kill -{signal} $$")), (Some(128 + signal), "1 [cast:K]\n".to_owned()));
    }
    assert_eq!(run("exit 7"), (Some(7), String::new()));
    let orphan = "orphan=$(sh -c 'true >/dev/null & echo $!'); while [ -e /proc/$orphan ]; do :; done; echo buried";
    assert_eq!(run(orphan), (Some(0), "buried\n".to_owned()));
    let dying =
        "orphan=$(sh -c 'sh -c \"kill -40 \\$\\$\" >/dev/null & echo $!'); while [ -e /proc/$orphan ]; do :; done";
    assert_eq!(run(dying), (Some(0), String::new()));
    let asked = "trap 'echo asked; exit 5' TERM; sh -c 'kill -TERM 1'; while :; do :; done";
    assert_eq!(run(asked), (Some(5), "asked\n".to_owned()));
}

#[test]
fn a_cmd_that_dies_while_stopped_has_died_so() {
    let sandbox = sandbox();
    let mut command = sandbox.cast(["run", "a", "--", "sh", "-c", "echo $$; read x"]).command();
    command.process_group(0).stderr(Stdio::null());
    let mut cast = Running::start(command);
    let cmd = cast.line().parse().unwrap();
    send(cmd, Signal::STOP);
    until("the stop of cast", || is_stopped(cast.pid()).then_some(()));
    send(cmd, Signal::KILL);
    send(cast.pid(), Signal::CONT);
    assert_eq!(cast.ends().signal(), Some(9));
}
