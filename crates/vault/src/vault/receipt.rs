//! A receipt: this user's own note that a plain text was verified. Keeps the promise that an unchanged vault costs no signature check, and that
//! the note is worth no less: it is keyed by the master key, which no reader of the vault and no program without it has.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::plain::Plain;
use super::state::State;
use crate::hex::{Hex, parse_hex};
use crate::key::{MasterKey, VaultId};

/// Two notes of this user, each an HMAC-SHA256 under a key of one vault and one kind of anchor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Over a whole plain text that was verified.
    text: [u8; 32],
    /// Over what in it depends on the owner's key alone.
    ownership: [u8; 32],
}

/// What this machine noted when it verified or wrote a vault.
#[derive(Clone, Copy)]
pub struct Noted<'a> {
    /// The state. Proves nothing: another one has no receipt, and that is seen without computing it.
    pub state: &'a State,
    /// The proof.
    pub receipt: &'a Receipt,
    /// The stanza that opened it, which is tried first.
    pub stanza: usize,
}

/// What the owner's signature was compared with. Part of the receipt's key: to the holder of the master key that owns a vault, a receipt also
/// stands for the comparisons with this very key, which depend on nothing but the key and the plain text. One that was given against a card does
/// not, and must not be taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchored {
    Own,
    Card,
}

/// What the message of the second note begins with; a plain text begins otherwise.
const OWNERSHIP: &[u8] = b"cast/v1/ownership\0";

impl Receipt {
    pub(super) fn new(key: &MasterKey, id: VaultId, anchored: Anchored, plain: &Plain) -> Self {
        let mac = mac(key, id, anchored);
        let made = |message: &[&[u8]]| over(mac.clone(), message).finalize().into_bytes().into();
        let [line, part] = plain.ownership();
        Self { text: made(&[plain.bytes()]), ownership: made(&[OWNERSHIP, line, part]) }
    }

    /// Whether this is the receipt for `plain`. hmac compares in constant time.
    pub(super) fn is_for(&self, key: &MasterKey, id: VaultId, anchored: Anchored, plain: &Plain) -> bool {
        over(mac(key, id, anchored), &[plain.bytes()]).verify_slice(&self.text).is_ok()
    }

    /// Whether `plain`, of whatever state, names `key` and the agent key that is derived from it: as good as deriving both again, which costs
    /// two multiplications on the curve.
    pub(super) fn is_own(&self, key: &MasterKey, id: VaultId, plain: &Plain) -> bool {
        let [line, part] = plain.ownership();
        over(mac(key, id, Anchored::Own), &[OWNERSHIP, line, part]).verify_slice(&self.ownership).is_ok()
    }

    /// Reads twice 64 lower-case hexadecimal digits, with a slash between them.
    pub fn parse(text: &str) -> Option<Self> {
        let (text, ownership) = text.split_once('/')?;
        Some(Self { text: parse_hex(text)?, ownership: parse_hex(ownership)? })
    }
}

fn mac(key: &MasterKey, id: VaultId, anchored: Anchored) -> Hmac<Sha256> {
    let anchor = match anchored {
        Anchored::Own => 0,
        Anchored::Card => 1,
    };
    Hmac::new_from_slice(&*key.receipt_key(id, anchor)).expect("HMAC takes a key of any length")
}

fn over(mut mac: Hmac<Sha256>, message: &[&[u8]]) -> Hmac<Sha256> {
    for part in message {
        mac.update(part);
    }
    mac
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Hex(&self.text), Hex(&self.ownership))
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({self})")
    }
}
