//! A vault: the secrets of one agent, authenticated and sealed. Keeps the promise that nobody without one of the two keys can forge,
//! edit or swap it, not even knowing whom it is encrypted to. Works on bytes; where they lie is not known here.
//!
//! ```text
//! # cast-vault 1 id=<32 hex> epoch=1 generation=17 mac=<64 hex>
//! agent = "my-agent"
//! ...
//! ```

mod mark;
mod opened;

use std::collections::BTreeMap;

use age::secrecy::zeroize::Zeroizing;
use age::x25519::Recipient;
use hmac::Mac;

use crate::age_file;
use crate::document::{Document, Secret};
use crate::error::{Error, Refusal, Result};
use crate::key::{MasterKey, UnlockKey, VaultId};
use crate::name::{AgentName, SecretName};
use crate::time::Timestamp;
use crate::value::SecretValue;
use mark::mac;
use opened::Opened;

pub use mark::Mark;

/// An open vault.
pub struct Vault {
    mark: Mark,
    document: Document,
}

/// What setting a secret does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The name is new.
    Added,
    /// The name had a value before.
    Replaced,
    /// The name has this value already.
    Unchanged,
}

/// How the owner wants a secret treated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Treatment {
    /// Allow a name that makes programs load code.
    pub dangerous: bool,
    /// Do not mask it in output: it is a plain setting.
    pub unmasked: bool,
}

impl Vault {
    /// A new, empty vault of `agent`, at generation 0 until it is sealed.
    pub fn create(agent: AgentName, key: &MasterKey) -> Result<Self> {
        let mark = Mark { id: VaultId::generate()?, epoch: 1, generation: 0, mac: [0; 32] };
        let document = Document { agent, master: key.recipient().to_string(), secrets: BTreeMap::new() };
        Ok(Self { mark, document })
    }

    /// Opens and verifies the vault of `agent`. Every error is an [`Error::Vault`].
    pub fn open(file: &[u8], agent: &AgentName, key: &UnlockKey) -> Result<Self> {
        match key {
            UnlockKey::Master(keys) => Opened::as_master(file, agent, keys)?.verified(agent),
            UnlockKey::Agent(grant) => Opened::as_agent(file, agent, grant)?.verified(agent),
        }
    }

    /// Opens a vault whose authenticity may be broken, for the owner to look at. The flag says whether it is authentic.
    pub fn open_unverified(file: &[u8], agent: &AgentName, keys: &[MasterKey]) -> Result<(Self, bool)> {
        let opened = Opened::as_master(file, agent, keys)?;
        let authentic = opened.authentic;
        Ok((opened.parse(agent)?, authentic))
    }

    /// Seals the next generation of this vault, in a new epoch where the newest master key is another one; gives the file.
    pub fn seal(&mut self, key: &UnlockKey) -> Result<Vec<u8>> {
        let agent = self.document.agent.clone();
        if let UnlockKey::Master(keys) = key {
            let newest = keys.first().ok_or_else(|| Refusal::WrongKey.of(&agent))?.recipient().to_string();
            if self.document.master != newest {
                // While the former key is in the store it opens what the holder of an agent key from it writes: that is to be old.
                self.start_epoch()?;
                self.document.master = newest;
            }
        }
        self.mark.generation = self.mark.generation.checked_add(1).ok_or_else(|| Refusal::Damaged.of(&agent))?;
        let derived;
        let agent_key = match key {
            UnlockKey::Master(keys) => {
                let newest = keys.first().ok_or_else(|| Refusal::WrongKey.of(&agent))?;
                derived = newest.agent_key(&agent, self.mark.id, self.mark.epoch);
                &derived
            }
            UnlockKey::Agent(grant) => &grant.key,
        };
        let master: Recipient = self.document.master.parse().map_err(|_| Refusal::Damaged.of(&agent))?;
        let body = Zeroizing::new(self.document.to_toml());
        let signed = self.mark.signed();
        self.mark.mac = mac(agent_key, &signed, &body).finalize().into_bytes().into();
        let text = Zeroizing::new(format!("{}\n{}", self.mark, *body));
        let file = age_file::seal(text.as_bytes(), &[master, agent_key.recipient()]);
        if file.len() > age_file::MAX_FILE {
            return Err(Refusal::TooLarge.of(&agent));
        }
        Ok(file)
    }

    /// Adds or replaces a secret.
    pub fn set(
        &mut self,
        name: SecretName,
        value: SecretValue,
        treatment: Treatment,
        now: Timestamp,
    ) -> Result<Change> {
        check(&name, &value, treatment.dangerous)?;
        let Treatment { unmasked, .. } = treatment;
        let dangerous = name.is_dangerous();
        let created = self.document.secrets.get(&name).map_or(now, |former| former.created);
        let secret = Secret { value, created, updated: now, dangerous, unmasked };
        Ok(match self.document.secrets.insert(name, secret) {
            Some(_) => Change::Replaced,
            None => Change::Added,
        })
    }

    /// What setting `name` to `value` would do.
    pub fn change_of(&self, name: &SecretName, value: &SecretValue) -> Change {
        match self.document.secrets.get(name) {
            // A name that is not allowed yet is to be set once more, with the allowance.
            Some(secret) if secret.value.is(value) && (secret.dangerous || !name.is_dangerous()) => Change::Unchanged,
            Some(_) => Change::Replaced,
            None => Change::Added,
        }
    }

    /// Moves a secret, if there is one, to another name, perhaps in the place of another one. Its times stay; that `new` makes programs
    /// load code is allowed by `dangerous` alone, whatever was allowed for `old`.
    pub fn rename(&mut self, old: &SecretName, new: &SecretName, dangerous: bool) -> Result<()> {
        let Some(secret) = self.document.secrets.get(old) else { return Ok(()) };
        check(new, &secret.value, dangerous)?;
        let secret = Secret { dangerous: new.is_dangerous(), ..secret.clone() };
        self.document.secrets.remove(old);
        self.document.secrets.insert(new.clone(), secret);
        Ok(())
    }

    /// Removes a secret; says whether there was one.
    pub fn remove(&mut self, name: &SecretName) -> bool {
        self.document.secrets.remove(name).is_some()
    }

    /// Makes this the newest state there is, above `seen`; as a vault of its own, where this one was given up.
    pub fn supersede(&mut self, seen: Option<&Mark>, given_up: bool) -> Result<()> {
        let exhausted = |mark: &Mark| mark.epoch == u64::MAX || mark.generation >= u64::MAX - 1;
        if given_up || exhausted(&self.mark) || seen.is_some_and(exhausted) {
            self.mark = Mark { id: VaultId::generate()?, epoch: 1, generation: 0, mac: [0; 32] };
        } else if let Some(seen) = seen {
            self.mark.epoch = self.mark.epoch.max(seen.epoch);
            self.mark.generation = self.mark.generation.max(seen.generation);
        }
        Ok(())
    }

    /// Starts a new epoch: what is sealed from here on is closed to the agent keys there were.
    pub fn start_epoch(&mut self) -> Result<()> {
        let agent = &self.document.agent;
        self.mark.epoch = self.mark.epoch.checked_add(1).ok_or_else(|| Refusal::Damaged.of(agent))?;
        // The holder of an agent key can use up the generations; that does not save the key. A new epoch is newer at any generation.
        if self.mark.generation >= u64::MAX - 1 {
            self.mark.generation = 0;
        }
        Ok(())
    }

    /// The public half of the master key that it is sealed to, `age1...`.
    pub fn master(&self) -> &str {
        &self.document.master
    }

    /// Whose vault it is.
    pub fn agent(&self) -> &AgentName {
        &self.document.agent
    }

    /// Which state this is.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// The secrets, by name.
    pub fn secrets(&self) -> &BTreeMap<SecretName, Secret> {
        &self.document.secrets
    }

    /// The secrets as they go into an environment. Holds the rule about dangerous names again.
    pub fn into_environment(self) -> Result<BTreeMap<SecretName, Secret>> {
        let Document { agent, secrets, .. } = self.document;
        match secrets.iter().find(|(name, secret)| name.is_dangerous() && !secret.dangerous) {
            Some((name, _)) => Err(Error::UnallowedName { agent, name: name.clone() }),
            None => Ok(secrets),
        }
    }
}

/// Whether a secret may be called so, and fits.
fn check(name: &SecretName, value: &SecretValue, allowed: bool) -> Result<()> {
    value.check_fits(name)?;
    if name.is_dangerous() && !allowed { Err(Error::DangerousName(name.clone())) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
