//! The names that Tab offers. Records nothing, not even that a vault version was seen.

use std::collections::BTreeSet;

use cast_vault::{AgentName, PersonName, SecretName};

use crate::failure::Result;
use crate::session::Session;

/// The names of the agents that have a vault.
pub fn agent_names(session: &Session) -> Result<Vec<AgentName>> {
    session.folder()?.agents()
}

/// The people with whom the vault of `agent` is shared.
pub fn people(session: &Session, agent: &AgentName) -> Result<Vec<PersonName>> {
    let found = session.look_at_vault(agent)?;
    Ok(found.map(|found| found.vault.people().keys().cloned().collect()).unwrap_or_default())
}

/// The names in the vault of `agent` and, with `with_builtin`, in the built-in vault.
pub fn secret_names(session: &Session, agent: &AgentName, with_builtin: bool) -> Result<BTreeSet<SecretName>> {
    let mut names = BTreeSet::new();
    for agent in [Some(agent.clone()), with_builtin.then(AgentName::builtin)].into_iter().flatten() {
        // An agent key does not open the built-in vault.
        match session.look_at_vault(&agent) {
            Ok(None) => {}
            Ok(Some(found)) => names.extend(found.vault.names().keys().cloned()),
            Err(_) if agent.is_builtin() => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(names)
}
