//! The turn at a terminal: an advisory lock, which ends with its process. Waiting for it touches nothing.

use std::env;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::process::getuid;
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{isatty, ttyname};

/// Waits for the turn. `None` if nothing can be locked: then cast asks all the same.
pub(super) fn wait_for() -> Option<File> {
    [device, file_of_user].into_iter().find_map(|open| {
        let file = open()?;
        loop {
            match file.lock() {
                Ok(()) => return Some(file),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    })
}

/// The terminal's own file. Not `/dev/tty`, which is the same file for all terminals.
fn device() -> Option<File> {
    let names = [ttyname(stderr(), Vec::new()), ttyname(stdin(), Vec::new()), ttyname(stdout(), Vec::new())];
    let name = names.into_iter().flatten().find(|name| name.as_bytes() != b"/dev/tty")?;
    open(&name, OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
        .ok()
        .map(File::from)
}

/// A file of this user for the terminal, where the terminal itself is another user's (`su`) or cannot be locked.
fn file_of_user() -> Option<File> {
    let terminal = [stderr(), stdin(), stdout()].into_iter().find(|stream| isatty(stream))?;
    let number = fstat(terminal).ok()?.st_rdev;
    let user = getuid();
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let path = runtime.unwrap_or_else(env::temp_dir).join(format!("cast-{}-terminal-{number}", user.as_raw()));
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::RUSR | Mode::WUSR).ok()?;
    let found = fstat(&file).ok()?;
    let is_ours = found.st_uid == user.as_raw() && FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    is_ours.then(|| File::from(file))
}
