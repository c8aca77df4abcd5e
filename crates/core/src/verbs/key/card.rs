//! The card: the public line of this user, to be handed to others.

use cast_vault::Card;

use crate::audit_log::{Action, Event};
use crate::change::masters;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{Exports, Whence};
use crate::session::Session;

/// The card of the newest master key. Notes that it was shown: somebody may share a vault with it.
pub struct ShowCard;

impl Session {
    /// Refuses the card of a key that is or was this user's own: who has such a key, perhaps because it leaked, could open what is sealed to it.
    pub(crate) fn refuse_own_card(&self, card: &Card, with_newest: bool) -> Result<()> {
        let unlocked = self.key()?;
        let keys = masters(&unlocked.key)?;
        if with_newest && keys.first().is_some_and(|key| key.card() == *card) {
            return Err(Failure::new(Kind::Usage, "that card is the one of this machine"));
        }
        let public = card.recipient().to_string();
        let is_in_store = keys.iter().skip(1).any(|key| key.recipient() == card.recipient());
        if is_in_store || Exports::new(&self.places).is_ok_and(|exports| exports.was_replaced(&public)) {
            return Err(Failure::new(Kind::Usage, "that card is of a former key of yours")
                .hint("on the machine that has it, make a new key first: 'cast key rotate', then 'cast key card'"));
        }
        Ok(())
    }
}

impl Verb for ShowCard {
    type Done = Card;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::KeyCard)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Card> {
        let unlocked = session.key()?;
        let key = masters(&unlocked.key)?.first().ok_or_else(|| session.nothing_stored())?;
        // A key in a variable is in no store here.
        if !matches!(unlocked.whence, Whence::Variable(_)) {
            Exports::new(&session.places)?.note_shown(key)?;
        }
        Ok(key.card())
    }
}
