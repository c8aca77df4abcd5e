//! The signals of the supervisor: blocked, and read one by one with their origin.

use std::io;
use std::os::fd::BorrowedFd;

use nix::sys::signal::{SigSet, Signal, raise};
#[cfg(target_os = "linux")]
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::platform::exec::raw;

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
    /// Whether CMD is in a session of its own: then no terminal sends a signal to both.
    is_apart: bool,
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
    /// The size of the terminal changed. CMD in the same session got the signal itself.
    Resize,
    /// This process was stopped and continued, or is to continue CMD. Only where CMD is apart.
    Continued,
    /// The state of a child changed, or CMD got the signal itself.
    Nothing,
}

impl Signals {
    /// Blocks the signals from now on, in this thread and those it starts.
    pub(super) fn block(is_apart: bool) -> io::Result<Self> {
        let inherited = SigSet::thread_get_mask()?;
        let mut waited: SigSet = FORWARDED.into_iter().chain([Signal::SIGCHLD]).collect();
        if is_apart {
            waited.add(Signal::SIGCONT);
            // Reading the terminal in the background is an error then, and does not stop cast.
            [Signal::SIGTTIN].into_iter().collect::<SigSet>().thread_block()?;
        }
        waited.thread_block()?;
        #[cfg(target_os = "linux")]
        let arriving = SignalFd::with_flags(&waited, SfdFlags::SFD_CLOEXEC)?;
        #[cfg(not(target_os = "linux"))]
        let arriving = waited;
        Ok(Self { inherited, is_apart, arriving })
    }

    pub(super) fn is_apart(&self) -> bool {
        self.is_apart
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
            Some(Signal::SIGCONT) => Arrived::Continued,
            Some(Signal::SIGWINCH) if info.ssi_code == SI_KERNEL => Arrived::Resize,
            Some(signal) if !self.is_apart && info.ssi_code == SI_KERNEL && OF_TERMINALS.contains(&signal) => {
                Arrived::Nothing
            }
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
            Signal::SIGCONT => Arrived::Continued,
            Signal::SIGWINCH if foreground || self.is_apart => Arrived::Resize,
            signal if !self.is_apart && foreground && OF_TERMINALS.contains(&signal) => Arrived::Nothing,
            signal => Arrived::ForCmd(signal),
        })
    }
}

/// Lets signals act on cast again.
impl Drop for Signals {
    fn drop(&mut self) {
        let _ = self.inherited.thread_set_mask();
    }
}

impl Signals {
    /// Discards those that have arrived: they were for CMD.
    pub(super) fn forget(&mut self) {
        #[cfg(target_os = "linux")]
        while self.is_one_waiting() && self.arriving.read_signal().is_ok() {}
    }

    /// Whether one has arrived that ends cast once it acts.
    pub(super) fn is_end_waiting() -> bool {
        [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM].into_iter().any(raw::is_waiting)
    }
}

/// Stops this process as Ctrl-Z would: not where no shell could continue it, nor if a shell has done so already. For that
/// the stop waits, blocked, while `is_continued` is asked: what continues the process from then on takes the stop back.
pub(super) fn stop_as_a_job(is_continued: impl Fn() -> bool) {
    let stop: SigSet = [Signal::SIGTSTP].into_iter().collect();
    let _ = raise(Signal::SIGTSTP);
    if is_continued() {
        let _ = raise(Signal::SIGCONT);
    }
    let _ = stop.thread_unblock();
    let _ = stop.thread_block();
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
