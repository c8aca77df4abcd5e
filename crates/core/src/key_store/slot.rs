//! One place of the key store, for changes. Promises to read back every key before cast relies on it, and to remove a
//! key from a place only after the caller has seen it in another.

use age::secrecy::{ExposeSecret, SecretString};

use super::{Attendant, KeyLock, KeyPlace, Whence, key_file, os_keyring, passphrase};
use crate::failure::{Failure, Kind, Result};
use crate::paths::Places;
use cast_vault::MasterKey;

/// The limit for the text of all keys, in bytes: several hundred keys. It leaves room for what age or a backup adds, so
/// that a reader of keys still accepts the file.
const MOST: usize = 60 << 10;

/// A place and, once the user was asked, its passphrase.
pub struct Slot<'a> {
    places: &'a Places,
    attendant: &'a dyn Attendant,
    place: KeyPlace,
    passphrase: Option<SecretString>,
}

impl<'a> Slot<'a> {
    pub fn new(places: &'a Places, attendant: &'a dyn Attendant, place: KeyPlace) -> Self {
        Self { places, attendant, place, passphrase: None }
    }

    /// All places, in search order.
    pub fn all(places: &'a Places, attendant: &'a dyn Attendant) -> [Self; 3] {
        [KeyPlace::File, KeyPlace::Passphrase, KeyPlace::Keyring].map(|place| Self::new(places, attendant, place))
    }

    pub fn place(&self) -> KeyPlace {
        self.place
    }

    /// The place, with its path.
    pub fn whence(&self) -> Result<Whence> {
        Ok(match self.place {
            KeyPlace::Keyring => Whence::Keyring,
            KeyPlace::File => Whence::File(self.places.plain_key()?),
            KeyPlace::Passphrase => Whence::File(self.places.passphrase_key()?),
        })
    }

    /// Loads the keys. `None` if there are none or there is no keyring.
    pub fn load(&mut self) -> Result<Option<Vec<MasterKey>>> {
        match self.place {
            KeyPlace::Keyring => match os_keyring::load(self.attendant) {
                Err(os_keyring::Trouble::Keyring(error)) if error.is_absent() => Ok(None),
                found => Ok(found?),
            },
            // Without a home there is no key file. A process with a key in a variable never gets here.
            KeyPlace::File => self.places.plain_key().map_or(Ok(None), |path| key_file::load_plain(&path)),
            KeyPlace::Passphrase => {
                let Ok(path) = self.places.passphrase_key() else { return Ok(None) };
                let known = self.passphrase.as_ref();
                let Some((keys, passphrase)) = key_file::load_with_passphrase(&path, known, self.attendant)? else {
                    return Ok(None);
                };
                self.passphrase = Some(passphrase);
                Ok(Some(keys))
            }
        }
    }

    /// Replaces the contents with `keys`. Returns them as read back.
    pub fn write(&mut self, lock: &KeyLock, keys: &[&MasterKey]) -> Result<Vec<MasterKey>> {
        if MasterKey::identity_file(keys).expose_secret().len() > MOST {
            return Err(Failure::new(
                Kind::Other,
                format!("a key store cannot hold {} keys: nothing was changed", keys.len()),
            )
            .hint("drop the former keys: 'cast key rotate --retire'"));
        }
        let back = match self.place {
            KeyPlace::Keyring => {
                os_keyring::save(keys, self.attendant)?;
                os_keyring::load(self.attendant)?
            }
            KeyPlace::File => Some(key_file::save_plain(&self.places.plain_key()?, keys)?),
            KeyPlace::Passphrase => {
                let path = self.places.passphrase_key()?;
                key_file::refuse_work_tree(&path)?;
                let passphrase = match &self.passphrase {
                    Some(passphrase) => passphrase.clone(),
                    None => passphrase::new(self.attendant)?,
                };
                Some(key_file::save_with_passphrase(&path, keys, &passphrase)?)
            }
        };
        lock.count()?;
        match back {
            Some(back) if MasterKey::same(&back, keys) => Ok(back),
            _ => {
                let whence = self.whence()?;
                Err(Failure::new(Kind::NoKey, format!("{whence} did not return the key that cast saved there")))
            }
        }
    }

    /// Removes the keys if all of them are among `kept`, which the caller has seen elsewhere. Returns whether it
    /// removed them.
    pub fn remove(&mut self, lock: &KeyLock, kept: &[&MasterKey]) -> Result<bool> {
        // Loads the keys again, because another cast process may have stored a key that is nowhere else.
        if !self.load()?.is_some_and(|keys| keys.iter().all(|key| key.is_among(kept.iter().copied()))) {
            return Ok(false);
        }
        match self.place {
            KeyPlace::Keyring => os_keyring::remove(self.attendant)?,
            KeyPlace::File => key_file::remove(&self.places.plain_key()?)?,
            KeyPlace::Passphrase => key_file::remove(&self.places.passphrase_key()?)?,
        }
        lock.count()?;
        Ok(true)
    }
}
