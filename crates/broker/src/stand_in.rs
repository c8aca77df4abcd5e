//! What CMD gets instead of a value. It has the value's length, its public prefix and its other marks, and letters and
//! digits of the same kind; so each encoding keeps its length when one stands for the other. Keeps the promise that the
//! same key, secret and value give the same stand-in, and that nobody without the key can test a guess against it.
//! SECURITY.md has the derivation, with test vectors.

use hkdf::Hkdf;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::limits;

/// The alphabets, the smallest first. A value's letters and digits are drawn anew from the first that has all of them.
const ALPHABETS: [&[u8]; 6] = [
    b"0123456789",
    b"0123456789abcdef",
    b"0123456789ABCDEF",
    b"0123456789abcdefghijklmnopqrstuvwxyz",
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
];

/// A stand-in. `Debug` does not show it, and it is wiped on drop: not because it is a secret, but because it is as long
/// as one, and a transcript need not have it.
#[derive(Clone, Debug)]
pub struct StandIn(SecretString);

impl StandIn {
    /// The bytes that CMD gets: 0x21 to 0x7E, as many as the value has.
    pub fn as_str(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Why a value cannot be brokered. It quotes nothing of the value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It has bytes other than 0x21 to 0x7E.
    Bytes,
    /// It has fewer than `limits::LETTERS_AND_DIGITS` letters and digits beyond its public prefix.
    TooShort {
        /// How many it has.
        have: usize,
    },
    /// It does not begin with the owner's prefix.
    Prefix,
    /// It has more than `limits::VALUE` bytes, and would not be looked for in all encodings.
    TooLong,
    /// It is for a query, a form or JSON, and has a mark that does not stand for itself there.
    Marks,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes => f.write_str("it contains blanks, control characters or letters beyond ASCII"),
            Self::TooShort { have } => {
                let need = limits::LETTERS_AND_DIGITS;
                write!(f, "it has {have} letters and digits beyond its prefix, and {need} are needed")
            }
            Self::Prefix => f.write_str("it does not begin with the prefix"),
            Self::TooLong => write!(f, "it is longer than {} KiB", limits::VALUE >> 10),
            Self::Marks => f.write_str("a query, a form or JSON takes letters, digits and '-._~' only"),
        }
    }
}

impl std::error::Error for Unfit {}

/// The public beginning of `value`, which its stand-in has, too: the owner's prefix `own`, or else the longest one of
/// the masker's table, which may be empty. `Unfit::Prefix` if the value does not begin with `own`.
pub fn public_prefix<'a>(value: &'a str, own: Option<&str>) -> Result<&'a str, Unfit> {
    match own {
        Some(own) if value.starts_with(own) => Ok(&value[..own.len()]),
        Some(_) => Err(Unfit::Prefix),
        None => Ok(cast_mask::token_prefix(value)),
    }
}

/// Whether `value` can stand in a query or a form in one spelling alone (RFC 3986 §2.3).
pub fn is_unreserved(value: &str) -> bool {
    value.bytes().all(crate::put_in::is_unreserved)
}

/// Whether `value` can be brokered, with the owner's prefix `own`.
pub fn check(value: &str, own: Option<&str>) -> Result<(), Unfit> {
    rest(value, own).map(|_| ())
}

/// The stand-in of the value `value` of the secret `secret` (its KEY), for a key of `UnlockKey::stand_in_key`. It is
/// never the value.
pub fn derive(key: &[u8; 32], secret: &str, value: &str, own: Option<&str>) -> Result<StandIn, Unfit> {
    let rest = rest(value, own)?;
    let alphabet = alphabet(rest);
    let mut bytes = Bytes::new(key, secret, value);
    loop {
        let mut stand_in = Zeroizing::new(String::with_capacity(value.len()));
        stand_in.push_str(&value[..value.len() - rest.len()]);
        for letter in rest.chars() {
            stand_in.push(if letter.is_ascii_alphanumeric() { char::from(bytes.letter(alphabet)) } else { letter });
        }
        if *stand_in != *value {
            return Ok(StandIn(SecretString::from(&**stand_in)));
        }
    }
}

/// What is behind the prefix of a value that can be brokered.
fn rest<'a>(value: &'a str, own: Option<&str>) -> Result<&'a str, Unfit> {
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Unfit::Bytes);
    }
    if value.len() > limits::VALUE {
        return Err(Unfit::TooLong);
    }
    let rest = &value[public_prefix(value, own)?.len()..];
    match rest.bytes().filter(u8::is_ascii_alphanumeric).count() {
        have if have < limits::LETTERS_AND_DIGITS => Err(Unfit::TooShort { have }),
        _ => Ok(rest),
    }
}

fn alphabet(text: &str) -> &'static [u8] {
    let has_all = |alphabet: &&[u8]| text.bytes().all(|byte| !byte.is_ascii_alphanumeric() || alphabet.contains(&byte));
    ALPHABETS.into_iter().find(has_all).expect("the last alphabet has all letters and digits")
}

/// An endless stream of bytes: blocks of 32, each expanded from a seed of this secret's own.
struct Bytes {
    seed: Hkdf<Sha256>,
    counter: u32,
    block: Zeroizing<[u8; 32]>,
    /// How many bytes of the block were taken.
    taken: usize,
}

impl Bytes {
    fn new(key: &[u8; 32], secret: &str, value: &str) -> Self {
        // A KEY and a value have no zero byte, so no two pairs give the same bytes.
        let info = [b"cast/v1/stand-in\0", secret.as_bytes(), b"\0", value.as_bytes()];
        let mut seed = Zeroizing::new([0; 32]);
        let key = Hkdf::<Sha256>::from_prk(key).expect("32 bytes are a key of SHA-256");
        key.expand_multi_info(&info, &mut *seed).expect("32 bytes are within HKDF's limit");
        let seed = Hkdf::from_prk(&*seed).expect("32 bytes are a key of SHA-256");
        Self { seed, counter: 0, block: Zeroizing::new([0; 32]), taken: 32 }
    }

    fn next(&mut self) -> u8 {
        if self.taken == self.block.len() {
            let counter = self.counter.to_be_bytes();
            self.seed.expand(&counter, &mut *self.block).expect("32 bytes are within HKDF's limit");
            self.counter += 1;
            self.taken = 0;
        }
        self.taken += 1;
        self.block[self.taken - 1]
    }

    /// A letter of `alphabet`, each as likely as the others: bytes that would favour the first ones are passed over.
    fn letter(&mut self, alphabet: &[u8]) -> u8 {
        let fair = 256 - 256 % alphabet.len();
        loop {
            let byte = usize::from(self.next());
            if byte < fair {
                return alphabet[byte % alphabet.len()];
            }
        }
    }
}

#[cfg(test)]
mod tests;
