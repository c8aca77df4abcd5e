//! The way of a change, whole: find the key, lock, read and verify, change, seal, replace, remember. Killed anywhere, the vault is the old
//! one or the new one. The audit log's note comes after, at the door (`door.rs`).

use cast_vault::{AgentName, MasterKey, Refusal, UnlockKey, Vault};

use crate::failure::{self, Failure, Kind, Result};
use crate::session::Session;
use crate::vault_folder::{VaultFolder, WriteLock};

/// Whether a change makes the vault where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It does, and on first use the key.
    Create,
    /// It fails.
    Refuse,
}

impl Session {
    /// Changes the vault of `agent` by `edit`; a failure of `edit` changes nothing.
    pub(crate) fn change<T>(
        &self,
        agent: &AgentName,
        missing: Missing,
        edit: impl FnOnce(&mut Vault) -> Result<T>,
    ) -> Result<T> {
        let folder = self.folder()?;
        // Whatever may ask or wait comes before the lock.
        match (folder.is_there(agent)?, missing) {
            (true, _) => self.key().map(drop)?,
            (false, Missing::Create) => self.key_for_new_vault()?,
            (false, Missing::Refuse) => return Err(self.no_such_agent(agent)),
        }
        let lock = self.lock_vaults(&folder)?;
        let (mut vault, is_new) = match (self.find_vault(agent)?, missing) {
            (Some(vault), _) => (vault, false),
            (None, Missing::Create) => (self.create(&folder, agent)?, true),
            (None, Missing::Refuse) => return Err(self.no_such_agent(agent)),
        };
        let result = edit(&mut vault)?;
        if is_new && let Some(seen) = self.seen() {
            seen.give_up_all_at(&folder.path(agent))?;
        }
        self.commit(&folder, &lock, &mut vault)?;
        Ok(result)
    }

    /// Seals a vault, puts it in the place of its file once it came back from the disk and opened, and remembers its state.
    pub(crate) fn commit(&self, folder: &VaultFolder<'_>, lock: &WriteLock, vault: &mut Vault) -> Result<()> {
        let key = &self.key()?.key;
        let file = vault.seal(key)?;
        let agent = vault.agent().clone();
        let mark = *vault.mark();
        folder.replace(lock, &agent, &file, |back| {
            let reopened = Vault::open(back, &agent, key)?;
            if *reopened.mark() == mark { Ok(()) } else { Err(not_as_written(&agent)) }
        })?;
        let remembered = self.seen().map_or(Ok(()), |seen| seen.remember(&mark, &folder.path(&agent)));
        remembered.map_err(|failure| not_remembered(&failure, "written"))
    }

    /// Removes the vault of `agent`, whose copies are refused here from then on. `read` sees it before.
    pub(crate) fn remove(&self, agent: &AgentName, read: impl FnOnce(&Vault)) -> Result<()> {
        let folder = self.folder()?;
        if !folder.is_there(agent)? {
            return Err(self.no_such_agent(agent));
        }
        self.key()?;
        let lock = self.lock_vaults(&folder)?;
        let vault = self.vault(agent)?;
        read(&vault);
        folder.remove(&lock, agent)?;
        let given_up = self.seen().map_or(Ok(()), |seen| seen.give_up(vault.mark(), &folder.path(agent)));
        given_up.map_err(|failure| not_remembered(&failure, "removed"))
    }

    /// A new vault, made only with a key that opens the vaults there are.
    fn create(&self, folder: &VaultFolder<'_>, agent: &AgentName) -> Result<Vault> {
        let unlocked = self.key()?;
        let masters = match &unlocked.key {
            UnlockKey::Master(keys) => keys,
            UnlockKey::Agent(grant) => return Err(failure::agent_key(&grant.agent, "makes no vault")),
        };
        let others = folder.agents()?;
        // One that opens shows that the key is right; a damaged one among them shows nothing.
        let mut refusal = None;
        for other in others {
            let opened = match folder.read(&other) {
                Ok(Some(file)) => Vault::open(&file, &other, &unlocked.key).map_err(Failure::from),
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
        let newest = masters.first().ok_or_else(|| Failure::from(Refusal::WrongKey.of(agent)))?;
        Ok(Vault::create(agent.clone(), newest)?)
    }
}

/// The master keys; a failure for an agent key.
pub(crate) fn masters(key: &UnlockKey) -> Result<&[MasterKey]> {
    match key {
        UnlockKey::Master(keys) => Ok(keys),
        UnlockKey::Agent(grant) => Err(failure::agent_key(&grant.agent, "opens one vault: this needs the master key")),
    }
}

fn not_as_written(agent: &AgentName) -> Failure {
    let what = format!("the vault of agent '{agent}' did not come back from the disk as it was written");
    Failure::new(Kind::Integrity, what)
}

/// The vault is as it was to be; what this machine remembers of it is not.
fn not_remembered(failure: &Failure, done: &str) -> Failure {
    Failure::new(failure.kind(), format!("the vault was {done}, but not noted as seen: {failure}"))
}
