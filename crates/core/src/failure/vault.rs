//! What cast-vault refused, in the words a person reads.

use cast_vault::{AgentName, Error, KeyFault, MAX_FILE, NameFault, Refusal, ValueFault};

use super::{Failure, Kind};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::AgentName => Self::new(Kind::Usage, "AGENT is not a valid agent name").hint(
                "use 1 to 63 of 'a-z', '0-9', '.', '_' and '-', beginning with a letter or digit, as in 'my-agent'",
            ),
            Error::SecretName(fault) => secret_name(fault),
            Error::Value(ValueFault::NotUtf8) => Self::new(Kind::Usage, "the value is not valid UTF-8"),
            Error::Value(ValueFault::Nul) => {
                Self::new(Kind::Usage, "the value contains a NUL character, which no environment variable can hold")
            }
            Error::ValueTooLong { name, room } => Self::new(
                Kind::Usage,
                format!(
                    "the value for '{name}' is longer than {room} bytes, the most that fits one environment variable"
                ),
            )
            .hint("store a path or a shorter token instead"),
            Error::DangerousName(name) => {
                dangerous(&name).hint("if that is what you want, say so with '--allow-dangerous-name'")
            }
            Error::UnallowedName { agent, name } => dangerous(&name).hint(format!(
                "if that is what you want, set it anew: 'cast set --allow-dangerous-name {agent} {name}'"
            )),
            Error::Key(fault) => Self::new(Kind::NoKey, key_fault(fault)),
            Error::Vault { agent, refusal } => vault(&agent, &refusal),
            Error::NoRandomNumbers(cause) => {
                Self::new(Kind::Other, format!("the system gives no random numbers: {cause}"))
            }
        }
    }
}

fn secret_name(fault: NameFault) -> Failure {
    match fault {
        NameFault::Reserved => {
            Failure::new(Kind::Usage, "names beginning with 'CAST_' are reserved: they steer cast itself")
        }
        NameFault::Assignment => Failure::new(Kind::Usage, "KEY is not a valid secret name: it contains '='")
            .hint("write the name and the value as two words: 'cast secrets set AGENT KEY VALUE'")
            .hint("or leave the value out, to type it where nobody sees it: 'cast secrets set AGENT KEY'"),
        NameFault::Shape => Failure::new(Kind::Usage, "KEY is not a valid secret name")
            .hint("use 1 to 255 of 'A-Z', 'a-z', '0-9' and '_', not beginning with a digit, as in 'OPENAI_API_KEY'"),
    }
}

fn dangerous(name: &cast_vault::SecretName) -> Failure {
    Failure::new(Kind::Usage, format!("'{name}' makes programs load code or changes what runs"))
}

/// What is wrong with the text of a key.
fn key_fault(fault: KeyFault) -> String {
    match fault {
        KeyFault::Empty => "it is empty".to_owned(),
        KeyFault::AgentKeyNotAlone => "an agent key stands alone".to_owned(),
        KeyFault::NotAgentKey { line } => {
            format!("line {line} is not a whole agent key (cast-agent:AGENT:ID:EPOCH:AGE-SECRET-KEY-1...)")
        }
        KeyFault::NotIdentity { line } => format!("line {line} is not a whole age identity (AGE-SECRET-KEY-1...)"),
        KeyFault::Unsupported { line } => {
            format!("line {line} is of an unsupported key type: cast uses AGE-SECRET-KEY-1 keys")
        }
    }
}

/// What to say where the key in hand is the agent key of `agent`, and something else is needed.
pub(crate) fn agent_key(agent: &AgentName, what: &str) -> Failure {
    Failure::new(Kind::NoKey, format!("the key given is the agent key of '{agent}', which {what}"))
}

fn vault(agent: &AgentName, refusal: &Refusal) -> Failure {
    let vault = |kind, what: &str| Failure::new(kind, format!("the vault of agent '{agent}' {what}"));
    match refusal {
        Refusal::WrongKey => vault(Kind::WrongKey, "does not open: wrong key, or damaged"),
        Refusal::WrongAgentKey => vault(Kind::WrongKey, "does not open: wrong key, or damaged").hint(format!(
            "a revoked or rotated key opens nothing any more; a new one is 'cast key export --agent {agent}', by the vault's owner"
        )),
        Refusal::KeyOfOtherAgent(other) => agent_key(other, "opens no other vault"),
        Refusal::Damaged => {
            vault(Kind::Integrity, "is damaged").hint("bring it back from a backup or from version control")
        }
        Refusal::Newer => vault(Kind::Integrity, "was made by a newer cast").hint("install that version"),
        Refusal::NotAuthentic => vault(Kind::Integrity, "is not authentic: edited, forged, or another agent's")
            .hint(format!("if you changed it yourself, look at it and take it with 'cast vault accept {agent}'")),
        Refusal::OtherAgent => vault(Kind::Integrity, "is that of another agent"),
        Refusal::OtherMaster => vault(Kind::Integrity, "names a master key that is not yours"),
        Refusal::TooLarge => {
            let what = format!("would be larger than {} MiB, the most that a vault holds", MAX_FILE >> 20);
            vault(Kind::Usage, &what)
        }
    }
}
