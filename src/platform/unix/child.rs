//! What happens in CMD's process between fork and exec. The one room with `unsafe`, which `pre_exec` asks for.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::SigSet;
use nix::unistd::{Pid, getppid};

/// Gives CMD the signal mask that cast was started with, and has the kernel kill it when cast is killed (Linux): a client that kills its
/// server must not leave it running.
pub(super) fn prepare(command: &mut Command, mask: SigSet) {
    let cast = Pid::this();
    let between = move || {
        mask.thread_set_mask()?;
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        // Killed in between: nobody would tell.
        if getppid() == cast { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    };
    // SAFETY: the closure makes three system calls, allocates nothing and takes no lock, as is required after a fork.
    unsafe { command.pre_exec(between) };
}
