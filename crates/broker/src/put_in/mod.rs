//! Where in a request a value is put in, or why the request is refused: decided before a byte goes upstream. Keeps the
//! promise that a value is put in only where the whole content of a permitted place is its stand-in.

use std::sync::Arc;

use crate::authority::Authority;
use crate::http::{Edit, Head, Request};
use crate::refusal::Refusal;
use crate::secret::Secret;

/// What may be put into requests to one host. Built once for each host of a run.
pub struct Permitted {
    keys: Vec<Arc<Secret>>,
}

/// What to do with a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edits {
    /// The values, in the places of their stand-ins in the head.
    pub head: Vec<Edit>,
    /// Set if the body has to be read as a whole, at most `limits::BODY` bytes, and given to `Permitted::body` before the
    /// first byte goes upstream.
    pub body: Option<BodyKind>,
}

/// How a body is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyKind {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`, or a type that ends in `+json`.
    Json,
}

impl Permitted {
    /// For requests to `host`: those of `secrets` that list it.
    pub fn new(host: &Authority, secrets: &[Arc<Secret>]) -> Self {
        Self { keys: secrets.iter().filter(|secret| secret.hosts.contains(host)).cloned().collect() }
    }

    /// The values in the places of their stand-ins in a whole body. Empty for a body that is malformed: it is passed on as
    /// it is.
    pub fn body(&self, _kind: BodyKind, _body: &[u8]) -> Vec<Edit> {
        Vec::new()
    }
}

/// Judges a request. Refusals: `Misplaced`, `BodyTooLong`, `BodyCoded`.
pub fn judge(_request: &Request, _head: &Head<'_>, permitted: &Permitted) -> Result<Edits, Refusal> {
    let _ = &permitted.keys;
    Ok(Edits { head: Vec::new(), body: None })
}
