//! Finding CMD and starting it. A batch file is quoted by std, which refuses what `cmd.exe` would take for more than an argument; nothing
//! here quotes.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

pub(super) const VARIABLES_IGNORE_CASE: bool = true;

pub(super) const NEEDED_VARIABLES: &[&str] = &[
    "SystemRoot",
    "SystemDrive",
    "windir",
    "ComSpec",
    "PATHEXT",
    "USERPROFILE",
    "USERNAME",
    "APPDATA",
    "LOCALAPPDATA",
    "ProgramData",
    "ProgramFiles",
    "TEMP",
    "TMP",
];

/// An environment, as std's `Command` takes it.
#[derive(Default)]
pub struct Environment(Vec<(OsString, OsString)>);

/// A program with its arguments and the whole of its environment.
pub struct Image {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Environment,
}

impl Environment {
    /// Adds a variable.
    #[allow(clippy::unnecessary_wraps)]
    pub fn push(&mut self, name: &OsStr, value: &OsStr) -> io::Result<()> {
        self.0.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}

#[cfg(test)]
impl Environment {
    /// The variables as name and value.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        self.0.clone()
    }
}

impl Image {
    /// The program finds its own file as its name.
    #[allow(clippy::unnecessary_wraps)]
    pub fn new(_name: &OsStr, program: &Path, arguments: Vec<OsString>, environment: Environment) -> io::Result<Self> {
        Ok(Self { program: program.to_owned(), arguments, environment })
    }

    /// Adds a variable, in the place of one with its name.
    pub fn set_variable(&mut self, name: &OsStr, value: &OsStr) -> io::Result<()> {
        self.environment.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.environment.push(name, value)
    }

    /// Starts the program, waits for it, and ends this process with its exit code, all 32 bits of it. Returns only when it could not.
    pub fn replace(self) -> (Result<Infallible, io::Error>, Self) {
        let ended = spawn(self.command()).and_then(|mut child| child.wait());
        (ended.map(|status| end(status.code().unwrap_or(1))), self)
    }

    /// For a caller that says where its streams lead.
    pub fn into_command(self) -> Command {
        self.command()
    }

    /// It is left to the system.
    pub fn is_too_long(&self) -> bool {
        false
    }

    /// The longest variables, by name, and the bytes each takes.
    pub fn longest_variables(&self, count: usize) -> Vec<(String, usize)> {
        let length = |(name, value): &(OsString, OsString)| (name.clone(), name.len() + value.len() + 2);
        super::longest(self.environment.0.iter().map(length), count)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let variables = self.environment.0.iter().map(|(name, value)| (name, value));
        command.args(&self.arguments).env_clear().envs(variables);
        command
    }
}

/// The files that a word may mean: with its own ending if it has one, and with those of `PATHEXT`.
pub(super) fn executables(path: PathBuf) -> Vec<PathBuf> {
    let endings = std::env::var("PATHEXT").unwrap_or_else(|_| ".COM;.EXE;.BAT;.CMD".to_owned());
    let mut files = Vec::new();
    for ending in endings.split(';').filter(|ending| !ending.is_empty()) {
        let mut file = path.clone().into_os_string();
        file.push(ending);
        files.push(file.into());
    }
    // Without an ending nothing can be executed, and std would add one that nobody looked for.
    if path.extension().is_some() {
        files.insert(0, path);
    }
    files
}

/// Whether there is such a file; the loader says the rest. Of the file itself: an app execution alias is a link that only the loader follows.
pub(super) fn check_executable(path: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(path)?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) }
}

/// Whether a word names a file rather than a command to be looked up.
pub(super) fn is_path(word: &OsStr) -> bool {
    word.to_string_lossy().contains(['/', '\\', ':'])
}

/// Starts CMD. From here on Ctrl-C and Ctrl-Break, which reach it by themselves, are for it alone: cast stays, to end as it ends. A
/// handler, which CMD does not inherit, as it would inherit that they are ignored.
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    ctrlc::set_handler(|| ()).map_err(io::Error::other)?;
    command.spawn()
}

/// Ends this process with an exit code of Windows, which `ExitCode` is too small for.
#[allow(clippy::exit)]
pub(crate) fn end(code: i32) -> ! {
    std::process::exit(code)
}

/// `ERROR_FILENAME_EXCED_RANGE`: the command line is longer than 32,767 characters.
pub(super) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(206)
}

/// Whether a failure to start CMD is one of cast or the system rather than of CMD: too many handles, no memory.
pub(super) fn is_own_failure(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}

/// Descriptors have no paths.
pub(super) fn keep_from_children(_file: &File) {}
