//! The keyring of the operating system: one entry of text. Linux: the Secret Service, by a client of our own. macOS and Windows: Keychain and
//! Credential Manager, by the keyring family's stores.

#[cfg(any(not(target_os = "linux"), test))]
pub mod codes;
mod error;

#[cfg(target_os = "linux")]
mod dbus;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(target_os = "linux")]
pub use secret_service::{delete, load, load_at_once, look, save};

#[cfg(not(target_os = "linux"))]
mod native;
#[cfg(not(target_os = "linux"))]
pub use native::{delete, load, load_at_once, look, save};

pub use error::KeyringError;

/// Doors for the fuzzer into what reads the bytes of the bus.
#[cfg(all(feature = "fuzz", target_os = "linux"))]
pub mod fuzz {
    pub use crate::dbus::{fuzz_message as message, fuzz_wire as wire};
    pub use crate::secret_service::fuzz::{delete, load, look, save};
}

/// What a look at the keyring shows that asks nobody for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The key entry is there.
    Entry,
    /// It is open, and there is no such entry.
    Nothing,
    /// It is locked; what is in it shows when it is opened.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))] // there an error says it
    Locked,
}
