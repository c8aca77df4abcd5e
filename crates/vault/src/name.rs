//! The names of agents, secrets and people. A word becomes a name only by passing here, so that everything behind this room may use it
//! as a file name or an environment variable, and may print it. A refused word is never quoted: it may be a secret in the wrong place.

mod address;
mod dangerous;
mod token;

use std::ffi::OsStr;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, NameFault, Result};

/// The reserved agent whose secrets go into every agent.
pub const BUILTIN: &str = "builtin";

/// How listings name the owner of a vault as its sealer; nobody else is called so.
pub const OWNER: &str = "owner";

/// The longest name of an agent, in bytes.
const MAX_AGENT: usize = 63;
/// The longest name of a secret, in bytes.
const MAX_SECRET: usize = 255;

/// An agent's name: `[a-z0-9][a-z0-9._-]{0,62}`, not ending in `.`, no `..`, no device name of Windows: a safe file name on every
/// system, by construction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct AgentName(String);

/// A secret's name: `[A-Za-z_][A-Za-z0-9_]{0,254}`, not beginning with `CAST_`: a valid environment variable, by construction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SecretName(String);

/// The name that an owner calls a person by: of the same form as an agent's, and not `owner`, which every listing calls the owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonName(String);

impl AgentName {
    /// Checks a word. The failure never quotes it.
    pub fn parse(word: impl AsRef<OsStr>) -> Result<Self> {
        match word.as_ref().to_str() {
            Some(name) if is_agent(name) => Ok(Self(name.to_owned())),
            name => Err(Error::AgentName(name.map_or(NameFault::Shape, agent_fault))),
        }
    }

    /// Checks a word that was typed, which may be a secret in the wrong place: what looks like a token is no name.
    pub fn typed(word: impl AsRef<OsStr>) -> Result<Self> {
        let word = word.as_ref();
        if is_token(word) { Err(Error::AgentName(NameFault::Token)) } else { Self::parse(word) }
    }

    /// The reserved agent of the built-in secrets.
    pub fn builtin() -> Self {
        Self(BUILTIN.to_owned())
    }

    /// Whether this is the reserved agent of the built-in secrets.
    pub fn is_builtin(&self) -> bool {
        self.0 == BUILTIN
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SecretName {
    /// Checks a word. The failure never quotes it.
    pub fn parse(word: impl AsRef<OsStr>) -> Result<Self> {
        let word = word.as_ref();
        match word.to_str() {
            Some(name) if is_secret(name) => Ok(Self(name.to_owned())),
            Some(name) if is_secret_shape(name) => Err(Error::SecretName(NameFault::Reserved)),
            _ if word.as_encoded_bytes().contains(&b'=') => Err(Error::SecretName(NameFault::Assignment)),
            name => Err(Error::SecretName(name.map_or(NameFault::Shape, secret_fault))),
        }
    }

    /// Checks a word that was typed, which may be a secret in the wrong place: what looks like a token is no name.
    pub fn typed(word: impl AsRef<OsStr>) -> Result<Self> {
        let word = word.as_ref();
        if is_token(word) { Err(Error::SecretName(NameFault::Token)) } else { Self::parse(word) }
    }

    /// Whether a program that finds this in its environment loads code or runs something else because of it.
    pub fn is_dangerous(&self) -> bool {
        dangerous::is_dangerous(&self.0)
    }

    /// Whether this names where something is, so that who sets it decides where other secrets are sent.
    pub fn is_address(&self) -> bool {
        address::is_address(&self.0)
    }

    /// Whether this is written as environment variables usually are, or as Terraform or npm expects its own.
    pub fn is_conventional(&self) -> bool {
        !self.0.bytes().any(|byte| byte.is_ascii_lowercase())
            || ["TF_VAR_", "npm_config_"].iter().any(|prefix| self.0.starts_with(prefix))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PersonName {
    /// Checks a word that was typed, which may be a secret in the wrong place: what looks like a token is no name.
    pub fn typed(word: impl AsRef<OsStr>) -> Result<Self> {
        let word = word.as_ref();
        if is_token(word) { Err(Error::PersonName) } else { Self::parse(word) }
    }

    /// Checks a word. The failure never quotes it.
    pub fn parse(word: impl AsRef<OsStr>) -> Result<Self> {
        let valid = word.as_ref().to_str().filter(|name| is_agent(name) && *name != OWNER);
        valid.map(|name| Self(name.to_owned())).ok_or(Error::PersonName)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So that a map of secrets can be asked for a plain word.
impl std::borrow::Borrow<str> for SecretName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AgentName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::parse(word).map_err(|_| serde::de::Error::custom("not a name"))
    }
}

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::parse(word).map_err(|_| serde::de::Error::custom("not a name"))
    }
}

fn is_token(word: &OsStr) -> bool {
    word.to_str().is_some_and(token::looks_like_token)
}

fn is_agent(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    matches!(name.len(), 1..=MAX_AGENT)
        && plain(name.as_bytes()[0])
        && name.bytes().all(|byte| plain(byte) || b"._-".contains(&byte))
        && !name.ends_with('.')
        && !name.contains("..")
        && !is_windows_device(name)
}

/// `CON`, `NUL`, `COM1` ... are devices in every folder of Windows, whatever follows the first dot.
/// <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>
fn is_windows_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let numbered =
        |port: &str| stem.strip_prefix(port).is_some_and(|number| matches!(number.as_bytes(), [b'0'..=b'9']));
    matches!(stem, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// The class of what makes `name` no agent's.
fn agent_fault(name: &str) -> NameFault {
    let upper = name.bytes().any(|byte| byte.is_ascii_uppercase());
    common_fault(name, MAX_AGENT).unwrap_or(if upper { NameFault::UpperCase } else { NameFault::Shape })
}

/// The class of what makes `name` no secret's.
fn secret_fault(name: &str) -> NameFault {
    let own = match name.as_bytes().first() {
        Some(b'0'..=b'9') => NameFault::Digit,
        _ if name.contains(['-', '.']) => NameFault::Sign,
        _ => NameFault::Shape,
    };
    common_fault(name, MAX_SECRET).unwrap_or(own)
}

fn common_fault(name: &str, most: usize) -> Option<NameFault> {
    match name.len() {
        0 => Some(NameFault::Empty),
        length if length > most => Some(NameFault::TooLong(most)),
        _ if name.trim() != name => Some(NameFault::OuterBlank),
        _ if name.contains(char::is_whitespace) => Some(NameFault::Blank),
        _ => None,
    }
}

fn is_secret_shape(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    matches!(name.len(), 1..=MAX_SECRET)
        && letter(name.as_bytes()[0])
        && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}

fn is_secret(name: &str) -> bool {
    // Windows does not tell `cast_key` from `CAST_KEY`.
    let reserved = name.len() >= 5 && name.as_bytes()[..5].eq_ignore_ascii_case(b"CAST_");
    is_secret_shape(name) && !reserved
}

#[cfg(test)]
mod tests;
