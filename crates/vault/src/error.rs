//! Why bytes or words were refused: variants, not sentences. The words and hints that a user reads are cast-core's. No variant holds a
//! value, a key, or a word that was not accepted.

use crate::name::{AgentName, SecretName};

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A word is not the name of an agent.
    AgentName,
    /// A word is not the name of a secret.
    SecretName(NameFault),
    /// A value cannot be an environment variable's.
    Value(ValueFault),
    /// `name=value` is longer than one environment string; `room` is what the name leaves, in bytes.
    ValueTooLong { name: SecretName, room: usize },
    /// The name makes programs load code, and the caller did not allow that.
    DangerousName(SecretName),
    /// The vault holds such a name without its owner's allowance.
    UnallowedName { agent: AgentName, name: SecretName },
    /// A text holds no usable key.
    Key(KeyFault),
    /// The vault of `agent` does not open, or cannot be sealed.
    Vault { agent: AgentName, refusal: Refusal },
    /// The operating system returned no random numbers; why, in its words.
    NoRandomNumbers(String),
}

/// What is wrong with a secret's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// Other characters, too many, or none.
    Shape,
    /// It begins with `CAST_`.
    Reserved,
    /// It contains `=`: name and value in one word.
    Assignment,
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueFault {
    /// Not UTF-8.
    NotUtf8,
    /// A NUL character.
    Nul,
}

/// What is wrong with the text of a key; lines count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// There is no key in it.
    Empty,
    /// An agent key beside another key.
    AgentKeyNotAlone,
    /// This line is not a whole agent key.
    NotAgentKey { line: usize },
    /// This line is not a whole age identity.
    NotIdentity { line: usize },
    /// This line is a plugin's or a post-quantum identity.
    Unsupported { line: usize },
}

/// Why a vault is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No key opens it, or its header is damaged: age cannot tell one from the other.
    WrongKey,
    /// The agent key does not open it: revoked, rotated or another's; or the header is damaged.
    WrongAgentKey,
    /// The key in hand is the agent key of this other agent.
    KeyOfOtherAgent(AgentName),
    /// A byte is wrong or missing, or it never was a vault.
    Damaged,
    /// Its version or a field of it is unknown here.
    Newer,
    /// Edited, forged, or sealed for another agent.
    NotAuthentic,
    /// It is authentic, and another agent's.
    OtherAgent,
    /// It names another master key than the one that opened it.
    OtherMaster,
    /// Sealed, it would be larger than the largest vault.
    TooLarge,
}

impl Refusal {
    /// The same as an error about the vault of `agent`.
    #[must_use]
    pub fn of(self, agent: &AgentName) -> Error {
        Error::Vault { agent: agent.clone(), refusal: self }
    }
}
