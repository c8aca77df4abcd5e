//! Hands a stream over to another process: the state of a masker as bytes. Plans for the same secrets are identical, so
//! positions in them stay valid.

use std::sync::Arc;

use super::{Masker, Plan};

impl Masker {
    /// Returns everything that `resume` needs to continue, except the plan.
    pub fn suspend(self) -> Vec<u8> {
        serde_json::to_vec(&self).expect("numbers and bytes are JSON")
    }

    /// Continues a stream with a plan for the same secrets. `None` if `state` is not valid.
    pub fn resume(plan: Arc<Plan>, state: &[u8]) -> Option<Self> {
        let masker: Self = serde_json::from_slice(state).ok()?;
        Some(Self { plan, ..masker })
    }
}
