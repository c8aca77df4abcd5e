//! CMD's process: forked from the main thread before any other thread exists, and held at a gate until everything is
//! ready.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::WaitOptions;

use super::channel::Ends;
use super::keeper::{Keeper, give_terminal};
use super::outputs::end_like;
use super::signals::Signals;
use crate::platform::exec::Image;
use crate::platform::exec::raw::{self, Ready};
use crate::supervisor::Carries;

/// The exit code of a child that does not become CMD. cast ignores it.
const NEVER_STARTED: i32 = 127;

/// CMD, or the child that will become CMD; or the keeper of CMD's session, which stops and ends like CMD.
pub(super) struct Child {
    pub(super) pid: Pid,
    ready: Ready,
    /// One byte opens the gate. cast keeps its end until the child is CMD, so a closed gate means that cast has ended.
    gate: Option<OwnedFd>,
    /// Delivers the error number if the child could not become CMD, and closes empty once it has.
    report: Option<OwnedFd>,
}

/// How the attempt to become CMD went.
pub(super) enum Report {
    Started,
    Failed(io::Error),
}

impl Child {
    /// Forks. The child waits at the gate.
    pub(super) fn fork(image: Image, ends: &Ends, signals: &Signals) -> Result<Self, (io::Error, Image)> {
        let ready = Ready::new(image);
        let forked = (|| {
            let ((gate, opener), (report, reporter)) = (io::pipe()?, io::pipe()?);
            let were_ignored = raw::keep_ends_of_children();
            let (opener, report) = (OwnedFd::from(opener), OwnedFd::from(report));
            // The numbers of cast's own ends, which the child closes: it must not keep its own gate open.
            let own = [opener.as_fd(), report.as_fd()];
            let child = Unborn { ready: &ready, ends, mask: signals.inherited(), were_ignored, own };
            let pid = raw::fork(|| child.live(gate.as_fd(), reporter.as_fd()))?;
            Ok((pid, opener, report))
        })();
        match forked {
            Ok((pid, opener, report)) => Ok(Self { pid, ready, gate: Some(opener), report: Some(report) }),
            Err(error) => Err((error, ready.into_image())),
        }
    }

    /// Lets the child become CMD.
    pub(super) fn open_gate(&self) -> io::Result<()> {
        match self.gate.as_ref().map(|gate| rustix::io::write(gate, &[1])) {
            // The child was killed at the gate; the main thread will see its end.
            None | Some(Ok(_) | Err(Errno::PIPE)) => Ok(()),
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// The pipe of the report; `None` once it was read.
    pub(super) fn report(&self) -> Option<BorrowedFd<'_>> {
        self.report.as_ref().map(AsFd::as_fd)
    }

    /// Reads the report and waits for it if necessary.
    pub(super) fn read_report(&mut self) -> Option<Report> {
        let report = self.report.take()?;
        self.gate = None;
        let mut number = [0; 4];
        let read = loop {
            match rustix::io::read(&report, &mut number) {
                Err(Errno::INTR) => {}
                read => break read.unwrap_or(0),
            }
        };
        Some(match read {
            4 => Report::Failed(io::Error::from_raw_os_error(i32::from_ne_bytes(number))),
            _ => Report::Started,
        })
    }

    /// Closes the gate, so that a child that waits there exits, and reaps it.
    pub(super) fn turn_away(&mut self) {
        self.gate = None;
        let pid = rustix::process::Pid::from_raw(self.pid.as_raw());
        while matches!(rustix::process::waitpid(pid, WaitOptions::empty()), Err(Errno::INTR)) {}
    }

    /// Returns the image, so that the caller can report what was too long.
    pub(super) fn into_image(self) -> Image {
        self.ready.into_image()
    }
}

/// What happens in the child, which has no other threads.
struct Unborn<'a> {
    ready: &'a Ready,
    ends: &'a Ends,
    mask: SigSet,
    were_ignored: bool,
    own: [BorrowedFd<'a>; 2],
}

impl Unborn<'_> {
    /// Returns only if this process did not become CMD.
    fn live(&self, gate: BorrowedFd<'_>, reporter: BorrowedFd<'_>) -> i32 {
        for own in self.own {
            raw::close(own);
        }
        let lived = match self.ends.session {
            Some(ref told) => self.take_ends().and_then(|()| self.keep(told.as_fd(), gate, reporter)),
            None => self.take_ends().and_then(|()| self.wait_and_become(gate, reporter)),
        };
        lived.unwrap_or_else(|error| {
            report(reporter, &error);
            NEVER_STARTED
        })
    }

    /// Leads a session on CMD's terminal, with CMD as a job in it, until CMD has ended.
    fn keep(&self, told: BorrowedFd<'_>, gate: BorrowedFd<'_>, reporter: BorrowedFd<'_>) -> io::Result<i32> {
        // Or cast's death would not close the inner terminal.
        for outside in &self.ends.outside {
            raw::close(outside.as_fd());
        }
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
        let mut signals = Signals::block(true)?;
        // The keeper is in the background of the terminal that it gives away.
        [Signal::SIGTTOU].into_iter().collect::<SigSet>().thread_block()?;
        let cmd = raw::fork(|| {
            let _ = nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0));
            give_terminal(Pid::this());
            self.wait_and_become(gate, reporter).unwrap_or_else(|error| {
                report(reporter, &error);
                NEVER_STARTED
            })
        })?;
        // What only CMD is to hold: its end tells cast that CMD has started.
        raw::close(reporter);
        raw::close(gate);
        let ended = Keeper { cmd, told, had_it: None }.keep(&mut signals);
        self.mask.thread_set_mask()?;
        Ok(end_like(ended).into())
    }

    /// Nothing here allocates or takes a lock.
    fn wait_and_become(&self, gate: BorrowedFd<'_>, reporter: BorrowedFd<'_>) -> io::Result<i32> {
        if self.were_ignored {
            raw::ignore_ends_of_children();
        }
        raw::default_sigpipe();
        die_with_parent()?;
        if is_opened(gate) {
            // From here on signals act on the child as they will on CMD.
            let error = self.mask.thread_set_mask().map_err(io::Error::from).err();
            report(reporter, &error.unwrap_or_else(|| self.ready.exec()));
        }
        Ok(NEVER_STARTED)
    }

    fn take_ends(&self) -> io::Result<()> {
        // Each end has its own descriptor, so replacing standard output does not affect standard error.
        if let Some(end) = &self.ends.input {
            rustix::stdio::dup2_stdin(end)?;
        }
        if let Some(end) = self.ends.end(Carries::Output) {
            rustix::stdio::dup2_stdout(end)?;
        }
        if let Some(end) = self.ends.end(Carries::Errors) {
            rustix::stdio::dup2_stderr(end)?;
        }
        for (number, carries) in &self.ends.more {
            if let Some(end) = self.ends.end(*carries) {
                raw::give(*number, end)?;
            }
        }
        // Also that of the keeper.
        die_with_parent()
    }
}

/// A client that kills its server (cast) must not leave CMD running. A setuid CMD loses this protection.
#[cfg_attr(not(target_os = "linux"), allow(clippy::unnecessary_wraps))]
fn die_with_parent() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

fn report(reporter: BorrowedFd<'_>, error: &io::Error) {
    let number = error.raw_os_error().unwrap_or_default();
    let _ = rustix::io::write(reporter, &number.to_ne_bytes());
}

/// Waits at the gate. Returns `false` if cast has ended, even if it ended before the child set its death signal.
fn is_opened(gate: BorrowedFd<'_>) -> bool {
    let mut byte = [0];
    let opened = loop {
        match rustix::io::read(gate, &mut byte) {
            Err(Errno::INTR) => {}
            read => break read == Ok(1),
        }
    };
    let mut polled = [PollFd::from_borrowed_fd(gate, PollFlags::IN)];
    let is_alone =
        poll(&mut polled, Some(&Timespec::default())).is_ok() && polled[0].revents().contains(PollFlags::HUP);
    opened && !is_alone
}
