//! Values for the masker: the one place where it gets to see any.

use cast_mask::{Plan, Unmasked};
use cast_vault::{SecretName, SecretValue};

/// Why a value is never masked, or `None` if it is.
pub fn exemption(value: &SecretValue) -> Option<Unmasked> {
    cast_mask::unmasked(value.expose())
}

/// What to look for in a stream.
pub(crate) fn plan(secrets: &[(SecretName, SecretValue)]) -> Plan {
    Plan::new(exposed(secrets))
}

/// Names and values, for another process to make the same plan.
pub(crate) fn exposed(secrets: &[(SecretName, SecretValue)]) -> impl Iterator<Item = (&str, &str)> {
    secrets.iter().map(|(name, value)| (name.as_str(), value.expose()))
}
