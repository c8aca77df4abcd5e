//! The decoded views of a stream.

use serde::{Deserialize, Serialize};

use super::cursor::{Place, Reader};
use super::decode::{Kind, Unit};
use super::plan::Plan;
use super::view::View;

/// The views of the stream itself. The last is one of what the first decodes: JSON within JSON.
const KINDS: [Kind; COUNT] = [Kind::Backslash, Kind::Percent, Kind::Form, Kind::Entity, Kind::Colour, Kind::Backslash];
const COUNT: usize = 6;

#[derive(Serialize, Deserialize)]
pub(super) struct Views {
    each: [View; COUNT],
    awake: bool,
    /// What the first view decodes from one byte: kept for its memory.
    #[serde(skip)]
    decoded: Vec<Unit>,
}

impl Views {
    pub(super) fn new() -> Self {
        Self { each: KINDS.map(View::new), awake: false, decoded: Vec::new() }
    }

    #[inline]
    pub(super) fn are_awake(&self) -> bool {
        self.awake
    }

    pub(super) fn reset(&mut self) {
        if self.awake {
            *self = Self::new();
        }
    }

    /// Wakes the views with an escape that begins with `byte`, which the raw reader has not read yet. Returns whether
    /// there is one.
    pub(super) fn wake(&mut self, plan: &Plan, byte: u8, raw: &Reader, at: u64, on_terminal: bool) -> bool {
        for (view, kind) in self.each.iter_mut().zip(KINDS) {
            let wanted = match kind {
                Kind::Form => plan.sieve.has_blank(),
                Kind::Colour => on_terminal,
                _ => true,
            };
            if wanted && kind.starts(byte) && !view.is_awake() {
                view.wake(raw, at);
                self.awake = true;
            }
        }
        self.awake
    }

    /// Reads the byte at `at`, which the raw reader has read.
    pub(super) fn step(&mut self, plan: &Plan, byte: u8, at: u64, raw: &Reader, take: &mut impl FnMut(Place)) {
        let unit = Unit { byte, begin: at, end: at + 1 };
        let [once, others @ .., twice] = &mut self.each;
        self.decoded.clear();
        if once.is_awake() {
            once.step(plan, unit, take, &mut |unit| self.decoded.push(unit));
        } else {
            self.decoded.push(unit);
        }
        if twice.is_awake() {
            for unit in &self.decoded {
                twice.step(plan, *unit, take, &mut |_| ());
            }
        }
        for view in others.iter_mut().filter(|view| view.is_awake()) {
            view.step(plan, unit, take, &mut |_| ());
            view.doze(plan, raw);
        }
        if once.is_awake() {
            once.doze(plan, raw);
        }
        // It wakes with what the raw reader follows. So it must not sleep while the first view follows anything else.
        if !once.is_awake() && twice.is_awake() {
            twice.doze(plan, raw);
        }
        self.awake = self.each.iter().any(View::is_awake);
    }

    pub(super) fn live(&self, plan: &Plan, free: u64) -> Option<u64> {
        self.each_awake().filter_map(|view| view.live(plan, free)).min()
    }

    /// Where the first escape begins that is not complete.
    pub(super) fn open(&self) -> u64 {
        self.each_awake().filter_map(View::open).min().unwrap_or(u64::MAX)
    }

    pub(super) fn limit(&self, plan: &Plan, free: u64) -> Option<u64> {
        self.each_awake().filter_map(|view| view.limit(plan, free)).min()
    }

    pub(super) fn unfinished(&self, plan: &Plan, end: u64) -> impl Iterator<Item = Place> {
        let [once, others @ .., twice] = &self.each;
        let is_open = |view: &View| view.is_awake() && view.open().is_some();
        let twice = (twice, is_open(twice) || is_open(once));
        std::iter::once(once)
            .chain(others)
            .map(move |view| (view, is_open(view)))
            .chain([twice])
            .filter(|(view, _)| view.is_awake())
            .flat_map(move |(view, is_open)| view.unfinished(plan, end, is_open))
    }

    fn each_awake(&self) -> impl Iterator<Item = &View> {
        self.each.iter().filter(|view| self.awake && view.is_awake())
    }
}
