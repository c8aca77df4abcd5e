//! What CMD's process inherits, and what happens in it between fork and exec. The one room with `unsafe`, which `pre_exec` and descriptors
//! known by number alone ask for.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::{Pid, getppid};

/// Gives CMD the signal mask that cast was started with, and has the kernel kill it when cast is killed (Linux): a client that kills its
/// server must not leave it running.
pub(super) fn prepare(command: &mut Command, mask: SigSet, ignored: bool) {
    let cast = Pid::this();
    let between = move || {
        if ignored {
            // SAFETY: no handler is set, so none can run.
            unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }?;
        }
        mask.thread_set_mask()?;
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        // Killed in between: nobody would tell.
        if getppid() == cast { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    };
    // SAFETY: the closure makes a few system calls, allocates nothing and takes no lock, as is required after a fork.
    unsafe { command.pre_exec(between) };
}

/// Has the kernel keep how children end, though cast's parent may have told it not to. Says whether it had, for CMD to find it so.
pub(super) fn keep_ends_of_children() -> bool {
    // SAFETY: no handler is set, so none can run.
    matches!(unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }, Ok(SigHandler::SigIgn))
}

/// Closes the descriptor that a path such as `/dev/fd/3` names, when CMD starts.
pub(crate) fn keep_from_children(path: &Path) {
    let number =
        ["/dev/fd", "/proc/self/fd"].iter().find_map(|folder| path.strip_prefix(folder).ok()?.to_str()?.parse().ok());
    if let Some(number) = number.filter(|number: &i32| *number > 2) {
        // SAFETY: the descriptor is used for this one call, which fails without harm if it is not open.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC);
    }
}
