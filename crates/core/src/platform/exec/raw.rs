//! The only module with `unsafe`: fork, `execve`, signal actions, and descriptors known only by number.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsStr, c_char};
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, Pid};

use super::Image;

/// The shell that POSIX (`execvp`) requires for files that the kernel cannot execute.
const SHELL: &CStr = c"/bin/sh";

/// An image with the pointer arrays that `execve` takes, so that nothing needs to be allocated later.
pub(crate) struct Ready {
    image: Image,
    arguments: Pointers,
    /// The arguments for the shell, with the program as its script.
    script: Pointers,
    environment: Pointers,
}

/// C strings, with a null pointer at the end.
struct Pointers(Vec<*const c_char>);

// SAFETY: the pointers point into strings of `Ready::image`, whose heap blocks do not move with it, or into constants.
// Nothing modifies either.
unsafe impl Send for Pointers {}
// SAFETY: as above; shared pointers are only read.
unsafe impl Sync for Pointers {}

impl Ready {
    pub(crate) fn new(image: Image) -> Self {
        let arguments = Pointers::to(image.arguments.iter().map(CString::as_c_str));
        let rest = image.arguments.iter().skip(1).map(CString::as_c_str);
        let script = Pointers::to([SHELL, image.program.as_c_str()].into_iter().chain(rest));
        let environment = Pointers::to(image.environment.iter().map(CString::as_c_str));
        Self { image, arguments, script, environment }
    }

    /// Replaces this process with the program, or with the shell and the program as its script if the kernel cannot
    /// execute it. Returns only on failure. Safe between fork and exec: allocates nothing and takes no lock.
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

/// A std command that becomes the image. std handles its streams, its working folder and the error report.
pub(super) fn command(ready: Ready) -> Command {
    let mut command = Command::new(OsStr::from_bytes(ready.image.program.as_bytes()));
    // SAFETY: the closure makes one system call, allocates nothing and takes no lock, as is required after a fork.
    unsafe { command.pre_exec(move || Err(ready.exec())) };
    command
}

/// Forks, and runs `child` in the new process, which ends with the exit code that it returns.
///
/// Call it in a process without other threads: then the child may do anything. With threads, the caller promises that
/// `child` takes no lock that another thread may hold.
pub(crate) fn fork(child: impl FnOnce() -> i32) -> io::Result<Pid> {
    // SAFETY: see above; the child never returns from here.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let code = child();
            // SAFETY: ends the child without running the parent's exit handlers.
            unsafe { libc::_exit(code) }
        }
    }
}

/// Restores the default action of SIGPIPE, which Rust's start-up code changes.
pub(crate) fn default_sigpipe() {
    // SAFETY: no handler is set, so none can run.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
}

/// Makes the kernel keep the exit status of children even if cast's parent set SIGCHLD to ignored. Returns whether it
/// was ignored, so that cast can restore that for CMD.
pub(crate) fn keep_ends_of_children() -> bool {
    // SAFETY: no handler is set, so none can run.
    matches!(unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }, Ok(SigHandler::SigIgn))
}

/// Makes the kernel discard the exit status of children.
pub(crate) fn ignore_ends_of_children() {
    // SAFETY: no handler is set, so none can run.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) };
}

/// Closes a descriptor of the parent in the child, which never uses it again.
pub(crate) fn close(descriptor: BorrowedFd<'_>) {
    // SAFETY: called only between fork and exec, for descriptors that the child's copy of the owner never drops.
    unsafe { libc::close(descriptor.as_raw_fd()) };
}

/// Marks a descriptor as close-on-exec. Does nothing if it is not open.
pub(crate) fn close_at_exec(number: i32) {
    // SAFETY: the descriptor is used only for this call, which fails harmlessly if it is not open.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    let _ = rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC);
}

/// Device and inode of what a descriptor leads to. `None` if it is not open.
pub(super) fn place_of(number: i32) -> Option<(u64, u64)> {
    // SAFETY: the descriptor is used only for this call, which fails harmlessly if it is not open.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    let file = rustix::fs::fstat(descriptor).ok()?;
    #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)] // the types differ between systems
    Some((file.st_dev as u64, file.st_ino as u64))
}

/// Makes a descriptor that is known by its number lead to `file`, and keeps it from CMD.
pub(super) fn replace(number: i32, file: &File) {
    // SAFETY: the descriptor is used only for this call, and stays open; its owner does not change.
    let mut descriptor = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(number) });
    let _ = rustix::io::dup2(file, &mut descriptor);
    close_at_exec(number);
}

/// Makes a descriptor that CMD inherits by its number lead where `end` leads.
pub(crate) fn give(number: i32, end: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: called only between fork and exec, for a descriptor that nothing in this process owns.
    let mut descriptor = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(number) });
    Ok(rustix::io::dup2(end, &mut descriptor)?)
}

/// The numbers of all descriptors that are open; one among them was that of the folder which lists them, and is closed.
pub(super) fn descriptors() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/dev/fd") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The descriptors above standard error that CMD inherits. cast opens none of that kind, so nothing owns them.
pub(crate) fn inherited() -> Vec<BorrowedFd<'static>> {
    // SAFETY: those that stay in the list are open, and nothing in this process closes them.
    let descriptors =
        descriptors().into_iter().filter(|number| *number > 2).map(|number| unsafe { BorrowedFd::borrow_raw(number) });
    let is_inherited = |descriptor: &BorrowedFd<'_>| {
        rustix::io::fcntl_getfd(descriptor).is_ok_and(|flags| !flags.contains(rustix::io::FdFlags::CLOEXEC))
    };
    descriptors.filter(is_inherited).collect()
}

/// Takes a descriptor that this process was started with, and that is for it alone.
pub(crate) fn adopt(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: the descriptor is used only for this call, which fails harmlessly if it is not open.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_getfd(descriptor)?;
    // SAFETY: it is open, and nothing else in this process knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Whether a blocked signal has arrived and waits.
pub(crate) fn is_waiting(signal: Signal) -> bool {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the call fills the whole set, which is read only if it has succeeded.
    unsafe { libc::sigpending(set.as_mut_ptr()) == 0 && libc::sigismember(set.as_ptr(), signal as i32) == 1 }
}
