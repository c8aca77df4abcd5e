//! Windows: finds CMD and starts it. std quotes the arguments of a batch file and refuses those that `cmd.exe` would
//! misread; nothing here quotes.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
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

/// An environment, in the form that std's `Command` takes.
#[derive(Default)]
pub struct Environment(Vec<(OsString, OsString)>);

/// A program with its arguments and its whole environment.
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

    /// Each variable: its name, and its value in bytes.
    pub fn each(&self) -> impl Iterator<Item = (&OsStr, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_encoded_bytes()))
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
    /// The program gets its file as its name.
    #[allow(clippy::unnecessary_wraps)]
    pub fn new(_name: &OsStr, program: &Path, arguments: Vec<OsString>, environment: Environment) -> io::Result<Self> {
        Ok(Self { program: program.to_owned(), arguments, environment })
    }

    /// Adds a variable, replacing one of the same name.
    pub fn set_variable(&mut self, name: &OsStr, value: &OsStr) -> io::Result<()> {
        self.environment.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.environment.push(name, value)
    }

    /// Starts the program, waits for it, and ends this process with its 32-bit exit code. Returns only on failure.
    pub fn replace(self) -> (Result<Infallible, io::Error>, Self) {
        let ended = spawn(self.command()).and_then(|mut child| child.wait());
        (ended.map(|status| end(status.code().unwrap_or(1))), self)
    }

    /// A std command, for a caller that sets its streams.
    pub fn into_command(self) -> Command {
        self.command()
    }

    /// It is left to the system.
    pub fn is_too_long(&self) -> bool {
        false
    }

    /// The names and lengths in bytes of the longest variables.
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

/// The files that a command name can refer to: with its own extension if it has one, and with those in `PATHEXT`.
pub(super) fn executables(path: PathBuf) -> Vec<PathBuf> {
    let endings = std::env::var("PATHEXT").unwrap_or_else(|_| ".COM;.EXE;.BAT;.CMD".to_owned());
    let mut files = Vec::new();
    for ending in endings.split(';').filter(|ending| !ending.is_empty()) {
        let mut file = path.clone().into_os_string();
        file.push(ending);
        files.push(file.into());
    }
    // Windows cannot execute a file without an extension, and std would add one that cast did not search for.
    if path.extension().is_some() {
        files.insert(0, path);
    }
    files
}

/// Checks only that the file exists; the loader reports the rest. Does not follow links, because only the loader can
/// follow an app execution alias.
pub(super) fn check_executable(path: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(path)?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) }
}

/// Whether a word is a path rather than a command to look up.
pub(super) fn is_path(word: &OsStr) -> bool {
    word.to_string_lossy().contains(['/', '\\', ':'])
}

/// Starts CMD. From here on cast does not react to Ctrl-C and Ctrl-Break: the console sends them to CMD, and cast ends
/// as CMD ends. cast sets a handler, because CMD would inherit an ignored Ctrl-C but not a handler.
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    ctrlc::set_handler(|| ()).map_err(io::Error::other)?;
    command.spawn()
}

/// Ends this process with a 32-bit exit code, which does not fit into `ExitCode`.
#[allow(clippy::exit)]
pub(crate) fn end(code: i32) -> ! {
    std::process::exit(code)
}

/// `ERROR_FILENAME_EXCED_RANGE`: the command line is longer than 32,767 characters.
pub(super) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(206)
}

/// Whether starting CMD failed because of cast or the system, not CMD: no memory.
pub(super) fn is_own_failure(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
        || error.get_ref().and_then(|cause| cause.downcast_ref::<super::OwnFailure>()).is_some()
}

/// Windows has no paths for descriptors.
pub(super) fn keep_from_children(_file: &Metadata) {}

pub(super) fn close_in_children(_file: &Metadata) {}

pub(super) fn let_go_of_kept() {}
