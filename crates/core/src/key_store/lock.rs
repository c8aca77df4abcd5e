//! One changer of keys at a time, and a word to those who have read them: the lock's file counts the changes.

use std::fs;
use std::path::{Path, PathBuf};

use super::key_file;
use crate::disk::Lock;
use crate::failure::{Kind, Result};
use crate::paths::Places;

/// The right to change the key store.
pub struct KeyLock {
    lock: Lock,
    path: PathBuf,
    /// The keyring's entry is one for all homes of a user (`CAST_HOME`): so is this lock.
    _session: Option<Lock>,
}

impl KeyLock {
    /// Waits for it.
    pub fn acquire(places: &Places) -> Result<Self> {
        let path = path(places)?;
        let lock = Lock::acquire(&path)?;
        // A session's folder is made by the system, never here.
        let session = places.session().filter(|folder| folder.parent().is_some_and(Path::is_dir));
        let session = match session.map(|folder| Lock::acquire(&folder.join("key.lock"))) {
            Some(Err(failure)) if failure.kind() == Kind::Locked => return Err(failure),
            // A session's folder that is another user's (su) has no keyring for this one either.
            session => session.and_then(Result::ok),
        };
        // What a killed writer left of a key file is as good as a key.
        if let Ok(leftover) = places.plain_key().map(|path| key_file::temporary(&path)) {
            let _ = fs::remove_file(leftover);
        }
        let lock = Self { lock, path, _session: session };
        // One who was killed may have changed something and not counted it.
        lock.count()?;
        Ok(lock)
    }

    /// Says that the keys, or their place, have changed: what was read before may be out of date.
    pub(super) fn count(&self) -> Result<()> {
        self.lock.count(&self.path)
    }
}

/// How many changes were counted. Whoever reads this, then a key, and later the same number, has missed no change that anybody could
/// have made use of: each is counted before that.
pub fn changes(places: &Places) -> u64 {
    path(places).map_or(0, |path| Lock::counted(&path))
}

/// A key file that is being written, or was, by one who was killed.
pub fn temporary(places: &Places) -> Option<PathBuf> {
    let path = key_file::temporary(&places.plain_key().ok()?);
    path.symlink_metadata().is_ok().then_some(path)
}

fn path(places: &Places) -> Result<PathBuf> {
    Ok(places.state()?.join("locks").join("key.lock"))
}
