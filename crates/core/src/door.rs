//! The door in front of the verbs. It records changes and refusals in the audit log, for the SDK as for the command
//! line. A log that cannot be written stops no action, unless the settings contain `audit = "required"`: then cast
//! changes nothing and starts nothing that it cannot record.

use crate::audit_log::{AuditLog, Event, OK, STARTED};
use crate::failure::{Failure, Kind, Result};
use crate::session::Session;
use crate::settings::Audit;

/// Whether a verb changes something, which decides what is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The verb changes something or hands out a key: recorded in any case.
    Change,
    /// The verb only reads: recorded if it is refused.
    Look,
}

/// One request of a user or a program.
pub trait Verb {
    /// The result.
    type Done;
    /// Whether it changes anything.
    const EFFECT: Effect;

    /// The event to record, with the details that the request contains.
    fn event(&self) -> Event;

    /// Carries out the request. Only [`Session::perform`] calls this. The verb adds to `event` what becomes known only
    /// on the way.
    fn perform(self, session: &Session, event: &mut Event) -> Result<Self::Done>;
}

impl Session {
    /// Carries out a verb and records the result. If the audit log is required, the start of a change is recorded
    /// first, and the change does not start without that.
    pub fn perform<V: Verb>(&self, verb: V) -> Result<V::Done> {
        let mut event = verb.event();
        self.record_start(&event, V::EFFECT)?;
        let done = verb.perform(self, &mut event);
        self.record_result(&event, V::EFFECT, done.as_ref().err())?;
        done
    }

    fn record_start(&self, event: &Event, effect: Effect) -> Result<()> {
        if effect == Effect::Change && self.settings()?.audit == Audit::Required {
            self.note(event, STARTED)?;
        }
        Ok(())
    }

    fn record_result(&self, event: &Event, effect: Effect, failure: Option<&Failure>) -> Result<()> {
        match (failure, effect) {
            (Some(failure), _) => self.note_refusal(event, failure.kind()),
            (None, Effect::Look) => {}
            (None, Effect::Change) => self.note(event, OK).map_err(|failure| {
                Failure::new(failure.kind(), format!("done, but not recorded in the audit log: {failure}"))
            })?,
        }
        Ok(())
    }

    /// Records a refusal, if the log can be written.
    pub(crate) fn note_refusal(&self, event: &Event, kind: Kind) {
        let _ = self.note(event, kind.name());
    }

    /// Records an event. Fails only if the audit log is required.
    #[inline(never)] // each verb has a copy of its way through the door, and not of the log
    pub(crate) fn note(&self, event: &Event, result: &'static str) -> Result<()> {
        self.with_audit_log(|log| log.append(event, result))
    }

    /// If the audit log is required and cannot be opened, fails at once, before the user is asked for anything.
    pub(crate) fn require_audit_log(&self) -> Result<()> {
        match self.settings()?.audit {
            Audit::Required => self.with_audit_log(|log| log.open().map(drop)),
            Audit::On | Audit::Off => Ok(()),
        }
    }

    /// The audit log, to record what happens when the session is gone; `None` if it is off, or has no place.
    pub(crate) fn audit_log(&self) -> Result<Option<AuditLog>> {
        let is_off = self.settings()?.audit == Audit::Off;
        Ok(self.places.state().ok().filter(|_| !is_off).map(|state| AuditLog::new(state, self.caller)))
    }

    fn with_audit_log(&self, work: impl FnOnce(&AuditLog) -> Result<()>) -> Result<()> {
        let audit = self.settings()?.audit;
        if audit == Audit::Off {
            return Ok(());
        }
        let done = self.places.state().and_then(|state| work(&AuditLog::new(state, self.caller)));
        match audit {
            Audit::Required => done.map_err(|failure| failure.hint("your settings contain: audit = \"required\"")),
            Audit::On | Audit::Off => Ok(()),
        }
    }
}
