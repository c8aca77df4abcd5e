//! A secret's value. Checked once, where it enters, and from then on it cannot be printed, compared or forgotten in memory.

use std::fmt;

use age::secrecy::zeroize::Zeroizing;
use age::secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result, ValueFault};
use crate::name::SecretName;
use crate::placeholder;

/// The longest environment string of Linux, `MAX_ARG_STRLEN` less the final NUL: `KEY`, `=` and the value together, in bytes.
pub const MAX_ENVIRONMENT_STRING: usize = 131_071;

/// The longest value that is given as a file, in bytes.
pub const MAX_FILE_VALUE: usize = 1 << 20;

/// The letters of a random value.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The bytes below this are a whole multiple of the letters.
const FAIR: usize = 256 / BASE62.len() * BASE62.len();

/// What suggests that a value was not meant exactly as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// It begins or ends with a blank.
    Blank,
    /// It is in quotes.
    Quotes,
    /// It begins with `export `.
    Export,
    /// It begins with the secret's name and `=`.
    Assignment,
}

/// The value of a secret: UTF-8, no NUL, kept byte for byte. No `Display`, no `Serialize`; wiped on drop.
#[derive(Clone)]
pub struct SecretValue(SecretString);

impl SecretValue {
    /// Takes bytes as they came in. Fails on what no environment variable can hold; never quotes what it was given.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self::from_text(String::from_utf8(bytes).map_err(|_| Error::Value(ValueFault::NotUtf8))?)
    }

    /// Takes text. Fails on a NUL character.
    pub fn from_text(text: String) -> Result<Self> {
        let value = Self(SecretString::from(text));
        if value.expose().contains('\0') { Err(Error::Value(ValueFault::Nul)) } else { Ok(value) }
    }

    /// Checks that `name=value` fits one environment string.
    pub fn check_fits(&self, name: &SecretName) -> Result<()> {
        let room = MAX_ENVIRONMENT_STRING - name.as_str().len() - 1;
        if self.len() > room { Err(Error::ValueTooLong { name: name.clone(), room }) } else { Ok(()) }
    }

    /// Checks that it fits where it goes: a file, or one environment string.
    pub(crate) fn check_fits_as(&self, name: &SecretName, file: bool) -> Result<()> {
        match file {
            false => self.check_fits(name),
            true if self.len() > MAX_FILE_VALUE => {
                Err(Error::ValueTooLong { name: name.clone(), room: MAX_FILE_VALUE })
            }
            true => Ok(()),
        }
    }

    /// Whether both are the same, byte for byte.
    pub fn is(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Whether it looks as if it still had to be filled in; `example` is what an example file has in its place.
    pub fn is_placeholder(&self, example: Option<&str>) -> bool {
        placeholder::is_placeholder(self.expose(), example)
    }

    /// What about it suggests that it was not meant exactly as it is; it is kept so all the same.
    pub fn oddity(&self, name: &SecretName) -> Option<Oddity> {
        let text = self.expose();
        // A value of several lines, such as a key file, ends with a line end.
        let ends = |text: &str| text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']);
        let quoted = |quote| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
        match text {
            text if text.starts_with("export ") => Some(Oddity::Export),
            text if text.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('=')) => {
                Some(Oddity::Assignment)
            }
            _ if quoted('"') || quoted('\'') => Some(Oddity::Quotes),
            text if ends(text) => Some(Oddity::Blank),
            _ => None,
        }
    }

    /// A random value of `length` letters and digits, each as likely as any other, from the operating system.
    pub fn random(length: usize) -> Result<Self> {
        // It must not move: each move would leave a copy behind.
        let mut text = String::with_capacity(length);
        let mut bytes = Zeroizing::new([0; 64]);
        while text.len() < length {
            getrandom::getrandom(&mut *bytes).map_err(|cause| Error::NoRandomNumbers(cause.to_string()))?;
            // A byte beyond the last whole multiple would make the first letters likelier.
            let fair = bytes.iter().filter(|byte| usize::from(**byte) < FAIR);
            let letters = fair.map(|byte| char::from(BASE62[usize::from(*byte) % BASE62.len()]));
            text.extend(letters.take(length - text.len()));
        }
        Self::from_text(text)
    }

    /// Whether it holds a `${...}`, which some programs expand and cast does not.
    pub fn has_reference(&self) -> bool {
        self.expose().contains("${")
    }

    /// Whether it is what dotenvx encrypted, or a reference that only 1Password resolves.
    pub fn is_foreign(&self) -> bool {
        ["encrypted:", "op://"].iter().any(|prefix| self.expose().starts_with(prefix))
    }

    /// The value itself: for the ciphertext, the child and the masker. `tests/it/house.rs` lists who may call this.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_nul_and_invalid_utf8_without_quoting_them() {
        for bytes in [b"hunter2\0".to_vec(), b"hunter2\xff".to_vec()] {
            let refusal = SecretValue::from_bytes(bytes).unwrap_err();
            assert!(matches!(refusal, Error::Value(_)) && !format!("{refusal:?}").contains("hunter2"));
        }
    }

    #[test]
    fn holds_exactly_what_one_environment_string_holds() {
        let name = SecretName::parse("KEY").unwrap();
        let most = MAX_ENVIRONMENT_STRING - "KEY=".len();
        let value = |length| SecretValue::from_text("x".repeat(length)).unwrap();
        assert!(value(most).check_fits(&name).is_ok());
        assert!(value(most + 1).check_fits(&name).is_err());
    }

    #[test]
    fn oddities() {
        let name = SecretName::parse("K").unwrap();
        for (text, oddity) in [
            ("value ", Some(Oddity::Blank)),
            ("\tvalue", Some(Oddity::Blank)),
            ("'value'", Some(Oddity::Quotes)),
            ("\"value\"", Some(Oddity::Quotes)),
            ("export K=v", Some(Oddity::Export)),
            ("K=v", Some(Oddity::Assignment)),
            ("KEY=v", None),
            ("'", None),
            ("'value\"", None),
            ("", None),
            ("-----BEGIN-----\nkey\n-----END-----\n", None),
        ] {
            assert_eq!(SecretValue::from_text(text.into()).unwrap().oddity(&name), oddity, "{text:?}");
        }
    }

    /// 62,000 letters, about 1,000 of each: a deviation by a fifth is over six standard deviations away.
    #[test]
    fn random_values_are_letters_and_digits_each_as_likely() {
        let value = SecretValue::random(62_000).unwrap();
        assert_eq!(value.len(), 62_000);
        for letter in BASE62 {
            let count = value.expose().bytes().filter(|byte| byte == letter).count();
            assert!((800..1200).contains(&count), "{}: {count}", char::from(*letter));
        }
        for length in [0, 1, 32, 64, 65] {
            assert_eq!(SecretValue::random(length).unwrap().len(), length);
        }
        assert!(!SecretValue::random(32).unwrap().is(&SecretValue::random(32).unwrap()));
    }

    #[test]
    fn debug_shows_nothing() {
        let value = SecretValue::from_text("hunter2".into()).unwrap();
        assert_eq!(format!("{value:?}"), "SecretValue(..)");
    }
}
