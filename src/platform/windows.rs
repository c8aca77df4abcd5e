//! Windows. There are no modes: a user's profile folder is closed to other users by its inherited access list, and nothing here changes
//! or checks that. A process cannot become another: CMD is a child that cast waits for.

mod start;
mod supervise;

pub(crate) use start::{
    check_executable, command, executables, is_own_failure, is_path, is_shell_script, is_too_long, replace,
};
pub(crate) use supervise::{Left, end_like, hand_over, outputs, supervise, take_over};

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long a virus scanner, an indexer or a backup may keep a file to itself.
const SHARING_WAIT: Duration = Duration::from_secs(2);
const SHARING_POLL: Duration = Duration::from_millis(10);

/// `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`: what reading a file in use fails with.
const IN_USE: &[i32] = &[32, 33];
/// And `ERROR_ACCESS_DENIED`, which a rename over such a file, or its removal, fails with as well as one that is not permitted.
const IN_USE_OR_DENIED: &[i32] = &[5, 32, 33];

/// Tries again while an error may say that another program has the file open and shares it with nobody.
fn patiently<T>(codes: &[i32], mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let is_in_use = |error: &io::Error| error.raw_os_error().is_some_and(|code| codes.contains(&code));
    let begin = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_in_use(&error) && begin.elapsed() < SHARING_WAIT => thread::sleep(SHARING_POLL),
            outcome => return outcome,
        }
    }
}

/// Opens for reading. That the path is a symlink or a folder shows in its metadata.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    patiently(IN_USE, || File::open(path))
}

/// Opens for reading what the path leads to.
pub(crate) fn open_behind_links(path: &Path) -> io::Result<File> {
    patiently(IN_USE, || File::open(path))
}

/// Folders cannot be locked.
pub(crate) fn open_folder(_path: &Path) -> Option<File> {
    None
}

/// Whether `open_plain` failed because of what the path is.
pub(crate) fn is_symlink_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidFilename
}

/// Puts the file at `from` in the place of the one at `to`, in one step.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(IN_USE_OR_DENIED, || fs::rename(from, to))
}

/// Removes a file.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    patiently(IN_USE_OR_DENIED, || fs::remove_file(path))
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

/// What has lost its name cannot be told from here.
pub(crate) fn is_removed(_file: &File) -> bool {
    false
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

/// Nor here.
pub(crate) fn is_open_to_others(_file: &File) -> bool {
    false
}

/// Nor here.
pub(crate) fn stdout_is_readable_by_others() -> bool {
    false
}

/// Nor here.
pub(crate) fn is_foreign(_data: &Metadata) -> bool {
    false
}

/// Nor here.
pub(crate) fn is_open(_data: &Metadata) -> bool {
    false
}

/// Whether the file is not marked read-only; what an access list says shows when it is written.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    let data = std::fs::metadata(path)?;
    if data.is_file() && data.permissions().readonly() { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
}

/// What to type to own these files again.
pub(crate) fn take_command(paths: &[PathBuf]) -> String {
    format!("takeown{}", listed(" /F", paths))
}

/// What to type to close these files to others.
pub(crate) fn close_command(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| trust_command(path)).collect::<Vec<_>>().join(" && ")
}

/// What to type to remove these files.
pub(crate) fn remove_command(paths: &[PathBuf]) -> String {
    format!("del{}", listed("", paths))
}

fn listed(option: &str, paths: &[PathBuf]) -> String {
    paths.iter().flat_map(|path| [option.to_owned(), format!(" \"{}\"", path.display())]).collect()
}

/// What to type against `distrust`.
pub(crate) fn trust_command(path: &Path) -> String {
    format!("icacls \"{}\" /inheritance:r /grant:r \"%USERNAME%:F\"", path.display())
}

/// Windows closes processes of other users by itself; those of the same user stay open.
pub(crate) fn hide_from_debuggers() {}

/// There is no such limit.
pub(crate) fn survive_file_size_limit() {}

/// Nothing that comes with the system says it.
pub(crate) fn who_holds(_path: &Path) -> Option<String> {
    None
}

/// How to give a key to one call of cast; the same words in Command Prompt and in PowerShell.
pub(crate) const GIVE_KEY: &str = "set the environment variable CAST_KEY_FILE to 'master.key'";

/// Whether `Path` and `PATH` are one variable of the environment.
pub(crate) const VARIABLES_IGNORE_CASE: bool = true;

/// What programs here cannot do without, in a clean environment.
pub(crate) const NEEDED_VARIABLES: &[&str] = &[
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
