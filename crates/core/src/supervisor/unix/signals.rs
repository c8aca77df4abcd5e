//! The signals of the supervisor: blocked, and read one by one with their origin.

use std::io;
use std::os::fd::BorrowedFd;

use nix::sys::signal::{SigSet, Signal};
#[cfg(target_os = "linux")]
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Signals that a process may send to cast but that are meant for CMD. The others cannot be caught or concern only
/// cast.
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

/// Signals that a terminal sends to its whole foreground group. Not HUP: when a terminal closes, only the session
/// leader gets it.
const OF_TERMINALS: [Signal; 4] = [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGWINCH];

/// The `si_code` of signals from the kernel (`sigaction(2)`). A terminal signal also reaches CMD, which is in the same
/// group.
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
    /// Sent only to cast, but meant for CMD.
    ForCmd(Signal),
    /// The report of the child can be read.
    Report,
    /// The size of the terminal changed. CMD is in the same session and got the signal itself.
    Resize,
    /// The state of a child changed, or CMD got the signal itself.
    Nothing,
}

impl Signals {
    /// Blocks the signals from now on, in this thread and those it starts.
    pub(super) fn block() -> io::Result<Self> {
        let inherited = SigSet::thread_get_mask()?;
        let waited: SigSet = FORWARDED.into_iter().chain([Signal::SIGCHLD]).collect();
        waited.thread_block()?;
        #[cfg(target_os = "linux")]
        let arriving = SignalFd::with_flags(&waited, SfdFlags::SFD_CLOEXEC)?;
        #[cfg(not(target_os = "linux"))]
        let arriving = waited;
        Ok(Self { inherited, arriving })
    }

    /// The signal mask from before, for CMD.
    pub(super) fn inherited(&self) -> SigSet {
        self.inherited
    }

    /// Waits for the next signal or for `report`.
    #[cfg(target_os = "linux")]
    pub(super) fn next(&mut self, report: Option<BorrowedFd<'_>>) -> io::Result<Arrived> {
        if let Some(report) = report
            && self.is_report_first(report)?
        {
            return Ok(Arrived::Report);
        }
        let Some(info) = self.arriving.read_signal()? else { return Ok(Arrived::Nothing) };
        let signal = Signal::try_from(info.ssi_signo.cast_signed()).ok();
        Ok(match signal {
            Some(Signal::SIGCHLD) | None => Arrived::Nothing,
            Some(Signal::SIGWINCH) if info.ssi_code == SI_KERNEL => Arrived::Resize,
            Some(signal) if info.ssi_code == SI_KERNEL && OF_TERMINALS.contains(&signal) => Arrived::Nothing,
            Some(signal) => Arrived::ForCmd(signal),
        })
    }

    /// Waits for `report`, or otherwise for the next signal. This system does not report the origin of a signal, so
    /// cast assumes that a signal that a terminal can send came from the terminal.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn next(&mut self, report: Option<BorrowedFd<'_>>) -> io::Result<Arrived> {
        if report.is_some() {
            return Ok(Arrived::Report);
        }
        let signal = self.arriving.wait()?;
        let foreground = rustix::termios::tcgetpgrp(rustix::stdio::stdin()).ok() == Some(rustix::process::getpgrp());
        Ok(match signal {
            Signal::SIGCHLD => Arrived::Nothing,
            Signal::SIGWINCH if foreground => Arrived::Resize,
            signal if foreground && OF_TERMINALS.contains(&signal) => Arrived::Nothing,
            signal => Arrived::ForCmd(signal),
        })
    }
}

/// Lets signals act on cast again, but only those that arrive from now on: earlier ones were for CMD.
impl Drop for Signals {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        while self.is_one_waiting() && self.arriving.read_signal().is_ok() {}
        let _ = self.inherited.thread_set_mask();
    }
}

#[cfg(target_os = "linux")]
impl Signals {
    fn is_report_first(&self, report: BorrowedFd<'_>) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, poll};
        let mut polled = [PollFd::new(&self.arriving, PollFlags::IN), PollFd::from_borrowed_fd(report, PollFlags::IN)];
        match poll(&mut polled, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(polled[0].revents().is_empty()),
            Err(error) => Err(error.into()),
        }
    }

    fn is_one_waiting(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut polled = [PollFd::new(&self.arriving, PollFlags::IN)];
        poll(&mut polled, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }
}
