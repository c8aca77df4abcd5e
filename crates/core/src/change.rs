//! The way of a change, whole: find the key, lock, read and verify, change, seal, replace, remember. Killed anywhere, the vault is the old
//! one or the new one. The audit log's note comes after, at the door (`door.rs`).

use std::cell::Cell;
use std::sync::Arc;

use cast_vault::{AgentName, Fingerprint, MasterKey, Refusal, Replica, Role, State, UnlockKey, Vault, VectorFault};

use crate::failure::{self, Failure, Kind, Result};
use crate::key_store::Notice;
use crate::read::{Found, Verdict, gone, refuse_older};
use crate::seen::{Known, Memory, Record, Summary};
use crate::session::{Session, Unlocked};
use crate::suggestion;
use crate::vault_folder::{VaultFolder, WriteLock};

/// What a change does where there is no vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It makes the vault and, on first use, the key; not where this machine has seen one that is gone.
    Create,
    /// The same, also in the place of a vault that is gone.
    CreateAnew,
    /// It fails.
    Refuse,
}

/// A vault under the lock, ready to be changed.
struct Begun {
    lock: WriteLock,
    /// The key by which the vault was judged, and is sealed.
    unlocked: Arc<Unlocked>,
    vault: Vault,
    /// What this machine knew of it.
    memory: Memory,
    verdict: Verdict,
    /// What it held; `None` for a new one.
    before: Option<Summary>,
}

/// A state that is to be written, its file, and the state that it came of.
pub(crate) struct Sealed<'a> {
    pub(crate) vault: &'a Vault,
    pub(crate) file: Vec<u8>,
    pub(crate) former: Option<State>,
}

impl Session {
    /// Changes the vault of `agent` by `edit`; a failure of `edit` changes nothing. `command` is what the owner would type: the
    /// hint where the key at hand is an agent's, which only reads.
    pub(crate) fn change<T>(
        &self,
        agent: &AgentName,
        missing: Missing,
        command: &str,
        edit: impl FnOnce(&mut Vault) -> Result<T>,
    ) -> Result<T> {
        let folder = self.folder()?;
        let begun = self.begin(folder, agent, missing, command)?;
        self.edit(folder, begun, edit)
    }

    /// The same for a new epoch: it would make the newest state of an older one, also of a branch of a repository.
    pub(crate) fn change_newest<T>(
        &self,
        agent: &AgentName,
        command: &str,
        edit: impl FnOnce(&mut Vault) -> Result<T>,
    ) -> Result<T> {
        let folder = self.folder()?;
        let begun = self.begin(folder, agent, Missing::Refuse, command)?;
        refuse_older(&begun.vault, begun.verdict)?;
        self.edit(folder, begun, edit)
    }

    fn edit<T>(&self, folder: &VaultFolder, mut begun: Begun, edit: impl FnOnce(&mut Vault) -> Result<T>) -> Result<T> {
        let result = edit(&mut begun.vault).inspect_err(|_| {
            // A newer state that was read is remembered all the same, as by a reader.
            if begun.verdict == Verdict::News {
                let _ = self.find_vault(begun.vault.agent());
            }
        })?;
        // Before anything is written, as the end of a command may not come.
        self.name_owner(other_owner(&begun.vault));
        self.finish(folder, begun)?;
        Ok(result)
    }

    /// Up to the change itself: key, lock, read and verify.
    fn begin(&self, folder: &VaultFolder, agent: &AgentName, missing: Missing, command: &str) -> Result<Begun> {
        // Whatever may ask or wait comes before the lock.
        match (folder.is_there(agent)?, missing) {
            (true, _) => self.key().map(drop)?,
            (false, Missing::Refuse) => return Err(self.no_such_agent(agent)),
            (false, missing) => {
                self.refuse_in_the_place_of_one_that_is_gone(agent, missing)?;
                self.key_for_new_vault()?;
            }
        }
        refuse_agent_key(&self.key()?.key, command)?;
        let lock = self.lock_vaults(folder)?;
        if let Some(seen) = self.seen() {
            seen.end_deletions(|path| folder.has_lost(path))?;
        }
        match (self.look_at_vault(agent)?, missing) {
            (Some(Found { vault, memory, verdict, .. }), _) => {
                // It would begin an epoch, and so make the newest state of an older one.
                if self.is_of_a_former_key(&vault)? {
                    refuse_older(&vault, verdict)?;
                }
                let unlocked = self.key()?;
                self.refuse_to_hand_on(&vault, &unlocked.key)?;
                let before = Some(Summary::of(&vault));
                Ok(Begun { lock, unlocked, vault, memory, verdict, before })
            }
            (None, Missing::Refuse) => Err(self.no_such_agent(agent)),
            (None, Missing::Create | Missing::CreateAnew) => {
                // Who can write the folder may have taken it away since it was there.
                self.refuse_in_the_place_of_one_that_is_gone(agent, missing)?;
                let vault = self.create(folder, agent)?;
                let unlocked = self.key()?;
                let memory = Memory::none(Known::of(&vault));
                Ok(Begun { lock, unlocked, vault, memory, verdict: Verdict::News, before: None })
            }
        }
    }

    /// After the change: seal, replace, remember. A new vault takes the place of one that was seen there.
    fn finish(&self, folder: &VaultFolder, begun: Begun) -> Result<()> {
        let Begun { lock, unlocked, mut vault, memory, before, .. } = begun;
        let former = if before.is_none() { self.here(vault.agent())?.place.held } else { None };
        self.commit(folder, &lock, &unlocked, &mut vault, &memory, before.as_ref())?;
        if let Some(former) = former {
            self.give_up(former.known(), folder, vault.agent())?;
        }
        if let Some(seen) = self.seen() {
            seen.end_taking_in();
        }
        if before.is_none() {
            self.say_if_misspelt(folder, vault.agent());
        }
        Ok(())
    }

    /// Gives up a vault in whose place another one lies now; not before that is written, as until then it may come back.
    pub(crate) fn give_up(&self, known: Known, folder: &VaultFolder, agent: &AgentName) -> Result<()> {
        let Some(seen) = self.seen() else { return Ok(()) };
        let given_up = seen.lock().and_then(|records| seen.give_up(&records, known, &folder.way(agent)));
        given_up.map_err(|failure| not_remembered(&failure, "written"))
    }

    /// A mistyped AGENT is a new agent, whose secrets the one that was meant never gets.
    fn say_if_misspelt(&self, folder: &VaultFolder, agent: &AgentName) {
        let (known, builtin) = (folder.agents().unwrap_or_default(), AgentName::builtin());
        let known = known.iter().chain([&builtin]).map(AgentName::as_str);
        if let Some(other) = suggestion::misspelt(agent.as_str(), known) {
            self.attendant.notice(Notice::NewAgent(agent.clone(), other.to_owned()));
        }
    }

    /// Seals a vault, puts it in the place of its file once it came back from the disk and opened, and remembers its state. `record` is what
    /// this machine knew of it, `before` what it held before the change; `unlocked` is the key by which it was judged, whatever came into the store
    /// since.
    pub(crate) fn commit(
        &self,
        folder: &VaultFolder,
        lock: &WriteLock,
        unlocked: &Arc<Unlocked>,
        vault: &mut Vault,
        memory: &Memory,
        before: Option<&Summary>,
    ) -> Result<()> {
        let former = vault.state().cloned();
        let file = self.seal(vault, &unlocked.key, memory)?;
        self.put(folder, lock, unlocked, &Sealed { vault, file, former }, memory, before)
    }

    /// The same for one that is sealed already.
    pub(crate) fn put(
        &self,
        folder: &VaultFolder,
        lock: &WriteLock,
        unlocked: &Arc<Unlocked>,
        sealed: &Sealed<'_>,
        memory: &Memory,
        before: Option<&Summary>,
    ) -> Result<()> {
        let Sealed { vault, file, former } = sealed;
        let agent = vault.agent().clone();
        // It may have become a vault of its own.
        let memory = &memory.of(vault.id(), Known::of(vault));
        let known = memory.known;
        // Up to the end, so that no reader remembers a state between that this one would lower.
        let seen = self.seen().map(|seen| seen.lock().map(|lock| (seen, lock))).transpose()?;
        // A key is dropped only under this lock, so nothing is sealed to it afterwards.
        self.key_has_changed();
        let now = self.key()?;
        if !Arc::ptr_eq(&now, unlocked) && !now.has_newest_of(unlocked) {
            return Err(key_was_dropped(&agent));
        }
        let mut room = None;
        if let (Some((seen, records)), Some(state)) = (&seen, vault.state()) {
            if !seen.memory_again(memory)?.lets_write(memory, state) {
                return Err(overtaken(&agent));
            }
            room = Some(seen.announce(records, known, &folder.way(&agent), former.as_ref(), state)?);
        }
        let is_whole = Cell::new(false);
        let replaced = folder.replace(lock, &agent, file, &is_whole, |back| {
            let anchor = vault.part().card.clone();
            let anchor = cast_vault::Anchor::Card(&anchor);
            let reopened = Vault::open(back, &agent, &unlocked.key, anchor, None)?;
            if reopened.state() == vault.state() { Ok(()) } else { Err(not_as_written(&agent)) }
        });
        let Some((seen, records)) = seen else { return replaced };
        drop(room);
        let is_written = || folder.read(&agent).is_ok_and(|now| now.as_ref() == Some(file));
        if let (Err(_), Some(state)) = (&replaced, vault.state())
            && !is_written()
        {
            seen.retract(&records, known, state, is_whole.get());
        }
        replaced?;
        let remembered = seen
            .memory_again(memory)
            .and_then(|memory| self.remember(&seen, &records, &memory, vault, before, &unlocked.key));
        remembered.map_err(|failure| not_remembered(&failure, "written"))
    }

    /// Removes the vault of `agent`, whose copies are refused here from then on. `read` sees it before.
    pub(crate) fn remove(&self, agent: &AgentName, command: &str, read: impl FnOnce(&Vault)) -> Result<()> {
        let folder = self.folder()?;
        if !folder.is_there(agent)? {
            return Err(self.no_such_agent(agent));
        }
        refuse_agent_key(&self.key()?.key, command)?;
        let lock = self.lock_vaults(folder)?;
        let (vault, way) = (self.leaving_vault(agent)?, folder.way(agent));
        read(&vault);
        self.name_owner(other_owner(&vault));
        let seen = self.seen();
        // Another one than what lies there by what this machine knows is only taken away: that one is missed, and this one may lie elsewhere.
        let is_expected = self.here(agent)?.place.holds(vault.id());
        // Killed from here on, the vault is there and in use, or gone and not missed.
        if let Some(seen) = seen.as_ref().filter(|_| is_expected) {
            seen.say_leaving(&seen.lock()?, &way, true)?;
        }
        if let Err(failure) = folder.remove(&lock, agent) {
            if let (Some(seen), true) = (&seen, folder.exists(agent)) {
                // Best effort: the next reader does the same.
                let _ = seen.lock().and_then(|records| seen.say_leaving(&records, &way, false));
            }
            return Err(failure);
        }
        let Some(seen) = seen else { return Ok(()) };
        seen.end_taking_in();
        let given_up = seen.lock().and_then(|records| {
            if is_expected {
                seen.give_up(&records, Known::of(&vault), &way)
            } else {
                seen.refuse_at(&records, vault.id(), &way)
            }
        });
        given_up.map_err(|failure| not_remembered(&failure, "removed"))
    }

    /// Forgets the vault of `agent` that this machine has seen and that is gone. It is refused here if it comes back.
    pub(crate) fn forget(&self, agent: &AgentName, command: &str) -> Result<()> {
        let folder = self.folder()?;
        refuse_agent_key(&self.key()?.key, command)?;
        let _lock = self.lock_vaults(folder)?;
        if folder.is_there(agent)? {
            let what = format!("the vault of agent '{agent}' is there again: nothing is changed");
            return Err(Failure::new(Kind::Integrity, what).hint("run the command again"));
        }
        let held = self.missed(agent)?.and_then(|place| place.held).ok_or_else(|| self.no_such_agent(agent))?;
        self.give_up(held.known(), folder, agent)
    }

    /// A change of another owner's vault names that owner, who can read what is stored there.
    fn name_owner(&self, owner: Option<(AgentName, Fingerprint)>) {
        if let Some((agent, fingerprint)) = owner {
            self.attendant.notice(Notice::OtherOwner(agent, fingerprint));
        }
    }

    /// Counts the change for this machine's replica, which is drawn anew where its numbers are not known to be its own.
    fn seal(&self, vault: &mut Vault, key: &UnlockKey, memory: &Memory) -> Result<Vec<u8>> {
        let Some(seen) = self.seen() else { return Ok(vault.seal(key, Replica::generate()?)?) };
        let mut replica = seen.replica()?;
        let counts = |record: Option<&Record>| counts_alike(replica, vault.state(), record.map(|record| &record.state));
        let is_alike = counts(memory.record.as_ref()) && memory.beside.as_ref().is_none_or(|other| counts(Some(other)));
        // A writer that was killed may have left a state behind.
        let is_pending = [memory.known, Known::of(vault)].iter().any(|known| seen.has_pending(*known, vault.state()));
        if !is_alike || is_pending {
            replica = seen.new_replica()?;
        }
        match vault.seal(key, replica) {
            Err(cast_vault::Error::Vault { refusal: Refusal::Vector(VectorFault::UsedUp), .. }) => {
                Ok(vault.seal(key, seen.new_replica()?)?)
            }
            sealed => Ok(sealed?),
        }
    }

    fn refuse_in_the_place_of_one_that_is_gone(&self, agent: &AgentName, missing: Missing) -> Result<()> {
        let Some(place) = self.missed(agent)?.filter(|_| missing == Missing::Create) else { return Ok(()) };
        Err(gone(Kind::Usage, agent, &place).hint("to make a new vault in its place, add '--new'"))
    }

    /// A new vault, made only with a key that opens the vaults there are.
    fn create(&self, folder: &VaultFolder, agent: &AgentName) -> Result<Vault> {
        let unlocked = self.key()?;
        let masters = masters(&unlocked.key)?;
        let others = folder.agents()?;
        // One that opens shows that the key is right; a damaged one among them shows nothing.
        let mut refusal = None;
        for other in others {
            let opened = match folder.read(&other) {
                Ok(Some(file)) => self.open(&file, &other, &unlocked).map(drop),
                Ok(None) => continue,
                Err(failure) => Err(failure),
            };
            match opened {
                Ok(()) => {
                    refusal = None;
                    break;
                }
                Err(failure) => refusal = Some(failure),
            }
        }
        if let Some(failure) = refusal {
            let message = format!("no new vault for agent '{agent}': the key opens none of the vaults here: {failure}");
            return Err(Failure::new(Kind::WrongKey, message)
                .hint("use the key that they were made with, or another CAST_VAULTS folder"));
        }
        let newest = masters.first().ok_or_else(|| Failure::from(Refusal::WrongKey.of(agent)))?;
        Ok(Vault::create(agent.clone(), newest)?)
    }
}

/// Whether the vault counts as much for this replica as this machine remembers. More would be another's changes under its name; less is an
/// older branch, on which a number would be used twice.
fn counts_alike(replica: Replica, vault: Option<&State>, record: Option<&State>) -> bool {
    counts(replica, vault) == counts(replica, record)
}

fn counts(replica: Replica, state: Option<&State>) -> [u64; 2] {
    state.map_or([0, 0], |state| [state.rules.get(replica), state.at.get(replica)])
}

/// The state to be written is not above what this machine has seen of the vault since the change began, as in another clone of its repository.
fn overtaken(agent: &AgentName) -> Failure {
    let what =
        format!("this machine has seen another state of the vault of agent '{agent}' meanwhile: nothing is changed");
    Failure::new(Kind::Integrity, what).hint("run the command again")
}

fn key_was_dropped(agent: &AgentName) -> Failure {
    let what =
        format!("the master key was dropped before the vault of agent '{agent}' was written: nothing is changed");
    Failure::new(Kind::Locked, what).hint("run the command again")
}

/// Whose vault a person has changed.
fn other_owner(vault: &Vault) -> Option<(AgentName, Fingerprint)> {
    let is_own = *vault.role() == Role::Owner;
    (!is_own).then(|| (vault.agent().clone(), vault.part().card.fingerprint()))
}

/// The master keys; a failure for an agent key.
pub(crate) fn masters(key: &UnlockKey) -> Result<&[MasterKey]> {
    match key {
        UnlockKey::Master(keys) => Ok(keys),
        UnlockKey::Agent(grant) => {
            Err(failure::not_with_agent_key(&grant.agent, "opens only its vault: this needs the master key"))
        }
    }
}

/// Refuses a change with an agent key, which only reads; the hint is what the owner types.
pub(crate) fn refuse_agent_key(key: &UnlockKey, command: &str) -> Result<()> {
    match key {
        UnlockKey::Master(_) => Ok(()),
        UnlockKey::Agent(grant) => Err(failure::agent_key(&grant.agent, "reads its vault and changes nothing")
            .hint(format!("the owner of the vault can: '{command}'"))),
    }
}

fn not_as_written(agent: &AgentName) -> Failure {
    let what = format!("the vault of agent '{agent}' did not come back from the disk as it was written");
    Failure::new(Kind::Integrity, what)
}

/// The vault is as it was to be; what this machine remembers of it is not.
fn not_remembered(failure: &Failure, done: &str) -> Failure {
    let own = Failure::new(failure.kind(), format!("the vault was {done}, but not recorded as seen: {failure}"));
    failure.hints().iter().fold(own, Failure::hint)
}
