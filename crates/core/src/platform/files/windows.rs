//! Windows. Files have no modes. The inherited access list of the profile folder keeps other users out; nothing here
//! changes or checks it. Windows cannot lock a folder, and a folder needs no sync, because NTFS journals it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{Distrust, Entry, EntryKind};

/// How long a virus scanner, an indexer or a backup may block a file.
const SHARING_WAIT: Duration = Duration::from_secs(2);
const SHARING_POLL: Duration = Duration::from_millis(10);

/// `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION`: the errors for reading a file in use.
const IN_USE: &[i32] = &[32, 33];
/// Adds `ERROR_ACCESS_DENIED`: Windows returns it for renaming over or removing such a file, and also for lack of
/// permission.
const IN_USE_OR_DENIED: &[i32] = &[5, 32, 33];

/// Retries while the error may mean that another program has the file open without sharing it.
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

pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() { Ok(Self(path.to_owned())) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    pub(super) fn open_folder(&self, name: &OsStr) -> io::Result<Self> {
        let path = self.0.join(name);
        if fs::symlink_metadata(&path)?.is_dir() { Ok(Self(path)) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    #[allow(clippy::unused_self)]
    pub(super) fn path(&self) -> Option<PathBuf> {
        None
    }

    #[allow(clippy::unused_self)]
    pub(super) fn is_foreign(&self) -> bool {
        false
    }

    pub(super) fn entry(&self, name: &OsStr) -> io::Result<Entry> {
        let data = fs::symlink_metadata(self.0.join(name))?;
        let kind = match data.file_type() {
            kind if kind.is_file() => EntryKind::File,
            kind if kind.is_dir() => EntryKind::Folder,
            kind if kind.is_symlink() => EntryKind::Link,
            _ => EntryKind::Other,
        };
        Ok(Entry { kind, is_foreign: is_foreign(&data) })
    }

    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        Ok(fs::read_dir(&self.0)?.filter_map(|entry| Some(entry.ok()?.file_name())).collect())
    }

    pub(super) fn open_lock(&self, name: &OsStr) -> io::Result<File> {
        open_lock(&self.0.join(name))
    }

    #[allow(clippy::unused_self)]
    pub(super) fn clear_foreign_lock(&self, _name: &OsStr) {}

    #[allow(clippy::unused_self)]
    pub(super) fn holds(&self, _file: &File, _name: &OsStr) -> bool {
        true
    }

    pub(super) fn open_beneath(&self, path: &Path) -> io::Result<File> {
        open_plain(&self.0.join(path))
    }

    #[allow(clippy::unused_self)]
    pub(super) fn is_at(&self, _path: &Path) -> bool {
        true
    }

    pub(super) fn create_private(&self, name: &OsStr) -> io::Result<File> {
        create_private(&self.0.join(name))
    }

    pub(super) fn open_plain(&self, name: &OsStr) -> io::Result<File> {
        open_plain(&self.0.join(name))
    }

    /// It stays, for the next writer.
    #[allow(clippy::unused_self)]
    pub(super) fn remove_lock(&self, _name: &OsStr) {}

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        rename(&self.0.join(from), &self.0.join(to))
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        remove(&self.0.join(name))
    }

    #[allow(clippy::unnecessary_wraps, clippy::unused_self)]
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    patiently(IN_USE, || File::open(path))
}

pub(super) fn open_behind_links(path: &Path) -> io::Result<File> {
    patiently(IN_USE, || File::open(path))
}

pub(super) fn is_symlink_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidFilename
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(IN_USE_OR_DENIED, || fs::rename(from, to))
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    patiently(IN_USE_OR_DENIED, || fs::remove_file(path))
}

pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

pub(super) fn open_log(path: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink()) {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

pub(super) fn is_removed(_file: &File) -> bool {
    false
}

pub(super) fn create_private_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

#[allow(clippy::unnecessary_wraps)]
pub(super) fn sync_dir(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[allow(clippy::unnecessary_wraps)]
pub(super) fn distrust(_file: &File) -> io::Result<Option<Distrust>> {
    Ok(None)
}

pub(super) fn is_open_to_others(_file: &File) -> bool {
    false
}

pub(super) fn stdout_is_readable_by_others() -> bool {
    false
}

pub(super) fn path_bytes(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// A real path has a prefix here that other programs do not write.
pub(super) fn is_same_path(written: &Path, real: &Path) -> bool {
    std::fs::canonicalize(written).is_ok_and(|written| written == real)
}

pub(super) fn is_foreign(_data: &Metadata) -> bool {
    false
}

pub(super) fn is_of_another_than_root(_data: &Metadata) -> bool {
    false
}

pub(super) fn is_open(_data: &Metadata) -> bool {
    false
}

pub(super) fn check_writable(path: &Path) -> io::Result<()> {
    let data = std::fs::metadata(path)?;
    if data.is_file() && data.permissions().readonly() { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
}

pub(super) fn is_writable_by_others(_file: &File) -> bool {
    false
}

pub(super) fn is_fed_by_others(_file: &File) -> bool {
    false
}

pub(super) fn path_of_open(_file: &File) -> Option<PathBuf> {
    None
}

pub(super) fn is_of_another_user(_path: &Path) -> bool {
    false
}
