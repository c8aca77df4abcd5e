//! Finds the key of this process, in the promised order: the variables, the key file, the OS keyring. An invalid source
//! is an error; cast never skips it and looks further. Also stores and moves master keys.

mod key_file;
mod lock;
mod nobody;
mod os_keyring;
mod slot;
mod variable;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use age::secrecy::SecretString;

use crate::failure::{Failure, Result};
use crate::paths::Places;
use cast_keyring::KeyringError;
use cast_vault::UnlockKey;

pub use key_file::check as check_key_file;
pub use lock::{KeyLock, changes, temporary};
pub use nobody::Nobody;
pub use slot::Slot;
pub use variable::{is_set as is_in_variable, load as from_variable, parse as parse_key};
pub use variable::{read_file as read_key_file, read_standard_input as read_key_from_standard_input};

/// A place for a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// The keyring of the operating system.
    Keyring,
    /// A file that is encrypted with a passphrase.
    Passphrase,
    /// A file that only its mode protects.
    File,
}

/// The source of this process's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whence {
    /// `CAST_KEY` or `CAST_KEY_FILE`; in the SDK, `Builder::key`.
    Variable(&'static str),
    /// A key file.
    File(PathBuf),
    /// The keyring of the operating system.
    Keyring,
}

/// How long cast waits for the keyring by default, including its dialog.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the user for a passphrase or a choice, and tells the user that a dialog is waiting.
pub trait Attendant: Send + Sync {
    /// Whether cast may wait. With `false`, it takes a key only from a source that answers at once.
    fn waits(&self) -> bool {
        true
    }
    /// Asks for the passphrase of the key file at `path`.
    fn passphrase(&self, path: &Path) -> Result<SecretString>;
    /// Asks twice for the passphrase of a new key file.
    fn new_passphrase(&self) -> Result<SecretString>;
    /// Asks where to keep the master key when there is no keyring; `why` is the reason. `None` if cast cannot ask.
    fn choose_place(&self, why: &str) -> Result<Option<KeyPlace>>;
    /// Reports that cast made a master key, and where it is.
    fn key_made(&self, whence: &Whence);
    /// Reports that cast is waiting for the keyring's dialog.
    fn waiting_for_keyring(&self);
    /// How long to wait for the keyring.
    fn patience(&self) -> Duration {
        PATIENCE
    }
}

/// What the search for a key found.
pub enum Lookup {
    Found(UnlockKey, Whence),
    /// There is a keyring, and it contains no key of cast.
    NothingInKeyring,
    /// There is no keyring here.
    NoKeyring(KeyringError),
}

/// Looks up the key.
pub fn look_up(places: &Places, attendant: &dyn Attendant) -> Result<Lookup> {
    loop {
        let before = changes(places);
        let found = look_once(places, attendant);
        // During the search, another process may move the key from a place not yet searched to one already searched, or
        // remove it while this process reads it. Then search again.
        if matches!(found, Ok(Lookup::Found(..))) || changes(places) == before {
            return found;
        }
    }
}

fn look_once(places: &Places, attendant: &dyn Attendant) -> Result<Lookup> {
    if let Some((key, name)) = variable::load(attendant.waits())? {
        return Ok(Lookup::Found(key, Whence::Variable(name)));
    }
    for place in [KeyPlace::File, KeyPlace::Passphrase] {
        let mut slot = Slot::new(places, attendant, place);
        if let Some(keys) = slot.load()? {
            return Ok(Lookup::Found(UnlockKey::Master(keys), slot.whence()?));
        }
    }
    match os_keyring::load(attendant) {
        Ok(Some(keys)) => Ok(Lookup::Found(UnlockKey::Master(keys), Whence::Keyring)),
        Ok(None) => Ok(Lookup::NothingInKeyring),
        Err(os_keyring::Trouble::Keyring(error)) if error.is_absent() => Ok(Lookup::NoKeyring(error)),
        Err(trouble) => Err(trouble.into()),
    }
}

/// The failure for a keyring in this state.
pub fn no_key(error: KeyringError) -> Failure {
    os_keyring::Trouble::from(error).into()
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
