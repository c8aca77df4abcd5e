//! The login Keychain of macOS.

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Result};
use security_framework::base::Error;

use super::{SERVICE, USER};
use crate::codes::{self, Meaning};

/// A program that it does not know, as after an upgrade, may have to wait for a person.
pub(super) const ASKS: bool = true;

pub(super) fn entry() -> Result<Entry> {
    apple_native_keyring_store::keychain::Store::new()?.build(SERVICE, USER, None)
}

/// What a failure says, by its code.
pub(super) fn meaning(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Meaning> {
    codes::of_keychain(cause.downcast_ref::<Error>()?.code())
}
