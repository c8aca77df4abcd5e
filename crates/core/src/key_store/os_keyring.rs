//! The master key in the keyring of the operating system: one entry, an age identity file, newest key first.

use std::fmt;

use age::secrecy::ExposeSecret;

use super::Attendant;
use crate::failure::{Failure, Kind};
use cast_keyring::{KeyringError, Presence};
use cast_vault::{MasterKey, UnlockKey};

/// Why the keyring returned no key.
#[derive(Debug)]
pub enum Trouble {
    Keyring(KeyringError),
    /// The entry exists but is not a master key.
    Entry(String),
}

impl Trouble {
    /// Whether the keyring certainly holds something of cast's.
    pub(crate) fn shows_an_entry(&self) -> bool {
        match self {
            Self::Keyring(error) => matches!(error, KeyringError::Ambiguous(_) | KeyringError::NotUtf8),
            Self::Entry(_) => true,
        }
    }

    /// The failure of a command that needs the key.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Keyring(error) => {
                let failure = Failure::new(Kind::NoKey, format!("no key: {error}"));
                error.hints().iter().fold(failure, |failure, hint| failure.hint(*hint))
            }
            Self::Entry(_) => {
                let failure = Failure::new(Kind::NoKey, self.to_string());
                KeyringError::NotUtf8.hints().iter().fold(failure, |failure, hint| failure.hint(*hint))
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring(error) => error.fmt(f),
            Self::Entry(what) => write!(f, "the key entry in the OS keyring is damaged: {what}"),
        }
    }
}

pub(super) fn load(attendant: &dyn Attendant) -> Result<Option<Vec<MasterKey>>, Trouble> {
    let text = if attendant.waits() {
        cast_keyring::load(attendant.patience(), &mut || attendant.waiting_for_keyring())?
    } else {
        cast_keyring::load_at_once()?
    };
    let Some(text) = text else { return Ok(None) };
    match UnlockKey::parse(text.expose_secret()) {
        Ok(UnlockKey::Agent(_)) => Err(Trouble::Entry("it is an agent key".to_owned())),
        Ok(UnlockKey::Master(keys)) => Ok(Some(keys)),
        Err(fault) => Err(Trouble::Entry(Failure::from(fault).message().to_owned())),
    }
}

/// The same, but shows no dialog: a locked keyring is an error.
pub(super) fn load_without_dialog(attendant: &dyn Attendant) -> Result<Option<Vec<MasterKey>>, Trouble> {
    match cast_keyring::look() {
        Ok(Presence::Entry) => load(attendant),
        Ok(Presence::Nothing) | Err(KeyringError::NoDefaultCollection) => Ok(None),
        Ok(Presence::Locked) => Err(KeyringError::Locked.into()),
        Err(error) => Err(error.into()),
    }
}

/// That there is a keyring, open, for keys to be put in.
pub fn check_open(attendant: &dyn Attendant) -> Result<(), Trouble> {
    match cast_keyring::look()? {
        Presence::Nothing => Ok(()),
        Presence::Entry | Presence::Locked => load(attendant).map(drop),
    }
}

pub(super) fn save(keys: &[&MasterKey], attendant: &dyn Attendant) -> Result<(), Trouble> {
    Ok(cast_keyring::save(&MasterKey::identity_file(keys), attendant.patience(), &mut || {
        attendant.waiting_for_keyring();
    })?)
}

pub(super) fn remove(attendant: &dyn Attendant) -> Result<(), Trouble> {
    cast_keyring::delete(attendant.patience(), &mut || attendant.waiting_for_keyring())?;
    Ok(())
}

impl From<KeyringError> for Trouble {
    fn from(error: KeyringError) -> Self {
        Self::Keyring(error)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        trouble.failure()
    }
}
