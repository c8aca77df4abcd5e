//! The public half of a signing key: whose signature a reader expects. Keeps the promise that one key has one written form, and that no key
//! is taken whose signatures anyone can make.

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::hex::{Hex, parse_hex};

/// An Ed25519 verification key (RFC 8032): canonical, and not one of the points of small order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerificationKey([u8; 32]);

/// The same with the point that it stands for, which takes a square root to find: kept where two signatures of one key are verified.
pub(crate) struct Verifier(VerifyingKey);

impl Verifier {
    /// Whether `signature` is this key's for `message`. Strict (no small order, canonical R and S), so that every implementation agrees on
    /// what is signed.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// The y coordinates of the eight points of small order, little-endian. The last bit of an encoding is the sign of x and not part of y.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    one(),
    minus_one(),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

const fn one() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
}

const fn minus_one() -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xec;
    bytes[31] = 0x7f;
    bytes
}

impl VerificationKey {
    /// Reads 64 lower-case hexadecimal digits that a user handed over, and makes sure that they are a point of the curve.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).filter(|key| VerifyingKey::from_bytes(&key.0).is_ok())
    }

    /// The same without the square root that finds the point: for what a signature already covers, or what is only compared. No signature passes
    /// under a key that is not a point.
    pub fn read(text: &str) -> Option<Self> {
        parse_hex(text).and_then(Self::from_bytes)
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        let mut y = bytes;
        y[31] &= 0x7f;
        // 2^255 - 19 and above are second forms of 0 to 18.
        let canonical = y[0] < 0xed || y[31] < 0x7f || y[1..31].iter().any(|byte| *byte < 0xff);
        (canonical && !SMALL_ORDER.contains(&y)).then_some(Self(bytes))
    }

    /// The point behind the key; `None` where there is none.
    pub(crate) fn verifier(&self) -> Option<Verifier> {
        VerifyingKey::from_bytes(&self.0).ok().map(Verifier)
    }

    /// The 32 bytes of RFC 8032.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    #[test]
    fn small_order_and_second_forms_are_refused() {
        for y in SMALL_ORDER {
            let mut negative = y;
            negative[31] |= 0x80;
            for bytes in [y, negative] {
                assert!(VerificationKey::from_bytes(bytes).is_none(), "{}", Hex(&bytes));
            }
            assert!(VerifyingKey::from_bytes(&y).is_ok_and(|key| key.is_weak()), "{}", Hex(&y));
        }
        for low in 0xed..=0xff {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, 0x7f);
            assert!(VerificationKey::from_bytes(bytes).is_none(), "{low:x}");
        }
        let mut greatest = minus_one();
        greatest[0] = 0xeb;
        assert!(VerificationKey::from_bytes(greatest).is_some());
    }

    #[test]
    fn what_is_no_point_is_not_taken_from_a_user_and_verifies_nothing() {
        let number = (2..=u8::MAX).find(|number| VerifyingKey::from_bytes(&[*number; 32]).is_err()).unwrap();
        let text = Hex(&[number; 32]).to_string();
        assert!(VerificationKey::parse(&text).is_none());
        assert!(VerificationKey::read(&text).unwrap().verifier().is_none());
    }

    #[test]
    fn a_signature_has_one_form() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let verification = VerificationKey::from_bytes(key.verifying_key().to_bytes()).unwrap().verifier().unwrap();
        let signature = key.sign(b"message").to_bytes();
        assert!(verification.verifies(b"message", &signature));
        // S plus the order of the group: the same number to a lenient verifier.
        let order: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let mut second = signature;
        let mut carry = 0;
        for (byte, addend) in second[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(addend) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert!(!verification.verifies(b"message", &second));
        for index in 0..64 {
            let mut flipped = signature;
            flipped[index] ^= 1;
            assert!(!verification.verifies(b"message", &flipped), "byte {index}");
        }
    }
}
