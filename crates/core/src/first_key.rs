//! The first master key. cast makes it with the first vault, and never while there are vaults whose key is missing.

use crate::audit_log::{Action, Event};
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::{self, Result};
use crate::key_store::{self, KeyLock, KeyPlace, Lookup, Slot, Whence};
use crate::session::{Session, no_key, no_keyring};
use cast_vault::{MasterKey, UnlockKey};

/// Makes the master key if there is none yet. Returns where it is, and whether it is new.
pub struct Init {
    /// Where to keep it. `None` means the keyring, or the attendant's choice, or a plain file.
    pub place: Option<KeyPlace>,
}

impl Verb for Init {
    type Done = (Whence, bool);
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Init)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<(Whence, bool)> {
        session.find_or_make(self.place)
    }
}

impl Session {
    /// Makes the master key if there is none yet. Returns where it is, and whether it is new. Without a `place`, the
    /// key goes into the keyring, or where the attendant chooses, or into a plain file.
    fn find_or_make(&self, place: Option<KeyPlace>) -> Result<(Whence, bool)> {
        let found = |lookup| match lookup {
            Lookup::Found(_, whence) => Ok(whence),
            missing => Err(missing),
        };
        if let Ok(whence) = found(key_store::look_up(&self.places, &*self.attendant)?) {
            return Ok((whence, false));
        }
        let lock = KeyLock::acquire(&self.places)?;
        let missing = match found(key_store::look_up(&self.places, &*self.attendant)?) {
            Ok(whence) => return Ok((whence, false)),
            Err(missing) => missing,
        };
        self.refuse_beside_vaults(&missing)?;
        let place = self.place_for_first_key(place, &missing)?;
        let mut slot = Slot::new(&self.places, &*self.attendant, place);
        // The key is read back before anything is encrypted to it.
        let keys = slot.write(&lock, &[&MasterKey::generate(clock::now())])?;
        let whence = slot.whence()?;
        self.attendant.key_made(&whence);
        self.hold(UnlockKey::Master(keys), whence.clone(), key_store::changes(&self.places));
        Ok((whence, true))
    }

    /// Decides where the first key goes: the given place; otherwise the keyring; otherwise the attendant's choice or a
    /// plain file.
    pub(crate) fn place_for_first_key(&self, place: Option<KeyPlace>, missing: &Lookup) -> Result<KeyPlace> {
        match (place, missing) {
            (Some(KeyPlace::Keyring), Lookup::NoKeyring(error)) => Err(no_keyring(&error.to_string())),
            (Some(place), _) => Ok(place),
            (None, Lookup::NoKeyring(error)) => {
                Ok(self.attendant.choose_place(&error.to_string())?.unwrap_or(KeyPlace::File))
            }
            (None, _) => Ok(KeyPlace::Keyring),
        }
    }

    /// Finds the key for a new vault, or makes one: in the keyring, or where the attendant chooses if there is no keyring.
    pub(crate) fn key_for_new_vault(&self) -> Result<()> {
        if self.cache().is_some() {
            return Ok(());
        }
        let changes = key_store::changes(&self.places);
        match key_store::look_up(&self.places, &*self.attendant)? {
            Lookup::Found(UnlockKey::Agent(grant), _) => Err(failure::agent_key(&grant.agent, "cannot create a vault")),
            Lookup::Found(key, whence) => {
                self.hold(key, whence, changes);
                Ok(())
            }
            missing => {
                self.refuse_beside_vaults(&missing)?;
                let place = match &missing {
                    Lookup::NoKeyring(error) => self.attendant.choose_place(&error.to_string())?,
                    _ => Some(KeyPlace::Keyring),
                };
                let place = place.ok_or_else(|| no_key(&missing))?;
                self.perform(Init { place: Some(place) })?;
                self.key().map(drop)
            }
        }
    }
}
