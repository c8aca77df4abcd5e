//! Signals as the tests' children find them. `nohup`, `&` in a script and some runners start programs with signals
//! ignored or blocked, and children inherit that. cast passes it on, as it should; so without this, tests of signals
//! would fail for what is not cast's fault.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};

use nix::sys::signal::SigSet;
use rustix::process::Signal;

use crate::sandbox::{CAST, Sandbox};

/// Has the children that this thread starts begin with no signal ignored and none blocked.
pub fn as_usual() {
    static HANDLERS: Once = Once::new();
    HANDLERS.call_once(|| {
        for signal in ignored() {
            // `exec` puts the default in the place of a handler, but keeps what is ignored. The tests themselves do
            // not get the default: if `nohup` started them, they are to outlive their terminal.
            signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false))).unwrap();
        }
    });
    // What is blocked is a thread's own.
    SigSet::empty().thread_set_mask().unwrap();
}

/// The signals that this process was started with ignored; only Linux says which. Not SIGPIPE, which Rust ignores in
/// every program and `Command` restores; not 32 and 33, which belong to the C library.
fn ignored() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    let set = u64::from_str_radix(set.trim(), 16).unwrap();
    let ignored = (1..=64).filter(|signal| set & (1 << (signal - 1)) != 0);
    ignored.filter(|signal| ![Signal::PIPE.as_raw(), 32, 33].contains(signal)).collect()
}

/// This test binary again, as `nohup`, `&` and a runner that blocks signals would start it: its tests of signals pass.
#[test]
fn the_tests_pass_where_signals_are_ignored_or_blocked() {
    let tests = [
        "prompt::a_signal_leaves_the_terminal_as_it_was",
        "run::signals_are_as_the_caller_left_them",
        "signals::children_find_signals_as_usual",
        "supervise::a_signal_for_cast_reaches_cmd_once",
        "supervise::the_death_of_cmd_is_that_of_cast",
    ];
    let ignoring = "trap '' HUP INT QUIT TERM PIPE USR1 TSTP; exec \"$0\" --exact \"$@\"";
    let mut again = Command::new("env");
    again.args(["--block-signal=TERM,USR2,WINCH,CHLD", "sh", "-c", ignoring]).arg(std::env::current_exe().unwrap());
    let output = again.args(tests).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("test result: ok. {} passed; 0 failed", tests.len())), "{output:?}");
}

#[test]
fn children_find_signals_as_usual() {
    let sandbox = Sandbox::with("a", &[("K", "sk-live-0123456789")]);
    let ask = ["-E", "^Sig(Blk|Ign):", "/proc/self/status"];
    let found = String::from_utf8(sandbox.command("grep").args(ask).output().unwrap().stdout).unwrap();
    let sets = found.lines().map(|line| u64::from_str_radix(line.split_once(":\t").unwrap().1, 16).unwrap());
    // Less 32 and 33, which belong to the C library.
    assert_eq!(sets.map(|set| set & !(0b11 << 31)).collect::<Vec<_>>(), [0, 0], "{found}");
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::PIPE, Signal::TERM, Signal::USR1] {
        let kill = format!("kill -{} $$", signal.as_raw());
        let status = sandbox.command(CAST).args(["run", "a", "--", "sh", "-c", &kill]).status().unwrap();
        assert_eq!(status.signal(), Some(signal.as_raw()));
    }
}
