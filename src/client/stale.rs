//! Secrets that nobody has changed for long.

use super::{Client, SecretInfo, infos};
use crate::audit_log::{Action, Event};
use crate::failure::Result;
use crate::names::AgentName;
use crate::timestamp::TimeSpan;

impl Client {
    /// Every secret that was last set longer ago than `span`, by agent and name; the built-in ones under their own agent.
    pub(crate) fn stale(&self, span: TimeSpan) -> Result<Vec<(AgentName, SecretInfo)>> {
        self.watched(Event::new(Action::List), |_| self.find_stale(span))
    }

    fn find_stale(&self, span: TimeSpan) -> Result<Vec<(AgentName, SecretInfo)>> {
        let mut stale = Vec::new();
        for agent in self.folder()?.agents()? {
            let Some(vault) = self.find_vault(&agent)? else { continue };
            let old = infos(&vault).into_iter().filter(|secret| secret.updated.is_older_than(span));
            stale.extend(old.map(|secret| (agent.clone(), secret)));
        }
        Ok(stale)
    }
}
