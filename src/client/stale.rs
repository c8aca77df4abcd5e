//! Secrets that nobody has changed for long.

use super::{Client, SecretInfo, infos};
use crate::audit_log::{Action, Event};
use crate::failure::{Failure, Result};
use crate::keys::UnlockKey;
use crate::names::AgentName;
use crate::timestamp::TimeSpan;

/// What is old, by agent and name, and why some vaults did not say.
#[derive(Default)]
pub(crate) struct Stale {
    pub(crate) secrets: Vec<(AgentName, SecretInfo)>,
    pub(crate) refused: Vec<Failure>,
}

impl Client {
    /// Every secret that was last set longer ago than `span`; the built-in ones under their own agent. Of those that the key is for: an
    /// agent's key is for one vault.
    pub(crate) fn stale(&self, span: TimeSpan) -> Result<Stale> {
        let mut stale = Stale::default();
        for agent in self.watched(Event::new(Action::List), |_| self.agents_in_reach())? {
            match self.watched(Event::new(Action::List).agent(&agent), |_| self.find_vault(&agent)) {
                Ok(vault) => {
                    let secrets = vault.iter().flat_map(infos).filter(|secret| secret.updated.is_older_than(span));
                    stale.secrets.extend(secrets.map(|secret| (agent.clone(), secret)));
                }
                Err(failure) => stale.refused.push(failure),
            }
        }
        Ok(stale)
    }

    fn agents_in_reach(&self) -> Result<Vec<AgentName>> {
        let mut agents = self.folder()?.agents()?;
        // Where there are none, no keyring needs to be asked.
        if !agents.is_empty()
            && let UnlockKey::Agent(grant) = &self.key()?.key
        {
            agents.retain(|agent| *agent == grant.agent);
        }
        Ok(agents)
    }
}
