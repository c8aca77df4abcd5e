//! The keys, and the words in which they travel. Keeps the promises that an agent key reads one vault in one epoch and can do nothing else,
//! and that no key leads back to the one it was derived from. SECURITY.md has the derivations, with test vectors.

mod agent;
mod card;
mod derive;
mod id;
mod master;
mod verification;

use std::str::FromStr;

use age::secrecy::zeroize::Zeroizing;
use age::x25519::Identity;

use crate::error::{Error, KeyFault, Result};
use crate::time::Timestamp;

pub use agent::{AgentGrant, AgentKey};
pub use card::{Card, Fingerprint};
pub use id::VaultId;
pub use master::MasterKey;
pub use verification::VerificationKey;

pub(crate) use card::parse_recipient;
pub(crate) use derive::random;
pub(crate) use verification::Verifier;

/// What this process can unlock with.
pub enum UnlockKey {
    /// The user's master key and, behind it, former ones.
    Master(Vec<MasterKey>),
    /// One agent's key.
    Agent(Box<AgentGrant>),
}

impl UnlockKey {
    /// Reads an age identity file (comments and blank lines are passed over) or the line of an agent key. A failure says what
    /// is wrong with which line and quotes nothing of it.
    pub fn parse(text: &str) -> Result<Self> {
        let mut masters = Vec::new();
        let mut grant = None;
        let mut keys = 0;
        let mut created = None;
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
            if let Some(time) = line.strip_prefix(master::CREATED) {
                created = Timestamp::parse(time);
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            keys += 1;
            if line.starts_with(agent::GRANT) {
                grant = Some(AgentGrant::parse(line).ok_or(Error::Key(KeyFault::NotAgentKey { line: number }))?);
            } else if line.starts_with("AGE-PLUGIN-") || line.starts_with("AGE-SECRET-KEY-PQ-") {
                return Err(Error::Key(KeyFault::Unsupported { line: number }));
            } else {
                let identity =
                    Identity::from_str(line).map_err(|_| Error::Key(KeyFault::NotIdentity { line: number }))?;
                masters.push(MasterKey::new(identity, created.take()));
            }
        }
        match (grant, keys) {
            (_, 0) => Err(Error::Key(KeyFault::Empty)),
            (None, _) => Ok(Self::Master(masters)),
            (Some(grant), 1) => Ok(Self::Agent(Box::new(grant))),
            (Some(_), _) => Err(Error::Key(KeyFault::AgentKeyNotAlone)),
        }
    }

    /// The key from which the stand-ins of the vault `id` are drawn: of the current master key or, with an agent key, of that. So
    /// stand-ins are the same in each run of one holder, and nobody without the key can test a guess against one.
    pub fn stand_in_key(&self, id: &VaultId) -> Zeroizing<[u8; 32]> {
        let identity = match self {
            Self::Master(keys) => keys.first().expect("a parsed key file has a key").identity(),
            Self::Agent(grant) => grant.key.identity(),
        };
        let mut info = b"cast/v1/stand-in\0".to_vec();
        info.extend_from_slice(&id.0);
        derive::derive(&derive::secret_bytes(identity), &info)
    }
}

#[cfg(test)]
mod tests;
