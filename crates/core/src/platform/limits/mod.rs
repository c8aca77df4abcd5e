//! Limits of this process: the size of its files, and who may inspect it.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

/// Whether `ulimit -f` allows a file of this length, in bytes. A write beyond the limit would kill this process.
pub fn may_grow_to(length: u64) -> bool {
    system::may_grow_to(length)
}

/// Turns a write beyond `ulimit -f` into an error. Otherwise it would kill cast and leave a temporary file behind. Uses
/// a handler instead of ignoring the signal, because CMD does not inherit a handler.
pub fn survive_file_size_limit() {
    system::survive_file_size_limit();
}

/// Keeps other processes of this user from reading the memory and environment of this one. Ends with the next `exec`.
pub fn hide_from_debuggers() {
    system::hide_from_debuggers();
}
