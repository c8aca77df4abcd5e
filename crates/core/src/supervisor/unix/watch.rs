//! The main thread while CMD runs: passes signals on, stops and continues together with CMD, reaps orphans, and learns
//! how CMD ended.

use std::io;
use std::sync::Weak;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::Pid;
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, WaitOptions};

use super::channel::Channel;
use super::child::{Child, Report};
use super::outputs::sink;
use super::pump::{Source, takes_more};
use super::signals::{Arrived, Signals, stop_as_a_job};
use crate::platform::exec::raw;
use crate::supervisor::{Carries, Ended};

/// A stream, and the source that its pump reads while the pump runs.
pub(super) type Flow = (Carries, Weak<Source>);

/// Until CMD has ended, passes signals on, stops when CMD stops, and reaps all other children, as process 1 of a
/// container must. Calls `started` once CMD is running. An error means that CMD was not started.
pub(super) fn watch(
    child: &mut Child,
    signals: &mut Signals,
    channels: &mut [Box<dyn Channel>],
    flows: &[Flow],
    started: &mut dyn FnMut(),
) -> io::Result<Ended> {
    let cmd = child.pid;
    let mut stopped = false;
    loop {
        match reap(cmd) {
            Some(State::Ended(ended)) => {
                // The child may have ended before cast read its report.
                hear(child, started)?;
                return Ok(ended);
            }
            // cast stops as well, so that the shell sees it. When the shell continues cast, it means CMD.
            // But not if CMD stopped in the background while the shell's `fg` was on its way.
            Some(State::Stopped) if channels.iter().any(|channel| channel.is_unheard()) => {
                let _ = kill(cmd, Signal::SIGCONT);
            }
            Some(State::Stopped) => {
                let_through(flows);
                for channel in channels.iter_mut() {
                    channel.pause();
                }
                stopped = stop(cmd, channels, signals.is_apart());
            }
            Some(State::Continued) => stopped = false,
            // Not if CMD was continued meanwhile, because it may have stopped again.
            None if stopped => {
                let _ = kill(cmd, Signal::SIGCONT);
                stopped = false;
            }
            None => match signals.next(child.report()) {
                Ok(Arrived::Report) => hear(child, started)?,
                Ok(Arrived::ForCmd(signal)) => drop(kill(cmd, signal)),
                Ok(Arrived::Resize) => {
                    // All of them.
                    if channels.iter_mut().fold(false, |again, channel| channel.resize() | again) {
                        let _ = kill(cmd, Signal::SIGWINCH);
                    }
                }
                Ok(Arrived::Continued) => {
                    for channel in channels.iter_mut() {
                        let _ = channel.resume();
                    }
                    let _ = kill(cmd, Signal::SIGCONT);
                }
                Ok(Arrived::Nothing) => {}
                // Signals cannot be read. cast still waits for CMD, and passes nothing on.
                Err(_) => wait_for_a_change(),
            },
        }
    }
}

/// Stops cast. Returns, once it goes on, whether CMD is still to be continued.
fn stop(cmd: Pid, channels: &mut [Box<dyn Channel>], is_apart: bool) -> bool {
    if is_apart {
        stop_as_a_job(|| channels.iter().any(|channel| channel.has_regained_terminal()));
        if raw::is_waiting(Signal::SIGCONT) {
            // The next signal to be read, and it continues CMD.
            return false;
        }
    } else {
        let _ = raise(Signal::SIGSTOP);
    }
    let lacking = channels.iter_mut().map(|channel| channel.resume()).filter(|has_terminal| !has_terminal).count();
    if lacking == 0 {
        return true;
    }
    // In the background, and no shell could have continued it. The kernel ends a stopped job that has lost its shell.
    let _ = kill(cmd, Signal::SIGHUP);
    true
}

/// Reads the report, the first time this is called.
fn hear(child: &mut Child, started: &mut dyn FnMut()) -> io::Result<()> {
    match child.read_report() {
        Some(Report::Failed(error)) => return Err(error),
        Some(Report::Started) => started(),
        None => {}
    }
    Ok(())
}

/// Before cast stops, waits until what CMD has written is out. Waits at most 1 s, because other processes may keep
/// writing, and not for a sink that is full, because its reader may be stopped as well.
fn let_through(flows: &[Flow]) {
    let deadline = Instant::now() + Duration::from_secs(1);
    for (carries, source) in flows {
        while Instant::now() < deadline
            && source.upgrade().is_some_and(|source| !source.is_through())
            && takes_more(sink(*carries))
        {
            thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Waits until something has become of a child, and leaves it for `reap`.
pub(super) fn wait_for_a_change() {
    let options = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::CONTINUED | WaitIdOptions::NOWAIT;
    let _ = rustix::process::waitid(WaitId::All, options);
}

pub(super) enum State {
    Ended(Ended),
    Stopped,
    Continued,
}

/// What has become of CMD. Also reaps all others.
pub(super) fn reap(cmd: Pid) -> Option<State> {
    loop {
        // Not with nix, which does not know signals above 31.
        match rustix::process::wait(WaitOptions::NOHANG | WaitOptions::UNTRACED | WaitOptions::CONTINUED) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == cmd.as_raw() => {
                if status.stopped() {
                    return Some(State::Stopped);
                }
                if status.continued() {
                    return Some(State::Continued);
                }
                if let Some(signal) = status.terminating_signal() {
                    return Some(State::Ended(Ended::Signal(signal)));
                }
                if let Some(code) = status.exit_status() {
                    return Some(State::Ended(Ended::Code(code)));
                }
            }
            // CMD is gone and its status is lost, because the kernel was told to discard it.
            Err(Errno::CHILD) => return Some(State::Ended(Ended::Code(1))),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) | Err(_) => return None,
        }
    }
}
