//! The way of a read: find the file and the key, open and verify, compare with what this machine has seen, remember what is new.

mod builtin;
mod judge;

use cast_vault::{AgentName, Anchor, Card, Error, Noted, Refusal, Role, SecretName, UnlockKey, Vault};

use crate::disk;
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{self, Notice};
use crate::seen::{Extent, Held, Here, Known, Memory, Owner, Place, Record, Seen, Summary};
use crate::session::{Session, Unlocked};
use crate::suggestion;
use crate::vault_folder::VaultFolder;

pub use builtin::Builtin;
pub(crate) use judge::{Verdict, refuse_older, refused};

/// A vault as it was read, with what this machine knows of it.
pub(crate) struct Found {
    pub(crate) vault: Vault,
    pub(crate) memory: Memory,
    pub(crate) verdict: Verdict,
    /// This machine has seen no vault in this place.
    pub(crate) is_new_here: bool,
    /// How much of the way to its place is known.
    noted: Extent,
    /// A former key owns it, and this machine has not verified this very state, in this place, before: the holder of that key may have made it.
    is_strange: bool,
    /// It is not above the state at which the agent line was made.
    is_below_line: bool,
    /// What lay there by what this machine knew.
    held: Option<Held>,
    /// What lies there by what this machine knows, or where else it knows the vault from: to say why it is refused.
    pub(crate) place: Option<Place>,
}

impl Found {
    /// Whether it was known by a card whose owner is this user by now.
    fn becomes_own(&self) -> bool {
        *self.vault.role() == Role::Owner && self.memory.known != Known::of(&self.vault)
    }

    /// Whether what is known of its place is still that by which it was judged: while a reader waited, another vault or owner may have come there.
    fn is_judged_by(&self, here: &Here) -> bool {
        let is_same = match (&self.held, &here.place.held) {
            (Some(then), Some(now)) => then.is_same(now),
            (then, now) => then.is_none() && now.is_none(),
        };
        is_same && !here.place.given_up.contains(&self.vault.id())
    }
}

impl Session {
    /// The verified vault of `agent`; a failure of kind `NotFound`, with a suggestion, where there is none.
    pub(crate) fn vault(&self, agent: &AgentName) -> Result<Vault> {
        self.find_vault(agent)?.ok_or_else(|| self.no_such_agent(agent))
    }

    /// The verified vault of `agent`, if there is one; its state is remembered.
    pub(crate) fn find_vault(&self, agent: &AgentName) -> Result<Option<Vault>> {
        Ok(self.find(agent)?.map(|found| found.vault))
    }

    /// The same, but none that is older than this machine has seen, or beside it, also where branches are switched.
    pub(crate) fn newest_vault(&self, agent: &AgentName) -> Result<Vault> {
        let found = self.find(agent)?.ok_or_else(|| self.no_such_agent(agent))?;
        refuse_older(&found.vault, found.verdict)?;
        Ok(found.vault)
    }

    /// The same for a vault that is to be deleted, which destroys nothing that is of use: also one of a former key, or one of another owner that
    /// was accepted here, whatever this machine has seen.
    pub(crate) fn leaving_vault(&self, agent: &AgentName) -> Result<Vault> {
        let check = |found: Found| {
            let is_of_another = matches!(found.vault.role(), Role::Person(_)) && !found.is_new_here;
            if is_of_another || self.is_of_a_former_key(&found.vault)? { Ok(found) } else { self.check(found) }
        };
        let found = self.find_by(agent, check)?;
        found.map(|found| found.vault).ok_or_else(|| self.no_such_agent(agent))
    }

    fn find(&self, agent: &AgentName) -> Result<Option<Found>> {
        self.find_by(agent, |found| self.check(found))
    }

    fn find_by(&self, agent: &AgentName, check: impl Fn(Found) -> Result<Found>) -> Result<Option<Found>> {
        let found = self.look(agent, check)?;
        if let Some(found) = &found {
            self.remember_found(found);
        }
        Ok(found)
    }

    /// Remembers the state and the place of a vault that was read and is used. Says so if that fails where it worked before.
    pub(crate) fn remember_found(&self, found: &Found) {
        let agent = found.vault.agent();
        let remembered = match found.verdict {
            // For this run alone.
            _ if self.takes_older() => Ok(()),
            Verdict::News => self.remember_news(found),
            Verdict::Known if found.becomes_own() => self.remember_news(found),
            Verdict::Known if found.is_new_here || found.noted != Extent::Whole => self.remember_place(found),
            _ => Ok(()),
        };
        // A machine that cannot write notes can still run agents. Where there is a record, it could before, and somebody may have seen to it;
        // so may whoever holds the lock.
        if let Err(failure) = remembered
            && (found.memory.record.is_some() || failure.kind() == Kind::Locked)
        {
            self.attendant.notice(Notice::NotRemembered(agent.clone(), failure.to_string()));
        }
        if found.place.as_ref().and_then(|place| place.held.as_ref()).is_some_and(|held| held.leaving) {
            self.remember_that_it_stays(agent);
        }
    }

    /// Opens and verifies a vault, and changes nothing.
    pub(crate) fn look_at_vault(&self, agent: &AgentName) -> Result<Option<Found>> {
        self.look(agent, |found| self.check(found))
    }

    pub(crate) fn look(&self, agent: &AgentName, check: impl Fn(Found) -> Result<Found>) -> Result<Option<Found>> {
        // The file first: where there is none, no keyring needs to be asked.
        let mut file = self.read_file(agent)?;
        loop {
            let Some(bytes) = file else { return Ok(None) };
            let unlocked = self.key()?;
            let opened = self.open(&bytes, agent, &unlocked).and_then(&check);
            // By the key of now: one that was replaced since may have lost its say before the file was read.
            let is_outdated = self.key_has_changed();
            let refusal = match opened {
                Ok(found) if !is_outdated => return Ok(Some(found)),
                opened => opened.err(),
            };
            // Since it was read, a writer may have replaced the file and remembered that, or sealed it to a new key, or the former key
            // may be gone.
            file = self.read_file(agent)?;
            let is_same = !is_outdated && file.as_ref() == Some(&bytes);
            if let Some(refusal) = refusal.filter(|refusal| is_same && !self.forget_outdated_key(refusal.kind())) {
                return Err(refusal);
            }
        }
    }

    /// The bytes of a vault. A runner, who can write nothing, also reads behind links.
    fn read_file(&self, agent: &AgentName) -> Result<Option<Vec<u8>>> {
        let folder = self.folder()?;
        let is_runner = || self.key().is_ok_and(|unlocked| matches!(unlocked.key, UnlockKey::Agent(_)));
        match folder.read(agent) {
            Err(_) if folder.is_linked(agent) && key_store::is_in_variable() && is_runner() => {
                folder.read_linked(agent)
            }
            read => read,
        }
    }

    /// Opens and verifies `file`, and compares it with what this machine has seen. Nothing is refused for that yet.
    pub(crate) fn open(&self, file: &[u8], agent: &AgentName, unlocked: &Unlocked) -> Result<Found> {
        let here = self.here(agent)?;
        let vault = match self.open_as(file, agent, unlocked, here.record(), here.place.card()) {
            // Another owner's, who may have been accepted for it elsewhere, as a clone of a repository.
            Err(Error::Vault { refusal: Refusal::OtherOwner | Refusal::OtherReader, .. }) if here.memory.is_none() => {
                let elsewhere = self.accepted_elsewhere(file, agent, unlocked)?;
                self.open_as(file, agent, unlocked, None, elsewhere.as_ref().and_then(Place::card))
            }
            opened => opened,
        };
        let was_shared = here.place.card().is_some();
        let vault = vault.map_err(|refusal| unlocked.explain(refusal.into())).map_err(|failure| {
            if was_shared && failure.kind() == Kind::WrongKey { shared_no_more(&failure) } else { failure }
        })?;
        self.judge(vault, here, unlocked)
    }

    fn open_as(
        &self,
        file: &[u8],
        agent: &AgentName,
        unlocked: &Unlocked,
        record: Option<&Record>,
        card: Option<&Card>,
    ) -> cast_vault::Result<Vault> {
        let card = card.filter(|_| !agent.is_builtin());
        let noted = record.and_then(|Record { state, receipt, stanza, .. }| {
            Some(Noted { state, receipt: receipt.as_ref()?, stanza: *stanza })
        });
        Vault::open(file, agent, &unlocked.key, card.map_or(Anchor::Own, Anchor::Card), noted)
    }

    /// Another place where this machine has accepted the owner of that vault. An owner was accepted for one agent: whoever was accepted for a
    /// tool does not get to make the vaults of others.
    fn accepted_elsewhere(&self, file: &[u8], agent: &AgentName, unlocked: &Unlocked) -> Result<Option<Place>> {
        let UnlockKey::Master(keys) = &unlocked.key else { return Ok(None) };
        let Ok(inspected) = Vault::inspect(file, agent, keys) else { return Ok(None) };
        let places = self.seen().map_or_else(|| Ok(Vec::new()), |seen| seen.places_of(inspected.state().id))?;
        let is_accepted = |place: &Place| {
            place.agent().as_ref() == Some(agent) && place.card().is_some_and(|card| card == inspected.card())
        };
        Ok(places.into_iter().find(is_accepted))
    }

    /// What this machine knows of the place of `agent`'s vault.
    pub(crate) fn here(&self, agent: &AgentName) -> Result<Here> {
        let way = self.folder()?.way(agent);
        let known = match self.seen() {
            Some(seen) => seen
                .at(&way)
                .map(Some)
                .or_else(|failure| if seen.is_out_of_reach() { Ok(None) } else { Err(failure) })?,
            None => None,
        };
        Ok(known.unwrap_or_else(|| Here::unknown(way.real().to_owned())))
    }

    /// The place of the vault of `agent` that this machine has seen and does not find: not one that it was deleting.
    pub(crate) fn missed(&self, agent: &AgentName) -> Result<Option<Place>> {
        let Here { place, .. } = self.here(agent)?;
        Ok(Some(place).filter(|place| place.held.as_ref().is_some_and(|held| !held.leaving)))
    }

    /// Remembers that a known vault lies here, too, so that another one in its place is noticed.
    fn remember_place(&self, found: &Found) -> Result<()> {
        let (Some(seen), Some(owner)) = (self.seen(), expected(&found.vault)) else { return Ok(()) };
        let way = self.folder()?.way(found.vault.agent());
        let lock = seen.lock()?;
        if !found.is_judged_by(&seen.at(&way)?) {
            return Ok(());
        }
        seen.remember_place(&lock, found.vault.id(), &way, owner)
    }

    /// A vault that is there was not deleted: who was about to was killed. Best effort.
    fn remember_that_it_stays(&self, agent: &AgentName) {
        let (Some(seen), Ok(folder)) = (self.seen(), self.folder()) else { return };
        // Its deletion may be going on.
        if folder.is_locked() {
            return;
        }
        if let Some(lock) = seen.try_lock() {
            let _ = seen.say_leaving(&lock, &folder.way(agent), false);
        }
    }

    /// Remembers a state that came from elsewhere, or that a known state is this user's own by now.
    fn remember_news(&self, found: &Found) -> Result<()> {
        let (Some(seen), Some(state)) = (self.seen(), found.vault.state()) else { return Ok(()) };
        let unlocked = self.key()?;
        let lock = seen.lock()?;
        // As it is now: another reader may have remembered something since.
        let memory = seen.memory_again(&found.memory)?;
        let here = seen.at(&self.folder()?.way(found.vault.agent()))?;
        let is_of = |owner| found.memory.has_owner(owner) || owner == found.vault.part().card.verification();
        let is_judged = found.is_judged_by(&here) && memory.record.as_ref().is_none_or(|record| is_of(record.owner));
        if is_judged && (memory.is_news(state) || found.becomes_own() && memory.is_current(state)) {
            self.remember(&seen, &lock, &memory, &found.vault, None, &unlocked.key)?;
        }
        Ok(())
    }

    /// Writes down the state of a vault that was verified or written. The caller has compared it with `memory`; `before` is what it held
    /// when this session read it, to change it.
    pub(crate) fn remember(
        &self,
        seen: &Seen,
        lock: &disk::Lock,
        memory: &Memory,
        vault: &Vault,
        before: Option<&Summary>,
        key: &UnlockKey,
    ) -> Result<()> {
        let Some(state) = vault.state() else { return Ok(()) };
        // Once it is this user's own, it stays that.
        let known = if *vault.role() == Role::Owner { Known::of(vault) } else { memory.known };
        let same = memory.record.as_ref().filter(|record| record.state.id == state.id);
        let folder = self.folder()?;
        let holds = Summary::of(vault);
        let same_epoch = same.filter(|record| record.state.is_of_epoch_of(state));
        let former = same_epoch.and_then(|record| seen.summary(memory.known, record).ok().flatten());
        let taken_away = match (same_epoch, &former) {
            (Some(record), Some(former)) => record.state.owner_hash != state.owner_hash && former.exceeds(&holds),
            // Nothing is known of what was there: then it counts as taken away.
            _ => true,
        };
        // A change of another branch than the one that was remembered last.
        let taken_away = taken_away || before.is_some_and(|before| before.exceeds(&holds));
        let next = Record {
            state: state.clone(),
            floor: match same_epoch {
                Some(record) if !taken_away => record.floor.clone(),
                _ => state.rules.clone(),
            },
            receipt: vault.receipt(key),
            owner: vault.part().card.verification(),
            in_git: disk::is_in_own_work_tree(&folder.real()),
            given_up: false,
            stanza: vault.stanza(),
        };
        let (holds, way) = (holds.after(former.unwrap_or_default()), folder.way(vault.agent()));
        seen.remember(lock, memory.known, known, &next, &holds, expected(vault).map(|owner| (&way, owner)))
    }

    pub(crate) fn no_such_agent(&self, agent: &AgentName) -> Failure {
        // Another agent is not what was meant.
        if let Ok(Some(place)) = self.missed(agent) {
            return gone(Kind::NotFound, agent, &place)
                .hint(format!("or make a new one in its place: 'cast secrets set --new {agent} KEY'"));
        }
        let place = self.places.vaults().map(|folder| format!(" in '{}'", folder.display())).unwrap_or_default();
        let failure = Failure::new(Kind::NotFound, format!("agent '{agent}' has no vault{place}"));
        let known = self.folder().and_then(VaultFolder::agents).unwrap_or_default();
        let failure = match suggestion::closest(agent.as_str(), known.iter().map(AgentName::as_str)) {
            Some(known) => failure.hint(format!("did you mean '{known}'?")),
            None => failure,
        };
        failure.hint(format!("create it with 'cast secrets set {agent} KEY'"))
    }
}

/// What to say of a vault that this machine has seen and does not find.
pub(crate) fn gone(kind: Kind, agent: &AgentName, place: &Place) -> Failure {
    let path = place.path.display();
    Failure::new(kind, format!("the vault of agent '{agent}' that this machine has seen is gone: '{path}'"))
        .hint("restore it: from a backup, or with 'git checkout' or 'git pull'")
}

/// A vault that was shared with this user, and that no key here opens.
fn shared_no_more(failure: &Failure) -> Failure {
    Failure::new(failure.kind(), failure.message())
        .hint("ask its owner whether it is still shared with you")
        .hint("if it is damaged, restore it from a backup or from version control")
}

/// Whom the holder of a master key expects in a place by using a vault there. An agent key expects nobody; its line says whom to expect for that key.
fn expected(vault: &Vault) -> Option<Owner<'_>> {
    let card = &vault.part().card;
    match vault.role() {
        Role::Owner => Some(Owner::Own(card)),
        Role::Person(_) => Some(Owner::Accepted(card)),
        Role::Reader => None,
    }
}

/// What to say when a vault has no such secret.
pub(crate) fn no_such_secret(vault: &Vault, name: &SecretName) -> Failure {
    let agent = vault.agent();
    let failure = Failure::new(Kind::NotFound, format!("agent '{agent}' has no secret '{name}'"));
    match suggestion::closest(name.as_str(), vault.names().keys().map(SecretName::as_str)) {
        Some(known) => failure.hint(format!("did you mean '{known}'?")),
        None => failure.hint(format!("see what there is: 'cast secrets list {agent}'")),
    }
}

#[cfg(test)]
mod tests;
