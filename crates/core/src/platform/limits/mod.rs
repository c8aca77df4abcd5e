//! Limits of this process: how long its files may become, and who may look into it.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

/// Whether a file may become so long, by `ulimit -f`: a write beyond that would kill this process.
pub fn may_grow_to(length: u64) -> bool {
    system::may_grow_to(length)
}

/// Lets a write beyond `ulimit -f` fail as an error, instead of killing the writer with its temporary file left behind. A handler, not
/// an ignored signal: CMD does not inherit it.
pub fn survive_file_size_limit() {
    system::survive_file_size_limit();
}

/// Keeps other processes of this user from reading this one's memory and environment; over with the next `exec`.
pub fn hide_from_debuggers() {
    system::hide_from_debuggers();
}
