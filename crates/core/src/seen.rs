//! What this machine has seen of each vault: the newest state, whose vault it is, and a receipt for the text that was verified. Keeps the
//! promise that an older state, a state from another branch and another vault under a known name are noticed here.
//!
//! In the state folder: `seen/<vault>` is the record of a vault, `seen/<vault>.names` what it held by name, `seen/<vault>.states` the states
//! that this machine verified or wrote, and `seen/at/<place>` what lies at a place. A vault that lies at several places, as in two clones of a
//! repository, has one record and is known at each place by itself. `<vault>` is an id, and whom its reader expects it from.
//!
//! | file | what it does |
//! |---|---|
//! | `known` | which record |
//! | `memory` | all that is known of one vault, whose owner may be this user by now |
//! | `record` | what a record and a list of names say |
//! | `states` | the states that were verified or written |
//! | `place` | what one place says |
//! | `places` | what lies where |
//! | `room` | room for what is to be remembered |

mod known;
mod memory;
mod place;
mod places;
mod record;
mod room;
mod states;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cast_vault::{Replica, State};

use crate::advice;
use crate::disk::{self, Lock, Way};
use crate::failure::{Failure, Kind, Result};
use crate::platform::files;

pub(crate) use known::{Known, Whose};
pub(crate) use memory::Memory;
pub(crate) use place::{Extent, Held, Here, Owner, Place};
pub(crate) use record::{Name, PERSON, Record, Summary};
pub(crate) use states::line_of;

/// The records of this machine.
pub(crate) struct Seen {
    state: PathBuf,
    folder: PathBuf,
}

/// The longest record, in bytes: two vectors of 64 entries, a card and a path fit many times.
const MAX_RECORD: usize = 64 << 10;
/// The longest list of names: as many as a vault holds.
const MAX_NAMES: usize = 16 << 20;
const TEMPORARY_ENDING: &str = disk::TEMPORARY_ENDING;

impl Seen {
    pub(crate) fn new(state: &Path) -> Self {
        Self { state: state.to_owned(), folder: state.join("seen") }
    }

    /// The record of a vault.
    pub(crate) fn record(&self, known: Known) -> Result<Option<Record>> {
        let path = self.path(known);
        let Some(bytes) = read(&path, MAX_RECORD)? else { return Ok(None) };
        let record = Record::parse(&bytes).filter(|record| known.fits(record));
        record.map(Some).ok_or_else(|| damaged(&path))
    }

    /// Whether this user may not even enter the folder of what belongs to this machine: then nothing can have been remembered there.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        disk::is_out_of_reach(&self.folder)
    }

    /// What a vault held when `record` was written, by name.
    pub(crate) fn summary(&self, known: Known, record: &Record) -> Result<Option<Summary>> {
        let bytes = read(&self.names_path(known), MAX_NAMES)?;
        Ok(bytes.and_then(|bytes| Summary::parse(&bytes, record.state.owner_hash)))
    }

    /// Remembers `record` and what its vault holds, which was known as `from` so far; `place` is the way by which the holder of a master key has read it, and whom
    /// this user expects there. The caller has compared it with what was remembered, under the lock of the records.
    pub(crate) fn remember(
        &self,
        lock: &Lock,
        from: Known,
        known: Known,
        record: &Record,
        holds: &Summary,
        place: Option<(&Way, Owner<'_>)>,
    ) -> Result<()> {
        let is_other = from.id == known.id && from != known;
        if is_other {
            self.take_along(from, known)?;
        }
        if let Some((way, owner)) = place {
            self.remember_place(lock, known.id, way, owner)?;
        }
        self.note_state(known, &record.state);
        write(&self.path(known), &record.to_bytes())?;
        if is_other {
            self.leave_behind(from);
        }
        // Of use to a person and in git: nothing waits for the disk. One of a former owner's part is none; without one everything counts as
        // taken away.
        let names = holds.to_bytes(record.state.owner_hash);
        if disk::replace_soon(&self.names_path(known), &names).is_err() {
            let _ = fs::remove_file(self.names_path(known));
        }
        Ok(())
    }

    /// What a rotation of the key with this public half began to take in, in `folder`, where none was seen before, if it did not come to its end.
    pub(crate) fn taking_in(&self, public: &str, folder: &Path) -> Result<Option<BTreeSet<String>>> {
        let Some(bytes) = read(&self.taking_in_path(), MAX_NAMES)? else { return Ok(None) };
        let states = bytes.strip_prefix(&*taking_in(public, folder)).and_then(|states| str::from_utf8(states).ok());
        Ok(states.map(|states| states.lines().map(str::to_owned).collect()))
    }

    /// Remembers that, before the first of them is known: who is killed among them takes in the others later.
    pub(crate) fn say_taking_in<'s>(
        &self,
        public: &str,
        folder: &Path,
        states: impl Iterator<Item = &'s State>,
    ) -> Result<()> {
        let states = states.flat_map(|state| (line_of(state) + "\n").into_bytes());
        write(&self.taking_in_path(), &taking_in(public, folder).into_iter().chain(states).collect::<Vec<_>>())
    }

    /// It came to its end, or its user has gone on without it.
    pub(crate) fn end_taking_in(&self) {
        // What stays names states that were there then.
        let _ = fs::remove_file(self.taking_in_path());
    }

    /// The name under which this state folder counts its changes of vaults; made on first use, and anew where it is lost.
    pub(crate) fn replica(&self) -> Result<Replica> {
        if let Some(known) = self.known_replica()? {
            return Ok(known);
        }
        let lock = self.lock()?;
        // Who writes in another folder of vaults may have been faster.
        self.known_replica()?.map_or_else(|| self.write_new_replica(&lock), Ok)
    }

    /// Another name to count under.
    pub(crate) fn new_replica(&self) -> Result<Replica> {
        self.write_new_replica(&self.lock()?)
    }

    fn known_replica(&self) -> Result<Option<Replica>> {
        let known = read(&self.replica_path(), MAX_RECORD)?;
        Ok(known.and_then(|bytes| Replica::parse(str::from_utf8(&bytes).ok()?.trim_end())))
    }

    fn write_new_replica(&self, _lock: &Lock) -> Result<Replica> {
        let replica = Replica::generate()?;
        write(&self.replica_path(), format!("{replica}\n").as_bytes())?;
        Ok(replica)
    }

    /// Whoever counts next does so under another one.
    pub(crate) fn forget_replica(&self) {
        let _ = fs::remove_file(self.replica_path());
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

    fn path(&self, known: Known) -> PathBuf {
        self.folder.join(known.to_string())
    }

    fn names_path(&self, known: Known) -> PathBuf {
        self.folder.join(format!("{known}.names"))
    }

    fn states_path(&self, known: Known) -> PathBuf {
        self.folder.join(format!("{known}.states"))
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
    let folder = files::path_bytes(folder);
    // With its length: a path may hold a line feed.
    [public.as_bytes(), format!(" {} ", folder.len()).as_bytes(), &folder, b"\n"].concat()
}

fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>> {
    disk::open_own(path)?.map(|file| disk::read_limited(&file, path, limit)).transpose()
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    disk::replace(path, &disk::beside(path, TEMPORARY_ENDING), bytes, |_| Ok(()))
}

fn damaged(path: &Path) -> Failure {
    Failure::new(Kind::Integrity, format!("the record of what this machine has seen is damaged: '{}'", path.display()))
        .hint(format!("if you trust the vault as it is: {}", advice::remove(&[path.to_owned()])))
}
