//! Finds the key of this process, in the promised order: the variables, the key file, the OS keyring. An invalid source
//! is an error; cast never skips it and looks further. Also stores and moves master keys.

mod exports;
mod key_file;
mod key_text;
mod lock;
mod nobody;
mod os_keyring;
mod passphrase;
mod slot;
mod variable;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use age::secrecy::SecretString;

use crate::failure::Result;
use crate::paths::Places;
use cast_keyring::KeyringError;
use cast_vault::{AgentName, Fingerprint, MasterKey, UnlockKey};

pub use exports::Exports;
pub use key_file::check as check_key_file;
pub(crate) use lock::clear_exports;
pub use lock::{KeyLock, changes, temporary};
pub use nobody::Nobody;
pub use os_keyring::{Trouble, check_open as check_keyring_open};
pub use passphrase::{
    TRIES, check_new as check_new_passphrase, is_given as is_passphrase_given,
    keep_from_children as keep_passphrase_from_children,
};
pub use slot::Slot;
pub(crate) use variable::is_sealed as is_sealed_key;
pub use variable::{is_set as is_in_variable, load as from_variable, parse as parse_key};
pub use variable::{
    read_file as read_key_file, read_standard_input as read_key_text_from_standard_input, read_text as read_key_text,
};

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

/// Something that a person should know while a command goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A state of another branch is used, which this machine has met before.
    Branch(AgentName),
    /// An older state is used, as the caller asked.
    Older(AgentName),
    /// This machine has seen built-in secrets, and they are gone.
    BuiltinGone,
    /// A vault was made for a new agent, and there is another agent with nearly this name.
    NewAgent(AgentName, String),
    /// A vault of another owner was changed, whose card has this fingerprint.
    OtherOwner(AgentName, Fingerprint),
    /// What was read of this vault could not be remembered, and why.
    NotRemembered(AgentName, String),
    /// A new master key takes over vaults that this machine has not seen before.
    FirstSeen(Vec<AgentName>),
}

/// Which file a path names: another one after it was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(SystemTime, u64);

/// Which file is at `path` now.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let data = path.symlink_metadata().ok()?;
    Some(Stamp(data.modified().ok()?, data.len()))
}

/// Asks the user for a passphrase or a choice, and tells the user that a dialog is waiting.
pub trait Attendant: Send + Sync {
    /// Whether cast may wait. With `false`, it takes a key only from a source that answers at once.
    fn waits(&self) -> bool {
        true
    }
    /// Asks for the passphrase of the key file at `path` until `opens` approves of one or fails. Nothing that is typed while that works is
    /// shown.
    fn passphrase(&self, path: &Path, opens: &mut dyn FnMut(&SecretString) -> Result<bool>) -> Result<SecretString>;
    /// Asks twice for the passphrase of a new key file.
    fn new_passphrase(&self) -> Result<SecretString>;
    /// Asks where to keep the master key when there is no keyring; `why` is the reason. `None` if cast cannot ask.
    fn choose_place(&self, why: &str) -> Result<Option<KeyPlace>>;
    /// Reports that cast made a master key, and where it is: there is no other copy of it.
    fn key_made(&self, whence: &Whence);
    /// Reports that cast is waiting for the keyring's dialog.
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
    /// There is a keyring, and it contains no key of cast.
    NothingInKeyring,
    /// There is no keyring here.
    NoKeyring(KeyringError),
    /// The keyring does not tell whether it contains a usable key: it is locked, silent or damaged.
    Unknown(Trouble),
}

/// Looks up the key.
pub fn look_up(places: &Places, attendant: &dyn Attendant) -> Result<Lookup> {
    search(places, attendant, os_keyring::load)
}

/// Looks up the key, but unlocks no keyring.
pub fn look_up_without_dialog(places: &Places, attendant: &dyn Attendant) -> Result<Lookup> {
    search(places, attendant, os_keyring::load_without_dialog)
}

/// Looks up the key, but not in the keyring, whose answer is `keyring`.
pub fn look_up_in_files(places: &Places, attendant: &dyn Attendant, keyring: Trouble) -> Result<Lookup> {
    Ok(look_in_files(places, attendant)?.unwrap_or(Lookup::Unknown(keyring)))
}

/// Whether the keyring, which contains no key, can take one.
pub fn look_before_saving() -> Lookup {
    match cast_keyring::look() {
        Err(error) if error.is_absent() => Lookup::NoKeyring(error),
        Err(error) => Lookup::Unknown(error.into()),
        Ok(_) => Lookup::NothingInKeyring,
    }
}

type Keyring = fn(&dyn Attendant) -> Result<Option<Vec<MasterKey>>, Trouble>;

fn search(places: &Places, attendant: &dyn Attendant, keyring: Keyring) -> Result<Lookup> {
    loop {
        let before = changes(places);
        let found = look_once(places, attendant, keyring);
        // During the search, another process may move the key from a place not yet searched to one already searched, or
        // remove it while this process reads it. Then search again.
        if matches!(found, Ok(Lookup::Found(..))) || changes(places) == before {
            return found;
        }
    }
}

fn look_once(places: &Places, attendant: &dyn Attendant, keyring: Keyring) -> Result<Lookup> {
    if let Some(found) = look_in_files(places, attendant)? {
        return Ok(found);
    }
    Ok(match keyring(attendant) {
        Ok(Some(keys)) => Lookup::Found(UnlockKey::Master(keys), Whence::Keyring),
        Ok(None) => Lookup::NothingInKeyring,
        Err(Trouble::Keyring(error)) if error.is_absent() => Lookup::NoKeyring(error),
        Err(trouble) => Lookup::Unknown(trouble),
    })
}

fn look_in_files(places: &Places, attendant: &dyn Attendant) -> Result<Option<Lookup>> {
    if let Some((key, name)) = variable::load(attendant.waits())? {
        return Ok(Some(Lookup::Found(key, Whence::Variable(name))));
    }
    for place in [KeyPlace::File, KeyPlace::Passphrase] {
        let mut slot = Slot::new(places, attendant, place);
        if let Some(keys) = slot.load()? {
            return Ok(Some(Lookup::Found(UnlockKey::Master(keys), slot.whence()?)));
        }
    }
    Ok(None)
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
