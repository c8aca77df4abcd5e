//! What cast-vault refused, in the words a person reads.

use cast_vault::{AgentName, Error, FlagFault, KeyFault, MAX_FILE, NameFault, Refusal, ValueFault, VectorFault};

use super::{Failure, Kind};
use crate::advice::GIVE_KEY;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::AgentName(fault) => Self::new(Kind::Usage, named("AGENT is not a valid agent name", fault)).hint(
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
                dangerous(&name).hint("if that is what you want, add '--allow-dangerous-name'")
            }
            Error::UnallowedName { agent, name } => dangerous(&name).hint(format!(
                "if that is what you want, set it again: 'cast set --allow-dangerous-name {agent} {name}'"
            )),
            Error::PersonName => Self::new(Kind::Usage, "NAME is not a valid name of a person")
                .hint("use 1 to 63 of 'a-z', '0-9', '.', '_' and '-', beginning with a letter or digit, as in 'alice'"),
            Error::Flag(fault) => flag_fault(fault),
            Error::Key(KeyFault::NotCard) => Self::new(Kind::Usage, "CARD is not a whole card (cast-card:age1...:...)")
                .hint("a card is what this prints on the other side: 'cast key card'"),
            Error::Key(fault) => Self::new(Kind::NoKey, key_fault(fault)),
            Error::Vault { agent, refusal } => vault(&agent, &refusal),
            Error::NoRandomNumbers(cause) => {
                Self::new(Kind::Other, format!("the system returned no random numbers: {cause}"))
            }
        }
    }
}

fn secret_name(fault: NameFault) -> Failure {
    match fault {
        NameFault::Reserved => {
            Failure::new(Kind::Usage, "names beginning with 'CAST_' are reserved: they configure cast itself")
        }
        NameFault::Assignment => Failure::new(Kind::Usage, named("KEY is not a valid secret name", fault))
            .hint("leave out '=' and the value to type it at a hidden prompt: 'cast secrets set AGENT KEY'")
            .hint("or write the name and the value as two words: 'cast secrets set AGENT KEY VALUE'"),
        _ => Failure::new(Kind::Usage, named("KEY is not a valid secret name", fault))
            .hint("use 1 to 255 of 'A-Z', 'a-z', '0-9' and '_', not beginning with a digit, as in 'OPENAI_API_KEY'"),
    }
}

/// What is wrong with a name in a file. The message does not say KEY: that could be one of the names in the file.
pub(crate) fn name_in_file(error: Error) -> String {
    match error {
        Error::SecretName(fault) if fault != NameFault::Reserved => named("the name is not valid", fault),
        other => Failure::from(other).to_string(),
    }
}

/// `what` is not a name; why not, as far as that can be told without the word itself.
fn named(what: &str, fault: NameFault) -> String {
    let why = match fault {
        NameFault::Empty => "it is empty",
        NameFault::TooLong(most) => return format!("{what}: it has more than {most} characters"),
        NameFault::OuterBlank => "it begins or ends with a blank",
        NameFault::Blank => "it contains a blank",
        NameFault::Token => "it looks like a token",
        NameFault::UpperCase => "it contains upper-case letters",
        NameFault::Sign => "it contains '-' or '.'",
        NameFault::Digit => "it begins with a digit",
        NameFault::Assignment => "it contains '='",
        NameFault::Shape | NameFault::Reserved => return what.to_owned(),
    };
    format!("{what}: {why}")
}

fn flag_fault(fault: FlagFault) -> Failure {
    let usage = |what: &str| Failure::new(Kind::Usage, what);
    match fault {
        FlagFault::Host => usage("HOST is not a host name, or a name and a port")
            .hint("use a name such as 'api.example.com' or 'api.example.com:8443', not an IP address or a wildcard"),
        FlagFault::TooMany { most } => usage(&format!("a secret has at most {most} hosts and {most} places")),
        FlagFault::Place => usage("PLACE is not one of 'header:NAME', 'query:NAME', 'form:FIELD' and 'json:/POINTER'"),
        FlagFault::Prefix => usage("PREFIX is not a short text of visible ASCII characters"),
        FlagFault::Command => usage("CMD is not a command with words that can be stored"),
        FlagFault::Stored => usage("a secret with a stored value cannot be one that a command fetches"),
    }
}

fn dangerous(name: &cast_vault::SecretName) -> Failure {
    Failure::new(Kind::Usage, format!("the name '{name}' is refused: it makes programs load code or changes what runs"))
}

/// What is wrong with the text of a key.
fn key_fault(fault: KeyFault) -> String {
    match fault {
        KeyFault::Empty => "it is empty".to_owned(),
        KeyFault::AgentKeyNotAlone => "an agent key must be the only key".to_owned(),
        KeyFault::NotAgentKey { line } => {
            format!("line {line} is not a whole agent key (cast-agent:AGENT:...:AGE-SECRET-KEY-1...)")
        }
        KeyFault::NotIdentity { line } => format!("line {line} is not a whole age identity (AGE-SECRET-KEY-1...)"),
        KeyFault::NotCard => "it is not a whole card".to_owned(),
        KeyFault::Unsupported { line } => {
            format!("line {line} is of an unsupported key type: cast uses AGE-SECRET-KEY-1 keys")
        }
    }
}

/// What to say where the key in hand is the agent key of `agent`, and something else is needed.
pub(crate) fn agent_key(agent: &AgentName, what: &str) -> Failure {
    Failure::new(Kind::NoKey, format!("the key is the agent key of '{agent}', which {what}"))
}

/// The same, where the master key would do.
pub(crate) fn not_with_agent_key(agent: &AgentName, what: &str) -> Failure {
    agent_key(agent, what).hint("if this machine has the master key, use that one: 'unset CAST_KEY CAST_KEY_FILE'")
}

/// What is another person's to decide.
const ASK: &str = "ask its owner for the permission, or for the change";

fn vault(agent: &AgentName, refusal: &Refusal) -> Failure {
    let vault = |kind, what: &str| Failure::new(kind, format!("the vault of agent '{agent}' {what}"));
    let integrity = |what: &str| vault(Kind::Integrity, what);
    let restore = |what: &str| integrity(what).hint("restore it from a backup or from version control");
    let look = format!("review it and, if it is as it should be, accept it: 'cast vault accept {agent}'");
    let anew = format!("accept it, which makes a new vault of what is in it: 'cast vault accept {agent}'");
    match refusal {
        Refusal::WrongKey => vault(Kind::WrongKey, "does not open: wrong key, or damaged")
            .hint(format!("if it was made with another key that you have, provide that one: {GIVE_KEY}"))
            .hint("if it is damaged, restore it from a backup or from version control"),
        Refusal::WrongAgentKey => vault(Kind::WrongKey, "does not open: wrong key, or damaged").hint(format!(
            "a revoked or rotated agent key opens nothing; the owner of the vault makes a new one with 'cast key export --agent {agent}'"
        )),
        Refusal::KeyOfOtherAgent(other) => not_with_agent_key(other, "cannot open another vault"),
        Refusal::Damaged => restore("is damaged"),
        Refusal::DevelopmentBuild => {
            integrity("was made by a development build of cast").hint(format!(
                "move '{agent}.age' away, then set its values again: 'cast secrets set --new {agent} KEY'"
            ))
        }
        Refusal::Newer => integrity("was made by a newer cast").hint("install that version"),
        Refusal::OtherAgent(other) => integrity(&format!("is the vault of another agent, '{other}'"))
            .hint(format!("a vault is not renamed by its file: move it back to '{other}.age', then 'cast secrets copy {other} {agent}'")),
        Refusal::OtherOwner => integrity("has another owner than this machine expects").hint(format!(
            "if it is shared with you, compare the fingerprint of its owner and accept it: 'cast vault accept {agent}'"
        )),
        Refusal::NotAuthentic => restore("is not authentic: its owner did not sign it as it is"),
        Refusal::OtherReader => restore("is not authentic: it names keys that are not its owner's"),
        Refusal::NotShared => integrity("is not shared with this key: its owner does not list it")
            .hint("ask its owner for a copy that is shared with this key"),
        Refusal::OtherSealer => restore("is not authentic: its values are sealed by a stranger"),
        Refusal::NotSealed => integrity("is not authentic: its values are not the ones that were sealed").hint(look),
        Refusal::OtherNames => restore("is not authentic: its values are not those that its owner lists"),
        Refusal::ValueTooLong(name) => {
            restore(&format!("holds a value for '{name}' that is longer than an environment variable can be"))
        }
        Refusal::ReadOnly => vault(Kind::NoKey, "is not changed with an agent key, which only reads it"),
        Refusal::OwnerOnly => vault(Kind::NoKey, "is not yours: only its owner changes this").hint(ASK),
        Refusal::MayNotSet(name) => {
            vault(Kind::NoKey, &format!("is not yours, and its owner does not let you set '{name}'")).hint(ASK)
        }
        Refusal::NotTheirKey => vault(Kind::NoKey, "was opened with another key than the one at hand"),
        Refusal::NoSuchName(name) => Failure::new(Kind::NotFound, format!("agent '{agent}' has no secret '{name}'")),
        Refusal::BuiltinStaysHere => {
            Failure::new(Kind::Usage, "the built-in secrets are not shared, and there is no agent key for them")
                .hint("give each agent what it needs: 'cast secrets copy builtin AGENT KEY'")
        }
        Refusal::OwnerAlone(name) => {
            let what = format!("only the owner can set '{name}': its name makes programs load code, or a command fetches it");
            Failure::new(Kind::Usage, what).hint("leave it out of '--may-set'")
        }
        Refusal::CardTaken => Failure::new(Kind::Usage, "that card is the owner's, or it is listed under another name")
            .hint(format!("see whose it is: 'cast share {agent}'")),
        Refusal::TooManyPeople => vault(Kind::Usage, "has as many people as a vault can have"),
        Refusal::EpochsUsedUp => vault(Kind::Other, "cannot count another epoch").hint(anew),
        Refusal::Vector(VectorFault::TooManyReplicas) => {
            vault(Kind::Other, "was changed by too many machines to count another").hint(anew)
        }
        Refusal::Vector(VectorFault::UsedUp) => vault(Kind::Other, "cannot count another change of this machine"),
        Refusal::TooLarge => {
            let what = format!("would be larger than {} MiB, the largest size of a vault", MAX_FILE >> 20);
            vault(Kind::Usage, &what)
        }
        Refusal::OtherVault => integrity("is another vault than the one that is to be merged"),
        Refusal::OlderThanBase => {
            integrity("is not merged: one side is older than what both grew from").hint("to take a change back: 'cast set'")
        }
        Refusal::OwnerMerges => vault(Kind::NoKey, "was changed on both sides, and only its owner can merge that").hint(ASK),
        Refusal::OfFormerKey => {
            vault(Kind::Integrity, "belongs to a former key: it is not merged").hint("rotate it first: 'cast key rotate'")
        }
    }
}
