//! CMD's process: forked from the main thread before any other thread exists, held at a gate until all is ready, then CMD.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::signal::SigSet;
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::WaitOptions;

use super::channel::Ends;
use super::signals::Signals;
use crate::platform::exec::Image;
use crate::platform::exec::raw::{self, Ready};

/// What the child ends with if it does not become CMD; nobody looks at it.
const NEVER_STARTED: i32 = 127;

/// CMD, or what will become CMD.
pub(super) struct Child {
    pub(super) pid: Pid,
    ready: Ready,
    /// A byte opens it; kept until the child is CMD, so that its end means cast's.
    gate: Option<OwnedFd>,
    /// The number of the error, if the child could not become CMD; nothing, once it has.
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
            let pid = raw::fork(|| child.wait_and_become(gate.as_fd(), reporter.as_fd()))?;
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
            // It was killed at the gate: its end will show.
            None | Some(Ok(_) | Err(Errno::PIPE)) => Ok(()),
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// Where the report will come; `None` once it was read.
    pub(super) fn report(&self) -> Option<BorrowedFd<'_>> {
        self.report.as_ref().map(AsFd::as_fd)
    }

    /// Reads the report, which waits until there is one.
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

    /// Sees a child off that did not become CMD: one at the gate ends when that is gone.
    pub(super) fn turn_away(&mut self) {
        self.gate = None;
        let pid = rustix::process::Pid::from_raw(self.pid.as_raw());
        while matches!(rustix::process::waitpid(pid, WaitOptions::empty()), Err(Errno::INTR)) {}
    }

    /// To say what was too long.
    pub(super) fn into_image(self) -> Image {
        self.ready.into_image()
    }
}

/// What happens in the child. Nothing here allocates or takes a lock.
struct Unborn<'a> {
    ready: &'a Ready,
    ends: &'a Ends,
    mask: SigSet,
    were_ignored: bool,
    own: [BorrowedFd<'a>; 2],
}

impl Unborn<'_> {
    /// Returns only if it did not become CMD.
    fn wait_and_become(&self, gate: BorrowedFd<'_>, reporter: BorrowedFd<'_>) -> i32 {
        if self.prepare().is_ok() && is_opened(gate) {
            // From here on a signal acts on what is nearly CMD.
            let error = self.mask.thread_set_mask().map_err(io::Error::from).err();
            let error = error.unwrap_or_else(|| self.ready.exec());
            let number = error.raw_os_error().unwrap_or_default();
            let _ = rustix::io::write(reporter, &number.to_ne_bytes());
        }
        NEVER_STARTED
    }

    fn prepare(&self) -> io::Result<()> {
        for own in self.own {
            raw::close(own);
        }
        // What is standard output here may be what standard error is to be made of: each end is a descriptor of its own.
        if let Some(end) = &self.ends.output {
            rustix::stdio::dup2_stdout(end)?;
        }
        if let Some(end) = &self.ends.errors {
            rustix::stdio::dup2_stderr(end)?;
        }
        if self.were_ignored {
            raw::ignore_ends_of_children();
        }
        raw::default_sigpipe();
        // A client that kills its server must not leave it running. CMD that gains privileges (setuid) loses this.
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        Ok(())
    }
}

/// Waits at the gate. If cast ended, also before it could have been this child's end, the gate stays shut.
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
