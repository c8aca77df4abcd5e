//! A vault: the secrets of one agent. Keeps the promises that a reader cannot write, that names, flags and people are the owner's, and that a vault
//! cannot be forged, edited, spliced or swapped, not even by a program that knows whom it is encrypted to. Works on bytes; where they lie is not
//! known here.
//!
//! | file | what it does |
//! |---|---|
//! | `lines` | the two lines that carry the signatures |
//! | `plain` | the plain text: how it is split, and what the signatures cover |
//! | `open` | the order of checks |
//! | `state` | which state it is, and how one compares with another |
//! | `receipt` | a note that a plain text was verified |
//! | `edit` | what the owner and a person change |
//! | `seal` | the next state, signed and encrypted |
//! | `merge` | two states that grew apart become one |
//! | `inspect` | a look at a vault without an anchor, for `accept` |

mod edit;
mod inspect;
mod lines;
mod merge;
mod open;
mod plain;
mod receipt;
mod seal;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::error::{Error, Refusal, Result};
use crate::key::{AgentGrant, MasterKey, UnlockKey, VaultId, random};
use crate::name::{AgentName, PersonName, SecretName};
use crate::part::{Flags, Part, Person};
use crate::values::{Secret, Values};
use crate::vector::Vector;
use lines::First;
use plain::Plain;
use receipt::Anchored;

pub use edit::Change;
pub use inspect::Inspected;
pub use merge::{Choices, Clash, Merged, Side, Sides};
pub use open::Anchor;
pub use receipt::{Noted, Receipt};
pub use state::{Comparison, Digest, State};

/// An open vault. Whatever it was made from was verified, or is this process's own.
pub struct Vault {
    /// What the next first line says; its counters move when the vault is sealed.
    first: First,
    part: Part,
    at: Vector,
    values: Values,
    sealer: Sealer,
    role: Role,
    /// The master key that opened or sealed it, if one did.
    opener: Option<Opener>,
    /// A receipt stood for the signatures.
    known: bool,
    changes: Changes,
    /// What it was read from or sealed into last.
    plain: Option<Plain>,
    state: OnceLock<State>,
}

/// What the holder of the key may do with the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Decide everything.
    Owner,
    /// Set the values that the owner permitted.
    Person(PersonName),
    /// Read.
    Reader,
}

/// Who sealed the values last, and vouches for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealer {
    /// The owner.
    Owner,
    /// A person whom the owner permitted to set some.
    Person(PersonName),
}

/// A secret with how it is treated.
#[derive(Clone, Debug)]
pub struct Entry {
    /// How the owner wants it treated.
    pub flags: Flags,
    /// The value; `None` exactly where it is fetched by the command in `flags.from`.
    pub secret: Option<Secret>,
}

/// Which of the master keys it was, and what its holder compared the owner with.
#[derive(Clone, Copy)]
struct Opener {
    index: usize,
    anchored: Anchored,
    /// The stanza of the file that is this key's.
    stanza: usize,
}

/// What was changed since the vault was opened or sealed.
#[derive(Default)]
struct Changes {
    /// The owner's part.
    part: bool,
    /// The values, or which there are.
    values: bool,
    /// Whose values.
    set: BTreeSet<SecretName>,
}

impl Vault {
    /// A new, empty vault of `agent`. It has no state before it is sealed.
    pub fn create(agent: AgentName, owner: &MasterKey) -> Result<Self> {
        Ok(Self::new(agent, owner, VaultId::generate()?, random()?, random()?))
    }

    fn new(agent: AgentName, owner: &MasterKey, id: VaultId, nonce: [u8; 16], fp: [u8; 16]) -> Self {
        let card = owner.card();
        let epoch = 1;
        let reader = owner.agent_key(&agent, id, epoch, &nonce).recipient();
        Self {
            first: First { id, agent, epoch, owner: card.verification(), rules: Vector::default(), bytes: 0 },
            part: Part { card, reader, nonce, fp, names: BTreeMap::new(), people: BTreeMap::new() },
            at: Vector::default(),
            values: Values::new(),
            sealer: Sealer::Owner,
            role: Role::Owner,
            opener: None,
            known: false,
            changes: Changes { part: true, values: true, set: BTreeSet::new() },
            plain: None,
            state: OnceLock::new(),
        }
    }

    /// Whose vault it is.
    pub fn agent(&self) -> &AgentName {
        &self.first.agent
    }

    /// Which vault it is.
    pub fn id(&self) -> VaultId {
        self.first.id
    }

    /// What the holder of the key may do with it.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Who sealed the values last.
    pub fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The owner's part, with the changes made to it.
    pub fn part(&self) -> &Part {
        &self.part
    }

    /// The secrets there are, and how they are treated.
    pub fn names(&self) -> &BTreeMap<SecretName, Flags> {
        &self.part.names
    }

    /// The people who open it besides its owner.
    pub fn people(&self) -> &BTreeMap<PersonName, Person> {
        &self.part.people
    }

    /// The values, by name. A secret that is fetched has none.
    pub fn values(&self) -> &BTreeMap<SecretName, Secret> {
        &self.values
    }

    /// Whether a receipt stood for the signatures: the very plain text that was verified before.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// The state that was opened or sealed last; `None` for a new vault. Hashes the plain text when it is first asked for.
    pub fn state(&self) -> Option<&State> {
        let plain = self.plain.as_ref()?;
        Some(self.state.get_or_init(|| plain.state().expect("its lines were read when it was opened")))
    }

    /// Which stanza of the file the holder of the key opens, to be tried first the next time.
    pub fn stanza(&self) -> usize {
        self.opener.map_or(0, |opener| opener.stanza)
    }

    /// The receipt for the plain text that was opened or sealed last. `key` is what opened or sealed it; an agent key has no receipts.
    pub fn receipt(&self, key: &UnlockKey) -> Option<Receipt> {
        let (UnlockKey::Master(keys), Some(opener), Some(plain)) = (key, self.opener, &self.plain) else { return None };
        let key = keys.get(opener.index)?;
        Some(Receipt::new(key, plain.first.line.id, opener.anchored, plain))
    }

    /// The agent key that reads this vault, with the state that was opened or sealed last. Only the owner has it, and there is none for the
    /// built-in secrets.
    pub fn grant(&self, key: &UnlockKey) -> Result<AgentGrant> {
        self.check_owner()?;
        let agent = self.agent();
        if agent.is_builtin() {
            return Err(Refusal::BuiltinStaysHere.of(agent));
        }
        let (UnlockKey::Master(keys), Some(state)) = (key, self.state()) else {
            return Err(Refusal::OwnerOnly.of(agent));
        };
        let owner = keys.iter().find(|key| key.card() == self.part.card);
        let owner = owner.ok_or_else(|| Refusal::OwnerOnly.of(agent))?;
        Ok(AgentGrant {
            agent: agent.clone(),
            id: state.id,
            epoch: state.epoch,
            rules: state.rules.clone(),
            at: state.at.clone(),
            owner: owner.verification(),
            key: owner.agent_key(agent, state.id, state.epoch, &self.part.nonce),
        })
    }

    /// The secrets as they go into an environment. Applies the rule about dangerous names again.
    pub fn into_environment(self) -> Result<BTreeMap<SecretName, Entry>> {
        if let Some((name, _)) = self.part.names.iter().find(|(name, flags)| name.is_dangerous() && !flags.dangerous) {
            return Err(Error::UnallowedName { agent: self.first.agent, name: name.clone() });
        }
        // In the same order: each value has a name.
        let mut values = self.values.into_iter().peekable();
        let entry = |(name, flags)| {
            let secret = values.next_if(|(stored, _)| *stored == name).map(|(_, secret)| secret);
            (name, Entry { flags, secret })
        };
        Ok(self.part.names.into_iter().map(entry).collect())
    }
}

impl AgentGrant {
    /// Compares a vault that this key opened with the state at export: for a runner that remembers nothing.
    pub fn compare(&self, now: &State) -> Comparison {
        if (now.id, now.epoch) != (self.id, self.epoch) {
            return Comparison::OtherVault;
        }
        now.compare_with_floor(&self.rules, &self.at)
    }
}

#[cfg(test)]
mod tests;
