//! What differs between operating systems, and nothing else. Apart from the supervisor, only this module uses `cfg`.
//! Each subject states its contract once, in functions that mean the same on every system, and has a Unix half and a
//! Windows half. What a system cannot do is a no-op in its half, with a comment. No user-visible text is in here.

pub mod exec;
pub mod files;
mod heap;
pub mod limits;
#[cfg(feature = "terminal")]
pub mod terminal;
pub mod user;

pub use heap::{HEAP, Heap};

/// The family of systems, for commands in hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Linux and macOS.
    Unix,
    /// Windows.
    Windows,
}

/// The family of this system.
pub const FAMILY: Family = if cfg!(windows) { Family::Windows } else { Family::Unix };
