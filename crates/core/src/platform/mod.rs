//! What differs between operating systems, and nothing else: the one place with `cfg`, beside the supervisor. By subject; each states its contract once, in
//! functions that mean the same everywhere, and has a Unix and a Windows half. What a system cannot do is a no-op there, said in its half.
//! No word that a user reads is in here.

pub mod exec;
pub mod files;
mod heap;
pub mod limits;
pub mod terminal;
pub mod user;

pub use heap::{HEAP, Heap};

/// Which family of systems this is, for the words that a user types into its shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Linux and macOS.
    Unix,
    /// Windows.
    Windows,
}

/// The family of this system.
pub const FAMILY: Family = if cfg!(windows) { Family::Windows } else { Family::Unix };
