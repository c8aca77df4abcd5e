//! The one room with `unsafe`: fork, `execve`, the action of a signal, and a descriptor that is known by its number alone.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsStr, c_char};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, Pid};

use super::Image;

/// The shell that POSIX wants for what the kernel does not know (`execvp`).
const SHELL: &CStr = c"/bin/sh";

/// An image with the arrays of pointers that `execve` takes: nothing is left to allocate.
pub(crate) struct Ready {
    image: Image,
    arguments: Pointers,
    /// The same for the shell, with the program's file as its script.
    script: Pointers,
    environment: Pointers,
}

/// Strings as C knows them, a null pointer at their end.
struct Pointers(Vec<*const c_char>);

// SAFETY: the pointers lead into strings of `Ready::image`, whose heap blocks stay where they are when it moves, or into constants; nothing
// changes either.
unsafe impl Send for Pointers {}
// SAFETY: as above; shared, they are only read.
unsafe impl Sync for Pointers {}

impl Ready {
    pub(crate) fn new(image: Image) -> Self {
        let arguments = Pointers::to(image.arguments.iter().map(CString::as_c_str));
        let rest = image.arguments.iter().skip(1).map(CString::as_c_str);
        let script = Pointers::to([SHELL, image.program.as_c_str()].into_iter().chain(rest));
        let environment = Pointers::to(image.environment.iter().map(CString::as_c_str));
        Self { image, arguments, script, environment }
    }

    /// Becomes the program, or the shell with it as a script where the kernel does not know it; returns why it could not. Safe between
    /// fork and exec: it allocates nothing and takes no lock.
    pub(crate) fn exec(&self) -> io::Error {
        let error = self.execve(&self.image.program, &self.arguments);
        if error.raw_os_error() == Some(libc::ENOEXEC) { self.execve(SHELL, &self.script) } else { error }
    }

    fn execve(&self, program: &CStr, arguments: &Pointers) -> io::Error {
        // SAFETY: both arrays end with a null pointer, and all strings end with NUL and live as long as `self`.
        unsafe { libc::execve(program.as_ptr(), arguments.0.as_ptr(), self.environment.0.as_ptr()) };
        io::Error::last_os_error()
    }

    pub(crate) fn into_image(self) -> Image {
        self.image
    }
}

impl Pointers {
    fn to<'a>(strings: impl Iterator<Item = &'a CStr>) -> Self {
        Self(strings.map(CStr::as_ptr).chain([std::ptr::null()]).collect())
    }
}

/// A command of std's that becomes the image; std sees to its streams, its folder and the report of a failure.
pub(super) fn command(ready: Ready) -> Command {
    let mut command = Command::new(OsStr::from_bytes(ready.image.program.as_bytes()));
    // SAFETY: the closure makes one system call, allocates nothing and takes no lock, as is required after a fork.
    unsafe { command.pre_exec(move || Err(ready.exec())) };
    command
}

/// Forks, and runs `child` in the new process, which ends with the exit code that it returns.
///
/// Only for a process without other threads: the child may then do what it likes. With threads it is the caller's promise that `child` takes
/// no lock that another thread may hold.
pub(crate) fn fork(child: impl FnOnce() -> i32) -> io::Result<Pid> {
    // SAFETY: see above; the child never returns from here.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let code = child();
            // SAFETY: ends the child without running what the parent has registered for its own end.
            unsafe { libc::_exit(code) }
        }
    }
}

/// Gives SIGPIPE its default action back, which Rust's start-up took away.
pub(crate) fn default_sigpipe() {
    // SAFETY: no handler is set, so none can run.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
}

/// Has the kernel keep how children end, though cast's parent may have told it not to. Returns whether it had, for CMD to find it so.
pub(crate) fn keep_ends_of_children() -> bool {
    // SAFETY: no handler is set, so none can run.
    matches!(unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }, Ok(SigHandler::SigIgn))
}

/// Tells the kernel not to keep how children end.
pub(crate) fn ignore_ends_of_children() {
    // SAFETY: no handler is set, so none can run.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) };
}

/// Closes a descriptor of the parent's in a child, where nobody will use it again.
pub(crate) fn close(descriptor: BorrowedFd<'_>) {
    // SAFETY: called between fork and exec alone, for descriptors that the child's copy of their owner never drops.
    unsafe { libc::close(descriptor.as_raw_fd()) };
}

/// Closes a descriptor when another program starts; nothing happens where it is not open.
pub(super) fn close_at_exec(number: i32) {
    // SAFETY: the descriptor is used for this one call, which fails without harm if it is not open.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    let _ = rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC);
}
