//! The explicit word for making the master key.

use crate::audit_log::{Action, Event};
use crate::door::{Effect, Verb};
use crate::failure::Result;
use crate::key_store::{KeyPlace, Whence};
use crate::session::Session;

/// Makes the master key, unless there is one. Returns where it is, and whether it is new.
pub struct Init {
    /// Where it goes; `None` for the keyring, or where the attendant says, or a plain file.
    pub place: Option<KeyPlace>,
}

impl Verb for Init {
    type Done = (Whence, bool);
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Init)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<(Whence, bool)> {
        session.find_or_make(self.place)
    }
}
