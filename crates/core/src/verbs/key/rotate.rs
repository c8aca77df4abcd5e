//! A new master key, and every vault here sealed to it. Interrupted anywhere, it is finished by the next: a vault that is not sealed to the
//! newest key says that there is something to finish, and then no further key is made.

use std::path::Path;

use crate::audit_log::{Action, Event};
use crate::change::masters;
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{Exports, KeyLock, KeyPlace, Notice, Slot};
use crate::read::{Found, Verdict, refuse_older};
use crate::seen::{self, Place};
use crate::session::Session;
use crate::vault_folder::VaultFolder;
use cast_vault::AgentName;
use cast_vault::MasterKey;
use cast_vault::{Inspected, Role, Vault};

/// When former keys are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retire {
    /// If it is known that no vault needs one.
    IfNotNeeded,
    /// If it is not known that a vault needs one.
    IfNotKnownNeeded,
}

/// What a rotation did.
pub struct Rotation {
    /// The public half of the newest key, `age1...`.
    pub public: String,
    /// Whether that key is new, or an unfinished rotation was finished.
    pub is_new: bool,
    /// How many vaults were sealed anew.
    pub sealed: usize,
    /// Why vaults were left as they are.
    pub left: Vec<Failure>,
    /// Whether it is only not known of some of them whether they need a former key.
    pub unseen: bool,
    /// How many former keys are still in the store.
    pub former: usize,
    /// How many former keys were dropped.
    pub retired: usize,
}

/// Seals every vault here to a new master key, or to the newest one where that was not finished.
pub struct Rotate<'a> {
    /// Drops the former keys, if all vaults can do without; then a new key is made only if there is no former one.
    pub retire: Option<Retire>,
    /// Hears how many vaults of how many are done.
    pub progress: &'a mut dyn FnMut(usize, usize),
}

impl Verb for Rotate<'_> {
    type Done = Rotation;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::KeyRotate)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Rotation> {
        let Self { retire, progress } = self;
        let lock = session.lock_key_store()?;
        let (mut slot, keys) = session.stored()?.ok_or_else(|| session.nothing_stored())?;
        if retire == Some(Retire::IfNotNeeded) && slot.place() == KeyPlace::Keyring {
            session.refuse_to_take_from_other_homes()?;
        }
        let mut unlocked = session.hold_stored(&slot, keys)?;
        let folder = session.folder()?;

        let keys = masters(&unlocked.key)?;
        let newest = public_of(keys);
        // What is refused for another reason waits for its owner, and does not make this an unfinished rotation.
        let unfinished = keys.len() > 1
            && session
                .survey()?
                .into_iter()
                .any(|vault| vault.waits || vault.state.is_ok_and(|vault| vault.is_own && vault.master != newest));
        let is_new = !unfinished && (retire.is_none() || keys.len() == 1);
        if is_new {
            let unseen = session.take_in_unseen(folder, &newest)?;
            if !unseen.is_empty() {
                session.attendant.notice(Notice::FirstSeen(unseen));
            }
            let keys = session.add_key(&lock, folder, &mut slot, keys)?;
            if let Some(seen) = session.seen() {
                seen.end_taking_in();
            }
            unlocked = session.hold_stored(&slot, keys)?;
        }

        let keys = masters(&unlocked.key)?;
        let public = public_of(keys);
        let former = keys.len() - 1;
        let mut rotation = Rotation { public, is_new, sealed: 0, left: Vec::new(), unseen: false, former, retired: 0 };
        let agents = folder.agents()?;
        for (done, agent) in agents.iter().enumerate() {
            progress(done, agents.len());
            match session.seal_to(&rotation.public, folder, agent) {
                Ok(sealed) => rotation.sealed += usize::from(sealed),
                Err(failure) => rotation.left.push(failure),
            }
        }
        progress(agents.len(), agents.len());
        if let Some(retire) = retire.filter(|_| rotation.left.is_empty() && rotation.former > 0) {
            session.retire(retire, &lock, folder, &mut slot, keys, &mut rotation)?;
        }
        Ok(rotation)
    }
}

impl Session {
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

    /// In a folder where this machine has seen no vault, remembers those that are there before the current key becomes a former one, and
    /// returns which. In another folder it takes none in: a holder of the current key, who is as good as its owner up to now, may have made
    /// them to outlive it. One that did not come to its end is gone on with, for what was there at its beginning.
    ///
    /// A vault that cannot be read stops it: later the new key would refuse that vault.
    fn take_in_unseen(&self, folder: &VaultFolder, newest: &str) -> Result<Vec<AgentName>> {
        let known = self.seen().map_or_else(|| Ok(Vec::new()), |seen| seen.places())?;
        let known = known.into_iter().collect::<Result<Vec<_>>>()?;
        let Some(seen) = self.seen() else { return Ok(Vec::new()) };
        let lies_here = |place: &Place| {
            let is_reached = || place.agent().is_some_and(|agent| seen.has_been_at(&folder.way(&agent)));
            place.path.parent().is_some_and(|parent| folder.is(parent)) || is_reached()
        };
        if folder.agents()?.is_empty() {
            return Ok(Vec::new());
        }
        let mut begun = None;
        if known.iter().any(lies_here) {
            begun = seen.taking_in(newest, &folder.real())?;
            if begun.is_none() {
                return Ok(Vec::new());
            }
        }
        // A writer that made a vault remembers it before it leaves the lock.
        let _lock = self.lock_vaults(folder)?;
        let mut unseen = Vec::new();
        for agent in folder.agents()? {
            let found = match self.look_at_vault(&agent) {
                Ok(Some(found)) => found,
                Err(failure) if failure.kind() == Kind::Io => return Err(failure),
                Ok(None) | Err(_) => continue,
            };
            let (Some(state), Role::Owner) = (found.vault.state(), found.vault.role()) else { continue };
            let is_taken_in = match &begun {
                Some(begun) => begun.contains(&seen::line_of(state)),
                None => found.is_new_here && matches!(found.verdict, Verdict::News | Verdict::Known),
            };
            if is_taken_in {
                unseen.push((agent, state.clone()));
            }
        }
        if begun.is_none() {
            seen.say_taking_in(newest, &folder.real(), unseen.iter().map(|(_, state)| state))?;
        }
        for (agent, state) in &unseen {
            let vault = self.find_vault(agent)?;
            // Not remembered, the new key would refuse it.
            if !vault.is_some_and(|vault| vault.state() == Some(state)) || !self.here(agent)?.place.holds(state.id) {
                let what = format!("cannot remember the vault of agent '{agent}', so the key is not rotated");
                return Err(Failure::new(Kind::Io, what));
            }
        }
        Ok(unseen.into_iter().map(|(agent, _)| agent).collect())
    }

    /// Puts a new key before the others.
    fn add_key(
        &self,
        lock: &KeyLock,
        folder: &VaultFolder,
        slot: &mut Slot<'_>,
        keys: &[MasterKey],
    ) -> Result<Vec<MasterKey>> {
        // Whoever is about to seal a vault to a former key does so before the walk that follows; after it, nobody does.
        let _vaults = folder.lock()?;
        let new = MasterKey::generate(clock::now());
        let all: Vec<_> = std::iter::once(&new).chain(keys).collect();
        // First: to a key that was not made here, no vault of the one before it is sealed unasked.
        let exports = Exports::new(&self.places)?;
        exports.note_made(&new, keys.first())?;
        slot.write(lock, &all).inspect_err(|_| {
            // What failed may have come after the key was in its place.
            if matches!(self.stored(), Ok(Some((_, held))) if !new.is_among(&held)) {
                exports.forget(&new);
            }
        })
    }

    /// Seals one vault anew, unless it is sealed to this key already. Says whether it did. One of a former key that this machine has not seen
    /// is refused as everywhere: its holder may have made it, to outlive that key.
    fn seal_to(&self, public: &str, folder: &VaultFolder, agent: &AgentName) -> Result<bool> {
        let is_done =
            |vault: &Vault| *vault.role() != Role::Owner || vault.part().card.recipient().to_string() == public;
        match self.look_at_vault(agent)? {
            None => return Ok(false),
            Some(found) if is_done(&found.vault) => {
                // That look remembers what it finds: a writer that was killed may have sealed the vault and not remembered that.
                self.find_vault(agent)?;
                return Ok(false);
            }
            Some(_) => {}
        }
        let lock = self.lock_vaults(folder)?;
        match self.look_at_vault(agent)? {
            Some(Found { mut vault, memory, verdict, .. }) if !is_done(&vault) => {
                refuse_older(&vault, verdict)?;
                let unlocked = self.key()?;
                self.refuse_to_hand_on(&vault, &unlocked.key)?;
                self.commit(folder, &lock, &unlocked, &mut vault, &memory, None)?;
                Ok(true)
            }
            // Deleted since it was listed, or done.
            _ => Ok(false),
        }
    }

    /// Drops all keys but the newest, if every vault that this machine knows of opens with that.
    fn retire(
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
    Failure::new(Kind::Other, what)
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

fn public_of(keys: &[MasterKey]) -> String {
    keys.first().map(|key| key.recipient().to_string()).unwrap_or_default()
}
