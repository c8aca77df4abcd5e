//! The walk over all vaults: which of them open, and with which key. Nothing of a value comes along.

use crate::failure::{Failure, Result};
use crate::key_store::Whence;
use crate::listing;
use crate::read::Found;
use crate::session::Session;
use cast_vault::{AgentName, MasterKey, Role, SecretName, Timestamp, UnlockKey};

/// One vault, as this process finds it.
pub struct Surveyed {
    /// Whose it is.
    pub agent: AgentName,
    /// What is to be said of it where it opens; or why it is refused.
    pub state: Result<Standing, Failure>,
}

/// What there is to say of a vault that opens.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The public half of the master key that it is sealed to, `age1...`.
    pub master: String,
    /// The names of its secrets, and when each was last set.
    pub secrets: Vec<(SecretName, Timestamp)>,
    /// Whether the holder of the key is its owner.
    pub is_own: bool,
    /// The names that make programs load code.
    pub dangerous: Vec<SecretName>,
    /// Who sealed the values last.
    pub sealer: String,
}

/// The key of this process, without anything secret.
pub struct KeyStatus {
    /// Where it was found.
    pub whence: Whence,
    /// What it is.
    pub held: Held,
}

/// What this process can unlock with, without anything secret.
pub enum Held {
    /// Master keys, newest first.
    Masters(Vec<MasterStatus>),
    /// One agent's key, of one epoch.
    Agent(AgentName, u64),
}

/// One master key, without anything secret.
pub struct MasterStatus {
    /// The public half, `age1...`.
    pub public: String,
    /// When it was made, where that is known.
    pub created: Option<Timestamp>,
}

impl Session {
    /// All vaults of the folder, each opened and verified. Changes nothing.
    pub fn survey(&self) -> Result<Vec<Surveyed>> {
        let mut vaults = Vec::new();
        for agent in self.folder()?.agents()? {
            // Without a key there is nothing to say of any of them.
            self.key()?;
            let state = match self.look_at_vault(&agent) {
                Ok(Some(Found { vault, .. })) => {
                    let secrets = vault.values().iter().map(|(name, secret)| (name.clone(), secret.updated));
                    let dangerous = vault.names().iter().filter(|(_, flags)| flags.dangerous);
                    Ok(Standing {
                        master: vault.part().card.recipient().to_string(),
                        is_own: *vault.role() == Role::Owner,
                        secrets: secrets.collect(),
                        dangerous: dangerous.map(|(name, _)| name.clone()).collect(),
                        sealer: listing::sealer(&vault),
                    })
                }
                // Deleted since it was listed.
                Ok(None) => continue,
                Err(failure) => Err(failure),
            };
            vaults.push(Surveyed { agent, state });
        }
        Ok(vaults)
    }

    /// The key of this process.
    pub fn key_status(&self) -> Result<KeyStatus> {
        let unlocked = self.key()?;
        let held = match &unlocked.key {
            UnlockKey::Master(keys) => Held::Masters(keys.iter().map(MasterStatus::of).collect()),
            UnlockKey::Agent(grant) => Held::Agent(grant.agent.clone(), grant.epoch),
        };
        Ok(KeyStatus { whence: unlocked.whence.clone(), held })
    }
}

impl MasterStatus {
    fn of(key: &MasterKey) -> Self {
        Self { public: key.recipient().to_string(), created: key.created() }
    }
}

impl Surveyed {
    /// Whether it opens and is sealed to the master key with this public half.
    pub fn is_sealed_to(&self, public: &str) -> bool {
        self.state.as_ref().is_ok_and(|vault| vault.master == public)
    }
}
