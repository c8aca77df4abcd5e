//! Where this process's key comes from, in the order that is promised: the variables, the key file, the OS keyring. An invalid source is
//! an error and never a reason to look further. Also where a new master key goes.

mod key_file;
mod nobody;
mod os_keyring;
mod variable;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use age::secrecy::SecretString;

use crate::disk::Lock;
use crate::failure::{Failure, Kind, Result};
use crate::keys::{MasterKey, UnlockKey};
use crate::paths::Places;
use crate::platform::keyring::KeyringError;

pub(crate) use nobody::Nobody;
pub(crate) use variable::parse as parse_key;
pub(crate) use variable::read_file as read_key_file;

/// Where a master key can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    /// The keyring of the operating system.
    Keyring,
    /// A file that a passphrase opens.
    Passphrase,
    /// A file that its mode alone protects.
    File,
}

/// Where the key of this process was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whence {
    /// One of the two variables.
    Variable(&'static str),
    /// A key file.
    File(PathBuf),
    /// The keyring of the operating system.
    Keyring,
}

/// How long the keyring is waited for, its dialog included, unless somebody says so.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Who can be asked, or told that something waits for a dialog.
pub(crate) trait Attendant: Send + Sync {
    /// Asks for the passphrase of the key file at `path`.
    fn passphrase(&self, path: &Path) -> Result<SecretString>;
    /// Asks, twice, for the passphrase of a new key file.
    fn new_passphrase(&self) -> Result<SecretString>;
    /// Asks where to keep the master key, as there is no keyring because of `why`; `None` if nobody can be asked.
    fn choose_place(&self, why: &str) -> Result<Option<KeyPlace>>;
    /// Says that a master key was made, and where it is.
    fn key_made(&self, whence: &Whence);
    /// Says that the keyring shows a dialog, which is being waited for.
    fn waiting_for_keyring(&self);
    /// How long to wait for the keyring.
    fn patience(&self) -> Duration {
        PATIENCE
    }
}

/// What the search for a key found.
pub(crate) enum Lookup {
    Found(UnlockKey, Whence),
    /// There is a keyring, and nothing of cast's in it.
    NothingInKeyring,
    /// There is no keyring here.
    NoKeyring(KeyringError),
}

/// Looks for the key.
pub(crate) fn look_up(places: &Places, attendant: &dyn Attendant) -> Result<Lookup> {
    if let Some((key, name)) = variable::load()? {
        return Ok(Lookup::Found(key, Whence::Variable(name)));
    }
    if let Some((key, path)) = key_file::load(places, attendant)? {
        return Ok(Lookup::Found(key, Whence::File(path)));
    }
    match os_keyring::load(attendant) {
        Ok(Some(key)) => Ok(Lookup::Found(key, Whence::Keyring)),
        Ok(None) => Ok(Lookup::NothingInKeyring),
        Err(os_keyring::Trouble::Keyring(error)) if error.is_absent() => Ok(Lookup::NoKeyring(error)),
        Err(trouble) => Err(trouble.into()),
    }
}

/// Makes a master key and keeps it in `place`, from where it is read back before anything is sealed to it. The caller holds the lock
/// and has seen that there is no key.
pub(crate) fn make(places: &Places, place: KeyPlace, attendant: &dyn Attendant) -> Result<(UnlockKey, Whence)> {
    let keys = vec![MasterKey::generate()];
    let (back, whence) = match place {
        KeyPlace::Keyring => {
            os_keyring::save(&keys, attendant)?;
            (os_keyring::load(attendant)?, Whence::Keyring)
        }
        KeyPlace::File => key_file::save_plain(places, &keys).map(|(key, path)| (Some(key), Whence::File(path)))?,
        KeyPlace::Passphrase => key_file::save_with_passphrase(places, &keys, attendant)
            .map(|(key, path)| (Some(key), Whence::File(path)))?,
    };
    match back {
        Some(UnlockKey::Master(found)) if found[0].recipient() == keys[0].recipient() => {
            attendant.key_made(&whence);
            Ok((UnlockKey::Master(found), whence))
        }
        _ => Err(Failure::new(Kind::NoKey, format!("{whence} did not give back the key that was saved there"))),
    }
}

/// One maker of keys at a time for a user.
pub(crate) fn lock(places: &Places) -> Result<Lock> {
    Lock::acquire(&places.state()?.join("locks").join("key.lock"))
}

impl fmt::Display for Whence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => write!(f, "the key file '{}'", path.display()),
            Self::Keyring => f.write_str("the OS keyring"),
        }
    }
}
