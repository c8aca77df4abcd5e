//! Finds people who were listed more than a year ago, for their owner to review.

use cast_vault::{AgentName, PersonName};

use super::{Check, Finding};
use crate::clock::{self, TimeSpan};
use crate::survey::Standing;

/// After this time, an owner should review whom the vault is shared with.
const LONG: &str = "1y";

pub(super) fn listed_long_ago(agent: &AgentName, standing: &Standing) -> Option<Finding> {
    let limit = TimeSpan::parse(LONG)?;
    let is_old = |(_, since): &&(PersonName, _)| standing.is_own && clock::is_older(*since, limit);
    let old: Vec<_> = standing.people.iter().filter(is_old).map(|(name, _)| name.as_str()).collect();
    let first = old.first()?;
    Some(Finding {
        check: Check::People,
        message: format!("the vault of agent '{agent}' was shared more than a year ago with: {}", old.join(", ")),
        fix: vec![
            format!("see who can open it: 'cast share {agent}'"),
            format!("who still needs it, list again: 'cast share {agent} --with {first}'"),
            format!("who does not: 'cast unshare {agent} {first}'"),
        ],
    })
}
