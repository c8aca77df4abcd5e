//! A vault: the secrets of one agent, authenticated and sealed. Keeps the promise that nobody without one of the two keys can forge,
//! edit or swap it, not even knowing whom it is encrypted to. Works on bytes; where they lie is not known here.
//!
//! ```text
//! # cast-vault 1 id=<32 hex> epoch=1 generation=17 mac=<64 hex>
//! agent = "my-agent"
//! ...
//! ```

use std::collections::BTreeMap;

use age::secrecy::zeroize::Zeroizing;
use age::x25519::Recipient;
use hmac::Mac;

use crate::age_file::{self, Closed};
use crate::document::{Document, Secret};
use crate::failure::{Failure, Kind, Result};
use crate::keys::{AgentKey, MasterKey, UnlockKey, VaultId, parse_hex, parse_number};
use crate::names::{AgentName, SecretName};
use crate::secret::SecretValue;
use crate::timestamp::Timestamp;

/// Which state of which vault this is: what the first line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The vault.
    pub id: VaultId,
    /// Counts revocations, from 1.
    pub epoch: u64,
    /// Counts changes, from 1.
    pub generation: u64,
    /// Authenticates this state.
    pub mac: [u8; 32],
}

/// An open vault.
pub(crate) struct Vault {
    mark: Mark,
    document: Document,
}

/// What `Vault::set` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The name is new.
    Added,
    /// The name had a value before.
    Replaced,
}

/// How the owner wants a secret treated.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Treatment {
    /// Allow a name that makes programs load code.
    pub dangerous: bool,
    /// Do not mask it in output: it is a plain setting.
    pub unmasked: bool,
}

const FIRST_WORDS: &str = "# cast-vault ";

impl Vault {
    /// A new, empty vault of `agent`, at generation 0 until it is sealed.
    pub(crate) fn create(agent: AgentName, key: &MasterKey) -> Result<Self> {
        let mark = Mark { id: VaultId::generate()?, epoch: 1, generation: 0, mac: [0; 32] };
        let document = Document { agent, master: key.recipient().to_string(), secrets: BTreeMap::new() };
        Ok(Self { mark, document })
    }

    /// Opens and verifies the vault of `agent`. Every failure is of kind `Integrity`, but that of an agent key which is another's.
    pub(crate) fn open(file: &[u8], agent: &AgentName, key: &UnlockKey) -> Result<Self> {
        let (vault, authentic) = match key {
            UnlockKey::Master(keys) => Self::open_as_master(file, agent, keys)?,
            UnlockKey::Agent(grant) if grant.agent != *agent => {
                return Err(Failure::new(
                    Kind::NoKey,
                    format!("the key given is the agent key of '{}', which opens no other vault", grant.agent),
                ));
            }
            UnlockKey::Agent(grant) => {
                let text = decrypt(file, agent, &[grant.key.identity()])?;
                Self::read(&text, agent, |id, epoch| {
                    if (id, epoch) == (grant.id, grant.epoch) { Ok(&grant.key) } else { Err(wrong_key(agent)) }
                })?
            }
        };
        if authentic { Ok(vault) } else { Err(not_authentic(agent)) }
    }

    /// Opens a vault whose authenticity may be broken, for the owner to look at. The flag says whether it is authentic.
    pub(crate) fn open_unverified(file: &[u8], agent: &AgentName, keys: &[MasterKey]) -> Result<(Self, bool)> {
        Self::open_as_master(file, agent, keys)
    }

    fn open_as_master(file: &[u8], agent: &AgentName, keys: &[MasterKey]) -> Result<(Self, bool)> {
        // Each key by itself: the agent key derives from the one that fits.
        for key in keys {
            let text = match age_file::open(file, std::iter::once(key.identity())) {
                Ok(text) => text,
                Err(Closed::WrongKey) => continue,
                Err(_) => return Err(damaged(agent)),
            };
            let (vault, authentic) =
                Self::read(&text, agent, |id, epoch| Ok(Box::new(key.agent_key(agent, id, epoch))))?;
            if vault.document.master != key.recipient().to_string() {
                return Err(Failure::new(
                    Kind::Integrity,
                    format!("the vault of agent '{agent}' names a master key that is not yours"),
                ));
            }
            return Ok((vault, authentic));
        }
        Err(wrong_key(agent))
    }

    /// Reads the plaintext: first line, authentication, and only then the TOML.
    fn read<K: std::borrow::Borrow<AgentKey>>(
        text: &[u8],
        agent: &AgentName,
        key: impl FnOnce(VaultId, u64) -> Result<K>,
    ) -> Result<(Self, bool)> {
        let text = std::str::from_utf8(text).map_err(|_| damaged(agent))?;
        let (line, body) = text.split_once('\n').ok_or_else(|| damaged(agent))?;
        let version = line.strip_prefix(FIRST_WORDS).ok_or_else(|| damaged(agent))?;
        if !version.starts_with("1 ") {
            return Err(newer(agent));
        }
        let (signed, mark) = Mark::parse(line).ok_or_else(|| damaged(agent))?;
        let key = key(mark.id, mark.epoch)?;
        // hmac compares in constant time.
        let authentic = mac(key.borrow(), signed, body).verify_slice(&mark.mac).is_ok();
        let document = match Document::from_toml(body) {
            Some(document) => document,
            None if authentic => return Err(newer(agent)),
            None => return Err(not_authentic(agent)),
        };
        if document.agent != *agent {
            return Err(Failure::new(
                Kind::Integrity,
                format!("the vault of agent '{agent}' is that of another agent"),
            ));
        }
        Ok((Self { mark, document }, authentic))
    }

    /// Seals the next generation of this vault; gives the file.
    pub(crate) fn seal(&mut self, key: &UnlockKey) -> Result<Vec<u8>> {
        let agent = self.document.agent.clone();
        self.mark.generation = self.mark.generation.checked_add(1).ok_or_else(|| damaged(&agent))?;
        let derived;
        let agent_key = match key {
            UnlockKey::Master(keys) => {
                let newest = keys.first().ok_or_else(|| wrong_key(&agent))?;
                self.document.master = newest.recipient().to_string();
                derived = newest.agent_key(&agent, self.mark.id, self.mark.epoch);
                &derived
            }
            UnlockKey::Agent(grant) => &grant.key,
        };
        let master: Recipient = self.document.master.parse().map_err(|_| damaged(&agent))?;
        let body = Zeroizing::new(self.document.to_toml());
        let signed = self.mark.signed();
        self.mark.mac = mac(agent_key, &signed, &body).finalize().into_bytes().into();
        let text = Zeroizing::new(format!("{}\n{}", self.mark, *body));
        let file = age_file::seal(text.as_bytes(), &[master, agent_key.recipient()]);
        if file.len() > age_file::MAX_FILE {
            return Err(Failure::new(
                Kind::Usage,
                format!(
                    "the vault of agent '{agent}' would be larger than {} MiB, the most that a vault holds",
                    age_file::MAX_FILE >> 20
                ),
            ));
        }
        Ok(file)
    }

    /// Adds or replaces a secret.
    pub(crate) fn set(
        &mut self,
        name: SecretName,
        value: SecretValue,
        treatment: Treatment,
        now: Timestamp,
    ) -> Result<Change> {
        value.check_fits(&name)?;
        if name.is_dangerous() && !treatment.dangerous {
            return Err(dangerous(&name).hint("if that is what you want, say so with '--allow-dangerous-name'"));
        }
        let Treatment { dangerous, unmasked } = treatment;
        let dangerous = dangerous && name.is_dangerous();
        let created = self.document.secrets.get(&name).map_or(now, |former| former.created);
        let secret = Secret { value, created, updated: now, dangerous, unmasked };
        Ok(match self.document.secrets.insert(name, secret) {
            Some(_) => Change::Replaced,
            None => Change::Added,
        })
    }

    /// Removes a secret; says whether there was one.
    pub(crate) fn remove(&mut self, name: &SecretName) -> bool {
        self.document.secrets.remove(name).is_some()
    }

    /// Makes this the newest state there is, above `seen`; as a vault of its own, where this one was given up.
    pub(crate) fn supersede(&mut self, seen: Option<&Mark>, given_up: bool) -> Result<()> {
        if given_up {
            self.mark = Mark { id: VaultId::generate()?, epoch: 1, generation: 0, mac: [0; 32] };
        } else if let Some(seen) = seen {
            self.mark.epoch = self.mark.epoch.max(seen.epoch);
            self.mark.generation = self.mark.generation.max(seen.generation);
        }
        Ok(())
    }

    /// Whose vault it is.
    pub(crate) fn agent(&self) -> &AgentName {
        &self.document.agent
    }

    /// Which state this is.
    pub(crate) fn mark(&self) -> &Mark {
        &self.mark
    }

    /// The secrets, by name.
    pub(crate) fn secrets(&self) -> &BTreeMap<SecretName, Secret> {
        &self.document.secrets
    }

    /// The secrets as they go into an environment. Holds the rule about dangerous names again.
    pub(crate) fn environment(&self) -> Result<impl Iterator<Item = (&SecretName, &Secret)>> {
        let secrets = self.document.secrets.iter();
        match secrets.clone().find(|(name, secret)| name.is_dangerous() && !secret.dangerous) {
            Some((name, _)) => Err(dangerous(name).hint(format!(
                "if that is what you want, set it anew: 'cast set --allow-dangerous-name {} {name}'",
                self.agent()
            ))),
            None => Ok(secrets),
        }
    }
}

impl Mark {
    /// What the authentication covers of the first line.
    fn signed(&self) -> String {
        format!("{FIRST_WORDS}1 id={} epoch={} generation={}", self.id, self.epoch, self.generation)
    }

    /// Reads a first line in its one form; also gives the part of it that is authenticated.
    pub(crate) fn parse(line: &str) -> Option<(&str, Self)> {
        let (signed, mac) = line.split_once(" mac=")?;
        let mut fields = signed.strip_prefix(FIRST_WORDS)?.strip_prefix("1 ")?.split(' ');
        let mark = Self {
            id: VaultId::parse(fields.next()?.strip_prefix("id=")?)?,
            epoch: parse_number(fields.next()?.strip_prefix("epoch=")?)?,
            generation: parse_number(fields.next()?.strip_prefix("generation=")?)?,
            mac: parse_hex(mac)?,
        };
        fields.next().is_none().then_some((signed, mark))
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} mac=", self.signed())?;
        self.mac.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The authentication code of a vault: over its first line up to ` mac=`, the line end, and everything after the line.
fn mac(key: &AgentKey, signed: &str, body: &str) -> impl Mac<OutputSize = hmac::digest::consts::U32> + use<> {
    let mut mac = key.mac();
    mac.update(signed.as_bytes());
    mac.update(b"\n");
    mac.update(body.as_bytes());
    mac
}

fn decrypt(file: &[u8], agent: &AgentName, identities: &[&age::x25519::Identity]) -> Result<Zeroizing<Vec<u8>>> {
    age_file::open(file, identities.iter().copied()).map_err(|closed| match closed {
        Closed::WrongKey => wrong_key(agent),
        Closed::Damaged | Closed::TooMuchWork => damaged(agent),
    })
}

fn wrong_key(agent: &AgentName) -> Failure {
    Failure::new(Kind::Integrity, format!("the vault of agent '{agent}' does not open: wrong key, or damaged"))
}

fn damaged(agent: &AgentName) -> Failure {
    Failure::new(Kind::Integrity, format!("the vault of agent '{agent}' is damaged"))
        .hint("bring it back from a backup or from version control")
}

fn newer(agent: &AgentName) -> Failure {
    Failure::new(Kind::Integrity, format!("the vault of agent '{agent}' was made by a newer cast"))
        .hint("install that version")
}

fn not_authentic(agent: &AgentName) -> Failure {
    Failure::new(
        Kind::Integrity,
        format!("the vault of agent '{agent}' is not authentic: edited, forged, or another agent's"),
    )
    .hint(format!("if you changed it yourself, look at it and take it with 'cast vault accept {agent}'"))
}

fn dangerous(name: &SecretName) -> Failure {
    Failure::new(Kind::Usage, format!("'{name}' makes programs load code or changes what runs"))
}

#[cfg(test)]
mod tests;
