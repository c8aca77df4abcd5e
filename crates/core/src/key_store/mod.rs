//! Where this process's key comes from, in the order that is promised: the variables, the key file, the OS keyring. An invalid source is
//! an error and never a reason to look further. Also where master keys are kept, and how that changes.

mod key_file;
mod lock;
mod nobody;
mod os_keyring;
mod slot;
mod variable;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use age::secrecy::SecretString;

use crate::failure::{Failure, Result};
use crate::paths::Places;
use cast_keyring::KeyringError;
use cast_vault::{AgentName, UnlockKey};

pub use key_file::check as check_key_file;
pub use lock::{KeyLock, changes, temporary};
pub use nobody::Nobody;
pub use slot::Slot;
pub use variable::{is_set as is_in_variable, load as from_variable, parse as parse_key};
pub use variable::{read_file as read_key_file, read_standard_input as read_key_from_standard_input};

/// Where a master key can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// The keyring of the operating system.
    Keyring,
    /// A file that a passphrase opens.
    Passphrase,
    /// A file that its mode alone protects.
    File,
}

/// Where the key of this process was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whence {
    /// One of the two variables.
    Variable(&'static str),
    /// A key file.
    File(PathBuf),
    /// The keyring of the operating system.
    Keyring,
}

/// How long the keyring is waited for, its dialog included, unless somebody says so.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Something that a person should know while a command goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A state of another branch is used, which this machine has met before.
    Branch(AgentName),
    /// An older state is used, as the caller asked.
    Older(AgentName),
    /// This machine has seen built-in secrets, and they are gone.
    BuiltinGone,
}

/// Which file a path names: another one after it was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(SystemTime, u64);

/// Which file is at `path` now.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let data = path.symlink_metadata().ok()?;
    Some(Stamp(data.modified().ok()?, data.len()))
}

/// Who can be asked, or told that something waits for a dialog.
pub trait Attendant: Send + Sync {
    /// Whether there is anybody to wait for: `false` takes a key only from where it comes at once.
    fn waits(&self) -> bool {
        true
    }
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
    /// Says something that a person should know.
    fn notice(&self, _notice: Notice) {}
    /// How long to wait for the keyring.
    fn patience(&self) -> Duration {
        PATIENCE
    }
}

/// What the search for a key found.
pub enum Lookup {
    Found(UnlockKey, Whence),
    /// There is a keyring, and nothing of cast's in it.
    NothingInKeyring,
    /// There is no keyring here.
    NoKeyring(KeyringError),
}

/// Looks for the key.
pub fn look_up(places: &Places, attendant: &dyn Attendant) -> Result<Lookup> {
    loop {
        let before = changes(places);
        let found = look_once(places, attendant);
        // While one place after the other is looked at, the key may move from a later one to one before: then it is not there, or it
        // goes while it is fetched.
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

/// Why there is no key, where the keyring is in this state.
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
