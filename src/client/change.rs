//! Everything that writes a vault: lock, read, verify, change, seal, replace, remember.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Client, refused};
use crate::audit_log::{Action, Event};
use crate::document::Secret;
use crate::failure::{Failure, Kind, Result};
use crate::key_store;
use crate::keys::{MasterKey, UnlockKey};
use crate::names::{AgentName, SecretName};
use crate::secret::SecretValue;
use crate::seen::{Seen, Verdict};
use crate::timestamp::Timestamp;
use crate::vault::{Change, Mark, Treatment, Vault};
use crate::vault_file::{VaultFolder, WriteLock};

/// A vault that was refused, opened for its owner to look at.
pub(crate) struct Acceptance {
    /// Why it was refused; `None` if there is nothing to accept.
    pub why: Option<Failure>,
    file: Vec<u8>,
    vault: Vault,
    given_up: bool,
    seen: Option<Mark>,
}

impl Client {
    /// Adds or replaces one secret; makes the vault, and on first use the key.
    pub(crate) fn set(
        &self,
        agent: &AgentName,
        name: SecretName,
        value: SecretValue,
        treatment: Treatment,
    ) -> Result<Change> {
        let event = Event::new(Action::Set).agent(agent).keys([&name]);
        let now = Timestamp::now();
        self.audited(event, |_| self.change(agent, true, |vault| vault.set(name, value, treatment, now)))
    }

    /// Removes secrets, all of them or, if one is not there, none. Gives how many are left.
    pub(crate) fn delete(&self, agent: &AgentName, names: &[SecretName]) -> Result<usize> {
        let remove = |vault: &mut Vault| {
            for name in names {
                if !vault.remove(name) {
                    return Err(Self::no_such_secret(vault, name));
                }
            }
            Ok(vault.secrets().len())
        };
        let event = Event::new(Action::Delete).agent(agent).keys(names);
        self.audited(event, |_| self.change(agent, false, remove))
    }

    /// How many secrets the vault of `agent` has, for whoever is about to remove it.
    pub(crate) fn count(&self, agent: &AgentName) -> Result<usize> {
        self.watched(Event::new(Action::Delete).agent(agent), |_| Ok(self.vault(agent)?.secrets().len()))
    }

    /// Removes the whole vault of `agent`. Copies of it are refused here from then on.
    pub(crate) fn delete_vault(&self, agent: &AgentName) -> Result<()> {
        self.audited(Event::new(Action::Delete).agent(agent), |event| {
            let folder = self.folder()?;
            if folder.read(agent)?.is_none() {
                return Err(self.no_such_agent(agent));
            }
            self.key()?;
            let lock = self.lock_vaults(&folder)?;
            let vault = self.vault(agent)?;
            event.set_keys(vault.secrets().keys());
            folder.remove(&lock, agent)?;
            let given_up = self.seen().map_or(Ok(()), |seen| seen.give_up(vault.mark(), &folder.path(agent)));
            given_up.map_err(|failure| not_noted(&failure, "removed"))
        })
    }

    /// Reads a key from a file, as `CAST_KEY_FILE` does; `named_by` is the option or argument that names it.
    pub(crate) fn read_key_file(path: &Path, named_by: &str) -> Result<UnlockKey> {
        key_store::read_key_file(path, named_by)
    }

    /// Reads a key from standard input.
    pub(crate) fn read_key_from_standard_input() -> Result<UnlockKey> {
        key_store::read_key_from_standard_input()
    }

    /// Opens a vault that may have been refused, with the master key or, for an old backup, with `former`.
    pub(crate) fn review(&self, agent: &AgentName, former: Option<&UnlockKey>) -> Result<Acceptance> {
        self.watched(Event::new(Action::Accept).agent(agent), |_| self.look(agent, former))
    }

    fn look(&self, agent: &AgentName, former: Option<&UnlockKey>) -> Result<Acceptance> {
        let file = self.folder()?.read(agent)?.ok_or_else(|| self.no_such_agent(agent))?;
        let unlocked = self.key()?;
        let keys = Self::masters(&unlocked.key)?;
        let (vault, authentic) = match former {
            Some(former) => Vault::open_unverified(&file, agent, Self::masters(former)?)?,
            None => Vault::open_unverified(&file, agent, keys).map_err(|failure| unlocked.explain(failure))?,
        };
        let seen = self.seen().map(|seen| seen.record(vault.mark().id)).transpose()?.flatten();
        let verdict = Seen::judge(seen.as_ref(), vault.mark());
        let why = match verdict {
            _ if !authentic => Vault::open(&file, agent, former.unwrap_or(&unlocked.key)).err(),
            Verdict::Known | Verdict::News if former.is_none() => None,
            Verdict::Known | Verdict::News => Some(Failure::new(
                Kind::Integrity,
                format!("the vault of agent '{agent}' is sealed to the key given, not to yours"),
            )),
            verdict => Some(refused(agent, verdict)),
        };
        let given_up = verdict == Verdict::GivenUp;
        Ok(Acceptance { why, file, vault, given_up, seen: seen.map(|record| record.mark) })
    }

    /// Seals a reviewed vault anew, above everything that was seen of it, with the master key of now.
    pub(crate) fn accept(&self, acceptance: Acceptance) -> Result<()> {
        let event = Event::new(Action::Accept).agent(acceptance.vault.agent()).keys(acceptance.vault.secrets().keys());
        self.audited(event, |_| self.take(acceptance))
    }

    fn take(&self, mut acceptance: Acceptance) -> Result<()> {
        let folder = self.folder()?;
        let lock = self.lock_vaults(&folder)?;
        let agent = acceptance.vault.agent();
        let seen = self.seen().map(|seen| seen.record(acceptance.vault.mark().id)).transpose()?.flatten();
        let noted = seen.map(|record| (record.mark, record.given_up));
        let as_reviewed = noted == acceptance.seen.map(|mark| (mark, acceptance.given_up));
        if !as_reviewed || folder.read(agent)?.as_ref() != Some(&acceptance.file) {
            return Err(Failure::new(
                Kind::Integrity,
                format!("the vault of agent '{agent}' was changed meanwhile: look at it again"),
            ));
        }
        acceptance.vault.supersede(acceptance.seen.as_ref(), acceptance.given_up)?;
        self.commit(&folder, &lock, &mut acceptance.vault)
    }

    pub(super) fn change<T>(
        &self,
        agent: &AgentName,
        create: bool,
        edit: impl FnOnce(&mut Vault) -> Result<T>,
    ) -> Result<T> {
        let folder = self.folder()?;
        // Whatever may ask or wait comes before the lock.
        match folder.read(agent)? {
            Some(_) => self.key().map(drop)?,
            None if create => self.key_for_new_vault()?,
            None => return Err(self.no_such_agent(agent)),
        }
        let lock = self.lock_vaults(&folder)?;
        let (mut vault, is_new) = match self.find_vault(agent)? {
            Some(vault) => (vault, false),
            None if create => (self.create(&folder, agent)?, true),
            None => return Err(self.no_such_agent(agent)),
        };
        let result = edit(&mut vault)?;
        if is_new && let Some(seen) = self.seen() {
            seen.give_up_all_at(&folder.path(agent))?;
        }
        self.commit(&folder, &lock, &mut vault)?;
        Ok(result)
    }

    /// A new vault, made only with a key that opens the vaults there are.
    fn create(&self, folder: &VaultFolder<'_>, agent: &AgentName) -> Result<Vault> {
        let unlocked = self.key()?;
        let masters = match &unlocked.key {
            UnlockKey::Master(keys) => keys,
            UnlockKey::Agent(grant) => return Err(grant.refuse("makes no vault")),
        };
        let others = folder.agents()?;
        // One that opens shows that the key is right; a damaged one among them shows nothing.
        let mut refusal = None;
        for other in others {
            let opened = match folder.read(&other) {
                Ok(Some(file)) => Vault::open(&file, &other, &unlocked.key),
                Ok(None) => continue,
                Err(failure) => Err(failure),
            };
            match opened {
                Ok(_) => {
                    refusal = None;
                    break;
                }
                Err(failure) => refusal = Some(failure),
            }
        }
        if let Some(failure) = refusal {
            let message = format!("no new vault for agent '{agent}': the key opens none of those there are: {failure}");
            return Err(Failure::new(Kind::WrongKey, message)
                .hint("use the key that they were made with, or another CAST_VAULTS folder"));
        }
        let newest = masters.first().expect("what holds no key is refused when it is read");
        Vault::create(agent.clone(), newest)
    }

    pub(super) fn commit(&self, folder: &VaultFolder<'_>, lock: &WriteLock, vault: &mut Vault) -> Result<()> {
        let key = &self.key()?.key;
        let file = vault.seal(key)?;
        let agent = vault.agent().clone();
        let mark = *vault.mark();
        folder.replace(lock, &agent, &file, |back| {
            let reopened = Vault::open(back, &agent, key)?;
            if *reopened.mark() == mark { Ok(()) } else { Err(not_as_written(&agent)) }
        })?;
        let remembered = self.seen().map_or(Ok(()), |seen| seen.remember(&mark, &folder.path(&agent)));
        remembered.map_err(|failure| not_noted(&failure, "written"))
    }

    pub(super) fn masters(key: &UnlockKey) -> Result<&[MasterKey]> {
        match key {
            UnlockKey::Master(keys) => Ok(keys),
            UnlockKey::Agent(grant) => Err(grant.refuse("opens one vault: this needs the master key")),
        }
    }
}

fn not_as_written(agent: &AgentName) -> Failure {
    let what = format!("the vault of agent '{agent}' did not come back from the disk as it was written");
    Failure::new(Kind::Integrity, what)
}

/// The vault is as it was to be; what this machine remembers of it is not.
fn not_noted(failure: &Failure, done: &str) -> Failure {
    Failure::new(failure.kind(), format!("the vault was {done}, but not noted as seen: {failure}"))
}

impl Acceptance {
    /// What would be taken.
    pub(crate) fn secrets(&self) -> &BTreeMap<SecretName, Secret> {
        self.vault.secrets()
    }
}
