//! The keyring of the operating system: one text entry. On Linux the Secret Service, with a client of its own; on macOS
//! the Keychain and on Windows the Credential Manager, with the stores of the keyring crates.

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

/// What cast can learn from the keyring without a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The key entry exists.
    Entry,
    /// The keyring is unlocked, and has no key entry.
    Nothing,
    /// The keyring is locked, so its contents are unknown.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))] // other systems report this as an error
    Locked,
}
