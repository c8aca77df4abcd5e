//! The keys from one place to another. They are in the new place, read back, before they leave the old one; and whichever place is looked
//! at first meanwhile, all of them are there.

use crate::audit_log::{Action, Event};
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{self, KeyPlace, Slot, Trouble, Whence};
use crate::session::Session;
use cast_vault::MasterKey;

/// What a move did.
pub struct Moved {
    /// Where the keys are now.
    pub whence: Whence,
    /// Whether anything was moved or cleared away.
    pub changed: bool,
    /// Why it is not known whether the keyring still holds a copy.
    pub keyring_unseen: Option<String>,
}

/// Moves the keys to `target`; finishes a move that was interrupted.
pub struct Move {
    /// Where to.
    pub target: KeyPlace,
    /// Whether to take them out of the keyring that other homes have in common with this one.
    pub sure: bool,
}

impl Verb for Move {
    type Done = Moved;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::KeyMove)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Moved> {
        let Self { target, sure } = self;
        let lock = session.lock_key_store()?;
        let mut keyring_unseen = None;
        let mut found: Vec<(KeyPlace, Vec<MasterKey>)> = Vec::new();
        let mut slots = Slot::all(&session.places, &*session.attendant);
        for slot in &mut slots {
            if slot.place() == KeyPlace::Keyring && target == slot.place() && !found.is_empty() {
                key_store::check_keyring_open(&*session.attendant).map_err(|trouble| not_moved(&trouble))?;
            }
            match slot.load() {
                Ok(Some(keys)) => found.push((slot.place(), keys)),
                Ok(None) => {}
                // From file to file, a keyring in disorder is in nobody's way.
                Err(failure) if slot.place() == KeyPlace::Keyring && target != slot.place() && !found.is_empty() => {
                    keyring_unseen = Some(failure.message().trim_start_matches("no key: ").to_owned());
                }
                Err(failure) => return Err(failure),
            }
        }
        if found.is_empty() {
            return Err(session.nothing_stored());
        }
        // What a keyring holds besides is moved only from there or to there: it may be the key of another CAST_HOME. All others go
        // along, behind the first, for no key is lost by moving another.
        let from_keyring = found.len() == 1;
        let mut keys: Vec<&MasterKey> = Vec::new();
        for (place, held) in &found {
            if *place != KeyPlace::Keyring || target == KeyPlace::Keyring || from_keyring {
                let more: Vec<_> = held.iter().filter(|key| !key.is_among(keys.iter().copied())).collect();
                keys.extend(more);
            }
        }
        let leaves = |(place, held): &(KeyPlace, Vec<MasterKey>)| {
            *place == KeyPlace::Keyring && target != *place && held.iter().all(|key| key.is_among(keys.iter().copied()))
        };
        if !sure && found.iter().any(leaves) {
            session.refuse_to_take_from_other_homes()?;
        }
        let there = found.iter().find(|(place, _)| *place == target);
        let mut changed = false;
        // The last of them is looked at last for a key, and leaves first.
        for slot in slots.iter_mut().filter(|slot| slot.place() == target) {
            if !there.is_some_and(|(_, held)| MasterKey::same(held, &keys)) {
                slot.write(&lock, &keys)?;
                changed = true;
            }
        }
        for slot in slots.iter_mut().rev() {
            let is_found = found.iter().any(|(place, _)| *place == slot.place());
            if slot.place() != target && is_found {
                changed |= slot.remove(&lock, &keys)?;
            }
        }
        let whence = Slot::new(&session.places, &*session.attendant, target).whence()?;
        Ok(Moved { whence, changed, keyring_unseen })
    }
}

/// There is a key, and no keyring that takes it.
fn not_moved(trouble: &Trouble) -> Failure {
    let failure = Failure::new(Kind::NoKey, format!("the key stays where it is: {trouble}"));
    trouble.failure().hints().iter().fold(failure, Failure::hint)
}
