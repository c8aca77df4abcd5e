//! The terminal while cast asks something on it.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use std::io;

/// From here to its end, a signal that ends this process calls `restore` first.
pub fn restore_on_signal(restore: fn()) -> io::Result<()> {
    system::restore_on_signal(restore)
}

/// Ends this process as Ctrl-C would have, for its parent to see; returns where there is no signal to die of.
pub fn die_of_interrupt() {
    system::die_of_interrupt();
}

/// Drops what was typed and not read yet.
pub fn forget_typed_input() {
    system::forget_typed_input();
}
