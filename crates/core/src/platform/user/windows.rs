//! Windows: finding the parent's name needs a slow search through all processes, so it is omitted. Users have names.

use std::ffi::OsString;

pub(super) fn caller() -> Option<OsString> {
    None
}

pub(super) fn user() -> String {
    std::env::var_os("USERNAME").map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn user_name(_user: &str) -> Option<String> {
    None
}
