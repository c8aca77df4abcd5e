//! What lies where. A place is known by the way that it was reached, and by where that leads: a link which leads elsewhere now does not lead
//! past what is known.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cast_vault::VaultId;
use sha2::{Digest as _, Sha256};

use super::place::{Extent, Held, Here, Owner, Place};
use super::record::Record;
use super::{Known, MAX_RECORD, Memory, Seen, damaged, read, write};
use crate::clock;
use crate::disk::{Lock, Way};
use crate::failure::{Failure, Result};

impl Seen {
    /// What lies at the end of that way, to a vault's file. A vault whose record was removed is not known there, and one that was given up by any
    /// way that leads there is given up.
    pub(crate) fn at(&self, way: &Way) -> Result<Here> {
        let (mut place, mut known) = (Place::new(way.real().to_owned()), Vec::new());
        // The last one is what lies where the way leads.
        let files = self.place_files(way);
        for (number, file) in files.iter().enumerate() {
            let Some(there) = read_place(file)? else { continue };
            place.given_up.extend(there.given_up);
            known.extend(there.held.map(|held| (held, number + 1 == files.len())));
        }
        known.retain(|(held, _)| !place.given_up.contains(&held.id));
        let is_in_each = known.len() == files.len();
        let (mut memory, mut otherwise, mut is_its_own) = (None, None, false);
        while let Some((held, is_last)) = known.pop() {
            match &mut place.held {
                None => {
                    memory = Some(self.kept(held.known())?).filter(|memory| memory.record.is_some());
                    (place.held, is_its_own) = (memory.is_some().then_some(held), is_last);
                }
                Some(here) if here.is_same(&held) => here.leaving &= held.leaving,
                Some(_) if self.kept(held.known())?.record.is_some() => otherwise = Some(held),
                Some(_) => {}
            }
        }
        // By a way that says something else it is another vault.
        let noted = match (is_its_own, is_in_each) {
            (true, true) => Extent::Whole,
            (true, false) => Extent::Itself,
            (false, _) => Extent::ByLink,
        };
        Ok(Here { place, memory, noted, otherwise })
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

    /// The places where a vault with this id lies, of whatever owner.
    pub(crate) fn places_of(&self, id: VaultId) -> Result<Vec<Place>> {
        let places: Vec<Place> = self.places()?.into_iter().collect::<Result<_>>()?;
        Ok(places.into_iter().filter(|place| place.holds(id)).collect())
    }

    /// Remembers that the vault `id` lies at the end of that way, by whatever way that is reached.
    pub(crate) fn remember_place(&self, lock: &Lock, id: VaultId, way: &Way, owner: Owner<'_>) -> Result<()> {
        let (here, files) = (way.real(), self.place_files(way));
        let hold = |place: &mut Place| {
            // Whatever else lay there was replaced; not what lies where a link led before.
            if let Some(other) =
                place.held.as_ref().map(|held| held.id).filter(|other| *other != id && place.path == here)
            {
                place.give_up(other);
            }
            let card = place.card_for(id, owner);
            let known = place.held.as_ref().filter(|held| held.id == id && held.card == card);
            let since = known.map_or_else(clock::now, |held| held.since);
            here.clone_into(&mut place.path);
            place.hold(Held { id, card, since, leaving: false });
        };
        // Whatever else leads there was told when that changed.
        let there = files.last().map(|file| read_place(file)).transpose()?.flatten();
        let former = there.as_ref().and_then(|place| place.held.as_ref()).filter(|former| former.id != id);
        if let Some(former) = former {
            self.give_up_everywhere(former.known(), here)?;
        }
        if there.is_some_and(|mut place| {
            let former = place.clone();
            hold(&mut place);
            place == former
        }) {
            return files.iter().try_for_each(|file| change(file, here, hold));
        }
        self.change_place(lock, way, hold)
    }

    /// Remembers that no state of a vault that lay there is to be used there from here on, and nowhere if it lies nowhere else.
    pub(crate) fn give_up(&self, lock: &Lock, known: Known, way: &Way) -> Result<()> {
        self.give_up_everywhere(known, way.real())?;
        self.refuse_at(lock, known.id, way)
    }

    /// Remembers that no state of a vault is to be used anywhere, if it lies nowhere but at `real`. It comes before what is said of that place: who
    /// is killed between them gives it up there with the next one.
    fn give_up_everywhere(&self, known: Known, real: &Path) -> Result<()> {
        let Memory { known, record: Some(record), .. } = self.kept(known)? else { return Ok(()) };
        for place in self.places_of(known.id)? {
            let Some(held) = place.held.as_ref().filter(|_| place.path != real && place.exists()) else { continue };
            if self.kept(held.known())?.known == known {
                return Ok(());
            }
        }
        write(&self.path(known), &Record { given_up: true, ..record }.to_bytes())
    }

    /// Remembers that no state of the vault `id`, which lies elsewhere, is to be used there.
    pub(crate) fn refuse_at(&self, lock: &Lock, id: VaultId, way: &Way) -> Result<()> {
        self.change_place(lock, way, |place| place.give_up(id))
    }

    /// Whether something is remembered of a place on that way.
    pub(crate) fn has_been_at(&self, way: &Way) -> bool {
        self.place_files(way).iter().any(|file| file.symlink_metadata().is_ok())
    }

    /// Remembers that the vault there is being deleted, or that it stays.
    pub(crate) fn say_leaving(&self, lock: &Lock, way: &Way, leaving: bool) -> Result<()> {
        self.change_place(lock, way, |place| {
            if let Some(held) = &mut place.held {
                held.leaving = leaving;
            }
        })
    }

    /// Ends the deletions in a folder that were killed after the file was gone. `is_lost` says which files that folder has lost; the caller
    /// holds its lock, so no deletion goes on.
    pub(crate) fn end_deletions(&self, is_lost: impl Fn(&Path) -> bool) -> Result<()> {
        let is_over = |place: &Place| place.held.as_ref().is_some_and(|held| held.leaving) && is_lost(&place.path);
        for place in self.places()?.into_iter().flatten().filter(is_over) {
            if let Some(held) = &place.held {
                self.give_up(&self.lock()?, held.known(), &Way::straight(&place.path))?;
            }
        }
        Ok(())
    }

    /// Changes what is remembered of a place, by whatever way it was reached.
    fn change_place(&self, _lock: &Lock, way: &Way, changed: impl Fn(&mut Place)) -> Result<()> {
        self.files_that_lead_to(way)?.iter().try_for_each(|file| change(file, way.real(), &changed))
    }

    /// The files that say what lies there, by whatever way it was reached.
    pub(super) fn files_that_lead_to(&self, way: &Way) -> Result<Vec<PathBuf>> {
        let mut files = self.place_files(way);
        for file in self.all_place_files()? {
            if !files.contains(&file) && read_place(&file)?.is_some_and(|place| place.path == way.real()) {
                files.push(file);
            }
        }
        Ok(files)
    }

    fn all_place_files(&self) -> Result<Vec<PathBuf>> {
        let folder = self.places_folder();
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

    /// The files that say what lies there: one for each path of the way, the last one for where it leads.
    fn place_files(&self, way: &Way) -> Vec<PathBuf> {
        let place = |path: &Path| {
            let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
            let number = u128::from_be_bytes(digest[..16].try_into().expect("16 of 32 bytes"));
            self.places_folder().join(format!("{number:032x}"))
        };
        way.paths().map(place).collect()
    }

    pub(super) fn places_folder(&self) -> PathBuf {
        self.folder.join("at")
    }
}

/// Changes what one file says of the place at `here`.
fn change(file: &Path, here: &Path, change: impl Fn(&mut Place)) -> Result<()> {
    let former = read_place(file)?;
    let mut place = former.clone().unwrap_or_else(|| Place::new(here.to_owned()));
    change(&mut place);
    if former.as_ref() == Some(&place) { Ok(()) } else { write(file, &place.to_bytes()) }
}

fn read_place(path: &Path) -> Result<Option<Place>> {
    let Some(bytes) = read(path, MAX_RECORD)? else { return Ok(None) };
    Place::parse(&bytes).map(Some).ok_or_else(|| damaged(path))
}
