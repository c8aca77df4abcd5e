//! Agents, and the secrets of each: names, times and flags, never a value.

use cast_vault::{AgentName, Flags, SecretName, Timestamp, UnlockKey, Vault};

use crate::audit_log::{Action, Event};
use crate::clock::{self, TimeSpan};
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Result};
use crate::listing;
use crate::masking::exemption;
use crate::session::Session;

/// What a listing says of a secret.
#[derive(Clone, Debug)]
pub struct SecretInfo {
    /// Its name.
    pub name: SecretName,
    /// When this name was first set; `None` for one that a command fetches.
    pub created: Option<Timestamp>,
    /// When the value was last set.
    pub updated: Option<Timestamp>,
    /// Whether it comes from the built-in secrets.
    pub builtin: bool,
    /// Whether `cast run` masks it in output that leaves the terminal.
    pub masked: bool,
    /// How its owner wants it treated.
    pub flags: Flags,
    /// Who sealed the values last: `owner`, or a person's name.
    pub sealer: String,
}

/// What a listing says of an agent; known without a key.
#[derive(Clone, Debug)]
pub struct AgentInfo {
    /// Its name.
    pub name: AgentName,
    /// When its vault's file was last written.
    pub modified: Option<Timestamp>,
}

/// The secrets of an agent, and the built-in ones that it gets too, by name.
pub struct List<'a> {
    /// Whose secrets.
    pub agent: &'a AgentName,
}

/// What is old, by agent and name, and why some vaults did not say.
#[derive(Default)]
pub struct Stale {
    /// The old secrets.
    pub secrets: Vec<(AgentName, SecretInfo)>,
    /// Why vaults were refused.
    pub refused: Vec<Failure>,
}

/// The agents that have a vault.
pub fn agents(session: &Session) -> Result<Vec<AgentInfo>> {
    let folder = session.folder()?;
    let info = |name: AgentName| {
        let modified = folder.modified(&name).and_then(clock::from_system);
        AgentInfo { name, modified }
    };
    Ok(folder.agents()?.into_iter().map(info).collect())
}

/// Every secret that was last set longer ago than `span`; the built-in ones under their own agent. Of those that the key is for: an
/// agent's key is for one vault.
pub fn stale(session: &Session, span: TimeSpan) -> Result<Stale> {
    let mut stale = Stale::default();
    for agent in session.perform(InReach)? {
        match session.perform(Own { agent: &agent }) {
            Ok(secrets) => {
                let old = secrets
                    .into_iter()
                    .filter(|secret| secret.updated.is_some_and(|updated| clock::is_older(updated, span)));
                stale.secrets.extend(old.map(|secret| (agent.clone(), secret)));
            }
            Err(failure) => stale.refused.push(failure),
        }
    }
    Ok(stale)
}

impl Verb for List<'_> {
    type Done = Vec<SecretInfo>;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::List).agent(self.agent)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Vec<SecretInfo>> {
        let vault = session.vault(self.agent)?;
        let mut secrets = infos(&vault);
        if let (Some(builtin), _) = session.builtin_for(&vault)? {
            let shown = infos(&builtin).into_iter().filter(|secret| !vault.names().contains_key(&secret.name));
            secrets.extend(shown);
            secrets.sort_by(|one, other| one.name.cmp(&other.name));
        }
        Ok(secrets)
    }
}

/// The agents whose vaults the key is for.
struct InReach;

impl Verb for InReach {
    type Done = Vec<AgentName>;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::List)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Vec<AgentName>> {
        let mut agents = session.folder()?.agents()?;
        // Where there are none, no keyring needs to be asked.
        if !agents.is_empty()
            && let UnlockKey::Agent(grant) = &session.key()?.key
        {
            agents.retain(|agent| *agent == grant.agent);
        }
        Ok(agents)
    }
}

/// The secrets in one vault alone; none where it is gone.
struct Own<'a> {
    agent: &'a AgentName,
}

impl Verb for Own<'_> {
    type Done = Vec<SecretInfo>;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::List).agent(self.agent)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Vec<SecretInfo>> {
        Ok(session.find_vault(self.agent)?.as_ref().map(infos).unwrap_or_default())
    }
}

/// What there is to say of a vault's secrets.
fn infos(vault: &Vault) -> Vec<SecretInfo> {
    let info = |(name, flags): (&SecretName, &Flags)| {
        let secret = vault.values().get(name);
        SecretInfo {
            name: name.clone(),
            created: secret.map(|secret| secret.created),
            updated: secret.map(|secret| secret.updated),
            builtin: vault.agent().is_builtin(),
            masked: !flags.unmasked && secret.is_none_or(|secret| exemption(&secret.value).is_none()),
            flags: flags.clone(),
            sealer: listing::sealer(vault),
        }
    };
    vault.names().iter().map(info).collect()
}
