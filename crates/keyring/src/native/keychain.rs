//! The login Keychain of macOS.

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Result};
use security_framework::base::Error;

use super::{SERVICE, USER};
use crate::codes::{self, Meaning};

/// A program that the Keychain does not know, for example after an upgrade, may have to wait for the user.
pub(super) const ASKS: bool = true;

pub(super) fn entry() -> Result<Entry> {
    apple_native_keyring_store::keychain::Store::new()?.build(SERVICE, USER, None)
}

/// The meaning of a failure, from its code.
pub(super) fn meaning(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Meaning> {
    codes::of_keychain(cause.downcast_ref::<Error>()?.code())
}
