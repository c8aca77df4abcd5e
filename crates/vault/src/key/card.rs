//! A card: the public line that a user hands to others. Names a whole person: where to encrypt to, and whose signature to expect.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use age::x25519::Recipient;
use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;
use sha2::{Digest, Sha256};

use super::verification::VerificationKey;
use crate::error::{Error, KeyFault, Result};

/// The label of a card's line: `cast-card:age1...:<64 hex>`.
const CARD: &str = "cast-card:";

/// The public half of a master key, both parts of it. Two cards are equal only if both parts are.
#[derive(Clone)]
pub struct Card {
    /// In the one form in which age writes it.
    recipient: String,
    /// The same for age: a reader of a vault with many people needs none of them.
    parsed: OnceLock<Recipient>,
    verification: VerificationKey,
}

/// 128 bits of a SHA-256 over a card's line, in eight groups of four hexadecimal digits, for two people to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

impl Card {
    pub(super) fn new(recipient: &Recipient, verification: VerificationKey) -> Self {
        Self { recipient: recipient.to_string(), parsed: recipient.clone().into(), verification }
    }

    /// Reads a card's line as a user handed it over, without blanks around it. The failure quotes nothing.
    pub fn parse(text: &str) -> Result<Self> {
        let card = Self::read(text).filter(|card| VerificationKey::parse(&card.verification.to_string()).is_some());
        card.ok_or(Error::Key(KeyFault::NotCard))
    }

    /// Reads a card that a signature covers.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (recipient, verification) = text.strip_prefix(CARD)?.split_once(':')?;
        let verification = VerificationKey::read(verification)?;
        is_recipient(recipient).then(|| Self { recipient: recipient.to_owned(), parsed: OnceLock::new(), verification })
    }

    /// Where to encrypt to.
    pub fn recipient(&self) -> &Recipient {
        self.parsed.get_or_init(|| self.recipient.parse().expect("its form was checked"))
    }

    /// The same as text.
    pub(crate) fn recipient_text(&self) -> &str {
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

/// Whether age would read this, and write it the same: in lower case, with its checksum, and with zeros beyond its 256 bits.
fn is_recipient(text: &str) -> bool {
    let [b'a', b'g', b'e', b'1', data @ ..] = text.as_bytes() else { return false };
    data.len() == 58
        && !data.iter().any(u8::is_ascii_uppercase)
        && matches!(data[51], b'q' | b's')
        && CheckedHrpstring::new::<Bech32>(text).is_ok()
}

impl PartialEq for Card {
    fn eq(&self, other: &Self) -> bool {
        self.recipient == other.recipient && self.verification == other.verification
    }
}

impl Eq for Card {}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The short look and age agree on each text, whichever letter of it is another one.
    #[test]
    fn a_recipient_is_what_age_writes() {
        const LETTERS: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7lQb1oi";
        let check = |text: &str| assert_eq!(is_recipient(text), parse_recipient(text).is_some(), "{text}");
        for _ in 0..20 {
            let text = age::x25519::Identity::generate().to_public().to_string();
            assert!(is_recipient(&text));
            for at in 0..text.len() {
                for letter in LETTERS.chars() {
                    check(&format!("{}{letter}{}", &text[..at], &text[at + 1..]));
                }
                check(&text[at..]);
                check(&text[..at]);
            }
            check(&text.to_uppercase());
            check(&format!("{text}q"));
        }
        // With a good checksum: another beginning, another length, bits beyond the 256.
        for (hrp, length) in [("age", 31), ("age", 33), ("agf", 32), ("a", 32), ("age", 32)] {
            check(&bech32::encode::<Bech32>(bech32::Hrp::parse(hrp).unwrap(), &vec![7; length]).unwrap());
        }
        let fes = |last| std::iter::repeat_n(bech32::Fe32::Q, 51).chain([bech32::Fe32::try_from(last).unwrap()]);
        for last in 0..32u8 {
            use bech32::primitives::iter::Fe32IterExt;
            let hrp = bech32::Hrp::parse("age").unwrap();
            check(&fes(last).with_checksum::<Bech32>(&hrp).chars().collect::<String>());
        }
    }
}
