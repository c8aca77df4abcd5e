//! The explicit word for making the master key; a first `set` or `import` makes it by the same way.

pub use crate::first_key::Init;
