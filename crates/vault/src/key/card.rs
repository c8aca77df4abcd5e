//! A card: the public line that a user hands to others. Names a whole person: where to encrypt to, and whose signature to expect.

use std::fmt;
use std::str::FromStr;

use age::x25519::Recipient;
use sha2::{Digest, Sha256};

use super::verification::VerificationKey;
use crate::error::{Error, KeyFault, Result};

/// The label of a card's line: `cast-card:age1...:<64 hex>`.
const CARD: &str = "cast-card:";

/// The public half of a master key, both parts of it. Two cards are equal only if both parts are.
#[derive(Clone, PartialEq, Eq)]
pub struct Card {
    pub(super) recipient: Recipient,
    pub(super) verification: VerificationKey,
}

/// 128 bits of a SHA-256 over a card's line, in eight groups of four hexadecimal digits, for two people to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

impl Card {
    /// Reads a card's line as a user handed it over, without blanks around it. The failure quotes nothing.
    pub fn parse(text: &str) -> Result<Self> {
        let card = Self::read(text).filter(|card| VerificationKey::parse(&card.verification.to_string()).is_some());
        card.ok_or(Error::Key(KeyFault::NotCard))
    }

    /// Reads a card that a signature covers.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (recipient, verification) = text.strip_prefix(CARD)?.split_once(':')?;
        Some(Self { recipient: parse_recipient(recipient)?, verification: VerificationKey::read(verification)? })
    }

    /// Where to encrypt to.
    pub fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// Whose signature to expect.
    pub fn verification(&self) -> VerificationKey {
        self.verification
    }

    /// The fingerprint of the whole card.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = Sha256::digest(self.to_string());
        Fingerprint(digest[..16].try_into().expect("SHA-256 has 32 bytes"))
    }
}

/// Reads a recipient in the one form in which age writes it.
pub(crate) fn parse_recipient(text: &str) -> Option<Recipient> {
    let recipient = Recipient::from_str(text).ok()?;
    (recipient.to_string() == text).then_some(recipient)
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{CARD}{}:{}", self.recipient, self.verification)
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card({self})")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.chunks_exact(2).enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{:02x}{:02x}", pair[0], pair[1])?;
        }
        Ok(())
    }
}
