//! Handing a stream over to another process: what a masker knows of it, as bytes. Plans of the same secrets are the same, so the places in
//! them are, too.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cursor::{Straight, Wrapped};
use super::finds::Finds;
use super::{Masker, Plan};

#[derive(Serialize, Deserialize)]
struct State {
    straight: Straight,
    lines: Wrapped,
    escaped_lines: Wrapped,
    finds: Finds,
    end: u64,
    done: u64,
    held: Vec<u8>,
}

impl Masker {
    /// All that `resume` needs to go on from here.
    pub(crate) fn suspend(self) -> Vec<u8> {
        let Self { straight, lines, escaped_lines, finds, end, done, held, .. } = self;
        let state = State { straight, lines, escaped_lines, finds, end, done, held };
        serde_json::to_vec(&state).expect("numbers and bytes are JSON")
    }

    /// Goes on with a stream, by a plan of the same secrets. `None` if that is no state of a masker.
    pub(crate) fn resume(plan: Arc<Plan>, state: &[u8]) -> Option<Self> {
        let State { straight, lines, escaped_lines, finds, end, done, held } = serde_json::from_slice(state).ok()?;
        Some(Self { plan, straight, lines, escaped_lines, finds, end, done, held })
    }
}
