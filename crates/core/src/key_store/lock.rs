//! Only one process changes keys at a time. The lock file counts the changes, so that processes that have read a key
//! notice them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Exports, key_file};
use crate::disk::Lock;
use crate::failure::{Kind, Result};
use crate::paths::Places;

/// The right to change the key store.
pub struct KeyLock {
    lock: Lock,
    path: PathBuf,
    /// All homes of a user (`CAST_HOME`) share one keyring entry, so they share this lock.
    _session: Option<Lock>,
}

impl KeyLock {
    /// Waits for the lock, up to 10 s.
    pub fn acquire(places: &Places) -> Result<Self> {
        let path = path(places)?;
        let lock = Lock::acquire(&path)?;
        // The system creates the session folder; cast never does.
        let session = places.session().filter(|folder| folder.parent().is_some_and(Path::is_dir));
        let session = match session.map(|folder| Lock::acquire(&folder.join("key.lock"))) {
            Some(Err(failure)) if failure.kind() == Kind::Locked => return Err(failure),
            // After `su`, the session folder belongs to another user, and so does its keyring: this user needs no lock
            // there.
            session => session.and_then(Result::ok),
        };
        // What killed writers left; a temporary key file can contain a key.
        for leftover in temporary(places) {
            let _ = fs::remove_file(leftover);
        }
        let lock = Self { lock, path, _session: session };
        // A killed process may have changed something without counting it.
        lock.count()?;
        Ok(lock)
    }

    /// Counts a change of the keys or their place, so that other processes look again.
    pub(super) fn count(&self) -> Result<()> {
        self.lock.count(&self.path)
    }
}

/// The number of changes counted. A process that reads this number, then a key, and then the same number again has
/// missed no change, because each change is counted before any process relies on it.
pub fn changes(places: &Places) -> u64 {
    path(places).map_or(0, |path| Lock::counted(&path))
}

/// Removes the temporary files of a killed writer, unless another process is writing.
pub(crate) fn clear_exports(places: &Places) {
    let leftover = Exports::new(places).map(|exports| exports.temporary()).ok();
    let Some(leftover) = leftover.filter(|leftover| leftover.symlink_metadata().is_ok()) else { return };
    if let Some(_lock) = path(places).ok().and_then(|path| Lock::try_acquire(&path)) {
        // What cannot be cleared stands in nobody's way.
        let _ = fs::remove_file(leftover);
    }
}

/// The temporary files of running or killed writers of keys and of what is known of their copies.
pub fn temporary(places: &Places) -> Vec<PathBuf> {
    let key = places.plain_key().map(|path| key_file::temporary(&path));
    let exports = Exports::new(places).map(|exports| exports.temporary());
    [key, exports].into_iter().flatten().filter(|path| path.symlink_metadata().is_ok()).collect()
}

fn path(places: &Places) -> Result<PathBuf> {
    Ok(places.state()?.join("locks").join("key.lock"))
}
