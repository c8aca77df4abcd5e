//! The keyring of the operating system: one entry of text. Linux: the Secret Service, by a client of our own. macOS and Windows: Keychain and
//! Credential Manager, by the keyring family's stores.

#[cfg(any(not(target_os = "linux"), test))]
mod codes;
mod error;

#[cfg(target_os = "linux")]
mod dbus;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(target_os = "linux")]
pub(crate) use secret_service::{delete, load, save};

#[cfg(not(target_os = "linux"))]
mod native;
#[cfg(not(target_os = "linux"))]
pub(crate) use native::{delete, load, save};

pub(crate) use error::KeyringError;
