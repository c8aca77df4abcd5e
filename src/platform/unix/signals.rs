//! The signals of a supervisor: blocked, and taken one by one with where they came from.

use std::io;

use nix::sys::signal::{SigSet, Signal};
#[cfg(target_os = "linux")]
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What a process may send to cast and mean CMD. Others cannot be caught, or are cast's own business.
const FORWARDED: [Signal; 12] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGVTALRM,
    Signal::SIGPROF,
    Signal::SIGWINCH,
    Signal::SIGIO,
    Signal::SIGTSTP,
];

/// `si_code` of what the kernel sends: from the terminal, and so to CMD as well, which is in the same group. `sigaction(2)`.
#[cfg(target_os = "linux")]
const SI_KERNEL: i32 = 0x80;

pub(super) struct Signals {
    inherited: SigSet,
    #[cfg(target_os = "linux")]
    arriving: SignalFd,
    #[cfg(not(target_os = "linux"))]
    arriving: SigSet,
}

pub(super) enum Arrived {
    /// Sent to cast alone: CMD is meant.
    ForCmd(Signal),
    /// A child has something to tell, or CMD got the signal by itself.
    Nothing,
}

impl Signals {
    /// Holds signals back from here on, in this thread and those it starts.
    pub(super) fn block() -> io::Result<Self> {
        // A parent that ignores SIGCHLD would have the kernel forget how CMD ended. A handler ends that; CMD does not inherit it.
        signal_hook::flag::register(signal_hook::consts::SIGCHLD, std::sync::Arc::default())?;
        let inherited = SigSet::thread_get_mask()?;
        let waited: SigSet = FORWARDED.into_iter().chain([Signal::SIGCHLD]).collect();
        waited.thread_block()?;
        #[cfg(target_os = "linux")]
        let arriving = SignalFd::with_flags(&waited, SfdFlags::SFD_CLOEXEC)?;
        #[cfg(not(target_os = "linux"))]
        let arriving = waited;
        Ok(Self { inherited, arriving })
    }

    /// The signals that were blocked before, as CMD is to find them.
    pub(super) fn inherited(&self) -> SigSet {
        self.inherited
    }

    /// Waits for the next one.
    #[cfg(target_os = "linux")]
    pub(super) fn next(&mut self) -> io::Result<Arrived> {
        let Some(info) = self.arriving.read_signal()? else { return Ok(Arrived::Nothing) };
        let signal = Signal::try_from(info.ssi_signo.cast_signed()).ok();
        Ok(match signal {
            Some(Signal::SIGCHLD) | None => Arrived::Nothing,
            Some(_) if info.ssi_code == SI_KERNEL => Arrived::Nothing,
            Some(signal) => Arrived::ForCmd(signal),
        })
    }

    /// Waits for the next one. Where a signal came from is not said here: what a terminal can send to its foreground is taken for that.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn next(&mut self) -> io::Result<Arrived> {
        let signal = self.arriving.wait()?;
        let foreground = rustix::termios::tcgetpgrp(rustix::stdio::stdin()).ok() == Some(rustix::process::getpgrp());
        let by_terminal = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGWINCH];
        Ok(match signal {
            Signal::SIGCHLD => Arrived::Nothing,
            signal if foreground && by_terminal.contains(&signal) => Arrived::Nothing,
            signal => Arrived::ForCmd(signal),
        })
    }

    /// Lets signals act on cast again.
    pub(super) fn unblock(self) {
        let _ = self.inherited.thread_set_mask();
    }
}
