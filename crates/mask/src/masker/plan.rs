//! A prepared search: the forms of all secrets as two automatons and a sieve. A form that several secrets share belongs
//! to the lowest name.

use super::sieve::{HEAD, Head, Sieve};
use super::trie::Trie;
use crate::forms::{self, Form};

/// What to mask. Built once and shared by the maskers of all streams.
pub struct Plan {
    /// In ascending order.
    pub(super) markers: Vec<Vec<u8>>,
    pub(super) straight: Trie,
    pub(super) wrapped: Trie,
    pub(super) sieve: Sieve,
}

impl Plan {
    /// Builds a plan for secrets as (name, value), in any order. Skips values that are not masked.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets: Vec<_> = secrets.into_iter().collect();
        secrets.sort_unstable();
        let mut plan = Builder::default();
        for (name, value) in secrets {
            let name = plan.name(name);
            forms::each_form(value, &mut |form| plan.add(name, form));
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

struct Builder {
    markers: Vec<Vec<u8>>,
    straight: Trie,
    wrapped: Trie,
    heads: Vec<Head>,
}

impl Default for Builder {
    fn default() -> Self {
        Self { markers: Vec::new(), straight: Trie::new(), wrapped: Trie::new(), heads: Vec::new() }
    }
}

impl Builder {
    fn name(&mut self, name: &str) -> u32 {
        self.markers.push(format!("[cast:{name}]").into_bytes());
        u32::try_from(self.markers.len() - 1).expect("fewer names than 2^32")
    }

    fn add(&mut self, name: u32, form: Form<'_>) {
        let Form { bytes, wraps } = form;
        let trie = if wraps { &mut self.wrapped } else { &mut self.straight };
        if trie.insert(bytes, name) {
            let mut first = [0; HEAD];
            let known = bytes.len().min(HEAD);
            first[..known].copy_from_slice(&bytes[..known]);
            self.heads.push(Head { first, len: bytes.len(), wraps });
        }
    }

    fn finish(mut self) -> Plan {
        self.straight.link();
        self.wrapped.link();
        let markers = if self.heads.is_empty() { Vec::new() } else { self.markers };
        Plan { markers, straight: self.straight, wrapped: self.wrapped, sieve: Sieve::new(&self.heads) }
    }
}
