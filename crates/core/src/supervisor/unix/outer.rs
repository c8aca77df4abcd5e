//! The terminal that cast is on, while CMD has a terminal of cast's own: the outer one passes bytes as they are, and the
//! inner one does what a terminal does.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr, ttyname};

/// The terminal's modes from before, while it passes bytes.
static BEFORE: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// The terminal that is standard input, opened anew: nobody else gets what cast sets for this descriptor, such as reads
/// that do not wait. Where it cannot be opened (`su`), the descriptor is a copy.
pub(super) fn own_standard_input() -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let name = if cfg!(target_os = "linux") { Ok(c"/proc/self/fd/0".to_owned()) } else { ttyname(stdin(), Vec::new()) };
    match name.and_then(|name| open(&name, flags, Mode::empty())) {
        Ok(terminal) => Ok(terminal),
        Err(_) => stdin().try_clone_to_owned(),
    }
}

/// Whether this process may read the terminal and set its modes.
pub(super) fn is_foreground(terminal: BorrowedFd<'_>) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp())
}

/// Has the terminal pass bytes as they are, until `restore`. Called again meanwhile, as after SIGSTOP, when a shell had
/// the terminal, it does the same, and the modes to restore stay those from the beginning.
pub(super) fn pass_through(terminal: &OwnedFd) -> io::Result<()> {
    let mut before = before();
    let modes = match &*before {
        Some((_, modes)) => modes.clone(),
        None => tcgetattr(terminal)?,
    };
    let mut raw = modes.clone();
    raw.make_raw();
    if before.is_none() {
        *before = Some((terminal.try_clone()?, modes));
    }
    Ok(tcsetattr(terminal, OptionalActions::Now, &raw)?)
}

/// Makes the terminal as it was.
pub(in crate::supervisor) fn restore_terminal() {
    let Some((terminal, modes)) = before().take() else { return };
    // In the background the modes are the shell's.
    if is_foreground(terminal.as_fd()) {
        let _ = tcsetattr(&terminal, OptionalActions::Now, &modes);
    }
}

fn before() -> MutexGuard<'static, Option<(OwnedFd, Termios)>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}
