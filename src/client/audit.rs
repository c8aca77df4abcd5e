//! The one place where what is done is noted: every operation of the client passes here, so that programs are audited as the command line is.
//! A log that cannot be written disturbs nobody, unless the settings say `audit = "required"`: then nothing is done that is not noted.

use std::collections::BTreeMap;

use super::Client;
use crate::audit_log::{AuditLog, Event, OK, Reading, STARTED};
use crate::failure::{Failure, Kind, Result};
use crate::platform;
use crate::settings::Audit;

impl Client {
    /// What was noted, with the names of users where the log has their numbers.
    pub(crate) fn audit(&self) -> Result<Reading> {
        let mut reading = AuditLog::new(self.places.state()?, self.caller).read()?;
        let mut names = BTreeMap::new();
        for entry in &mut reading.entries {
            let name = names.entry(entry.user.clone()).or_insert_with(|| platform::user_name(&entry.user));
            if let Some(name) = name {
                entry.user.clone_from(name);
            }
        }
        Ok(reading)
    }

    /// Carries out `work`, which may say more of the event as it learns it, and notes how that went. Where notes are required, that it begins
    /// is noted first, or it does not begin.
    pub(super) fn audited<T>(&self, mut event: Event, work: impl FnOnce(&mut Event) -> Result<T>) -> Result<T> {
        if self.settings()?.audit == Audit::Required {
            self.note_event(&event, STARTED)?;
        }
        let done = work(&mut event);
        match &done {
            Ok(_) => self.note_event(&event, OK).map_err(|failure| {
                Failure::new(failure.kind(), format!("done, but not noted in the audit log: {failure}"))
            })?,
            Err(failure) => self.note_refusal(&event, failure.kind()),
        }
        done
    }

    /// Carries out `work`, which only looks, and notes it if it is refused.
    pub(super) fn watched<T>(&self, mut event: Event, work: impl FnOnce(&mut Event) -> Result<T>) -> Result<T> {
        work(&mut event).inspect_err(|failure| self.note_refusal(&event, failure.kind()))
    }

    /// Notes that something was refused, if that can be noted.
    pub(super) fn note_refusal(&self, event: &Event, kind: Kind) {
        let _ = self.note_event(event, kind.name());
    }

    /// Notes an event. A failure where that is required.
    pub(super) fn note_event(&self, event: &Event, result: &'static str) -> Result<()> {
        self.with_audit_log(|log| log.append(event, result))
    }

    /// Where notes are required, refuses at once if the log cannot be opened, before anybody is asked for anything.
    pub(super) fn require_audit_log(&self) -> Result<()> {
        match self.settings()?.audit {
            Audit::Required => self.with_audit_log(|log| log.open().map(drop)),
            Audit::On | Audit::Off => Ok(()),
        }
    }

    fn with_audit_log(&self, work: impl FnOnce(&AuditLog) -> Result<()>) -> Result<()> {
        let audit = self.settings()?.audit;
        if audit == Audit::Off {
            return Ok(());
        }
        let done = self.places.state().and_then(|state| work(&AuditLog::new(state, self.caller)));
        match audit {
            Audit::Required => done.map_err(|failure| failure.hint("the settings say: audit = \"required\"")),
            Audit::On | Audit::Off => Ok(()),
        }
    }
}
