//! The first master key. cast makes it with the first vault, and never while there are vaults whose key is missing.

use crate::audit_log::{Action, Event};
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::{self, Failure, Result};
use crate::key_store::{self, Exports, KeyLock, KeyPlace, Lookup, Slot, Whence};
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

/// Makes the first key after a search in which there was none.
struct Make {
    place: KeyPlace,
    missing: Lookup,
}

impl Verb for Make {
    type Done = (Whence, bool);
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Init)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<(Whence, bool)> {
        session.make_first_key(Some(self.place), self.missing)
    }
}

impl Session {
    /// Makes the master key if there is none yet. Returns where it is, and whether it is new. Without a `place`, the
    /// key goes into the keyring, or where the attendant chooses, or into a plain file.
    fn find_or_make(&self, place: Option<KeyPlace>) -> Result<(Whence, bool)> {
        match self.search_for(place)? {
            Lookup::Found(_, whence) => Ok((whence, false)),
            missing => self.make_first_key(place, missing),
        }
    }

    fn make_first_key(&self, place: Option<KeyPlace>, missing: Lookup) -> Result<(Whence, bool)> {
        self.refuse_beside_vaults(&missing)?;
        let lock = KeyLock::acquire(&self.places)?;
        // Another process may have made it meanwhile. A keyring that does not answer keeps nobody waiting twice.
        let missing = match missing {
            Lookup::Unknown(trouble) => key_store::look_up_in_files(&self.places, &*self.attendant, trouble)?,
            _ => self.search_for(place)?,
        };
        if let Lookup::Found(_, whence) = missing {
            return Ok((whence, false));
        }
        self.refuse_beside_vaults(&missing)?;
        let place = self.place_for_first_key(place, &missing, no_key)?;
        let mut slot = Slot::new(&self.places, &*self.attendant, place);
        // The key is read back before anything is encrypted to it.
        let key = MasterKey::generate(clock::now());
        let keys = slot.write(&lock, &[&key])?;
        if let Ok(exports) = Exports::new(&self.places) {
            // Lost, it costs a hint of `doctor`, and no more: nothing was sealed to a key before this one.
            let _ = exports.note_made(&key, None);
        }
        let whence = slot.whence()?;
        self.attendant.key_made(&whence);
        self.hold(UnlockKey::Master(keys), whence.clone(), key_store::changes(&self.places));
        Ok((whence, true))
    }

    /// Looks up the key, for a first one to be put in this place. What a keyring holds matters less if the key is to be in
    /// a file, so then it is not unlocked.
    pub(crate) fn search_for(&self, place: Option<KeyPlace>) -> Result<Lookup> {
        match place {
            Some(KeyPlace::File | KeyPlace::Passphrase) => {
                key_store::look_up_without_dialog(&self.places, &*self.attendant)
            }
            Some(KeyPlace::Keyring) | None => key_store::look_up(&self.places, &*self.attendant),
        }
    }

    /// Decides where the first key goes: the given place; otherwise the keyring; otherwise the attendant's choice or a
    /// plain file. A keyring that is there but cannot be used is no reason for a plain file that nobody chose: that is
    /// the failure that `refuse` makes.
    pub(crate) fn place_for_first_key(
        &self,
        place: Option<KeyPlace>,
        missing: &Lookup,
        refuse: impl FnOnce(&Lookup) -> Failure,
    ) -> Result<KeyPlace> {
        let looked;
        let missing = match (place, missing) {
            (None | Some(KeyPlace::Keyring), Lookup::NothingInKeyring) => {
                looked = key_store::look_before_saving();
                &looked
            }
            _ => missing,
        };
        match (place, missing) {
            (Some(KeyPlace::Keyring), Lookup::NoKeyring(error)) => Err(no_keyring(&error.to_string())),
            (Some(KeyPlace::Keyring), Lookup::Unknown(_)) => Err(refuse(missing)),
            (Some(place), _) => Ok(place),
            (None, Lookup::NoKeyring(error)) => Ok(match self.attendant.choose_place(&error.to_string())? {
                Some(place) => place,
                None if key_store::is_passphrase_given() => KeyPlace::Passphrase,
                None => KeyPlace::File,
            }),
            // What is there has to be saved first, and the failure tells how.
            (None, Lookup::Unknown(trouble)) if trouble.shows_an_entry() => Err(refuse(missing)),
            (None, Lookup::Unknown(trouble)) => {
                self.attendant.choose_place(&trouble.to_string())?.ok_or_else(|| refuse(missing))
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
            Lookup::Found(UnlockKey::Agent(grant), _) => {
                Err(failure::not_with_agent_key(&grant.agent, "cannot create a vault"))
            }
            Lookup::Found(key, whence) => {
                self.hold(key, whence, changes);
                Ok(())
            }
            missing => {
                self.refuse_beside_vaults(&missing)?;
                let place = match &missing {
                    // Nobody asked for a file.
                    Lookup::NoKeyring(error) => {
                        self.attendant.choose_place(&error.to_string())?.ok_or_else(|| no_key(&missing))?
                    }
                    _ => self.place_for_first_key(None, &missing, no_key)?,
                };
                self.perform(Make { place, missing })?;
                self.key().map(drop)
            }
        }
    }
}
