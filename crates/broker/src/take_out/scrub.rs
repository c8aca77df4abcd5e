//! Paints stand-ins over the values that come back from a host.

use std::sync::Arc;

use cast_mask::{Masker, Plan};
use secrecy::ExposeSecret;

use super::Paint;
use crate::secret::Secret;

/// What to look for: the values of a run, in all their forms.
pub fn plan<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Arc<Plan> {
    let swap = |secret: &'a Secret| (secret.name.as_str(), secret.value.expose_secret(), secret.stand_in.as_str());
    Arc::new(Plan::swapping(secrets.into_iter().map(swap)))
}

/// One stream of a host.
pub struct Scrub {
    plan: Arc<Plan>,
    masker: Masker,
}

impl Scrub {
    /// A stream before its first byte.
    pub fn new(plan: &Arc<Plan>) -> Self {
        Self { plan: plan.clone(), masker: Masker::new(plan.clone()) }
    }
}

/// Paints `bytes`, which are a whole text of their own: a head, trailers.
pub fn whole(plan: &Arc<Plan>, bytes: &mut Vec<u8>) {
    let (mut scrub, mut painted) = (Scrub::new(plan), Vec::with_capacity(bytes.len()));
    scrub.take(bytes, &mut painted);
    scrub.end(&mut painted);
    *bytes = painted;
}

impl Paint for Scrub {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.masker.write(bytes, out).expect("a Vec takes everything");
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let masker = std::mem::replace(&mut self.masker, Masker::new(self.plan.clone()));
        masker.finish(out).expect("a Vec takes everything");
    }
}
