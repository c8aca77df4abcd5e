//! Programs: finding one, preparing its arguments and environment, and replacing this process with it.

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
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

pub use system::{Environment, Image};
#[cfg(windows)]
pub(crate) use windows::{end, spawn};

/// Whether `Path` and `PATH` are the same environment variable.
pub const VARIABLES_IGNORE_CASE: bool = system::VARIABLES_IGNORE_CASE;

/// The variables that programs on this system need, even in a clean environment.
pub const NEEDED_VARIABLES: &[&str] = system::NEEDED_VARIABLES;

/// Checks whether this user can execute the file.
pub fn check_executable(path: &Path) -> io::Result<()> {
    system::check_executable(path)
}

/// The files that a command name can refer to.
pub fn executables(path: PathBuf) -> Vec<PathBuf> {
    system::executables(path)
}

/// Whether a word is a path rather than a command to look up.
pub fn is_path(word: &OsStr) -> bool {
    system::is_path(word)
}

/// Whether the arguments and environment together are too long for the system.
pub fn is_too_long(error: &io::Error) -> bool {
    system::is_too_long(error)
}

/// Whether starting a program failed because of cast or the system, not the program: too many descriptors or processes,
/// no memory.
pub fn is_own_failure(error: &io::Error) -> bool {
    system::is_own_failure(error)
}

/// Why cast could not prepare what CMD needs: not the program's fault, whatever the system's reason is.
#[derive(Debug)]
pub(crate) struct OwnFailure(pub(crate) String);

impl std::fmt::Display for OwnFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OwnFailure {}

/// Keeps every descriptor of this process that leads to this file from CMD: marks it as close-on-exec, or replaces it with
/// `/dev/null` if it is standard input.
pub fn keep_from_children(file: &Metadata) {
    system::keep_from_children(file);
}

/// Keeps the descriptors from 3 on that lead to this file, and that may still be read here, from programs that are started.
pub fn close_in_children(file: &Metadata) {
    system::close_in_children(file);
}

/// Makes the descriptors that are kept from CMD lead nowhere, so that CMD cannot read them in this process either, which stays as its parent.
pub fn let_go_of_kept() {
    system::let_go_of_kept();
}

/// The names and lengths in bytes of the longest variables, longest first.
pub fn longest(lengths: impl Iterator<Item = (OsString, usize)>, count: usize) -> Vec<(String, usize)> {
    let mut lengths: Vec<_> = lengths.map(|(name, length)| (name.to_string_lossy().into_owned(), length)).collect();
    lengths.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    lengths.truncate(count);
    lengths
}
