//! Programs: where one is, what it is started with, and how this process becomes it.

#[cfg(unix)]
pub(crate) mod raw;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use system::{Environment, Image};
#[cfg(windows)]
pub(crate) use windows::{end, spawn};

/// Whether `Path` and `PATH` are one variable of the environment.
pub const VARIABLES_IGNORE_CASE: bool = system::VARIABLES_IGNORE_CASE;

/// What programs here cannot do without, in a clean environment.
pub const NEEDED_VARIABLES: &[&str] = system::NEEDED_VARIABLES;

/// Whether this user can execute the file; the error is why not.
pub fn check_executable(path: &Path) -> io::Result<()> {
    system::check_executable(path)
}

/// The files that a word may mean.
pub fn executables(path: PathBuf) -> Vec<PathBuf> {
    system::executables(path)
}

/// Whether a word names a file rather than a command to be looked up.
pub fn is_path(word: &OsStr) -> bool {
    system::is_path(word)
}

/// Whether arguments and environment together were too long for the system.
pub fn is_too_long(error: &io::Error) -> bool {
    system::is_too_long(error)
}

/// Whether a failure to start a program is one of cast or the system rather than of the program: too many descriptors or processes, no
/// memory.
pub fn is_own_failure(error: &io::Error) -> bool {
    system::is_own_failure(error)
}

/// Keeps every descriptor of this process that leads to the same file as `file` from the programs that it starts: closed there, or in the
/// place of standard input nothing.
pub fn keep_from_children(file: &File) {
    system::keep_from_children(file);
}

/// The names of the longest variables and the bytes each takes, longest first.
pub fn longest(lengths: impl Iterator<Item = (OsString, usize)>, count: usize) -> Vec<(String, usize)> {
    let mut lengths: Vec<_> = lengths.map(|(name, length)| (name.to_string_lossy().into_owned(), length)).collect();
    lengths.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    lengths.truncate(count);
    lengths
}
