//! Which stand-in is in a text, in any encoding that the masker knows.

use cast_mask::Plan;

/// Finds stand-ins.
pub(super) struct Finder(Plan);

impl Finder {
    pub(super) fn new<'a>(stand_ins: impl Iterator<Item = &'a str>) -> Self {
        Self(Plan::whole(stand_ins.map(|stand_in| ("", stand_in))))
    }

    /// The number of the one that is first in `text`.
    pub(super) fn first(&self, text: &[u8]) -> Option<usize> {
        self.0.find(text)
    }
}
