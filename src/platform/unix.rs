//! Linux and macOS.

mod child;
mod pump;
mod signals;
mod supervise;

pub(crate) use child::keep_from_children;
pub(crate) use supervise::{Left, end_like, hand_over, outputs, supervise, take_over};

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};

/// Opens for reading without following a symlink and without waiting for a FIFO's writer.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Opens for reading what the path leads to, without waiting for a FIFO's writer.
pub(crate) fn open_behind_links(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

/// Opens a folder itself, so that it can be locked; `None` where this user may not read it.
pub(crate) fn open_folder(path: &Path) -> Option<File> {
    let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::NONBLOCK;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path).ok()
}

/// Whether `open_plain` failed because the path is a symlink.
pub(crate) fn is_symlink_refusal(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Puts the file at `from` in the place of the one at `to`, in one step.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Removes a file.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Makes a new file that only this user can read, whatever the umask. An existing one is an error.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Opens a lock file, making it where it is missing.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    match create_private(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let flags = rustix::fs::OFlags::NOFOLLOW;
    OpenOptions::new().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Opens a log for appending and for a look at its end, made for this user alone where it is missing; a symlink is refused, and nothing
/// waits for a FIFO's reader.
pub(crate) fn open_log(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    match options.clone().create_new(true).open(path) {
        // Another cast was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(0o600))?;
            Ok(file)
        }
    }
}

/// Whether a file may become so long, by `ulimit -f`: a write beyond that would kill this process.
pub(crate) fn may_grow_to(length: u64) -> bool {
    rustix::process::getrlimit(rustix::process::Resource::Fsize).current.is_none_or(|limit| length <= limit)
}

/// The name of the program that started this one, as the kernel knows it (at most 15 bytes). Linux alone says it without a detour.
pub(crate) fn caller() -> Option<OsString> {
    let parent = rustix::process::getppid()?;
    let mut name = [0; 64];
    let read = File::open(format!("/proc/{parent}/comm")).and_then(|mut file| file.read(&mut name)).ok()?;
    let name = name[..read].strip_suffix(b"\n").unwrap_or(&name[..read]);
    Some(OsStr::from_bytes(name).to_owned())
}

/// The user of this process: the number, for the name may be far to fetch.
pub(crate) fn user() -> String {
    rustix::process::getuid().to_string()
}

/// The name of the user with this number, where the password file has it.
pub(crate) fn user_name(user: &str) -> Option<String> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = |line: &'_ str| -> Option<String> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == user).then(|| name.to_owned())
    };
    text.lines().find_map(fields)
}

/// Whether an open file has lost its last name: nobody will find what is written to it.
pub(crate) fn is_removed(file: &File) -> bool {
    file.metadata().is_ok_and(|data| data.nlink() == 0)
}

/// Makes one folder that only this user can enter, whatever the umask.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Makes the names in a folder durable: what was renamed or removed there stays so after a crash.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Why a key file cannot be trusted: another user owns it, or others can read it.
pub(crate) fn distrust(file: &File) -> io::Result<Option<&'static str>> {
    let data = file.metadata()?;
    Ok(if is_foreign(&data) {
        Some("it belongs to another user")
    } else if is_open(&data) {
        Some("other users can read it")
    } else {
        None
    })
}

/// Whether other users can read what this is: a file, or the names in a folder.
pub(crate) fn is_open_to_others(file: &File) -> bool {
    file.metadata().is_ok_and(|data| data.mode() & 0o044 != 0)
}

/// Whether standard output is a file that other users can read.
pub(crate) fn stdout_is_readable_by_others() -> bool {
    let data = rustix::fs::fstat(rustix::stdio::stdout());
    data.is_ok_and(|data| {
        let mode = data.st_mode;
        rustix::fs::FileType::from_raw_mode(mode) == rustix::fs::FileType::RegularFile && mode & 0o044 != 0
    })
}

/// Whether another user owns it.
pub(crate) fn is_foreign(data: &Metadata) -> bool {
    data.uid() != rustix::process::geteuid().as_raw()
}

/// Whether other users can read, write or enter it.
pub(crate) fn is_open(data: &Metadata) -> bool {
    data.mode() & 0o077 != 0
}

/// Whether this user can write the file, or make one in the folder, and there is room for it.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    use rustix::fs::Access;
    let wanted = if path.is_dir() { Access::WRITE_OK | Access::EXEC_OK } else { Access::WRITE_OK };
    rustix::fs::access(path, wanted)?;
    let disk = rustix::fs::statvfs(path)?;
    if disk.f_blocks > 0 && disk.f_bavail == 0 { Err(rustix::io::Errno::NOSPC.into()) } else { Ok(()) }
}

/// What to type to own these files again.
pub(crate) fn take_command(paths: &[PathBuf]) -> String {
    format!("sudo chown \"$(id -u)\"{}", quoted(paths))
}

/// What to type to close these files to others.
pub(crate) fn close_command(paths: &[PathBuf]) -> String {
    format!("chmod go={}", quoted(paths))
}

/// What to type to remove these files.
pub(crate) fn remove_command(paths: &[PathBuf]) -> String {
    format!("rm{}", quoted(paths))
}

fn quoted(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .flat_map(|path| [" '".to_owned(), path.display().to_string().replace('\'', "'\\''"), "'".to_owned()])
        .collect()
}

/// What to type against `distrust`.
pub(crate) fn trust_command(path: &Path) -> String {
    format!("chown \"$(id -u)\" '{0}' && chmod 600 '{0}'", path.display())
}

/// Keeps other processes of this user from reading this one's memory and environment; over with the next `exec`.
pub(crate) fn hide_from_debuggers() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Lets a write beyond `ulimit -f` fail as an error, instead of killing the writer with its temporary file left behind. A handler, not
/// an ignored signal: CMD does not inherit it.
pub(crate) fn survive_file_size_limit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    });
}

/// What to type to see which process has a file open.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn who_holds(path: &Path) -> Option<String> {
    Some(format!("fuser {}", path.display()))
}

/// How to give a key to one call of cast.
pub(crate) const GIVE_KEY: &str = "'CAST_KEY_FILE=master.key cast ...'";

/// Whether `Path` and `PATH` are one variable of the environment.
pub(crate) const VARIABLES_IGNORE_CASE: bool = false;

/// What programs here cannot do without, in a clean environment.
pub(crate) const NEEDED_VARIABLES: &[&str] = &[];

/// Whether this user can execute the file; the error says why not.
pub(crate) fn check_executable(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(rustix::fs::access(path, rustix::fs::Access::EXEC_OK)?)
}

/// The files that a word may mean.
pub(crate) fn executables(path: PathBuf) -> Vec<PathBuf> {
    vec![path]
}

/// Whether a word names a file rather than a command to be looked up.
pub(crate) fn is_path(word: &OsStr) -> bool {
    word.as_bytes().contains(&b'/')
}

/// Becomes the program: same process, same descriptors, same place in the terminal. Returns only when it could not.
pub(crate) fn replace(mut command: Command) -> Result<Infallible, io::Error> {
    // std gives CMD the default action for SIGPIPE back.
    Err(command.exec())
}

/// The program as a command, its environment the whole of what it gets.
pub(crate) fn command(
    name: &OsStr,
    program: &Path,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
) -> Command {
    let mut command = Command::new(program);
    command.arg0(name).args(arguments).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

/// A file that is executable but no program the kernel knows: by POSIX, a script for the shell.
pub(crate) fn is_shell_script(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error())
}

/// Whether arguments and environment together were too long for the system.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::TOOBIG.raw_os_error())
}

/// From here to its end, a signal that ends this process calls `restore` first.
pub(crate) fn restore_terminal_on_signal(restore: fn()) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            restore();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
    Ok(())
}

/// Ends this process as Ctrl-C would have, for whoever waits for it.
pub(crate) fn die_of_interrupt() {
    let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGINT);
}

/// Drops what was typed and not read yet.
pub(crate) fn forget_typed_input() {
    let _ = rustix::termios::tcflush(rustix::stdio::stdin(), rustix::termios::QueueSelector::IFlush);
}

/// Whether a failure to start CMD is one of cast or the system rather than of CMD: too many descriptors or processes, no memory.
pub(crate) fn is_own_failure(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let own = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
    own.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_removed_with_its_last_name() {
        let folder = tempfile::tempdir().unwrap();
        let [path, other] = ["log", "older"].map(|name| folder.path().join(name));
        let file = create_private(&path).unwrap();
        std::fs::rename(&path, &other).unwrap();
        assert!(!is_removed(&file));
        create_private(&path).unwrap();
        std::fs::rename(&path, &other).unwrap();
        assert!(is_removed(&file));
    }
}
