//! The agent key: it reads one vault in one epoch. The line in which it is handed over also says whose signature to expect and what state
//! the vault had then, for a runner that remembers nothing.

use std::fmt::Write;
use std::str::FromStr;

use age::secrecy::zeroize::Zeroizing;
use age::secrecy::{ExposeSecret, SecretString};
use age::x25519::{Identity, Recipient};

use super::derive;
use super::id::VaultId;
use super::verification::VerificationKey;
use crate::hex::parse_counter;
use crate::name::AgentName;
use crate::vector::Vector;

/// The label of an agent key's line: `cast-agent:AGENT:ID:EPOCH:RULES/AT:OWNER:AGE-SECRET-KEY-1...`
pub(super) const GRANT: &str = "cast-agent:";

/// The key of one agent's vault in one epoch, derived from the master key. It signs nothing.
pub struct AgentKey {
    identity: Identity,
}

/// An agent key as it was exported, with what it opens and what its holder expects there.
pub struct AgentGrant {
    /// The agent whose vault it opens; never the built-in one.
    pub agent: AgentName,
    /// The vault.
    pub id: VaultId,
    /// The epoch of the vault; `cast key revoke` starts a new one.
    pub epoch: u64,
    /// The state of the owner's part at export: an older one is rolled back.
    pub rules: Vector,
    /// The state of the values at export.
    pub at: Vector,
    /// Whose signature to expect.
    pub owner: VerificationKey,
    /// The key.
    pub key: AgentKey,
}

impl AgentKey {
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self { identity: derive::identity(bytes) }
    }

    /// The identity, for age.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The public half.
    pub fn recipient(&self) -> Recipient {
        self.identity.to_public()
    }
}

impl AgentGrant {
    /// The line in which it is handed over, without a line end.
    pub fn line(&self) -> SecretString {
        let Self { agent, id, epoch, rules, at, owner, key } = self;
        let identity = key.identity.to_string();
        let head = format!("{GRANT}{agent}:{id}:{epoch}:{rules}/{at}:{owner}:");
        let mut line = Zeroizing::new(String::with_capacity(head.len() + identity.expose_secret().len()));
        write!(line, "{head}{}", identity.expose_secret()).expect("a String takes everything");
        SecretString::from(&**line)
    }

    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut parts = line.strip_prefix(GRANT)?.splitn(6, ':');
        let agent = AgentName::parse(parts.next()?).ok().filter(|agent| !agent.is_builtin())?;
        let id = VaultId::parse(parts.next()?)?;
        let epoch = parse_counter(parts.next()?)?;
        let (rules, at) = parts.next()?.split_once('/')?;
        let (rules, at) = (Vector::parse(rules)?, Vector::parse(at)?);
        let owner = VerificationKey::parse(parts.next()?)?;
        let key = AgentKey { identity: Identity::from_str(parts.next()?).ok()? };
        Some(Self { agent, id, epoch, rules, at, owner, key })
    }
}
