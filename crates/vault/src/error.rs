//! Why bytes or words were refused: variants, not sentences. The words and hints that a user reads are cast-core's. No variant holds a
//! value, a key, or a word that was not accepted.

use crate::name::{AgentName, SecretName};
use crate::vector::VectorFault;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A word is not the name of an agent.
    AgentName(NameFault),
    /// A word is not the name of a secret.
    SecretName(NameFault),
    /// A word is not the name of a person.
    PersonName,
    /// A value cannot be an environment variable's.
    Value(ValueFault),
    /// The value does not fit; `room` is what there is for it, in bytes: one environment string less the name, or the largest file.
    ValueTooLong { name: SecretName, room: usize },
    /// The name makes programs load code, and the caller did not allow that.
    DangerousName(SecretName),
    /// The vault holds such a name without its owner's allowance.
    UnallowedName { agent: AgentName, name: SecretName },
    /// How a secret is to be treated cannot be written down.
    Flag(FlagFault),
    /// A text holds no usable key.
    Key(KeyFault),
    /// The vault of `agent` does not open, or cannot be changed or sealed so.
    Vault { agent: AgentName, refusal: Refusal },
    /// The operating system returned no random numbers; why, in its words.
    NoRandomNumbers(String),
}

/// What is wrong with the name of an agent or a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// Anything else.
    Shape,
    /// It has no characters.
    Empty,
    /// It has more than this many characters.
    TooLong(usize),
    /// It begins or ends with a blank or a line end.
    OuterBlank,
    /// There is a blank in it.
    Blank,
    /// It looks like a token: a secret in the wrong place.
    Token,
    /// An agent's: it has upper-case letters.
    UpperCase,
    /// A secret's: it has a `-` or a `.`.
    Sign,
    /// A secret's: it begins with a digit.
    Digit,
    /// A secret's: it begins with `CAST_`.
    Reserved,
    /// A secret's: it contains `=`: name and value in one word.
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

/// Which of a secret's flags has the wrong shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagFault {
    /// There are more hosts or places than this.
    TooMany { most: usize },
    /// A host is not a lower-case ASCII name with or without a port.
    Host,
    /// A place is not one of the four kinds with a name.
    Place,
    /// The public prefix is not visible ASCII, or too long.
    Prefix,
    /// The command has no words, too many, too long ones, or a control character in one.
    Command,
    /// A secret with a stored value cannot become one that is fetched this way, nor the other way round.
    Stored,
}

/// What is wrong with the text of a key or card; lines count from 1.
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
    /// This is not a whole card.
    NotCard,
}

/// Why a vault is refused. In the order of the checks; what stands behind a check has passed the ones before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A byte is wrong or missing, or it never was a vault.
    Damaged,
    /// No key opens it, or its header is damaged: age cannot tell one from the other.
    WrongKey,
    /// The agent key does not open it: revoked, rotated or another's; or the header is damaged.
    WrongAgentKey,
    /// The key in hand is the agent key of this other agent.
    KeyOfOtherAgent(AgentName),
    /// A development build of cast sealed it, before there was a format.
    DevelopmentBuild,
    /// Its version or a field of it is unknown here.
    Newer,
    /// It says that it is the vault of this other agent.
    OtherAgent(AgentName),
    /// It says that its owner is another than the one expected.
    OtherOwner,
    /// The owner did not sign the owner's part: edited, forged or spliced.
    NotAuthentic,
    /// The owner's part names another reader than this owner's agent key of this epoch, or another card than this owner's.
    OtherReader,
    /// The owner did not list the person whose key opens it.
    NotShared,
    /// The values are sealed by a key that is neither the owner's nor that of a person who may set some.
    OtherSealer,
    /// The sealer did not sign the values and what they stand under: edited, forged or spliced.
    NotSealed,
    /// The names of the values are not those in the owner's part.
    OtherNames,
    /// The value of this secret does not fit where it is to go.
    ValueTooLong(SecretName),

    /// An agent key reads; it changes nothing.
    ReadOnly,
    /// Only the owner changes this.
    OwnerOnly,
    /// The person may not set the value of this secret.
    MayNotSet(SecretName),
    /// The key in hand is not the one of the person who opened it.
    NotTheirKey,
    /// There is no secret of this name in it.
    NoSuchName(SecretName),
    /// The vault of the built-in secrets is not shared and has no agent key.
    BuiltinStaysHere,
    /// Nobody but the owner may set this: its name makes programs load code, or a command fetches it.
    OwnerAlone(SecretName),
    /// The card is the owner's or another person's.
    CardTaken,
    /// It has as many people as a vault can have.
    TooManyPeople,
    /// No further epoch can be counted: `supersede` makes it a vault of its own.
    EpochsUsedUp,
    /// This replica cannot count its change.
    Vector(VectorFault),
    /// Sealed, it would be larger than the largest vault.
    TooLarge,

    /// What is to be merged is another vault.
    OtherVault,
    /// What is to be merged lacks something that the state has which both sides grew from.
    OlderThanBase,
    /// Both sides changed the owner's part, or the person may set nothing: its owner merges.
    OwnerMerges,
    /// It belongs to a former key.
    OfFormerKey,
}

impl Refusal {
    /// The same as an error about the vault of `agent`.
    #[must_use]
    pub fn of(self, agent: &AgentName) -> Error {
        Error::Vault { agent: agent.clone(), refusal: self }
    }
}

impl From<VectorFault> for Refusal {
    fn from(fault: VectorFault) -> Self {
        Self::Vector(fault)
    }
}
