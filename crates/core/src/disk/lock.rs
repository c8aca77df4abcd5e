//! Locks with a deadline: on a file that stays, or on one that goes with its lock.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{OpenFolder, confirmed, make_private_folders, name, parent, replace_in};
use crate::advice;
use crate::failure::{Failure, Kind, Result};
use crate::platform::files;
use crate::platform::limits;

/// How long one cast process waits for another.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_POLL: Duration = Duration::from_millis(5);

/// A lock on a lock file, held until it is dropped or the process ends.
pub struct Lock(File);

/// A lock whose file goes with it, and the right to change the files beside it.
pub struct Transient {
    lock: Lock,
    name: OsString,
    folder: Arc<OpenFolder>,
}

impl Transient {
    /// As [`super::replace`], for a file in the lock's folder. If another user moves that folder and puts a link in its
    /// place, the writer still replaces no file of another folder. `is_whole` says, also after a failure, whether there was a file with all
    /// of the bytes.
    pub fn replace(
        &self,
        path: &Path,
        temporary: &Path,
        bytes: &[u8],
        is_whole: &Cell<bool>,
        check: impl FnOnce(&[u8]) -> Result<()>,
    ) -> Result<()> {
        replace_in(&self.folder.folder, [path, temporary], bytes, is_whole, check)
    }

    /// Removes a file of the lock's folder, durably.
    pub fn remove(&self, path: &Path) -> Result<()> {
        self.folder.folder.remove(name(path)).map_err(|cause| Failure::io("cannot remove", path, &cause))?;
        confirmed(self.folder.folder.sync(), path, "removed")
    }

    /// Removes a file that a killed writer left in the lock's folder. What cannot be removed stands in nobody's way.
    pub fn clear(&self, path: &Path) {
        let _ = self.folder.folder.remove(name(path));
    }
}

impl Drop for Transient {
    fn drop(&mut self) {
        // While it is held, so that nobody else's file is removed.
        let folder = &self.folder.folder;
        if folder.holds(&self.lock.0, &self.name) {
            folder.remove_lock(&self.name);
        }
    }
}

impl Lock {
    /// Waits up to 10 s for the lock at `path`. The file is never deleted, so two processes cannot lock two different
    /// files.
    pub fn acquire(path: &Path) -> Result<Self> {
        Self::acquire_since(Instant::now(), path)
    }

    /// Waits up to 10 s for a lock on the transient file of that name in `folder`, which is removed with the lock. A killed writer leaves
    /// the file behind, and the next writer takes it over. Users who cannot write the folder cannot take the lock: the
    /// file is private.
    pub fn acquire_transient(folder: &Arc<OpenFolder>, name: &OsStr) -> Result<Transient> {
        let begin = Instant::now();
        let path = folder.path(name);
        loop {
            folder.folder.clear_foreign_lock(name);
            let file = match folder.folder.open_lock(name) {
                // Another user's, who may be at work.
                Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied && folder.entry(name).is_some() => {
                    if begin.elapsed() >= LOCK_WAIT {
                        return Err(held(&path));
                    }
                    std::thread::sleep(LOCK_POLL);
                    continue;
                }
                opened => opened.map_err(|cause| Failure::io("cannot open the lock", &path, &cause))?,
            };
            let lock = Self::wait(begin, file).map_err(|error| match error {
                TryLockError::WouldBlock => held(&path),
                TryLockError::Error(cause) => Failure::io("cannot lock", &path, &cause),
            })?;
            // The holder before may have removed the file while this waited for it.
            if folder.folder.holds(&lock.0, name) {
                return Ok(Transient { lock, name: name.to_owned(), folder: Arc::clone(folder) });
            }
        }
    }

    fn acquire_since(begin: Instant, path: &Path) -> Result<Self> {
        make_private_folders(parent(path))?;
        let file = files::open_lock(path).map_err(|cause| Failure::io("cannot open the lock file", path, &cause))?;
        Self::wait(begin, file).map_err(|error| match error {
            TryLockError::WouldBlock => held(path),
            TryLockError::Error(cause) => Failure::io("cannot lock", path, &cause),
        })
    }

    fn wait(begin: Instant, file: File) -> std::result::Result<Self, TryLockError> {
        loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) if begin.elapsed() < LOCK_WAIT => std::thread::sleep(LOCK_POLL),
                locked => return locked.map(|()| Self(file)),
            }
        }
    }

    /// Counts a change of what the lock protects, for processes that do not take the lock. The count is the length of
    /// the lock file. It is not synced, because no process survives a crash of the machine.
    pub fn count(&self, path: &Path) -> Result<()> {
        limits::survive_file_size_limit();
        let counted = self.0.metadata().and_then(|data| self.0.set_len(data.len() + 1));
        counted.map_err(|cause| Failure::io("cannot write", path, &cause))
    }

    /// The number of changes counted so far.
    pub fn counted(path: &Path) -> u64 {
        fs::metadata(path).map_or(0, |data| data.len())
    }

    /// Whether a process holds the lock. Creates no file.
    pub fn is_held(path: &Path) -> bool {
        files::open_plain(path).is_ok_and(|file| file.try_lock().is_err())
    }

    /// The same for the lock of that name in an open folder.
    pub fn is_held_in(folder: &OpenFolder, name: &OsStr) -> bool {
        folder.folder.open_plain(name).is_ok_and(|file| file.try_lock().is_err())
    }

    /// Takes the lock if it is free.
    pub fn try_acquire(path: &Path) -> Option<Self> {
        make_private_folders(parent(path)).ok()?;
        let file = files::open_lock(path).ok()?;
        file.try_lock().is_ok().then_some(Self(file))
    }
}

fn held(path: &Path) -> Failure {
    let failure =
        Failure::new(Kind::Locked, format!("another cast process has held the lock for {} s", LOCK_WAIT.as_secs()));
    match advice::who_holds(path) {
        Some(command) => failure.hint(format!("find out which process: {command}")),
        None => failure,
    }
}
