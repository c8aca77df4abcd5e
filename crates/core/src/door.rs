//! The door in front of the verbs, where what is done is noted in the audit log: programs are audited as the command line is.
//! A log that cannot be written disturbs nobody, unless the settings say `audit = "required"`: then nothing is done that is not noted.

use crate::audit_log::{AuditLog, Event, OK, STARTED};
use crate::failure::{Failure, Kind, Result};
use crate::session::Session;
use crate::settings::Audit;

/// What a verb does, as far as the log is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes something, or hands out a key: noted, whatever comes of it.
    Change,
    /// It only looks: noted if it is refused.
    Look,
}

/// One thing that a user or a program asks for.
pub trait Verb {
    /// What comes of it.
    type Done;
    /// Whether it changes anything.
    const EFFECT: Effect;

    /// What to note of it, as far as the request itself says.
    fn event(&self) -> Event;

    /// Carries it out. Only [`Session::perform`] calls this. `event` can be told what shows only in the course of it.
    fn perform(self, session: &Session, event: &mut Event) -> Result<Self::Done>;
}

impl Session {
    /// Carries out a verb, and notes how that went. Where notes are required, that a change begins is noted first, or it does not begin.
    pub fn perform<V: Verb>(&self, verb: V) -> Result<V::Done> {
        let mut event = verb.event();
        if V::EFFECT == Effect::Change && self.settings()?.audit == Audit::Required {
            self.note(&event, STARTED)?;
        }
        let done = verb.perform(self, &mut event);
        match &done {
            Ok(_) if V::EFFECT == Effect::Change => self.note(&event, OK).map_err(|failure| {
                Failure::new(failure.kind(), format!("done, but not recorded in the audit log: {failure}"))
            })?,
            Ok(_) => {}
            Err(failure) => self.note_refusal(&event, failure.kind()),
        }
        done
    }

    /// Notes that something was refused, if that can be noted.
    pub(crate) fn note_refusal(&self, event: &Event, kind: Kind) {
        let _ = self.note(event, kind.name());
    }

    /// Notes an event. A failure where that is required.
    pub(crate) fn note(&self, event: &Event, result: &'static str) -> Result<()> {
        self.with_audit_log(|log| log.append(event, result))
    }

    /// Where notes are required, refuses at once if the log cannot be opened, before anybody is asked for anything.
    pub(crate) fn require_audit_log(&self) -> Result<()> {
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
            Audit::Required => done.map_err(|failure| failure.hint("your settings contain: audit = \"required\"")),
            Audit::On | Audit::Off => Ok(()),
        }
    }
}
