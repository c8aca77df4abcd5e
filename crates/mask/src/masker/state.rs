//! Handing a stream over to another process: what a masker knows of it, as bytes. Plans of the same secrets are the same, so the places in
//! them are, too.

use std::sync::Arc;

use super::{Masker, Plan};

impl Masker {
    /// All that `resume` needs to go on from here, but for the plan.
    pub fn suspend(self) -> Vec<u8> {
        serde_json::to_vec(&self).expect("numbers and bytes are JSON")
    }

    /// Goes on with a stream, by a plan of the same secrets. `None` if that is no state of a masker.
    pub fn resume(plan: Arc<Plan>, state: &[u8]) -> Option<Self> {
        let masker: Self = serde_json::from_slice(state).ok()?;
        Some(Self { plan, ..masker })
    }
}
