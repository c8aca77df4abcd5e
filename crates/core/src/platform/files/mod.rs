//! Files and folders: opening them safely, creating them for this user only, and checking who else can access them.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// Why a file that should be private is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Another user owns it.
    OtherOwner,
    /// Other users can read it.
    OthersCanRead,
}

/// What lies under a name in a folder: it itself, not what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Whether another user owns it.
    pub is_foreign: bool,
}

/// What kind of thing lies under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO, a socket, a device.
    Other,
}

/// A folder that was opened: it stays the same one, whatever comes to lie at its path. Where the system has no such thing, it is its path.
pub struct Folder(system::Folder);

impl Folder {
    /// Opens the folder at `path`, behind links.
    pub fn open(path: &Path) -> io::Result<Self> {
        system::Folder::open(path).map(Self)
    }

    /// Opens a folder in this one, not behind a link.
    pub fn open_folder(&self, name: &OsStr) -> io::Result<Self> {
        self.0.open_folder(name).map(Self)
    }

    /// Where it lies now, without a link in the path; `None` where the system does not tell.
    pub fn path(&self) -> Option<PathBuf> {
        self.0.path()
    }

    /// Whether another user owns it.
    pub fn is_foreign(&self) -> bool {
        self.0.is_foreign()
    }

    /// What lies there under that name.
    pub fn entry(&self, name: &OsStr) -> io::Result<Entry> {
        self.0.entry(name)
    }

    /// The names in it.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        self.0.names()
    }

    /// As [`open_lock`], in this folder.
    pub fn open_lock(&self, name: &OsStr) -> io::Result<File> {
        self.0.open_lock(name)
    }

    /// Removes what lies in the place of a private lock file and is none: a link, or a file that other users can open, and so lock.
    pub fn clear_foreign_lock(&self, name: &OsStr) {
        self.0.clear_foreign_lock(name);
    }

    /// Whether an open file is the one of that name in this folder.
    pub fn holds(&self, file: &File, name: &OsStr) -> bool {
        self.0.holds(file, name)
    }

    /// As [`open_plain`], at a path below this folder. No link on the way is followed.
    pub fn open_beneath(&self, path: &Path) -> io::Result<File> {
        self.0.open_beneath(path)
    }

    /// Whether this folder is the one at `path` now. Taken for granted where the system does not tell.
    pub fn is_at(&self, path: &Path) -> bool {
        self.0.is_at(path)
    }

    /// As [`create_private`], in this folder.
    pub fn create_private(&self, name: &OsStr) -> io::Result<File> {
        self.0.create_private(name)
    }

    /// As [`open_plain`], in this folder.
    pub fn open_plain(&self, name: &OsStr) -> io::Result<File> {
        self.0.open_plain(name)
    }

    /// Removes a lock file whose lock is held, where a waiting process can tell that it is gone.
    pub fn remove_lock(&self, name: &OsStr) {
        self.0.remove_lock(name);
    }

    /// Renames a file of this folder atomically, replacing the file there.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.0.rename(from, to)
    }

    /// Removes a file of this folder.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.0.remove(name)
    }

    /// Syncs the names in this folder.
    pub fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

/// Opens a file for reading. Refuses a symlink or a folder, and does not wait for the writer of a FIFO.
pub fn open_plain(path: &Path) -> io::Result<File> {
    system::open_plain(path)
}

/// Opens a file for reading and follows symlinks. Does not wait for the writer of a FIFO.
pub fn open_behind_links(path: &Path) -> io::Result<File> {
    system::open_behind_links(path)
}

/// Whether another user than this one and root owns it, or users other than its owner can write it.
pub fn is_writable_by_others(file: &File) -> bool {
    system::is_writable_by_others(file)
}

/// The same of what is read from, be it a file, a FIFO or a device. A pipe without a name is the caller's, whoever made it.
pub fn is_fed_by_others(file: &File) -> bool {
    system::is_fed_by_others(file)
}

/// Where an open file lies, as the kernel has it; for a pipe without a name, `pipe:[...]`. `None` where the system does not tell.
pub fn path_of_open(file: &File) -> Option<PathBuf> {
    system::path_of_open(file)
}

/// Whether what lies at `path`, a link itself, belongs to another user than this one and root.
pub fn is_of_another_user(path: &Path) -> bool {
    system::is_of_another_user(path)
}

/// Whether `open_plain` or `open_log` failed because the path is not a regular file.
pub fn is_symlink_refusal(error: &io::Error) -> bool {
    system::is_symlink_refusal(error)
}

/// Renames `from` to `to` atomically, replacing the file there.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    system::rename(from, to)
}

/// Removes a file.
pub fn remove(path: &Path) -> io::Result<()> {
    system::remove(path)
}

/// Creates a new file that only this user can read, whatever the umask. An existing file is an error.
pub fn create_private(path: &Path) -> io::Result<File> {
    system::create_private(path)
}

/// Opens a lock file, and creates it if it is missing.
pub fn open_lock(path: &Path) -> io::Result<File> {
    system::open_lock(path)
}

/// Opens a log for appending and for reading its end. Creates it for this user only if it is missing, refuses a
/// symlink, and does not wait for the reader of a FIFO.
pub fn open_log(path: &Path) -> io::Result<File> {
    system::open_log(path)
}

/// Whether an open file was deleted: no process will find what is written to it.
pub fn is_removed(file: &File) -> bool {
    system::is_removed(file)
}

/// Creates one folder that only this user can enter, whatever the umask.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    system::create_private_dir(path)
}

/// Syncs the names in a folder, so that a rename or removal there survives a crash.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    system::sync_dir(path)
}

/// Why cast cannot trust a file that should be private; `None` if it can.
pub fn distrust(file: &File) -> io::Result<Option<Distrust>> {
    system::distrust(file)
}

/// Whether other users can read this file, or the names in this folder.
pub fn is_open_to_others(file: &File) -> bool {
    system::is_open_to_others(file)
}

/// Whether standard output is a file that other users can read.
pub fn stdout_is_readable_by_others() -> bool {
    system::stdout_is_readable_by_others()
}

/// A path as a record has it: byte for byte where the system has it in bytes, and otherwise as it is shown.
pub fn path_bytes(path: &Path) -> Vec<u8> {
    system::path_bytes(path)
}

/// The path that a record has.
pub fn path_of(bytes: &[u8]) -> PathBuf {
    system::path_of(bytes)
}

/// Whether `written`, an absolute path that another program wrote down, is the real path `real`: letter for letter, where another user could
/// have put a link in its way.
pub fn is_same_path(written: &Path, real: &Path) -> bool {
    system::is_same_path(written, real)
}

/// Whether another user owns the file.
pub fn is_foreign(data: &Metadata) -> bool {
    system::is_foreign(data)
}

/// Whether this process is root's, and the file or folder another user's.
pub fn is_of_another_than_root(data: &Metadata) -> bool {
    system::is_of_another_than_root(data)
}

/// Whether other users can read, write or enter the file or folder.
pub fn is_open(data: &Metadata) -> bool {
    system::is_open(data)
}

/// Checks, without writing, whether this user can write the file or create one in the folder, and whether the disk has
/// room.
pub fn check_writable(path: &Path) -> io::Result<()> {
    system::check_writable(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(windows, ignore = "Windows cannot tell")]
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

    #[test]
    #[cfg_attr(windows, ignore = "there a lock file stays")]
    fn a_lock_file_that_goes_while_it_is_opened_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..5000 {
                        open_lock(&path).unwrap();
                        // The other one may have been faster.
                        let _ = remove(&path);
                    }
                });
            }
        });
    }
}
