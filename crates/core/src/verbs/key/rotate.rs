//! A new master key, and every vault here sealed to it. Interrupted anywhere, it is finished by the next: a vault that is not sealed to the
//! newest key says that there is something to finish, and then no further key is made.

mod retire;

use std::path::PathBuf;

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
use cast_vault::{AgentName, Fingerprint, MasterKey, PersonName, Role, Vault};

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
    /// The vaults of others that list a former key of this user's and not the newest.
    pub listed: Vec<PathBuf>,
    /// The vaults that are none of this user's, as far as this machine can know.
    pub passed_over: Vec<AgentName>,
    /// The people with whom vaults that were sealed anew are shared: they accept the new card.
    pub shared: Vec<(AgentName, Vec<PersonName>)>,
    /// The fingerprint of that card.
    pub fingerprint: Option<Fingerprint>,
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
        let mut rotation = Rotation {
            public,
            is_new,
            sealed: 0,
            left: Vec::new(),
            unseen: false,
            former,
            retired: 0,
            listed: Vec::new(),
            passed_over: Vec::new(),
            shared: Vec::new(),
            fingerprint: keys.first().map(|key| key.card().fingerprint()),
        };
        let agents = folder.agents()?;
        for (done, agent) in agents.iter().enumerate() {
            progress(done, agents.len());
            match session.seal_to(&rotation.public, folder, agent) {
                Ok(None) => {}
                Ok(Some(people)) => {
                    rotation.sealed += 1;
                    rotation.shared.extend((!people.is_empty()).then(|| (agent.clone(), people)));
                }
                Err(failure) if session.is_of_others(agent, &failure)? => rotation.passed_over.push(agent.clone()),
                Err(failure) => rotation.left.push(failure),
            }
        }
        progress(agents.len(), agents.len());
        if let Some(retire) = retire.filter(|_| rotation.left.is_empty() && rotation.former > 0) {
            session.retire(retire, &lock, folder, &mut slot, keys, &mut rotation)?;
        } else {
            rotation.listed = session.vaults_that_list_former_keys(folder, &agents, keys);
        }
        Ok(rotation)
    }
}

impl Session {
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

    /// Seals one vault anew, unless it is sealed to this key already. Says with whom it is shared, if it did. One of a former key that this machine has not seen
    /// is refused as everywhere: its holder may have made it, to outlive that key.
    fn seal_to(&self, public: &str, folder: &VaultFolder, agent: &AgentName) -> Result<Option<Vec<PersonName>>> {
        let is_done =
            |vault: &Vault| *vault.role() != Role::Owner || vault.part().card.recipient().to_string() == public;
        match self.look_at_vault(agent)? {
            None => return Ok(None),
            Some(found) if is_done(&found.vault) => {
                // That look remembers what it finds: a writer that was killed may have sealed the vault and not remembered that.
                self.find_vault(agent)?;
                return Ok(None);
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
                Ok(Some(vault.people().keys().cloned().collect()))
            }
            // Deleted since it was listed, or done.
            _ => Ok(None),
        }
    }
}

fn public_of(keys: &[MasterKey]) -> String {
    keys.first().map(|key| key.recipient().to_string()).unwrap_or_default()
}
