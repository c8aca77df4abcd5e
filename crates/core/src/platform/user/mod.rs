//! The user of this process, and the program that started it, as the audit log names them.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use std::ffi::OsString;

/// The name of the program that started this one, where the system says it at once; on Linux at most 15 bytes of it.
pub fn caller() -> Option<OsString> {
    system::caller()
}

/// The user of this process: a number where users have one, as the name may be far to fetch.
pub fn user() -> String {
    system::user()
}

/// The name of the user that `user` returned, where a file of this machine has it.
pub fn user_name(user: &str) -> Option<String> {
    system::user_name(user)
}
