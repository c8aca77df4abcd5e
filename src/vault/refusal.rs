//! Why a vault is refused, in words. What these say of the bytes in question is nothing.

use crate::failure::{Failure, Kind};
use crate::names::AgentName;

pub(super) fn wrong_key(agent: &AgentName) -> Failure {
    Failure::new(Kind::WrongKey, format!("the vault of agent '{agent}' does not open: wrong key, or damaged"))
}

/// What the holder of an agent key can do about it.
pub(super) fn wrong_agent_key(agent: &AgentName) -> Failure {
    wrong_key(agent).hint(format!(
        "a revoked or rotated key opens nothing any more; a new one is 'cast key export --agent {agent}', by the vault's owner"
    ))
}

pub(super) fn damaged(agent: &AgentName) -> Failure {
    Failure::new(Kind::Integrity, format!("the vault of agent '{agent}' is damaged"))
        .hint("bring it back from a backup or from version control")
}

pub(super) fn newer(agent: &AgentName) -> Failure {
    Failure::new(Kind::Integrity, format!("the vault of agent '{agent}' was made by a newer cast"))
        .hint("install that version")
}

pub(super) fn not_authentic(agent: &AgentName) -> Failure {
    Failure::new(
        Kind::Integrity,
        format!("the vault of agent '{agent}' is not authentic: edited, forged, or another agent's"),
    )
    .hint(format!("if you changed it yourself, look at it and take it with 'cast vault accept {agent}'"))
}
