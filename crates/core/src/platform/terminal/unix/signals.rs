//! Signals while input is hidden: held back, so that none ends or stops this process before the terminal is as it was.
//! No handler is set: then each acts as the caller left it, ignored ones included, and CMD inherits that.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::sys::pthread::pthread_kill;
use nix::sys::signal::{SigSet, Signal, raise};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

const HELD: [Signal; 6] =
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGTSTP, Signal::SIGCONT];

/// The held signals, until dropped: then those that came and were not taken act.
pub(super) struct Signals {
    inherited: SigSet,
    arrived: OwnedFd,
    over: Arc<AtomicBool>,
    /// Waits for signals and writes their numbers into the pipe, because not every system can poll for a signal.
    waiter: Option<JoinHandle<()>>,
}

impl Signals {
    pub(super) fn hold() -> io::Result<Self> {
        let (arrived, sender) = io::pipe()?;
        let (arrived, sender) = (OwnedFd::from(arrived), OwnedFd::from(sender));
        let inherited = SigSet::thread_get_mask()?;
        let held: SigSet = HELD.into_iter().collect();
        held.thread_block()?;
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let waiter = thread::Builder::new().spawn(move || {
            while let Ok(signal) = held.wait() {
                let is_over = is_over.load(Ordering::SeqCst);
                if !(is_over && signal == Signal::SIGCONT) {
                    let _ = rustix::io::write(&sender, &[signal as u8]);
                }
                if is_over {
                    break;
                }
            }
        });
        let mut signals = Self { inherited, arrived, over, waiter: None };
        signals.waiter = Some(waiter?);
        Ok(signals)
    }

    /// The next signal that came, if any.
    pub(super) fn take(&self) -> Option<Signal> {
        let mut number = [0];
        let mut asked = [PollFd::new(&self.arrived, PollFlags::IN)];
        let is_there = poll(&mut asked, Some(&Timespec::default())).is_ok_and(|ready| ready > 0);
        let read = is_there && rustix::io::read(&self.arrived, &mut number) == Ok(1);
        Signal::try_from(i32::from(number[0])).ok().filter(|_| read)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arrived.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(waiter) = self.waiter.take() {
            // Only to wake it up. (With musl, the standard library's and libc's types of a thread's handle differ.)
            let _ = pthread_kill(waiter.as_pthread_t() as _, Signal::SIGCONT);
            let _ = waiter.join();
        }
        let _ = self.inherited.thread_set_mask();
        while let Some(signal) = self.take() {
            if signal != Signal::SIGCONT {
                let _ = raise(signal);
            }
        }
    }
}
