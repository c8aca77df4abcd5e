//! The life of the keys: handed out, taken back, replaced, moved. Keeps the promise that at each instant a key in the store opens every
//! vault: a new key is in the store, read back, before a vault is sealed to it; a key leaves a place when it is in another, and the
//! store when no vault here needs it.

pub mod card;
pub mod export;
pub mod import;
pub mod r#move;
pub mod revoke;
pub mod rotate;

use std::sync::Arc;

use crate::failure::{Failure, Kind, Result};
use crate::key_store::{self, KeyLock, KeyPlace, Slot};
use crate::session;
use crate::session::Session;
use crate::session::Unlocked;
use cast_vault::{MasterKey, UnlockKey};

impl Session {
    /// Waits for the right to change the key store. What is not in it cannot be changed there.
    fn lock_key_store(&self) -> Result<KeyLock> {
        self.refuse_key_in_variable()?;
        let lock = KeyLock::acquire(&self.places)?;
        self.clear_records();
        Ok(lock)
    }

    fn refuse_key_in_variable(&self) -> Result<()> {
        if let Some((_, name)) = key_store::from_variable(true)? {
            return Err(Failure::new(
                Kind::Usage,
                format!("this command changes the key store, but the key of this process came from {name}"),
            )
            .hint(format!("try again without it: 'unset {name}'")));
        }
        Ok(())
    }

    /// The first place that holds keys, and those; as a key is looked for.
    fn stored(&self) -> Result<Option<(Slot<'_>, Vec<MasterKey>)>> {
        first_of(Slot::all(&self.places, &*self.attendant).into_iter())
    }

    /// The same, but not the keyring.
    fn stored_in_file(&self) -> Result<Option<(Slot<'_>, Vec<MasterKey>)>> {
        let slots = Slot::all(&self.places, &*self.attendant).into_iter();
        first_of(slots.filter(|slot| slot.place() != KeyPlace::Keyring))
    }

    /// The keyring's entry is not this home's alone.
    fn refuse_to_take_from_other_homes(&self) -> Result<()> {
        if !self.places.is_apart() {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Usage,
            "all homes of this user share the key in the OS keyring, and vaults outside this CAST_HOME may need it",
        )
        .hint("if none does, add '--yes'"))
    }

    /// What to say where no place holds any.
    fn nothing_stored(&self) -> Failure {
        match key_store::look_up(&self.places, &*self.attendant) {
            Ok(missing) => {
                self.refuse_without_the_key_of_vaults(&missing).err().unwrap_or_else(|| session::no_key(&missing))
            }
            Err(failure) => failure,
        }
    }

    /// Uses these keys, which are in the store as of now, from here on. The caller holds the lock of the key store.
    fn hold_stored(&self, slot: &Slot<'_>, keys: Vec<MasterKey>) -> Result<Arc<Unlocked>> {
        Ok(self.hold(UnlockKey::Master(keys), slot.whence()?, key_store::changes(&self.places)))
    }
}

fn first_of<'a>(slots: impl Iterator<Item = Slot<'a>>) -> Result<Option<(Slot<'a>, Vec<MasterKey>)>> {
    for mut slot in slots {
        if let Some(keys) = slot.load()? {
            return Ok(Some((slot, keys)));
        }
    }
    Ok(None)
}
