//! Reads the audit log.

use std::collections::BTreeMap;

use crate::audit_log::{AuditLog, Reading};
use crate::failure::Result;
use crate::platform::user;
use crate::session::Session;

/// Reads the log and replaces user IDs with user names.
pub fn audit(session: &Session) -> Result<Reading> {
    let mut reading = AuditLog::new(session.places.state()?, session.caller).read()?;
    let mut names = BTreeMap::new();
    for entry in &mut reading.entries {
        let name = names.entry(entry.user.clone()).or_insert_with(|| user::user_name(&entry.user));
        if let Some(name) = name {
            entry.user.clone_from(name);
        }
    }
    Ok(reading)
}
