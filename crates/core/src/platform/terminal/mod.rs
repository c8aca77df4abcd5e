//! The terminal while cast prompts on it.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use std::io;

/// From now on, a signal that ends this process first calls `restore`.
pub fn restore_on_signal(restore: fn()) -> io::Result<()> {
    system::restore_on_signal(restore)
}

/// Ends this process by SIGINT, as Ctrl-C would, so that its parent sees that. Returns on systems without signals.
pub fn die_of_interrupt() {
    system::die_of_interrupt();
}

/// Discards input that was typed but not read yet.
pub fn forget_typed_input() {
    system::forget_typed_input();
}
