//! Walks over all vaults: which of them open, and with which key. Returns no values.

use std::cell::Cell;

use crate::brokered;
use crate::failure::{Failure, Kind, Result};
use crate::key_store::Whence;
use crate::listing;
use crate::read::{Found, Verdict};
use crate::session::Session;
use cast_vault::{AgentName, Card, Flags, MasterKey, PersonName, Role, SecretName, Timestamp, UnlockKey, Vault};

/// The state of one vault.
pub struct Surveyed {
    /// The agent that it belongs to.
    pub agent: AgentName,
    /// Its details if it opens, or why it is refused.
    pub state: Result<Standing, Failure>,
    /// Whether it waits for a look by its owner, as a former key owns it and this machine has not seen it.
    pub(crate) waits: bool,
    /// Whether no key here opens it, and this machine has not seen it before: other people have vaults in a team's folder, too.
    pub(crate) is_closed_and_unknown: bool,
}

/// Details of a vault that opens.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The recipient of the master key of this user that it is sealed to, as owner or person: `age1...`.
    pub master: String,
    /// The names of its secrets, and when each value was last set.
    pub secrets: Vec<(SecretName, Timestamp)>,
    /// Whether the holder of the key is its owner.
    pub is_own: bool,
    /// The names that make programs load code.
    pub dangerous: Vec<SecretName>,
    /// Whether any of its secrets is brokered.
    pub has_brokered: bool,
    /// The names of brokered secrets whose values cannot be brokered, and why not.
    pub unfit: Vec<(SecretName, String)>,
    /// Who sealed the values last.
    pub sealer: String,
    /// The people whom its owner listed, and when.
    pub people: Vec<(PersonName, Timestamp)>,
}

/// Public facts about the key of this process.
pub struct KeyStatus {
    /// Where it was found.
    pub whence: Whence,
    /// What it is.
    pub held: Held,
}

/// Public facts about what the key unlocks.
pub enum Held {
    /// Master keys, newest first.
    Masters(Vec<MasterStatus>),
    /// The key of one agent, and its epoch.
    Agent(AgentName, u64),
}

/// Public facts about one master key.
pub struct MasterStatus {
    /// The recipient, `age1...`.
    pub public: String,
    /// When it was made, if known.
    pub created: Option<Timestamp>,
}

impl Session {
    /// Opens and verifies all vaults in the folder. Changes nothing.
    pub fn survey(&self) -> Result<Vec<Surveyed>> {
        let mut vaults = Vec::new();
        for agent in self.folder()?.agents()? {
            // Without a key cast cannot report on any vault.
            self.key()?;
            let waits = Cell::new(false);
            let check = |found: Found| {
                waits.set(found.verdict == Verdict::FormerKey);
                self.check(found)
            };
            let state = match self.look(&agent, check) {
                Ok(Some(Found { vault, .. })) => {
                    let secrets = vault.values().iter().map(|(name, secret)| (name.clone(), secret.updated));
                    let dangerous = vault.names().iter().filter(|(_, flags)| flags.dangerous);
                    Ok(Standing {
                        master: own_card(&vault).recipient().to_string(),
                        is_own: *vault.role() == Role::Owner,
                        secrets: secrets.collect(),
                        dangerous: dangerous.map(|(name, _)| name.clone()).collect(),
                        has_brokered: vault.names().values().any(|flags| !flags.hosts.is_empty()),
                        unfit: unfit(&vault),
                        sealer: listing::sealer(&vault),
                        people: vault.people().iter().map(|(name, person)| (name.clone(), person.since)).collect(),
                    })
                }
                // Deleted since it was listed.
                Ok(None) => continue,
                Err(failure) => Err(failure),
            };
            let is_closed = state.as_ref().is_err_and(|failure| failure.kind() == Kind::WrongKey);
            let is_closed_and_unknown = is_closed && self.here(&agent)?.place.held.is_none();
            vaults.push(Surveyed { agent, state, waits: waits.get(), is_closed_and_unknown });
        }
        Ok(vaults)
    }

    /// Reports on the key of this process.
    pub fn key_status(&self) -> Result<KeyStatus> {
        let unlocked = self.key()?;
        let held = match &unlocked.key {
            UnlockKey::Master(keys) => Held::Masters(keys.iter().map(MasterStatus::of).collect()),
            UnlockKey::Agent(grant) => Held::Agent(grant.agent.clone(), grant.epoch),
        };
        Ok(KeyStatus { whence: unlocked.whence.clone(), held })
    }
}

/// The card of the owner or, of a vault that is shared with this user, the one that is listed.
fn own_card(vault: &Vault) -> &Card {
    let part = vault.part();
    match vault.role() {
        Role::Person(name) => part.people.get(name).map_or(&part.card, |person| &person.card),
        Role::Owner | Role::Reader => &part.card,
    }
}

/// The brokered secrets whose values cannot be brokered.
fn unfit(vault: &Vault) -> Vec<(SecretName, String)> {
    let brokered = vault.names().iter().filter(|(_, flags)| !flags.hosts.is_empty());
    let why = |(name, flags): (&SecretName, &Flags)| {
        let unfit = brokered::unfit(&vault.values().get(name)?.value, flags)?;
        Some((name.clone(), unfit.to_string()))
    };
    brokered.filter_map(why).collect()
}

impl MasterStatus {
    fn of(key: &MasterKey) -> Self {
        Self { public: key.recipient().to_string(), created: key.created() }
    }
}

impl Surveyed {
    /// Whether it opens and is sealed to the master key with this recipient.
    pub fn is_sealed_to(&self, public: &str) -> bool {
        self.state.as_ref().is_ok_and(|vault| vault.master == public)
    }
}
