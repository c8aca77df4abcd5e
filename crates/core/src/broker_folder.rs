//! The folder of a run with brokered secrets: the certificates that CMD's programs believe. It holds nothing secret. A
//! run holds its lock as long as it lives, so the next one knows which folders killed runs left, and removes them.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::disk::{self, Lock};
use crate::failure::{Failure, Result};
use crate::platform::{files, limits};

/// What the system's, the caller's and the run's own authorities are in.
const BUNDLE: &str = "bundle.pem";
/// What programs believe besides the authorities that they know.
const EXTRA: &str = "extra.pem";
const LOCK: &str = "lock";

/// The folder of this run. Dropped, it is removed.
pub(crate) struct BrokerFolder {
    path: PathBuf,
    lock: Option<File>,
}

impl BrokerFolder {
    /// Removes what killed runs left, and makes a folder for this one, below the state folder.
    pub(crate) fn make(state: &Path) -> Result<Self> {
        let all = state.join("broker");
        disk::make_private_folders(&all)?;
        // A folder is swept by who gets its lock; none is to be without one while it is made.
        let _turn = Lock::acquire(&state.join("locks").join("broker.lock"))?;
        sweep(&all);
        let path = all.join(format!("{:016x}", RandomState::new().hash_one(std::process::id())));
        files::create_private_dir(&path).map_err(|cause| Failure::io("cannot create the folder", &path, &cause))?;
        let mut folder = Self { path, lock: None };
        let lock = folder.path.join(LOCK);
        let file = files::open_lock(&lock).map_err(|cause| Failure::io("cannot create", &lock, &cause))?;
        file.try_lock().map_err(|cause| Failure::io("cannot lock", &lock, &cause.into()))?;
        folder.lock = Some(file);
        Ok(folder)
    }

    /// Writes both files.
    pub(crate) fn write(&self, bundle: &[u8], extra: &[u8]) -> Result<()> {
        limits::survive_file_size_limit();
        for (path, bytes) in [(self.bundle(), bundle), (self.extra(), extra)] {
            let written = files::create_private(&path).and_then(|mut file| file.write_all(bytes));
            written.map_err(|cause| Failure::io("cannot write", &path, &cause))?;
        }
        Ok(())
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.path.join(BUNDLE)
    }

    pub(crate) fn extra(&self) -> PathBuf {
        self.path.join(EXTRA)
    }
}

impl Drop for BrokerFolder {
    fn drop(&mut self) {
        // Some systems remove no folder with an open file.
        self.lock = None;
        remove(&self.path);
    }
}

/// Removes the folders whose lock nobody holds. What cannot be removed stands in nobody's way.
fn sweep(all: &Path) {
    let Ok(entries) = fs::read_dir(all) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        let folder = entry.path();
        let is_left = match files::open_plain(&folder.join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            // Its run was killed before it made one, or as it removed the folder.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_left {
            remove(&folder);
        }
    }
}

/// Removes a folder with what cast put into it; its lock last, so that what is left is swept.
fn remove(folder: &Path) {
    for name in [BUNDLE, EXTRA, LOCK] {
        let _ = files::remove(&folder.join(name));
    }
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(state: &Path) -> usize {
        fs::read_dir(state.join("broker")).unwrap().count()
    }

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let state = tempfile::tempdir().unwrap();
        let one = BrokerFolder::make(state.path()).unwrap();
        one.write(b"bundle", b"extra").unwrap();
        for (name, files) in [("0", &[][..]), ("1", &[LOCK]), ("2", &[EXTRA, LOCK, BUNDLE])] {
            let folder = state.path().join("broker").join(name);
            fs::create_dir(&folder).unwrap();
            for file in files {
                fs::write(folder.join(file), "").unwrap();
            }
        }
        // cast did not put that there.
        fs::write(state.path().join("broker").join("file"), "").unwrap();
        let two = BrokerFolder::make(state.path()).unwrap();
        assert_eq!(folders(state.path()), 3);
        assert_eq!(fs::read(one.bundle()).unwrap(), b"bundle");
        assert_eq!(fs::read(one.extra()).unwrap(), b"extra");
        drop((one, two));
        assert_eq!(folders(state.path()), 1);
    }

    #[test]
    fn runs_begin_together() {
        let state = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let folder = BrokerFolder::make(state.path()).unwrap();
                        folder.write(b"bundle", b"extra").unwrap();
                        assert_eq!(fs::read(folder.bundle()).unwrap(), b"bundle");
                    }
                });
            }
        });
        assert_eq!(folders(state.path()), 0);
    }
}
