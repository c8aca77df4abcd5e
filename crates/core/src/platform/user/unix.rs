//! Linux and macOS. Only Linux returns the name of the parent directly.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

pub(super) fn caller() -> Option<OsString> {
    let parent = rustix::process::getppid()?;
    let mut name = [0; 64];
    let read = File::open(format!("/proc/{parent}/comm")).and_then(|mut file| file.read(&mut name)).ok()?;
    let name = name[..read].strip_suffix(b"\n").unwrap_or(&name[..read]);
    Some(OsStr::from_bytes(name).to_owned())
}

pub(super) fn user() -> String {
    rustix::process::getuid().to_string()
}

pub(super) fn user_name(user: &str) -> Option<String> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = |line: &'_ str| -> Option<String> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == user).then(|| name.to_owned())
    };
    text.lines().find_map(fields)
}
