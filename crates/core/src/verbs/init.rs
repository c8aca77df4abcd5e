//! Makes the master key explicitly. A first `set` or `import` makes it in the same way.

pub use crate::first_key::Init;
