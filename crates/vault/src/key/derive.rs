//! From one secret to another, one way only.

use std::str::FromStr;

use age::secrecy::ExposeSecret;
use age::secrecy::zeroize::Zeroizing;
use age::x25519::Identity;
use bech32::Hrp;
use hkdf::Hkdf;
use sha2::Sha256;

use crate::error::{Error, Result};

/// HKDF-SHA256 without a salt, 32 bytes (RFC 5869).
pub(super) fn derive(secret: &[u8; 32], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, secret).expand(info, &mut *key).expect("32 bytes are within HKDF's limit");
    key
}

/// The 32 bytes behind an identity. age returns them only in Bech32.
pub(super) fn secret_bytes(identity: &Identity) -> Zeroizing<[u8; 32]> {
    let text = identity.to_string();
    let (_, bytes) = bech32::decode(text.expose_secret()).expect("age wrote it");
    let bytes = Zeroizing::new(bytes);
    Zeroizing::new(bytes[..].try_into().expect("an X25519 key has 32 bytes"))
}

/// The identity with these 32 bytes.
pub(super) fn identity(bytes: &[u8; 32]) -> Identity {
    let prefix = Hrp::parse_unchecked("age-secret-key-");
    let text =
        Zeroizing::new(bech32::encode_upper::<bech32::Bech32>(prefix, bytes).expect("32 bytes are within the limit"));
    Identity::from_str(&text).expect("this is how age writes an identity")
}

/// 16 bytes from the system's random numbers.
pub(crate) fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::getrandom(&mut bytes).map_err(|cause| Error::NoRandomNumbers(cause.to_string()))?;
    Ok(bytes)
}
