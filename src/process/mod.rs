//! Starting CMD. With nothing to mask cast becomes CMD: same process, same descriptors, same parent. Otherwise it stays as the parent, and
//! the outputs that leave the terminal come through maskers.

mod masking;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::without_assignment;
use crate::failure::{Cause, Failure, Kind};
use crate::paths::absolute;
use crate::platform::{self, Supervised, Wire};

pub(crate) use crate::platform::{Carries, end_like};
pub(crate) use masking::{Masking, TAKE_OVER, masked_outputs, take_over};
use platform::Ended;

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
    /// Something that cast needs for it cannot be had.
    Failed(String),
    /// Arguments and environment are too long for the system; with the longest variables and their lengths.
    TooLong(Vec<(String, usize)>),
}

/// How a run went that is over.
#[derive(Debug)]
pub(crate) struct Done {
    /// How CMD ended.
    pub(crate) ended: Ended,
    /// Why some of its output was not written.
    pub(crate) trouble: Option<io::Error>,
}

impl Start {
    /// Runs the program, found at `program`, to its end, with what leaves the terminal masked; or becomes the program, where there is nothing to mask.
    pub(crate) fn run(self, program: &Path, masking: Option<&Masking>) -> Result<Done, NotStarted> {
        let wires = masking.map(Masking::wires).unwrap_or_default();
        match masking {
            Some(masking) if !wires.is_empty() => self.supervise(program, masking, wires),
            _ => Err(self.replace(program)),
        }
    }

    /// Starts the program by `go`, which says where its streams lead. That it is found where it was is not left to the working folder.
    pub(crate) fn begin<T>(
        &self,
        program: &Path,
        go: impl FnOnce(&mut Command) -> io::Result<T>,
    ) -> Result<T, NotStarted> {
        go(&mut self.command(&absolute(program))).map_err(|error| self.explain(&error))
    }

    fn replace(&self, program: &Path) -> NotStarted {
        let Err(error) = platform::replace(self.command(program));
        if platform::is_shell_script(&error) {
            let Err(error) = platform::replace(self.shell_command(program));
            return self.explain(&error);
        }
        self.explain(&error)
    }

    fn supervise(&self, program: &Path, masking: &Masking, wires: Vec<Wire>) -> Result<Done, NotStarted> {
        let supervised = match platform::supervise(self.command(program), wires) {
            Err(error) if platform::is_shell_script(&error) => {
                platform::supervise(self.shell_command(program), masking.wires())
            }
            other => other,
        };
        let Supervised { ended, left, mut trouble } = supervised.map_err(|error| self.explain(&error))?;
        for left in left {
            if let Err(error) = masking.leave(left) {
                trouble = Some(error);
            }
        }
        Ok(Done { ended, trouble })
    }

    fn command(&self, program: &Path) -> Command {
        platform::command(&self.program, program, &self.arguments, &self.environment)
    }

    /// POSIX, execvp: what the kernel does not know is a script for the shell.
    fn shell_command(&self, program: &Path) -> Command {
        let arguments: Vec<_> =
            std::iter::once(program.as_os_str()).map(OsStr::to_owned).chain(self.arguments.clone()).collect();
        platform::command(OsStr::new("/bin/sh"), Path::new("/bin/sh"), &arguments, &self.environment)
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
        if platform::is_own_failure(error) {
            return NotStarted::Failed(Cause(error).to_string());
        }
        match error.kind() {
            // The program is there: its interpreter is not.
            io::ErrorKind::NotFound => NotStarted::CannotExecute("its interpreter was not found".to_owned()),
            _ => NotStarted::CannotExecute(Cause(error).to_string()),
        }
    }
}

impl NotStarted {
    /// The class of this failure.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::NotFound,
            Self::CannotExecute(_) | Self::Failed(_) | Self::TooLong(_) => Kind::Other,
        }
    }

    /// The same in words.
    pub(crate) fn into_failure(self, program: &OsStr) -> Failure {
        let program = shown(program);
        match self {
            Self::NotFound => Failure::new(Kind::NotFound, format!("command {program} was not found"))
                .hint("it is looked up in PATH, and no shell is in between: for one, run 'sh -c ...'"),
            Self::Failed(cause) => Failure::new(Kind::Other, format!("cast cannot start a command: {cause}")),
            Self::CannotExecute(cause) => {
                Failure::new(Kind::Other, format!("command {program} cannot be executed: {cause}"))
            }
            Self::TooLong(longest) => {
                let longest: Vec<_> =
                    longest.into_iter().map(|(name, length)| format!("{name} ({length} bytes)")).collect();
                let what =
                    format!("command {program} cannot be executed: arguments and environment are too long together");
                Failure::new(Kind::Other, what)
                    .hint(format!("the longest variables: {}", longest.join(", ")))
                    .hint("leave some out with '--except', or start from little with '--clean-env'")
            }
        }
    }
}

/// CMD's name in quotes, never its arguments.
pub(crate) fn shown(program: &OsStr) -> String {
    format!("'{}'", without_assignment(program))
}

/// Looks a program up as a shell does, in the PATH of the caller: the secrets may bring another one for CMD.
pub(crate) fn find(word: &OsStr) -> Result<PathBuf, NotStarted> {
    let named: Vec<PathBuf> = if platform::is_path(word) {
        vec![PathBuf::from(word)]
    } else if word.is_empty() {
        return Err(NotStarted::NotFound);
    } else {
        let path = env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        // An empty entry means the folder one is in.
        env::split_paths(&path)
            .map(|folder| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder })
            .map(|folder| folder.join(word))
            .collect()
    };
    let candidates = named.into_iter().flat_map(platform::executables);
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
