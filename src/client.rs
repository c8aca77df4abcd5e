//! The one path that every verb and the SDK take: a key, found once, and the vaults it opens.

mod at_hand;
mod audit;
mod change;
mod check;
mod doctor;
mod first_use;
mod import;
mod injection;
mod key;
mod stale;
mod survey;
mod transfer;
mod unlocked;

use std::sync::{Arc, Mutex, OnceLock};

use crate::audit_log::{Action, Caller, Event};
use crate::document::Secret;
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{Attendant, Whence};
use crate::keys::UnlockKey;
use crate::names::{AgentName, SecretName};
use crate::needles;
use crate::paths::Places;
use crate::platform;
use crate::seen::{Seen, Verdict};
use crate::settings::Settings;
use crate::suggestion;
use crate::timestamp::Timestamp;
use crate::vault::{Mark, Vault};
use crate::vault_file::VaultFolder;

pub(crate) use check::Example;
pub(crate) use doctor::{BackupProof, Diagnosis, Finding};
pub(crate) use injection::RunOptions;
pub(crate) use key::Retire;
pub(crate) use stale::Stale;
use unlocked::Unlocked;

pub(crate) use survey::{Held, MasterStatus, Surveyed};

/// Access to the vaults of one user.
pub(crate) struct Client {
    places: Places,
    attendant: Box<dyn Attendant>,
    unlocked: Mutex<Option<Arc<Unlocked>>>,
    settings: OnceLock<Settings>,
    caller: Caller,
}

/// What a listing says of a secret.
#[derive(Clone, Debug)]
pub(crate) struct SecretInfo {
    /// Its name.
    pub name: SecretName,
    /// When this name was first set.
    pub created: Timestamp,
    /// When the value was last set.
    pub updated: Timestamp,
    /// Whether it comes from the built-in secrets.
    pub builtin: bool,
    /// Whether `cast run` masks it in output that leaves the terminal.
    pub masked: bool,
}

/// What a listing says of an agent; known without a key.
#[derive(Clone, Debug)]
pub(crate) struct AgentInfo {
    /// Its name.
    pub name: AgentName,
    /// When its vault's file was last written.
    pub modified: Option<Timestamp>,
}

impl Client {
    /// For these places, with someone to ask.
    pub(crate) fn new(places: Places, attendant: Box<dyn Attendant>) -> Self {
        let (unlocked, settings) = (Mutex::new(None), OnceLock::new());
        Self { places, attendant, unlocked, settings, caller: platform::caller }
    }

    /// Called by another than the program that started this process.
    pub(crate) fn called_by(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    /// With this key, whatever the store holds; `whence` says where it came from.
    pub(crate) fn with_key(self, key: UnlockKey, whence: &'static str) -> Self {
        self.hold(key, Whence::Variable(whence), 0);
        self
    }

    /// The agents that have a vault.
    pub(crate) fn agents(&self) -> Result<Vec<AgentInfo>> {
        let folder = self.folder()?;
        let info = |name: AgentName| {
            let modified = folder.modified(&name).and_then(Timestamp::from_system);
            AgentInfo { name, modified }
        };
        Ok(folder.agents()?.into_iter().map(info).collect())
    }

    /// The secrets of `agent`, and the built-in ones that it gets too; each by name, never a value.
    pub(crate) fn list(&self, agent: &AgentName) -> Result<Vec<SecretInfo>> {
        self.watched(Event::new(Action::List).agent(agent), |_| self.listing(agent))
    }

    fn listing(&self, agent: &AgentName) -> Result<Vec<SecretInfo>> {
        let vault = self.vault(agent)?;
        let builtin = self.builtin_for(agent)?;
        let mut secrets = infos(&vault);
        if let Builtin::Open(builtin) = &builtin {
            let shown = infos(builtin).into_iter().filter(|secret| !vault.secrets().contains_key(&secret.name));
            secrets.extend(shown);
            secrets.sort_by(|one, other| one.name.cmp(&other.name));
        }
        Ok(secrets)
    }

    /// The verified vault of `agent`; a failure of kind `NotFound`, with a suggestion, where there is none.
    fn vault(&self, agent: &AgentName) -> Result<Vault> {
        self.find_vault(agent)?.ok_or_else(|| self.no_such_agent(agent))
    }

    /// The built-in secrets that go into `agent`.
    pub(crate) fn builtin_for(&self, agent: &AgentName) -> Result<Builtin> {
        let builtin = AgentName::builtin();
        if *agent == builtin || !self.folder()?.exists(&builtin) {
            return Ok(Builtin::None);
        }
        if self.settings()?.no_builtin.contains(agent) {
            return Ok(Builtin::LeftOut);
        }
        // An agent's key opens one vault, and this is not it.
        if let UnlockKey::Agent(_) = self.key()?.key {
            return Ok(Builtin::Closed);
        }
        Ok(self.find_vault(&builtin)?.map_or(Builtin::None, Builtin::Open))
    }

    /// What to say when a vault has no such secret.
    pub(crate) fn no_such_secret(vault: &Vault, name: &SecretName) -> Failure {
        let agent = vault.agent();
        let failure = Failure::new(Kind::NotFound, format!("agent '{agent}' has no secret '{name}'"));
        match suggestion::closest(name.as_str(), vault.secrets().keys().map(SecretName::as_str)) {
            Some(known) => failure.hint(format!("did you mean '{known}'?")),
            None => failure.hint(format!("see what there is: 'cast secrets list {agent}'")),
        }
    }

    pub(crate) fn no_such_agent(&self, agent: &AgentName) -> Failure {
        let failure = Failure::new(Kind::NotFound, format!("agent '{agent}' has no vault"));
        let known = self.folder().and_then(|folder| folder.agents()).unwrap_or_default();
        let failure = match suggestion::closest(agent.as_str(), known.iter().map(AgentName::as_str)) {
            Some(known) => failure.hint(format!("did you mean '{known}'?")),
            None => failure,
        };
        failure.hint(format!("create it with 'cast secrets set {agent} KEY'"))
    }

    /// The user's settings, read once; those of nobody, where there is no such file.
    pub(crate) fn settings(&self) -> Result<&Settings> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = self.places.settings().map_or_else(|| Ok(Settings::default()), |path| Settings::load(&path))?;
        Ok(self.settings.get_or_init(|| settings))
    }

    fn find_vault(&self, agent: &AgentName) -> Result<Option<Vault>> {
        let found = self.look_at_vault(agent)?;
        if let Some((vault, Some(seen))) = &found {
            self.note(seen, vault.mark(), agent);
        }
        Ok(found.map(|(vault, _)| vault))
    }

    /// Opens and verifies a vault, and changes nothing. The records come along if its state is news to them.
    fn look_at_vault(&self, agent: &AgentName) -> Result<Option<(Vault, Option<Seen>)>> {
        // The file first: where there is none, no keyring needs to be asked.
        let mut file = self.folder()?.read(agent)?;
        loop {
            let Some(bytes) = file else { return Ok(None) };
            let unlocked = self.key()?;
            let opened = Vault::open(&bytes, agent, &unlocked.key).map_err(|failure| unlocked.explain(failure));
            let refusal = match opened.and_then(|vault| self.check_seen(&vault).map(|news| (vault, news))) {
                Ok(found) => return Ok(Some(found)),
                Err(refusal) => refusal,
            };
            // Since it was read, a writer may have replaced the file and noted so, or sealed it to a new key, or the former key may be gone.
            file = self.folder()?.read(agent)?;
            if file.as_ref() == Some(&bytes) && !self.key_has_changed() {
                return Err(refusal);
            }
        }
    }

    /// Refuses what is older than this machine has seen. Gives the records where they ought to take note of something newer.
    fn check_seen(&self, vault: &Vault) -> Result<Option<Seen>> {
        let Some(seen) = self.seen() else { return Ok(None) };
        let mark = vault.mark();
        let record = match seen.record(mark.id) {
            Err(_) if seen.is_out_of_reach() => return Ok(None),
            record => record?,
        };
        match Seen::judge(record.as_ref(), mark) {
            Verdict::Known => Ok(None),
            Verdict::News => Ok(Some(seen)),
            verdict => Err(refused(vault.agent(), verdict)),
        }
    }

    /// Remembers a state that came from elsewhere. Best effort: a machine that cannot write notes can still run agents.
    fn note(&self, seen: &Seen, mark: &Mark, agent: &AgentName) {
        let Ok(folder) = self.folder() else { return };
        // A writer who holds the lock takes note of something newer.
        let Some(_lock) = folder.try_lock() else { return };
        if seen.record(mark.id).is_ok_and(|record| Seen::judge(record.as_ref(), mark) == Verdict::News) {
            let _ = seen.remember(mark, &folder.path(agent));
        }
    }

    fn folder(&self) -> Result<VaultFolder<'_>> {
        VaultFolder::new(&self.places)
    }

    fn seen(&self) -> Option<Seen> {
        self.places.state().ok().map(Seen::new)
    }
}

/// The built-in secrets, as an agent gets them.
pub(crate) enum Builtin {
    /// There are none, or they are not wanted.
    None,
    /// There are some, and the settings keep them from this agent.
    LeftOut,
    /// There are some, and the key of this process does not open them.
    Closed,
    /// They are at hand.
    Open(Vault),
}

/// What there is to say of a vault's secrets.
fn infos(vault: &Vault) -> Vec<SecretInfo> {
    let info = |(name, secret): (&SecretName, &Secret)| SecretInfo {
        name: name.clone(),
        created: secret.created,
        updated: secret.updated,
        builtin: vault.agent().is_builtin(),
        masked: is_masked(secret.value.expose(), secret.unmasked),
    };
    vault.secrets().iter().map(info).collect()
}

/// Whether a value is masked: unless its owner or its triviality says otherwise.
fn is_masked(value: &str, unmasked: bool) -> bool {
    !unmasked && needles::unmasked(value).is_none()
}

fn refused(agent: &AgentName, verdict: Verdict) -> Failure {
    let what = match verdict {
        Verdict::RolledBack => "is older than this machine has seen: rolled back, or restored from a backup",
        Verdict::Forked => "was changed on two machines: it is not the state that this machine has seen",
        _ => "is one that was deleted or made anew on this machine",
    };
    Failure::new(Kind::Integrity, format!("the vault of agent '{agent}' {what}"))
        .hint(format!("look at it and, if it is yours, take it: 'cast vault accept {agent}'"))
}
