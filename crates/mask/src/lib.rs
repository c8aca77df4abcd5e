//! The masker of cast: the forms of a secret in a log, in JSON, in a URL, in base64 (`forms`), and a filter that
//! replaces each form with a marker (`masker`). Bytes in, masked bytes out: nothing here knows about streams, files or
//! processes.
//!
//! Only cast-core uses this crate; other users get no stability promise.

mod forms;
mod masker;

pub use forms::{Form, Unmasked, each_form, token_prefix, unmasked};
#[cfg(any(test, feature = "oracle"))]
pub use masker::oracle;
pub use masker::{ENCODED_BYTES, Masker, Plan, encoded};
