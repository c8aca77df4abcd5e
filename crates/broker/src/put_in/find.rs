//! Which stand-in is in a text, in any encoding that the masker knows.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cast_mask::{Masker, Plan};

/// What is read behind a text, so that the masker knows that nothing more of a stand-in comes. No form has these bytes.
const END: &[u8] = b"\0\x01\0\x01";

/// Finds stand-ins.
pub(super) struct Finder {
    all: Arc<Plan>,
    /// One for each, in the order in which they were given.
    each: Vec<Arc<Plan>>,
}

impl Finder {
    pub(super) fn new<'a>(stand_ins: impl Iterator<Item = &'a str>) -> Self {
        let stand_ins: Vec<_> = stand_ins.collect();
        let plan = |stand_ins: &[&str]| Arc::new(Plan::new(stand_ins.iter().map(|stand_in| ("", *stand_in))));
        Self { all: plan(&stand_ins), each: stand_ins.iter().map(|stand_in| plan(&[stand_in])).collect() }
    }

    /// Whether there is none in `text`.
    pub(super) fn is_free(&self, text: &[u8]) -> bool {
        !has(&self.all, text)
    }

    /// The number of the first one that is in `text`.
    pub(super) fn first(&self, text: &[u8]) -> Option<usize> {
        self.each.iter().position(|plan| has(plan, text))
    }
}

fn has(plan: &Arc<Plan>, text: &[u8]) -> bool {
    let noted = Arc::new(AtomicBool::new(false));
    let mut masker = Masker::new(Arc::clone(plan)).noting(Arc::clone(&noted));
    for piece in [text, END] {
        masker.write(piece, &mut io::sink()).expect("a sink takes everything");
    }
    noted.load(Ordering::Relaxed)
}
