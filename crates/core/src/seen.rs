//! What this machine has seen of each vault: the newest state, whose vault it is, and a receipt for the text that was verified. Keeps the
//! promise that an older state, a state from another branch and another vault under a known name are noticed here.
//!
//! In the state folder: `seen/<vault id>` is the record of a vault, `seen/<vault id>.names` what it held by name, `seen/<vault id>.states`
//! the states that this machine verified or wrote, and `seen/at/<place>` what lies at a place. A vault that lies at several places, as in two
//! clones of a repository, has one record and is known at each place by itself.

mod place;
mod record;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cast_vault::{Card, Digest, Replica, State, VaultId};
use sha2::{Digest as _, Sha256};

use crate::advice;
use crate::clock;
use crate::disk::{self, Lock};
use crate::failure::{Failure, Kind, Result};
use crate::paths::absolute;

pub(crate) use place::{Held, Place};
pub(crate) use record::{Name, PERSON, Record, Summary};

/// The records of this machine.
pub(crate) struct Seen {
    state: PathBuf,
    folder: PathBuf,
}

/// The longest record, in bytes: two vectors of 64 entries, a card and a path fit many times.
const MAX_RECORD: usize = 64 << 10;
/// The longest list of names: as many as a vault holds.
const MAX_NAMES: usize = 16 << 20;
/// How many states of a vault are remembered.
const MAX_STATES: usize = 256;
/// In bytes: a record and a place fit.
const ROOM: usize = 16 << 10;
const ROOM_NAME: &str = "room.";
/// After a state that only an agent key's holder has verified.
const BY_LINE: &str = " line";
const TEMPORARY_ENDING: &str = disk::TEMPORARY_ENDING;

impl Seen {
    pub(crate) fn new(state: &Path) -> Self {
        Self { state: state.to_owned(), folder: state.join("seen") }
    }

    /// The record of the vault `id`.
    pub(crate) fn record(&self, id: VaultId) -> Result<Option<Record>> {
        let path = self.path(id);
        let Some(bytes) = read(&path, MAX_RECORD)? else { return Ok(None) };
        let record = Record::parse(&bytes).filter(|record| record.state.id == id);
        record.map(Some).ok_or_else(|| damaged(&path))
    }

    /// What lies at `path`, the path of a vault's file: by the way that it is reached, or else by where that leads, so that a link which leads
    /// elsewhere now does not lead past what is known. A vault whose record was removed is not known there.
    pub(crate) fn at(&self, path: &Path) -> Result<(Place, Option<Record>)> {
        let (mut here, mut record) = (Place::new(canonical(path)), None);
        for file in self.place_files(path) {
            let Some(place) = read_place(&file)? else { continue };
            here.given_up.extend(place.given_up);
            if let Some(held) = place.held.filter(|_| record.is_none()) {
                record = self.record(held.id)?;
                here.held = record.is_some().then_some(held);
            }
        }
        Ok((here, record))
    }

    /// All places that this machine knows, whether or not a vault lies there still. One that cannot be read is a failure in its place.
    pub(crate) fn places(&self) -> Result<Vec<Result<Place>>> {
        let mut places: Vec<Result<Place>> = Vec::new();
        for file in self.all_place_files()? {
            match read_place(&file).transpose() {
                // The same by another way, as through a link.
                Some(Ok(place)) if places.iter().flatten().any(|known| *known == place) => {}
                Some(place) => places.push(place),
                None => {}
            }
        }
        Ok(places)
    }

    /// The places where the vault `id` lies, as far as they can be read.
    pub(crate) fn places_of(&self, id: VaultId) -> Result<Vec<Place>> {
        Ok(self.places()?.into_iter().flatten().filter(|place| place.holds(id)).collect())
    }

    /// Whether this user may not even enter the folder of what belongs to this machine: then nothing can have been remembered there.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        disk::is_out_of_reach(&self.folder)
    }

    /// What the vault `id` held when it was last remembered, by name.
    pub(crate) fn summary(&self, id: VaultId) -> Result<Option<Summary>> {
        let path = self.names_path(id);
        Ok(read(&path, MAX_NAMES)?.and_then(|bytes| Summary::parse(&bytes)))
    }

    /// Whether this machine has verified or written this very state before, with an agent key or with a master key.
    pub(crate) fn has_met(&self, state: &State) -> bool {
        let line = line_of(state);
        self.states(state.id).lines().any(|known| known.strip_suffix(BY_LINE).unwrap_or(known) == line)
    }

    /// The same with a master key. What an agent line led to was verified against that line alone.
    pub(crate) fn has_verified(&self, state: &State) -> bool {
        let line = line_of(state);
        self.states(state.id).lines().any(|known| known == line)
    }

    /// Remembers `record` and what its vault holds; `place` is the path by which the holder of a master key has read it, and the card that
    /// this user accepted there. The caller has compared it with what was remembered, under the lock of the records.
    pub(crate) fn remember(
        &self,
        lock: &Lock,
        record: &Record,
        holds: &Summary,
        place: Option<(&Path, Option<&Card>)>,
    ) -> Result<()> {
        let id = record.state.id;
        let is_line = place.is_none();
        if let Some((reached, card)) = place {
            self.remember_place(lock, id, reached, card)?;
        }
        write(&self.path(id), &record.to_bytes())?;
        // Of use to a person and in git: nothing waits for the disk. One of a former state would hide what was taken away since; without
        // one everything counts as taken away.
        if disk::replace_soon(&self.names_path(id), &holds.to_bytes()).is_err() {
            let _ = fs::remove_file(self.names_path(id));
        }
        self.remember_state(&record.state, is_line);
        Ok(())
    }

    /// Remembers that the vault `id` lies at `reached`.
    pub(crate) fn remember_place(&self, _lock: &Lock, id: VaultId, reached: &Path, card: Option<&Card>) -> Result<()> {
        for file in self.place_files(reached) {
            let former = read_place(&file)?;
            let mut place = Place::new(canonical(reached));
            place.given_up = former.as_ref().map(|former| former.given_up.clone()).unwrap_or_default();
            let known = former.as_ref().and_then(|former| former.held.as_ref()).filter(|held| held.id == id);
            let since = known.map_or_else(clock::now, |held| held.since);
            place.hold(Held { id, card: card.cloned(), since, leaving: false });
            if former.as_ref() != Some(&place) {
                write(&file, &place.to_bytes())?;
            }
        }
        Ok(())
    }

    /// Remembers that no state of the vault `id` is to be used at `reached` from here on, and nowhere if it lies nowhere else.
    pub(crate) fn give_up(&self, lock: &Lock, id: VaultId, reached: &Path) -> Result<()> {
        self.change_place(lock, reached, |place| place.give_up(id))?;
        if !self.places_of(id)?.is_empty() {
            return Ok(());
        }
        match self.record(id)? {
            Some(record) => write(&self.path(id), &Record { given_up: true, ..record }.to_bytes()),
            None => Ok(()),
        }
    }

    /// Remembers that the vault at `reached` is being deleted, or that it stays.
    pub(crate) fn say_leaving(&self, lock: &Lock, reached: &Path, leaving: bool) -> Result<()> {
        self.change_place(lock, reached, |place| {
            if let Some(held) = &mut place.held {
                held.leaving = leaving;
            }
        })
    }

    /// Ends the deletions in a folder that were killed after the file was gone. The caller holds the lock of that folder, so none goes on.
    pub(crate) fn end_deletions(&self, is_here: impl Fn(&Path) -> bool) -> Result<()> {
        let is_gone = |place: &Place| place.held.as_ref().is_some_and(|held| held.leaving) && !place.exists();
        for place in self.places()?.into_iter().flatten().filter(is_gone) {
            if let (Some(held), true) = (&place.held, place.path.parent().is_some_and(&is_here)) {
                self.give_up(&self.lock()?, held.id, &place.path)?;
            }
        }
        Ok(())
    }

    /// Whether a rotation of the key with this public half has begun to take in the vaults of `folder`, where none was seen before.
    pub(crate) fn is_taking_in(&self, public: &str, folder: &Path) -> Result<bool> {
        Ok(read(&self.taking_in_path(), MAX_RECORD)?.is_some_and(|begun| begun == taking_in(public, folder)))
    }

    /// Remembers that, before the first of them is known: who is killed among them takes in the others later.
    pub(crate) fn say_taking_in(&self, public: &str, folder: &Path) -> Result<()> {
        write(&self.taking_in_path(), &taking_in(public, folder))
    }

    /// Changes what is remembered of a place, by whatever way it was reached.
    fn change_place(&self, _lock: &Lock, reached: &Path, change: impl Fn(&mut Place)) -> Result<()> {
        let (here, mut files) = (canonical(reached), self.place_files(reached));
        for file in self.all_place_files()? {
            if !files.contains(&file) && read_place(&file).ok().flatten().is_some_and(|place| place.path == here) {
                files.push(file);
            }
        }
        for file in files {
            let former = read_place(&file)?;
            let mut place = former.clone().unwrap_or_else(|| Place::new(here.clone()));
            change(&mut place);
            if former.as_ref() != Some(&place) {
                write(&file, &place.to_bytes())?;
            }
        }
        Ok(())
    }

    /// The name under which this state folder counts its changes of vaults; made on first use, and anew where it is lost.
    pub(crate) fn replica(&self) -> Result<Replica> {
        let known = read(&self.replica_path(), MAX_RECORD)?;
        let known = known.and_then(|bytes| Replica::parse(str::from_utf8(&bytes).ok()?.trim_end()));
        known.map_or_else(|| self.new_replica(), Ok)
    }

    /// Another name to count under.
    pub(crate) fn new_replica(&self) -> Result<Replica> {
        let replica = Replica::generate()?;
        write(&self.replica_path(), format!("{replica}\n").as_bytes())?;
        Ok(replica)
    }

    /// Whether nothing shows that this home has ever read or written a vault.
    pub(crate) fn is_untouched(&self) -> bool {
        let is_empty = |folder: &Path| {
            fs::read_dir(folder)
                .map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |mut entries| entries.next().is_none())
        };
        is_empty(&self.folder) && self.replica_path().symlink_metadata().is_err()
    }

    /// Waits for the right to change records.
    pub(crate) fn lock(&self) -> Result<Lock> {
        Lock::acquire(&self.lock_path())
    }

    /// The same, if nobody has it.
    pub(crate) fn try_lock(&self) -> Option<Lock> {
        Lock::try_acquire(&self.lock_path())
    }

    /// Whether somebody is changing records now, who remembers something newer.
    pub(crate) fn is_locked(&self) -> bool {
        Lock::is_held(&self.lock_path())
    }

    /// Before a vault is written: takes room for a record on the disk, as on a full disk no vault is to be written whose state is not
    /// remembered; and notes the state as one of this machine's own, which it is also if its writer is killed before the record is written.
    pub(crate) fn announce(&self, _lock: &Lock, state: Option<&State>) -> Result<()> {
        disk::make_private_folders(&self.folder)?;
        disk::replace_soon(&self.room_path(), &[b'-'; ROOM])?;
        if let Some(state) = state {
            self.remember_state(state, false);
        }
        Ok(())
    }

    /// Takes back the note of a state that was not written.
    pub(crate) fn retract(&self, _lock: &Lock, state: &State) {
        let (line, known) = (line_of(state), self.states(state.id));
        let lines: String = known.lines().filter(|known| *known != line).flat_map(|known| [known, "\n"]).collect();
        let path = self.states_path(state.id);
        // What stays names a state that nobody has.
        if lines.is_empty() {
            let _ = fs::remove_file(path);
        } else {
            let _ = disk::replace_soon(&path, lines.as_bytes());
        }
    }

    /// Gives it back, for the record.
    pub(crate) fn give_room(&self) {
        let _ = fs::remove_file(self.room_path());
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
        let folders = [self.folder.clone(), self.folder.join("at")];
        let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
        let paths = entries.map(|entry| entry.path());
        let is_room = |path: &Path| {
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(ROOM_NAME.as_bytes()))
        };
        paths
            .filter(|path| path.extension().is_some_and(|ending| ending == TEMPORARY_ENDING) || is_room(path))
            .collect()
    }

    /// Adds a state to those that were met, the newest last.
    fn remember_state(&self, state: &State, is_line: bool) {
        let (line, known) = (line_of(state), self.states(state.id));
        let by_line = format!("{line}{BY_LINE}");
        let line = if is_line && !known.lines().any(|known| known == line) { by_line.clone() } else { line };
        if known.lines().last() == Some(&line) {
            return;
        }
        let mut lines: Vec<_> = known.lines().filter(|known| *known != line && *known != by_line).collect();
        let surplus = (lines.len() + 1).saturating_sub(MAX_STATES);
        lines.drain(..surplus);
        lines.push(&line);
        let _ = disk::replace_soon(&self.states_path(state.id), (lines.join("\n") + "\n").as_bytes());
    }

    fn states(&self, id: VaultId) -> String {
        let bytes = read(&self.states_path(id), MAX_RECORD).ok().flatten().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn path(&self, id: VaultId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    fn names_path(&self, id: VaultId) -> PathBuf {
        self.folder.join(format!("{id}.names"))
    }

    fn states_path(&self, id: VaultId) -> PathBuf {
        self.folder.join(format!("{id}.states"))
    }

    fn all_place_files(&self) -> Result<Vec<PathBuf>> {
        let folder = self.folder.join("at");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::io("cannot read the folder", &folder, &error)),
        };
        let files = entries.flatten().map(|entry| entry.path());
        let mut files: Vec<_> = files.filter(|file| file.extension().is_none()).collect();
        files.sort();
        Ok(files)
    }

    /// The files that say what lies at `path`: as it is reached, and where that leads.
    fn place_files(&self, path: &Path) -> Vec<PathBuf> {
        let place = |path: &Path| {
            let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
            let number = u128::from_be_bytes(digest[..16].try_into().expect("16 of 32 bytes"));
            self.folder.join("at").join(format!("{number:032x}"))
        };
        let (reached, real) = (absolute(path), canonical(path));
        if reached == real { vec![place(&real)] } else { vec![place(&reached), place(&real)] }
    }

    /// Of this process alone, for another may write in another folder of vaults.
    fn room_path(&self) -> PathBuf {
        self.folder.join(format!("{ROOM_NAME}{}", std::process::id()))
    }

    fn taking_in_path(&self) -> PathBuf {
        self.folder.join("taking-in")
    }

    fn replica_path(&self) -> PathBuf {
        self.state.join("replica")
    }

    fn lock_path(&self) -> PathBuf {
        self.state.join("locks").join("seen.lock")
    }
}

fn taking_in(public: &str, folder: &Path) -> Vec<u8> {
    format!("{public} {}\n", folder.display()).into_bytes()
}

fn line_of(state: &State) -> String {
    let [owner, values]: [Digest; 2] = [state.owner_hash, state.values_hash];
    format!("{} {owner} {values}", state.epoch)
}

fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>> {
    disk::open_own(path)?.map(|file| disk::read_limited(&file, path, limit)).transpose()
}

fn read_place(path: &Path) -> Result<Option<Place>> {
    let Some(bytes) = read(path, MAX_RECORD)? else { return Ok(None) };
    Place::parse(&bytes).map(Some).ok_or_else(|| damaged(path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    disk::replace(path, &disk::beside(path, TEMPORARY_ENDING), bytes, |_| Ok(()))
}

fn damaged(path: &Path) -> Failure {
    Failure::new(Kind::Integrity, format!("the record of what this machine has seen is damaged: '{}'", path.display()))
        .hint(format!("if you trust the vault as it is: {}", advice::remove(&[path.to_owned()])))
}

/// A vault's path as one text, from wherever it was reached; a name that is not Unicode compares as it is shown.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    let whole = path.parent().and_then(|folder| fs::canonicalize(folder).ok()).zip(path.file_name());
    let whole = whole.map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name));
    PathBuf::from(whole.to_string_lossy().into_owned())
}
