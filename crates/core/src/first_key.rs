//! The first key: made when the first vault is, never while vaults wait for one that is lost.

use crate::advice::GIVE_KEY;
use crate::clock;
use crate::failure::{self, Failure, Kind, Result};
use crate::key_store::{self, KeyLock, KeyPlace, Lookup, Slot, Whence};
use crate::session::Session;
use crate::verbs::init::Init;
use cast_vault::{MasterKey, UnlockKey};

impl Session {
    /// Makes the master key, unless there is one. Returns where it is, and whether it is new. Without a `place`: in the keyring, or where
    /// the attendant says, or in a plain file.
    pub(crate) fn find_or_make(&self, place: Option<KeyPlace>) -> Result<(Whence, bool)> {
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
        // Read back before anything is sealed to it.
        let keys = slot.write(&lock, &[&MasterKey::generate(clock::now())])?;
        let whence = slot.whence()?;
        self.attendant.key_made(&whence);
        self.hold(UnlockKey::Master(keys), whence.clone(), key_store::changes(&self.places));
        Ok((whence, true))
    }

    /// Where the first key goes: where it is told to; else into the keyring; else where the attendant says, or into a plain file.
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

    /// The key for a vault that is not there yet: the one there is, or a new one in the keyring.
    pub(crate) fn key_for_new_vault(&self) -> Result<()> {
        if self.cache().is_some() {
            return Ok(());
        }
        let changes = key_store::changes(&self.places);
        match key_store::look_up(&self.places, &*self.attendant)? {
            Lookup::Found(UnlockKey::Agent(grant), _) => Err(failure::agent_key(&grant.agent, "makes no vault")),
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

    /// With vaults on disk their key is wanted, and no other is made.
    pub(crate) fn refuse_beside_vaults(&self, missing: &Lookup) -> Result<()> {
        let vaults = self.folder()?.agents()?.len();
        if vaults == 0 {
            return Ok(());
        }
        let whence = match missing {
            Lookup::NoKeyring(error) => error.to_string(),
            _ => "the OS keyring holds none".to_owned(),
        };
        Err(Failure::new(
            Kind::NoKey,
            format!("no key for the vaults there are ({vaults}), and no new one is made beside them: {whence}"),
        )
        .hint(format!("give the key they were made with: {GIVE_KEY}"))
        .hint("or bring back the keyring or key file that held it, or a backup: 'cast key import master.key'"))
    }
}

/// There is no key, and this command does not make one.
pub(crate) fn no_key(missing: &Lookup) -> Failure {
    match missing {
        Lookup::NoKeyring(error) => no_keyring(&error.to_string()),
        _ => Failure::new(Kind::NoKey, "no key: the OS keyring holds none for cast")
            .hint(format!("give one: {GIVE_KEY}, or make one: 'cast init'")),
    }
}

fn no_keyring(why: &str) -> Failure {
    Failure::new(Kind::NoKey, format!("no key, and no OS keyring here: {why}"))
        .hint("make a key file: 'cast init --key-store file', or on a terminal 'cast init --key-store passphrase'")
        .hint(format!("or give a key: {GIVE_KEY}"))
}
