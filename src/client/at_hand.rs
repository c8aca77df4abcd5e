//! What somebody who presses Tab is told: names, without a word to anybody and without a trace.

use std::collections::BTreeSet;

use super::Client;
use crate::failure::Result;
use crate::names::{AgentName, SecretName};
use crate::vault::Vault;

impl Client {
    /// The names of the agents that have a vault.
    pub(crate) fn agent_names(&self) -> Result<Vec<AgentName>> {
        self.folder()?.agents()
    }

    /// The names in the vault of `agent` and, if asked for, in the built-in one. Nothing is noted, not even that this state was seen.
    pub(crate) fn names_at_hand(&self, agent: &AgentName, with_builtin: bool) -> Result<BTreeSet<SecretName>> {
        let mut names = BTreeSet::new();
        for agent in [Some(agent.clone()), with_builtin.then(AgentName::builtin)].into_iter().flatten() {
            let Some(bytes) = self.folder()?.read(&agent)? else { continue };
            // The built-in vault stays closed to an agent's key.
            match Vault::open(&bytes, &agent, &self.key()?.key) {
                Ok(vault) => names.extend(vault.secrets().keys().cloned()),
                Err(_) if agent.is_builtin() => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(names)
    }
}
