//! What Tab offers: names. Nothing is noted, not even that a state was seen.

use std::collections::BTreeSet;

use cast_vault::{AgentName, SecretName};

use crate::failure::Result;
use crate::session::Session;

/// The names of the agents that have a vault.
pub fn agent_names(session: &Session) -> Result<Vec<AgentName>> {
    session.folder()?.agents()
}

/// The names in the vault of `agent` and, if asked for, in the built-in one.
pub fn secret_names(session: &Session, agent: &AgentName, with_builtin: bool) -> Result<BTreeSet<SecretName>> {
    let mut names = BTreeSet::new();
    for agent in [Some(agent.clone()), with_builtin.then(AgentName::builtin)].into_iter().flatten() {
        let Some(bytes) = session.folder()?.read(&agent)? else { continue };
        // The built-in vault stays closed to an agent's key.
        match session.open(&bytes, &agent, &*session.key()?) {
            Ok(found) => names.extend(found.vault.names().keys().cloned()),
            Err(_) if agent.is_builtin() => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(names)
}
