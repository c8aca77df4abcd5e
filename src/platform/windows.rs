//! Windows. There are no modes: a user's profile folder is closed to other users by its inherited access list, and nothing here changes
//! that. A process cannot become another: `replace` starts CMD, waits for it and ends with its code.

mod supervise;

pub(crate) use supervise::{Left, end_like, hand_over, outputs, supervise, take_over};

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::Command;

/// Opens for reading. A symlink shows in the metadata of the path.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    File::open(path)
}

/// Whether `open_plain` failed because the path is a symlink.
pub(crate) fn is_symlink_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidFilename
}

/// Makes a new file. An existing one is an error.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

/// Opens a lock file, making it where it is missing.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Opens a log for appending and for a look at its end, and makes it where it is missing.
pub(crate) fn open_log(path: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink()) {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// There is no such limit.
pub(crate) fn may_grow_to(_length: u64) -> bool {
    true
}

/// Windows says a parent's name only to a search through all processes, which takes a while.
pub(crate) fn caller() -> Option<OsString> {
    None
}

/// The user of this process, by name.
pub(crate) fn user() -> String {
    std::env::var_os("USERNAME").map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// It is a name already.
pub(crate) fn user_name(_user: &str) -> Option<String> {
    None
}

/// Makes one folder.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

/// NTFS journals its folders; they cannot be opened and flushed.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn sync_dir(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Access lists are not looked at.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn distrust(_file: &File) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// What to type against `distrust`.
pub(crate) fn trust_command(path: &Path) -> String {
    format!("icacls \"{}\" /inheritance:r /grant:r \"%USERNAME%:F\"", path.display())
}

/// Windows closes processes of other users by itself; those of the same user stay open.
pub(crate) fn hide_from_debuggers() {}

/// There is no such limit.
pub(crate) fn survive_file_size_limit() {}

/// Whether there is such a file; the loader says the rest.
pub(crate) fn check_executable(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) }
}

/// The file names under which a command may be found: as it is if it has an ending, else with those of `PATHEXT`.
pub(crate) fn executable_names(name: &OsStr) -> Vec<OsString> {
    if Path::new(name).extension().is_some() {
        return vec![name.to_owned()];
    }
    let endings = std::env::var("PATHEXT").unwrap_or_else(|_| ".COM;.EXE;.BAT;.CMD".to_owned());
    let with = |ending: &str| {
        let mut name = name.to_owned();
        name.push(ending);
        name
    };
    endings.split(';').filter(|ending| !ending.is_empty()).map(with).collect()
}

/// Whether a word names a file rather than a command to be looked up.
pub(crate) fn is_path(word: &OsStr) -> bool {
    Path::new(word).components().count() > 1 || word.to_string_lossy().contains(['/', '\\'])
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

/// Starts the program, waits for it, and ends this process with its exit code, all 32 bits of it.
pub(crate) fn replace(mut command: Command) -> Result<Infallible, io::Error> {
    let status = command.status()?;
    #[allow(clippy::exit)] // ExitCode holds 8 bits; a code of Windows has 32.
    std::process::exit(status.code().unwrap_or(1))
}

/// The loader knows scripts by their ending.
pub(crate) fn is_shell_script(_error: &io::Error) -> bool {
    false
}

/// `ERROR_FILENAME_EXCED_RANGE`: the command line is longer than 32,767 characters.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(206)
}

/// Nothing to watch: Ctrl-C is a key in raw mode.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn restore_terminal_on_signal(_restore: fn()) -> io::Result<()> {
    Ok(())
}

/// There is no signal to die of: the caller's failure ends the process.
pub(crate) fn die_of_interrupt() {}

/// The console keeps what was typed for the next reader.
pub(crate) fn forget_typed_input() {}

/// Descriptors have no paths.
pub(crate) fn keep_from_children(_path: &Path) {}

/// Whether a failure to start CMD is one of cast or the system rather than of CMD: too many handles, no memory.
pub(crate) fn is_own_failure(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}
