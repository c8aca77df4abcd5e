//! The name of a vault that nothing changes.

use std::fmt;

use super::derive::random;
use crate::error::Result;
use crate::hex::{Hex, parse_hex};

/// Identifies one vault for as long as it lives, whatever it is called and wherever it lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VaultId(pub [u8; 16]);

impl VaultId {
    /// A new one from the system's random numbers.
    pub fn generate() -> Result<Self> {
        random().map(Self)
    }

    /// Reads 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}
