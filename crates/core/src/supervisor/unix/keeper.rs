//! The leader of CMD's session. CMD cannot lead it itself: a group whose parent is in another session is orphaned, and
//! the kernel does not stop orphaned groups, so Ctrl-Z would do nothing. The keeper is forked from cast and does for CMD
//! what a shell does for a job: it stops when CMD stops, passes signals on, and ends as CMD ended.

use std::os::fd::BorrowedFd;

use nix::sys::signal::{Signal, kill, killpg, raise};
use nix::unistd::Pid;
use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use super::signals::{Arrived, Signals};
use super::terminal::{HAS_TERMINAL, LACKS_TERMINAL};
use super::watch::{State, reap, wait_for_a_change};
use crate::supervisor::Ended;

pub(super) struct Keeper<'a> {
    pub(super) cmd: Pid,
    /// What cast tells about the outer terminal. Reading does not wait.
    pub(super) told: BorrowedFd<'a>,
    /// The group that had the inner terminal before the outer one was given to another job.
    pub(super) had_it: Option<rustix::process::Pid>,
}

impl Keeper<'_> {
    /// Until CMD has ended.
    pub(super) fn keep(&mut self, signals: &mut Signals) -> Ended {
        loop {
            match reap(self.cmd) {
                Some(State::Ended(ended)) => return ended,
                // cast sees it, and stops. It continues the keeper, which means CMD.
                Some(State::Stopped) => {
                    let _ = raise(Signal::SIGSTOP);
                }
                Some(State::Continued) => {}
                None => match signals.next(None) {
                    Ok(Arrived::Continued) => self.go_on(),
                    Ok(Arrived::ForCmd(signal)) => drop(kill(self.cmd, signal)),
                    Ok(_) => {}
                    Err(_) => wait_for_a_change(),
                },
            }
        }
    }

    /// CMD is in the foreground of its terminal while cast is in that of the outer one. In the background it is stopped
    /// when it uses its terminal, as it would be without cast.
    fn go_on(&mut self) {
        let mut words = [0; 64];
        let said = rustix::io::read(self.told, &mut words).ok().and_then(|count| words[..count].last().copied());
        match (said, self.had_it) {
            (Some(LACKS_TERMINAL), None) => {
                self.had_it = tcgetpgrp(stdin()).ok();
                let _ = tcsetpgrp(stdin(), getpgrp());
            }
            (Some(HAS_TERMINAL), Some(group)) => {
                self.had_it = None;
                if tcsetpgrp(stdin(), group).is_err() {
                    give_terminal(self.cmd);
                }
            }
            _ => {}
        }
        let _ = killpg(self.cmd, Signal::SIGCONT);
    }
}

/// Puts a process group into the foreground of the terminal that is standard input.
pub(super) fn give_terminal(group: Pid) {
    if let Some(group) = rustix::process::Pid::from_raw(group.as_raw()) {
        let _ = tcsetpgrp(stdin(), group);
    }
}
