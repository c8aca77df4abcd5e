//! The attendant where there is no user to ask: a script, a CI step, a program that calls the library.

use std::path::Path;
use std::time::Duration;

use age::secrecy::SecretString;

use super::{Attendant, KeyPlace, Whence};
use crate::advice;
use crate::failure::{Failure, Kind, Result};

/// Refuses every question and hints at the way without a prompt.
pub struct Nobody {
    /// How long to wait for the keyring.
    pub patience: Duration,
}

impl Attendant for Nobody {
    fn passphrase(&self, path: &Path, _opens: &mut dyn FnMut(&SecretString) -> Result<bool>) -> Result<SecretString> {
        let what = format!("the key file needs its passphrase, and cast cannot ask for it here: '{}'", path.display());
        Err(Failure::new(Kind::NoKey, what)
            .hint(format!("name a file with the passphrase: {}", advice::GIVE_PASSPHRASE))
            .hint(format!("or run this in a terminal, or provide a key: {}", advice::GIVE_KEY)))
    }

    fn new_passphrase(&self) -> Result<SecretString> {
        Err(Failure::new(Kind::Usage, "cast cannot ask for a passphrase without a terminal")
            .hint(format!("name a file with the passphrase: {}", advice::GIVE_PASSPHRASE))
            .hint(
                "or keep the key without a passphrase: 'cast key move file', or for a new key 'cast init --key-store \
                 file'",
            ))
    }

    fn choose_place(&self, _why: &str) -> Result<Option<KeyPlace>> {
        Ok(None)
    }

    fn key_made(&self, _whence: &Whence) {}

    fn waiting_for_keyring(&self) {}

    fn patience(&self) -> Duration {
        self.patience
    }
}
