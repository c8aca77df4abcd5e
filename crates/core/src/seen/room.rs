//! Room on the disk for what is to be remembered: on a full one no vault is to be written whose state is not remembered.

use std::fs;
use std::path::{Path, PathBuf};

use cast_vault::State;

use super::{Known, Seen, TEMPORARY_ENDING};
use crate::disk::{self, Lock, Way};
use crate::failure::Result;

/// In bytes, each: a record and a place fit.
const ROOM: usize = 4 << 10;
/// A record, its names and its states. A disk can also be full of files.
const FILES: usize = 3;
const ROOM_NAME: &str = "room.";

/// Room that is taken as long as this is there.
pub(crate) struct Room(Vec<PathBuf>);

impl Seen {
    /// Before a vault is written, from `former`: takes room for its record, and notes the state as one of this machine's own, which it is
    /// also if its writer is killed before the record is written.
    pub(crate) fn announce(
        &self,
        _lock: &Lock,
        known: Known,
        way: &Way,
        former: Option<&State>,
        state: &State,
    ) -> Result<Room> {
        disk::make_private_folders(&self.places_folder())?;
        let mut room = Room(Vec::new());
        for number in 0..FILES + self.files_that_lead_to(way)?.len() {
            // Of this process alone, for another may write in another folder of vaults.
            room.0.push(self.folder.join(format!("{ROOM_NAME}{}.{number}", std::process::id())));
            disk::replace_soon(&room.0[number], &[b'-'; ROOM])?;
        }
        self.note_pending(known, former, state)?;
        Ok(room)
    }

    /// Clears what killed writers left, unless somebody is writing.
    pub(crate) fn clear(&self) {
        let leftovers = self.temporary();
        if leftovers.is_empty() {
            return;
        }
        let Some(_lock) = self.try_lock() else { return };
        for path in leftovers {
            // What cannot be cleared stands in nobody's way.
            let _ = fs::remove_file(path);
        }
    }

    /// What is being written, or was, by writers that were killed.
    pub(crate) fn temporary(&self) -> Vec<PathBuf> {
        let folders = [self.folder.clone(), self.places_folder()];
        let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
        let paths = entries.map(|entry| entry.path());
        let is_room = |path: &Path| {
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(ROOM_NAME.as_bytes()))
        };
        let replica = Some(disk::beside(&self.replica_path(), TEMPORARY_ENDING));
        paths
            .filter(|path| path.extension().is_some_and(|ending| ending == TEMPORARY_ENDING) || is_room(path))
            .chain(replica.filter(|path| path.symlink_metadata().is_ok()))
            .collect()
    }
}

impl Drop for Room {
    /// Gives it back, for the record.
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use cast_vault::{AgentName, MasterKey, Replica, UnlockKey, Vault};

    use super::*;

    #[test]
    fn there_is_room_for_each_file_that_is_to_be_made() {
        let home = tempfile::tempdir().unwrap();
        let seen = Seen::new(home.path());
        let key = MasterKey::generate(crate::clock::now());
        let mut vault = Vault::create(AgentName::parse("a").unwrap(), &key).unwrap();
        vault.seal(&UnlockKey::Master(vec![key]), Replica::generate().unwrap()).unwrap();
        let (known, state) = (Known::of(&vault), vault.state().unwrap());
        let lock = seen.lock().unwrap();
        let straight = Way::straight(&home.path().join("a.age"));
        let room = seen.announce(&lock, known, &straight, None, state).unwrap();
        assert_eq!((room.0.len(), room.0.iter().all(|path| path.exists())), (FILES + 1, true));
        drop(room);
        assert!(seen.temporary().is_empty());
    }
}
