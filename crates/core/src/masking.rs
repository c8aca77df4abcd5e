//! Passes values to the masker. This is the only place that exposes values for masking.

use std::sync::Arc;

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

/// Values that CMD does not have, and the plan by which only whole ones are found.
pub(crate) struct Brokered {
    pub(crate) secrets: Vec<(String, SecretValue)>,
    pub(crate) plan: Arc<Plan>,
}

impl Brokered {
    /// `None` if there are none.
    pub(crate) fn new(secrets: Vec<(String, SecretValue)>) -> Option<Self> {
        if secrets.is_empty() {
            return None;
        }
        let plan = Arc::new(Plan::whole(exposed(&secrets)));
        Some(Self { secrets, plan })
    }
}
