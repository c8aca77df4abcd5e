//! A secret's value. Checked once, where it enters, and from then on it cannot be printed, compared or forgotten in memory.

use std::fmt;

use age::secrecy::{ExposeSecret, SecretString};

use crate::failure::{Failure, Kind, Result};
use crate::names::SecretName;

/// The longest environment string of Linux, `MAX_ARG_STRLEN` less the final NUL: `KEY`, `=` and the value together, in bytes.
pub(crate) const MAX_ENVIRONMENT_STRING: usize = 131_071;

/// The value of a secret: UTF-8, no NUL, kept byte for byte. No `Display`, no `Serialize`; wiped on drop.
#[derive(Clone)]
pub(crate) struct SecretValue(SecretString);

impl SecretValue {
    /// Takes bytes as they came in. Fails on what no environment variable can hold; never quotes what it was given.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let text = String::from_utf8(bytes).map_err(|_| Failure::new(Kind::Usage, "the value is not valid UTF-8"))?;
        Self::from_text(text)
    }

    /// Takes text. Fails on a NUL character.
    pub(crate) fn from_text(text: String) -> Result<Self> {
        let value = Self(SecretString::from(text));
        if value.expose().contains('\0') {
            return Err(Failure::new(
                Kind::Usage,
                "the value contains a NUL character, which no environment variable can hold",
            ));
        }
        Ok(value)
    }

    /// Checks that `name=value` fits one environment string.
    pub(crate) fn check_fits(&self, name: &SecretName) -> Result<()> {
        let room = MAX_ENVIRONMENT_STRING - name.as_str().len() - 1;
        if self.expose().len() > room {
            return Err(Failure::new(
                Kind::Usage,
                format!(
                    "the value for '{name}' is longer than {room} bytes, the most that fits one environment variable"
                ),
            )
            .hint("store a path or a shorter token instead"));
        }
        Ok(())
    }

    /// Whether both are the same, byte for byte.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }

    /// The value itself: for sealing it, for the child's environment, for the masker. Nothing else.
    pub(crate) fn expose(&self) -> &str {
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
            let failure = SecretValue::from_bytes(bytes).unwrap_err();
            assert_eq!(failure.kind(), Kind::Usage);
            assert!(!format!("{failure:?}").contains("hunter2"));
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
    fn debug_shows_nothing() {
        let value = SecretValue::from_text("hunter2".into()).unwrap();
        assert_eq!(format!("{value:?}"), "SecretValue(..)");
    }
}
