//! Keychain and Credential Manager. Both answer at once or show a dialog of their own.

use age::secrecy::{ExposeSecret, SecretString};
use keyring::v1::{Entry, Error};

use super::KeyringError;

const SERVICE: &str = "cast";
const USER: &str = "master-key";

/// Fetches the key. `None`: there is certainly none.
pub(crate) fn load(_waiting: &mut dyn FnMut()) -> Result<Option<SecretString>, KeyringError> {
    match entry()?.get_password() {
        Ok(text) => Ok(Some(SecretString::from(text))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(explain(&error)),
    }
}

/// Stores the key, in place of the one that is there.
pub(crate) fn save(key: &SecretString, _waiting: &mut dyn FnMut()) -> Result<(), KeyringError> {
    entry()?.set_password(key.expose_secret()).map_err(|error| explain(&error))
}

fn entry() -> Result<Entry, KeyringError> {
    Entry::new(SERVICE, USER).map_err(|error| explain(&error))
}

/// Never by the error's `Debug`, which can hold the key.
fn explain(error: &Error) -> KeyringError {
    match error {
        Error::BadEncoding(_) => KeyringError::NotUtf8,
        Error::Ambiguous(entries) => KeyringError::Ambiguous(entries.len()),
        Error::NoStorageAccess(_) => KeyringError::Locked,
        Error::PlatformFailure(cause) => KeyringError::Protocol { detail: cause.to_string() },
        _ => KeyringError::Protocol { detail: "the keyring does not take or give the key".into() },
    }
}
