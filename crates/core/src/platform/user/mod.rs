//! The user of this process and the program that started it, for the audit log.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use std::ffi::OsString;

/// The name of the program that started this one, if the system returns it quickly. On Linux at most 15 bytes.
pub fn caller() -> Option<OsString> {
    system::caller()
}

/// The user of this process: a user ID on Unix, because the name may need a slow lookup; a name on Windows.
pub fn user() -> String {
    system::user()
}

/// The name for a user ID that `user` returned, if a file on this machine has it.
pub fn user_name(user: &str) -> Option<String> {
    system::user_name(user)
}
