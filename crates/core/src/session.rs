//! What every verb works with: the paths, the attendant that can ask the user, the settings, and the key of this
//! process, which is looked up once.

mod key;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use cast_vault::UnlockKey;

use crate::audit_log::Caller;
use crate::failure::Result;
use crate::key_store::{Attendant, Whence};
use crate::paths::Places;
use crate::platform::user;
use crate::seen::Seen;
use crate::settings::Settings;
use crate::vault_folder::VaultFolder;

pub(crate) use key::{Unlocked, no_key, no_keyring, no_usable_keyring};

/// Access to the vaults of one user.
pub struct Session {
    pub(crate) places: Places,
    pub(crate) attendant: Box<dyn Attendant>,
    /// Returns the name of the calling program, for the audit log.
    pub(crate) caller: Caller,
    unlocked: Mutex<Option<Arc<Unlocked>>>,
    folder: OnceLock<VaultFolder>,
    settings: OnceLock<Settings>,
    /// Use an authentic older state of a vault.
    older: bool,
}

impl Session {
    /// A session for these places; `attendant` asks the user.
    pub fn new(places: Places, attendant: Box<dyn Attendant>) -> Self {
        let (unlocked, folder, settings) = (Mutex::new(None), OnceLock::new(), OnceLock::new());
        Self { places, attendant, caller: user::caller, unlocked, folder, settings, older: false }
    }

    /// Sets who counts as the caller, instead of the program that started this process.
    #[must_use]
    pub fn called_by(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    /// Uses this key instead of the one in the key store; `whence` names its source.
    #[must_use]
    pub fn with_key(self, key: UnlockKey, whence: &'static str) -> Self {
        self.hold(key, Whence::Variable(whence), 0);
        self
    }

    /// Uses an authentic state of a vault that is older than this machine has seen, and remembers nothing of it.
    #[must_use]
    pub fn with_older(self, older: bool) -> Self {
        Self { older, ..self }
    }

    pub(crate) fn takes_older(&self) -> bool {
        self.older
    }

    /// The user's settings, read once; the defaults if there is no settings file.
    pub fn settings(&self) -> Result<&Settings> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = self.places.settings().map_or_else(|| Ok(Settings::default()), |path| Settings::load(&path))?;
        Ok(self.settings.get_or_init(|| settings))
    }

    /// The vaults of this session, in a folder that is opened once.
    pub(crate) fn folder(&self) -> Result<&VaultFolder> {
        let path = self.places.vaults()?;
        Ok(self.folder.get_or_init(|| VaultFolder::new(path)))
    }

    /// The folder that `CAST_VAULTS` names, if it is not there.
    pub fn missing_vaults(&self) -> Option<&Path> {
        self.places
            .vaults()
            .ok()
            .filter(|folder| self.places.has_named_vaults() && fs::symlink_metadata(folder).is_err())
    }

    pub(crate) fn seen(&self) -> Option<Seen> {
        self.places.state().ok().map(Seen::new)
    }
}
