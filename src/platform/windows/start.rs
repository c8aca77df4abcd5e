//! Finding CMD and starting it. A batch file is quoted by std, which refuses what `cmd.exe` would take for more than an argument; nothing
//! here quotes.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// The files that a word may mean: with its own ending if it has one, and with those of `PATHEXT`.
pub(crate) fn executables(path: PathBuf) -> Vec<PathBuf> {
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
pub(crate) fn check_executable(path: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(path)?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) }
}

/// Whether a word names a file rather than a command to be looked up.
pub(crate) fn is_path(word: &OsStr) -> bool {
    word.to_string_lossy().contains(['/', '\\', ':'])
}

/// The program as a command, its environment the whole of what it gets.
pub(crate) fn command(
    _name: &OsStr,
    program: &Path,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

/// Starts CMD. From here on Ctrl-C and Ctrl-Break, which reach it by themselves, are for it alone: cast stays, to end as it ends. A
/// handler, which CMD does not inherit, as it would inherit that they are ignored.
pub(super) fn spawn(mut command: Command) -> io::Result<Child> {
    ctrlc::set_handler(|| ()).map_err(io::Error::other)?;
    command.spawn()
}

/// Starts the program, waits for it, and ends this process with its exit code, all 32 bits of it. Returns only when it could not.
pub(crate) fn replace(command: Command) -> Result<Infallible, io::Error> {
    end(spawn(command)?.wait()?.code().unwrap_or(1))
}

/// Ends this process with an exit code of Windows, which `ExitCode` is too small for.
#[allow(clippy::exit)]
pub(super) fn end(code: i32) -> ! {
    std::process::exit(code)
}

/// The loader knows scripts by their ending.
pub(crate) fn is_shell_script(_error: &io::Error) -> bool {
    false
}

/// `ERROR_FILENAME_EXCED_RANGE`: the command line is longer than 32,767 characters.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(206)
}

/// Whether a failure to start CMD is one of cast or the system rather than of CMD: too many handles, no memory.
pub(crate) fn is_own_failure(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}
