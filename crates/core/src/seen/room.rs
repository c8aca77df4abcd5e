//! Room on the disk for what is to be remembered: on a full one no vault is to be written whose state is not remembered.

use std::fs;
use std::path::{Path, PathBuf};

use cast_vault::State;

use super::{Known, Seen, TEMPORARY_ENDING};
use crate::disk::{self, Lock};
use crate::failure::Result;

/// In bytes, each: a record and a place fit.
const ROOM: usize = 4 << 10;
/// As many as there are files to be made: a disk can also be full of files.
const ROOMS: usize = 4;
const ROOM_NAME: &str = "room.";

impl Seen {
    /// Before a vault is written, from `former`: takes room for its record, and notes the state as one of this machine's own, which it is
    /// also if its writer is killed before the record is written.
    pub(crate) fn announce(&self, _lock: &Lock, known: Known, former: Option<&State>, state: &State) -> Result<()> {
        disk::make_private_folders(&self.places_folder())?;
        let mut rooms = self.rooms().into_iter();
        let taken = rooms.try_for_each(|room| disk::replace_soon(&room, &[b'-'; ROOM]));
        taken.and_then(|()| self.note_pending(known, former, state)).inspect_err(|_| self.give_room())
    }

    /// Gives it back, for the record.
    pub(crate) fn give_room(&self) {
        for room in self.rooms() {
            let _ = fs::remove_file(room);
        }
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
        paths
            .filter(|path| path.extension().is_some_and(|ending| ending == TEMPORARY_ENDING) || is_room(path))
            .collect()
    }

    /// Of this process alone, for another may write in another folder of vaults.
    fn rooms(&self) -> [PathBuf; ROOMS] {
        std::array::from_fn(|number| self.folder.join(format!("{ROOM_NAME}{}.{number}", std::process::id())))
    }
}
