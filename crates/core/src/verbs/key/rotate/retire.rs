//! What former keys are still needed for, and their end: dropped only when no vault that this machine knows of needs one.

use std::path::{Path, PathBuf};

use super::{Retire, Rotation};
use crate::change::masters;
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{KeyLock, Slot};
use crate::session::Session;
use crate::vault_folder::VaultFolder;
use cast_vault::{AgentName, Inspected, MasterKey, Vault};

impl Session {
    /// The vaults of others, here and where this machine has accepted one, that list a former key alone. What cannot be read is passed over:
    /// whether it matters is asked when the former keys are to be dropped.
    pub(super) fn vaults_that_list_former_keys(
        &self,
        here: &VaultFolder,
        agents: &[AgentName],
        keys: &[MasterKey],
    ) -> Vec<PathBuf> {
        let needs = |folder: &VaultFolder, agent: &AgentName| {
            let file = folder.read(agent).ok().flatten()?;
            let is_own = Vault::inspect(&file, agent, keys).is_ok_and(|vault| vault.is_owned_by(keys));
            (!is_own && needs_former(&file, agent, keys)).then(|| folder.path(agent))
        };
        let known = self.seen().and_then(|seen| seen.places().ok()).unwrap_or_default();
        let elsewhere = known.into_iter().flatten().filter(|place| place.card().is_some()).filter_map(|place| {
            let (agent, folder) = (place.agent()?, place.path.parent()?);
            let there = VaultFolder::new(folder);
            if here.is(folder) || !there.is(folder) { None } else { needs(&there, &agent) }
        });
        agents.iter().filter_map(|agent| needs(here, agent)).chain(elsewhere).collect()
    }

    /// Puts among those that are left what this machine has seen, here or in other folders, that is sealed to a former key or, unless that is
    /// said not to matter, may be: what is not there now, and what is no longer what was seen there.
    /// `judged` are the agents whose vaults here were looked at.
    fn look_at_places(
        &self,
        retire: Retire,
        here: &VaultFolder,
        judged: &[AgentName],
        rotation: &mut Rotation,
    ) -> Result<()> {
        let unlocked = self.key()?;
        let keys = masters(&unlocked.key)?;
        let known = self.seen().map_or_else(|| Ok(Vec::new()), |seen| seen.places());
        for place in known.unwrap_or_else(|failure| vec![Err(failure)]) {
            let needs = place.and_then(|place| {
                let path = &place.path;
                let Some((agent, folder)) = place.agent().zip(path.parent()) else { return Ok(None) };
                let Some(held) = &place.held else { return Ok(None) };
                if here.is(folder) {
                    return if judged.contains(&agent) { Ok(None) } else { Err(gone(path)) };
                }
                let there = VaultFolder::new(folder);
                // Unless a link leads to another folder by now.
                let file = if there.is(folder) { there.read(&agent)? } else { None };
                let file = file.ok_or_else(|| gone(path))?;
                let is_own = held.card.is_none();
                let is_accepted =
                    |vault: &Inspected| held.card.as_ref() == Some(vault.card()) && vault.state().id == held.id;
                match Vault::inspect(&file, &agent, keys).map_err(Failure::from) {
                    Ok(vault) if is_own && !(vault.is_owned_by(keys) && vault.state().id == held.id) => {
                        Err(replaced(path))
                    }
                    Ok(vault) if !is_own && !is_accepted(&vault) => Err(replaced(path)),
                    Ok(vault) if !vault.is_owned_by(keys) => {
                        Ok(Some(listed_before(path)).filter(|_| needs_former(&file, &agent, keys)))
                    }
                    // With the newest key alone: its header may be another's.
                    Ok(vault) if vault.card().recipient().to_string() == rotation.public => {
                        Vault::inspect(&file, &agent, &keys[..1]).map(|_| None).map_err(|_| replaced(path))
                    }
                    Ok(_) => Ok(Some(behind(path))),
                    Err(failure) if failure.kind() == Kind::WrongKey => Err(replaced(path)),
                    Err(failure) => Err(Failure::new(failure.kind(), format!("{failure}: '{}'", path.display()))),
                }
            });
            match needs {
                Ok(needs) => rotation.left.extend(needs),
                Err(_) if retire == Retire::IfNotKnownNeeded => {}
                Err(failure) => {
                    rotation.left.push(failure);
                    rotation.unseen = true;
                }
            }
        }
        Ok(())
    }

    /// Drops all keys but the newest, if every vault that this machine knows of opens with that.
    pub(super) fn retire(
        &self,
        retire: Retire,
        lock: &KeyLock,
        folder: &VaultFolder,
        slot: &mut Slot<'_>,
        keys: &[MasterKey],
        rotation: &mut Rotation,
    ) -> Result<()> {
        // From the look at the vaults to the end of the former keys, nobody seals one to them, nor puts an old one back through cast.
        let _vaults = folder.lock()?;
        let seen = self.seen();
        if let Some(seen) = &seen {
            seen.end_deletions(|path| folder.has_lost(path))?;
        }
        // Nor in another folder: who writes there remembers it under this lock.
        let _records = seen.map(|seen| seen.lock()).transpose()?;
        let mut judged = Vec::new();
        for vault in self.survey()? {
            let needs = match &vault.state {
                Ok(standing) if !standing.is_own => {
                    let file = folder.read(&vault.agent)?.unwrap_or_default();
                    needs_former(&file, &vault.agent, keys).then(|| listed_before(&folder.path(&vault.agent)))
                }
                Ok(standing) if standing.master == rotation.public => None,
                Ok(_) => Some(behind(&folder.path(&vault.agent))),
                Err(failure) if self.is_of_others(&vault.agent, failure)? => {
                    let file = folder.read(&vault.agent)?.unwrap_or_default();
                    // Damaged, it does not open either; and one that was accepted may list a former key in the copy that comes next.
                    let is_unsure = failure.kind() == Kind::WrongKey || self.here(&vault.agent)?.place.card().is_some();
                    if needs_former(&file, &vault.agent, keys) {
                        Some(listed_before(&folder.path(&vault.agent)))
                    } else if is_unsure && retire == Retire::IfNotNeeded {
                        rotation.unseen = true;
                        Some(failure.clone())
                    } else {
                        None
                    }
                }
                Err(_) => vault.state.err(),
            };
            rotation.left.extend(needs);
            judged.push(vault.agent);
        }
        self.look_at_places(retire, folder, &judged, rotation)?;
        if rotation.left.is_empty() {
            let kept = slot.write(lock, &[&keys[0]])?;
            self.hold_stored(slot, kept)?;
            rotation.retired = std::mem::take(&mut rotation.former);
        }
        Ok(())
    }
}

/// This vault may need a former key; it was on a disk that is not there now, or was moved or deleted.
fn gone(path: &Path) -> Failure {
    Failure::new(Kind::Other, format!("a vault that this machine has seen is gone: '{}'", path.display()))
}

/// The same: who can write its folder can put another one there.
fn replaced(path: &Path) -> Failure {
    let what =
        format!("a vault that this machine has seen is gone, and another lies in its place: '{}'", path.display());
    Failure::new(Kind::Other, what)
}

/// This vault needs a former key.
fn behind(path: &Path) -> Failure {
    Failure::new(Kind::Other, format!("a vault is still sealed to a former master key: '{}'", path.display()))
}

/// The same: its owner lists this user by a card of that key.
fn listed_before(path: &Path) -> Failure {
    let what = format!("another owner's vault lists a former key of yours and not the newest: '{}'", path.display());
    Failure::new(Kind::Other, what).hint("give its owner your new card: 'cast key card'")
}

/// Whether another owner's vault lists this user by a former key alone.
fn needs_former(file: &[u8], agent: &AgentName, keys: &[MasterKey]) -> bool {
    let lists = |key: &MasterKey, keys: &[MasterKey]| {
        Vault::inspect(file, agent, keys)
            .is_ok_and(|vault| vault.part().people.values().any(|person| person.card == key.card()))
    };
    let (newest, former) = keys.split_at(1);
    former.iter().any(|key| lists(key, keys)) && !lists(&newest[0], newest)
}
