//! Starting CMD. Today cast becomes CMD: same process, same descriptors, same parent; what CMD would notice of cast is nothing.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use crate::failure::Cause;
use crate::platform;

/// A program with its arguments and the whole of its environment.
pub(crate) struct Start {
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// Why CMD was not started.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// There is no such program.
    NotFound,
    /// It is there and cannot be executed.
    CannotExecute(String),
    /// Arguments and environment are too long for the system; with the longest variables and their lengths.
    TooLong(Vec<(String, usize)>),
}

impl Start {
    /// Becomes the program. Returns only if that failed.
    pub(crate) fn replace(self) -> NotStarted {
        let program = match find(&self.program) {
            Ok(program) => program,
            Err(not_started) => return not_started,
        };
        let Err(error) = platform::replace(&self.program, &program, &self.arguments, &self.environment);
        if platform::is_shell_script(&error) {
            // POSIX, execvp: what the kernel does not know is a script for the shell.
            let arguments: Vec<_> =
                std::iter::once(program.into_os_string()).chain(self.arguments.iter().cloned()).collect();
            let shell = OsString::from("/bin/sh");
            let Err(error) = platform::replace(&shell, shell.as_ref(), &arguments, &self.environment);
            return self.explain(&error);
        }
        self.explain(&error)
    }

    fn explain(&self, error: &io::Error) -> NotStarted {
        if platform::is_too_long(error) {
            let length = |(name, value): &(OsString, OsString)| {
                (name.to_string_lossy().into_owned(), name.len() + value.len() + 2)
            };
            let mut lengths: Vec<_> = self.environment.iter().map(length).collect();
            lengths.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
            lengths.truncate(3);
            return NotStarted::TooLong(lengths);
        }
        match error.kind() {
            // The program is there: its interpreter is not.
            io::ErrorKind::NotFound => NotStarted::CannotExecute("its interpreter was not found".to_owned()),
            _ => NotStarted::CannotExecute(Cause(error).to_string()),
        }
    }
}

/// Looks a program up as a shell does, in the PATH of the caller: the secrets may bring another one for CMD.
fn find(word: &OsStr) -> Result<PathBuf, NotStarted> {
    let candidates: Vec<PathBuf> = if platform::is_path(word) {
        vec![PathBuf::from(word)]
    } else if word.is_empty() {
        return Err(NotStarted::NotFound);
    } else {
        let path = env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        // An empty entry means the folder one is in.
        env::split_paths(&path)
            .map(|folder| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder })
            .flat_map(|folder| platform::executable_names(word).into_iter().map(move |name| folder.join(name)))
            .collect()
    };
    let mut refusal = NotStarted::NotFound;
    for candidate in candidates {
        match platform::check_executable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(error) if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory => {}
            // As a shell: remember it, and look on.
            Err(error) => refusal = NotStarted::CannotExecute(Cause(&error).to_string()),
        }
    }
    Err(refusal)
}
