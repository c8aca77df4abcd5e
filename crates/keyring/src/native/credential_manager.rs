//! The Credential Manager of Windows.

use std::collections::HashMap;

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Result};

use super::{SERVICE, USER};
use crate::codes::{self, Meaning};

/// It is open while its user is logged in.
pub(super) const ASKS: bool = false;

pub(super) fn entry() -> Result<Entry> {
    // By default Windows copies the entry to every machine of the domain that this user logs in to.
    let stays_here = HashMap::from([("persistence", "Local")]);
    windows_native_keyring_store::Store::new()?.build(SERVICE, USER, Some(&stays_here))
}

/// The meaning of a failure. Only its text contains the code, because the store does not export the error type.
pub(super) fn meaning(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Meaning> {
    codes::of_credential_manager(&cause.to_string())
}
