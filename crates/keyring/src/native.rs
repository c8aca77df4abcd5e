//! The Keychain and the Credential Manager, with the stores of the keyring crates: one generic credential that no other
//! program writes. Promises an answer within the caller's patience, and a key that stays on this machine.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use age::secrecy::zeroize::Zeroizing;
use age::secrecy::{ExposeSecret, SecretString};
use keyring_core::{Entry, Error};

use super::{KeyringError, Presence};

#[cfg(target_os = "macos")]
mod keychain;
#[cfg(target_os = "macos")]
use keychain::{ASKS, entry, meaning};

#[cfg(windows)]
mod credential_manager;
#[cfg(windows)]
use credential_manager::{ASKS, entry, meaning};

type Result<T> = std::result::Result<T, KeyringError>;

const SERVICE: &str = "cast";
const USER: &str = "master-key";

/// How long `look` waits. It does not tell the user about a dialog.
const LOOK: Duration = Duration::from_secs(5);
/// If there is no answer within this time, the system is waiting for the user.
const GRACE: Duration = Duration::from_secs(1);

/// Fetches the key. `None` means that there is certainly no key.
pub fn load(patience: Duration, waiting: &mut dyn FnMut()) -> Result<Option<SecretString>> {
    let found = ask(patience, waiting, |entry| entry.get_secret().map(Zeroizing::new))?;
    let Some(bytes) = found else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).map_err(|_| KeyringError::NotUtf8)?;
    Ok(Some(SecretString::from(text.to_owned())))
}

/// Fetches the key, but only if that shows no dialog.
pub fn load_at_once() -> Result<Option<SecretString>> {
    if ASKS { Err(KeyringError::Locked) } else { load(GRACE, &mut || ()) }
}

/// Stores the key and replaces an existing one.
pub fn save(key: &SecretString, patience: Duration, waiting: &mut dyn FnMut()) -> Result<()> {
    // As bytes, because text would be stored as UTF-16, and only half as many keys would fit.
    let key = key.clone();
    ask(patience, waiting, move |entry| entry.set_secret(key.expose_secret().as_bytes())).map(drop)
}

/// Removes the key. Returns whether there was one.
pub fn delete(patience: Duration, waiting: &mut dyn FnMut()) -> Result<bool> {
    Ok(ask(patience, waiting, Entry::delete_credential)?.is_some())
}

/// Checks whether there is a key. If there is no answer within 5 s, the Keychain is showing a dialog, as it does for a
/// program that it does not know yet.
pub fn look() -> Result<Presence> {
    match ask(LOOK, &mut || (), |entry| entry.get_secret().map(Zeroizing::new).map(drop)) {
        Ok(found) => Ok(found.map_or(Presence::Nothing, |()| Presence::Entry)),
        Err(KeyringError::DialogTimeout) => Ok(Presence::Locked),
        Err(error) => Err(error),
    }
}

/// Asks on a separate thread, because nothing else limits the time of the dialog. `None` means that there is no such
/// entry.
fn ask<T: Send + 'static>(
    patience: Duration,
    waiting: &mut dyn FnMut(),
    question: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static,
) -> Result<Option<T>> {
    let (answer, answered) = mpsc::channel();
    let asking = move || {
        let _ = answer.send(match entry().and_then(|entry| question(&entry)) {
            Ok(value) => Ok(Some(value)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(explain(&error)),
        });
    };
    let started = thread::Builder::new().spawn(asking);
    started.map_err(|cause| KeyringError::Protocol { detail: cause.to_string() })?;
    let outcome = answered.recv_timeout(GRACE.min(patience)).or_else(|early| match early {
        RecvTimeoutError::Timeout => {
            waiting();
            answered.recv_timeout(patience)
        }
        gone @ RecvTimeoutError::Disconnected => Err(gone),
    });
    match outcome {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => Err(KeyringError::DialogTimeout),
        Err(RecvTimeoutError::Disconnected) => Err(KeyringError::Protocol { detail: "it did not answer".into() }),
    }
}

/// Never uses the error's `Debug`, which can contain the key.
fn explain(error: &Error) -> KeyringError {
    match error {
        Error::BadEncoding(_) | Error::BadDataFormat(..) => KeyringError::NotUtf8,
        Error::TooLong(_, limit) => KeyringError::TooLong { limit: *limit },
        Error::NoStorageAccess(cause) | Error::PlatformFailure(cause) => match meaning(&**cause) {
            Some(meaning) => KeyringError::Native(meaning),
            None => KeyringError::Protocol { detail: cause.to_string() },
        },
        _ => KeyringError::Protocol { detail: "it cannot store or return the key".into() },
    }
}
