//! Windows: Ctrl-C is an ordinary key in raw mode, and the console keeps typed input for its next reader.

use std::io;

#[allow(clippy::unnecessary_wraps)]
pub(super) fn restore_on_signal(_restore: fn()) -> io::Result<()> {
    Ok(())
}

pub(super) fn die_of_interrupt() {}

pub(super) fn forget_typed_input() {}
