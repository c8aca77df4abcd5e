//! Linux and macOS. Starts a program with `execve` and strings that are made once; std's `Command` would copy each
//! value two more times.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::raw::{self, Ready};

pub(super) const VARIABLES_IGNORE_CASE: bool = false;
pub(super) const NEEDED_VARIABLES: &[&str] = &[];

/// An environment, with each variable as the single string that the kernel takes.
#[derive(Default)]
pub struct Environment(Vec<CString>);

/// A program with its arguments and its whole environment.
pub struct Image {
    pub(super) program: CString,
    /// The first one is the program's name.
    pub(super) arguments: Vec<CString>,
    pub(super) environment: Vec<CString>,
}

impl Environment {
    /// Adds a variable. A NUL in it is an error, because no environment can contain one.
    pub fn push(&mut self, name: &OsStr, value: &OsStr) -> io::Result<()> {
        let mut string = Vec::with_capacity(name.len() + value.len() + 2);
        string.extend_from_slice(name.as_bytes());
        string.push(b'=');
        string.extend_from_slice(value.as_bytes());
        self.0.push(CString::new(string).map_err(|_| io::ErrorKind::InvalidInput)?);
        Ok(())
    }

    /// Each variable: its name, and its value in bytes.
    pub fn each(&self) -> impl Iterator<Item = (&OsStr, &[u8])> {
        self.0.iter().map(|variable| {
            let bytes = variable.as_bytes();
            let (name, value) = bytes.split_at(bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len()));
            (OsStr::from_bytes(name), value.get(1..).unwrap_or_default())
        })
    }
}

#[cfg(test)]
impl Environment {
    /// The variables as name and value.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let split = |variable: &CString| {
            let (name, value) = variable.to_str().unwrap().split_once('=').unwrap();
            (name.into(), value.into())
        };
        self.0.iter().map(split).collect()
    }
}

impl Image {
    /// `name` is the program's `argv[0]`, `program` its file.
    pub fn new(name: &OsStr, program: &Path, arguments: Vec<OsString>, environment: Environment) -> io::Result<Self> {
        let string = |text: OsString| CString::new(text.into_vec()).map_err(|_| io::ErrorKind::InvalidInput);
        let words = std::iter::once(name.to_owned()).chain(arguments);
        Ok(Self {
            program: string(program.into())?,
            arguments: words.map(string).collect::<Result<_, _>>()?,
            environment: environment.0,
        })
    }

    /// Adds a variable, replacing one of the same name.
    pub fn set_variable(&mut self, name: &OsStr, value: &OsStr) -> io::Result<()> {
        let is_it = |variable: &CString| {
            variable.as_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
        };
        self.environment.retain(|variable| !is_it(variable));
        let mut one = Environment::default();
        one.push(name, value)?;
        self.environment.append(&mut one.0);
        Ok(())
    }

    /// Replaces this process with the program: same process, same descriptors, same job. Returns only on failure, with
    /// the error and the image.
    pub fn replace(self) -> (Result<Infallible, io::Error>, Self) {
        let ready = Ready::new(self);
        raw::default_sigpipe();
        let error = ready.exec();
        (Err(error), ready.into_image())
    }

    /// A std command, for a caller that sets its streams. Safe in a process with threads: nothing allocates between
    /// fork and `execve`.
    pub fn into_command(self) -> Command {
        raw::command(Ready::new(self))
    }

    /// Whether the system will surely refuse arguments and environment of this length (`execve(2)`: a quarter of the stack, at least 128 KiB
    /// and at most 6 MiB). Where that is not known, it is left to the system.
    pub fn is_too_long(&self) -> bool {
        let strings = self.arguments.iter().chain(&self.environment);
        let bytes: usize = strings.map(|string| string.as_bytes_with_nul().len() + size_of::<usize>()).sum();
        cfg!(target_os = "linux") && bytes > argument_space()
    }

    /// The names and lengths in bytes of the longest variables.
    pub fn longest_variables(&self, count: usize) -> Vec<(String, usize)> {
        let length = |variable: &CString| {
            let bytes = variable.as_bytes_with_nul();
            let name = bytes.split(|byte| *byte == b'=').next().unwrap_or_default();
            (OsStr::from_bytes(name).to_owned(), bytes.len())
        };
        super::longest(self.environment.iter().map(length), count)
    }
}

fn argument_space() -> usize {
    const MOST: u64 = 6 << 20;
    let stack = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
    let space = stack.map_or(MOST, |stack| (stack / 4).clamp(128 << 10, MOST));
    usize::try_from(space).unwrap_or(usize::MAX)
}

pub(super) fn check_executable(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(rustix::fs::access(path, rustix::fs::Access::EXEC_OK)?)
}

pub(super) fn executables(path: PathBuf) -> Vec<PathBuf> {
    vec![path]
}

pub(super) fn is_path(word: &OsStr) -> bool {
    word.as_bytes().contains(&b'/')
}

pub(super) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::TOOBIG.raw_os_error())
}

pub(super) fn is_own_failure(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let own = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
    own.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
        || error.get_ref().and_then(|cause| cause.downcast_ref::<super::OwnFailure>()).is_some()
}

/// Descriptors that are kept from CMD, by number, and the file that each led to.
static KEPT: Mutex<Vec<(i32, Place)>> = Mutex::new(Vec::new());

/// Device and inode.
type Place = (u64, u64);

fn place(data: &Metadata) -> Place {
    (data.dev(), data.ino())
}

pub(super) fn let_go_of_kept() {
    let kept = std::mem::take(&mut *KEPT.lock().unwrap_or_else(PoisonError::into_inner));
    for (number, file) in kept {
        // The number may be another's by now.
        let is_same = std::fs::metadata(format!("/dev/fd/{number}")).is_ok_and(|data| place(&data) == file);
        if is_same && let Ok(null) = File::open("/dev/null") {
            raw::replace(number, &null);
        }
    }
}

pub(super) fn close_in_children(file: &Metadata) {
    descriptors_of(file).into_iter().filter(|number| *number > 2).for_each(raw::close_at_exec);
}

/// The descriptors that lead to a file.
fn descriptors_of(file: &Metadata) -> Vec<i32> {
    raw::descriptors().into_iter().filter(|number| raw::place_of(*number) == Some(place(file))).collect()
}

pub(super) fn keep_from_children(file: &Metadata) {
    for number in descriptors_of(file) {
        match number {
            0 => drop(File::open("/dev/null").map(rustix::stdio::dup2_stdin)),
            1 | 2 => {}
            _ => {
                raw::close_at_exec(number);
                KEPT.lock().unwrap_or_else(PoisonError::into_inner).push((number, place(file)));
            }
        }
    }
}
