//! The masker of cast: which shapes a secret has in a log, in JSON, in a URL, in base64 (`forms`), and a filter that puts a marker in
//! the place of each (`masker`). Bytes in, masked bytes out: nothing here knows a stream, a file or a process.
//!
//! cast-core is its only user; no promise is made to others.

mod forms;
mod masker;

pub use forms::{Form, Unmasked, each_form, unmasked};
#[cfg(any(test, feature = "oracle"))]
pub use masker::oracle;
pub use masker::{Masker, Plan};
