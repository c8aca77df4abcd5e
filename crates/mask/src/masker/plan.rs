//! A prepared search: the forms of all secrets as three automatons and a sieve. A form that several secrets share belongs
//! to the lowest name.

use super::brief::SHORTEST_FULL;
use super::oblivious::Oblivious;
use super::sieve::{Escapes, HEAD, Head, Sieve};
use super::trie::Trie;
use crate::forms::{self, Form};

/// Up to this many bytes, values are looked for in every encoding: the shortest first, as a token tells more than a file of lines. The rest
/// is looked for as it is, whole and line by line, so that a plan stays below some 200 MB whatever a vault holds.
pub const ENCODED_BYTES: usize = 64 << 10;

/// About how many states a byte of a value takes in its encodings.
const STATES_OF_BYTE: usize = 9;
/// About how many forms a value has.
const FORMS_OF_VALUE: usize = 9;

/// Which of the values with these lengths are looked for in every encoding.
pub fn encoded(lengths: &[usize]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|index| lengths[*index]);
    let (mut sum, mut encoded) = (0_usize, vec![false; lengths.len()]);
    for index in order {
        sum = sum.saturating_add(lengths[index]);
        encoded[index] = sum <= ENCODED_BYTES;
    }
    encoded
}

/// What to mask. Built once and shared by the maskers of all streams.
pub struct Plan {
    /// In ascending order.
    pub(super) markers: Vec<Vec<u8>>,
    pub(super) straight: Trie,
    pub(super) wrapped: Trie,
    /// The forms under 8 bytes.
    pub(super) brief: Trie,
    pub(super) has_brief: bool,
    pub(super) sieve: Sieve,
    /// For values that the program does not have.
    pub(super) oblivious: Option<Oblivious>,
}

impl Plan {
    /// Builds a plan for secrets as (name, value), in any order. Skips values that are not masked.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().collect();
        secrets.sort_unstable();
        let lengths: Vec<_> = secrets.iter().map(|(_, value)| value.len()).collect();
        let encoded = encoded(&lengths);
        let mut plan = Builder::for_values(lengths.iter().zip(&encoded).filter(|(_, is)| **is).map(|(len, _)| *len));
        for ((name, value), is_encoded) in secrets.into_iter().zip(encoded) {
            let name = plan.name(name);
            let mut take = |form: Form<'_>| plan.add(name, form);
            if is_encoded { forms::each_form(value, &mut take) } else { forms::each_raw_form(value, &mut take) }
        }
        plan.finish()
    }

    /// Builds a plan for the given forms, with names in ascending order.
    #[cfg(any(test, feature = "oracle"))]
    pub fn of_forms(forms: &[super::oracle::Needle]) -> Self {
        let mut plan = Builder::default();
        let mut forms: Vec<_> = forms.iter().collect();
        forms.sort_by(|a, b| a.name.cmp(&b.name));
        for form in forms {
            let name = plan.name(&form.name);
            plan.add(name, Form { bytes: &form.bytes, wraps: form.wraps });
        }
        plan.finish()
    }

    /// Whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.markers.is_empty()
    }
}

/// A plan with nothing to mask.
impl Default for Plan {
    fn default() -> Self {
        Builder::default().finish()
    }
}

pub(super) struct Builder {
    markers: Vec<Vec<u8>>,
    straight: Trie,
    wrapped: Trie,
    brief: Trie,
    heads: Vec<Head>,
    escapes: Escapes,
}

impl Default for Builder {
    fn default() -> Self {
        let (straight, wrapped, brief) = (Trie::new(), Trie::new(), Trie::new());
        Self { markers: Vec::new(), straight, wrapped, brief, heads: Vec::new(), escapes: Escapes::new() }
    }
}

impl Builder {
    /// With room for the forms of encoded values with these lengths: a table that grows needs its memory twice.
    fn for_values(lengths: impl Iterator<Item = usize>) -> Self {
        let mut plan = Self::default();
        let (count, bytes) = lengths.fold((0, 0), |(count, bytes), len| (count + 1, bytes + len));
        plan.wrapped.reserve(bytes * STATES_OF_BYTE);
        plan.heads.reserve_exact(count * FORMS_OF_VALUE);
        plan
    }

    pub(super) fn name(&mut self, name: &str) -> u32 {
        self.markers.push(format!("[cast:{name}]").into_bytes());
        u32::try_from(self.markers.len() - 1).expect("fewer names than 2^32")
    }

    pub(super) fn add(&mut self, name: u32, form: Form<'_>) {
        let Form { bytes, wraps } = form;
        let is_brief = bytes.len() < SHORTEST_FULL;
        let trie = match (is_brief, wraps) {
            (true, _) => &mut self.brief,
            (false, true) => &mut self.wrapped,
            (false, false) => &mut self.straight,
        };
        if !is_brief {
            self.escapes.add(bytes);
        }
        if trie.insert(bytes, name) {
            let mut first = [0; HEAD];
            let known = bytes.len().min(HEAD);
            first[..known].copy_from_slice(&bytes[..known]);
            self.heads.push(Head { first, len: bytes.len(), wraps });
        }
    }

    pub(super) fn finish(mut self) -> Plan {
        self.straight.link();
        self.wrapped.link();
        self.brief.link();
        let has_brief = self.heads.iter().any(|head| head.len < SHORTEST_FULL);
        let markers = if self.heads.is_empty() { Vec::new() } else { self.markers };
        let Self { straight, wrapped, brief, heads, escapes, .. } = self;
        Plan { markers, straight, wrapped, brief, has_brief, sieve: Sieve::new(&heads, escapes), oblivious: None }
    }
}
