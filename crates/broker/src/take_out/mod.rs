//! What comes back: decoded, and with stand-ins where a value stands.

pub mod coding;
