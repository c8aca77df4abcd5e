//! What CMD gets of a secret: its value, or what stands for it.

use age::secrecy::zeroize::Zeroizing;
use cast_broker::{StandIn, Unfit, limits, stand_in};
use cast_vault::{Flags, SecretName, SecretValue};

use crate::failure::{Failure, Kind};

/// The key from which the stand-ins of a vault are drawn. It is asked for where there is a brokered secret.
pub(crate) type StandInKey<'a> = dyn Fn() -> Zeroizing<[u8; 32]> + 'a;

/// How CMD gets a secret.
#[derive(Debug)]
pub(crate) enum Given {
    /// Its value.
    AsItIs(SecretValue),
    /// What stands for its value, which only the broker has; or why it cannot be brokered.
    Brokered {
        /// The value.
        value: SecretValue,
        /// What CMD gets.
        stand_in: Result<StandIn, Unfit>,
    },
    /// Not at all: this cast cannot give it as its owner wants.
    Not,
}

impl Given {
    /// As the flags of the secret `name` want it. Its stand-in is drawn with `key`.
    pub(super) fn of(name: &SecretName, flags: &Flags, value: Option<SecretValue>, key: &StandInKey<'_>) -> Self {
        match value.filter(|_| !flags.file) {
            None => Self::Not,
            Some(value) if flags.hosts.is_empty() => Self::AsItIs(value),
            Some(value) => {
                let stand_in = stand_in::derive(&key(), name.as_str(), value.expose(), flags.prefix.as_deref());
                Self::Brokered { value, stand_in }
            }
        }
    }

    /// Why CMD cannot get the secret `name` of this agent as its owner wants.
    pub(super) fn failure(&self, name: &SecretName, agent: &str) -> Option<Failure> {
        let failure = match self {
            Self::AsItIs(_) | Self::Brokered { stand_in: Ok(_), .. } => return None,
            Self::Brokered { stand_in: Err(unfit), .. } => {
                let why = match unfit {
                    Unfit::TooShort { have } => format!(
                        "its value has {have} letters and digits beyond its prefix, and {} are needed",
                        limits::LETTERS_AND_DIGITS
                    ),
                    Unfit::Bytes => "its value contains blanks, control characters or letters beyond ASCII".to_owned(),
                    Unfit::Prefix => "its value does not begin with the prefix".to_owned(),
                    Unfit::TooLong => format!("its value is longer than {} KiB", limits::VALUE >> 10),
                    Unfit::Marks => "its value cannot stand in a query, a form or JSON".to_owned(),
                };
                Failure::new(Kind::Usage, format!("secret '{name}' of agent '{agent}' cannot be brokered: {why}"))
            }
            Self::Not => Failure::new(
                Kind::Integrity,
                format!("secret '{name}' of agent '{agent}' is delivered as a file or fetched by a command, which this version of cast cannot do"),
            )
            .hint("install a newer version"),
        };
        Some(failure.hint(format!("or leave it out: '--except {name}'")))
    }

    /// What is in CMD's variable.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::AsItIs(value) => Some(value.expose()),
            Self::Brokered { stand_in, .. } => stand_in.as_ref().ok().map(StandIn::as_str),
            Self::Not => None,
        }
    }

    /// The value, whoever has it.
    pub(crate) fn stored(&self) -> Option<&SecretValue> {
        if let Self::Brokered { value, .. } = self { Some(value) } else { self.value() }
    }

    /// The value that CMD has.
    pub(crate) fn value(&self) -> Option<&SecretValue> {
        if let Self::AsItIs(value) = self { Some(value) } else { None }
    }
}
