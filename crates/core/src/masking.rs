//! Passes values to the masker. This is the only place that exposes values for masking.

use cast_mask::{Plan, Unmasked};
use cast_vault::SecretValue;

/// Why a value is not masked, or `None` if it is.
pub fn exemption(value: &SecretValue) -> Option<Unmasked> {
    cast_mask::unmasked(value.expose())
}

/// The masking plan for these secrets.
pub(crate) fn plan(secrets: &[(String, SecretValue)]) -> Plan {
    Plan::new(exposed(secrets))
}

/// Names and values, so that another process can build the same plan.
pub(crate) fn exposed(secrets: &[(String, SecretValue)]) -> impl Iterator<Item = (&str, &str)> {
    secrets.iter().map(|(name, value)| (name.as_str(), value.expose()))
}
