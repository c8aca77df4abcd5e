//! A receipt: this user's own note that a plain text was verified. Keeps the promise that an unchanged vault costs no signature check, and that
//! the note is worth no less: it is keyed by the master key, which no reader of the vault and no program without it has.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::hex::{Hex, parse_hex};
use crate::key::{MasterKey, VaultId};

/// HMAC-SHA256 over a whole plain text that was verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Receipt([u8; 32]);

/// What the owner's signature was compared with. Part of the receipt's key: to the holder of the master key that owns a vault, a receipt also
/// stands for the comparisons with this very key, which depend on nothing but the key and the plain text. One that was given against a card does
/// not, and must not be taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchored {
    Own,
    Card,
}

impl Receipt {
    pub(super) fn new(key: &MasterKey, id: VaultId, anchored: Anchored, plain: &[u8]) -> Self {
        Self(Self::mac(key, id, anchored, plain).finalize().into_bytes().into())
    }

    /// Whether this is the receipt for `plain`. hmac compares in constant time.
    pub(super) fn is_for(&self, key: &MasterKey, id: VaultId, anchored: Anchored, plain: &[u8]) -> bool {
        Self::mac(key, id, anchored, plain).verify_slice(&self.0).is_ok()
    }

    fn mac(key: &MasterKey, id: VaultId, anchored: Anchored, plain: &[u8]) -> Hmac<Sha256> {
        let key = key.receipt_key(
            id,
            match anchored {
                Anchored::Own => 0,
                Anchored::Card => 1,
            },
        );
        let mut mac = Hmac::new_from_slice(&*key).expect("HMAC takes a key of any length");
        mac.update(plain);
        mac
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({self})")
    }
}
