//! Keys on their way out: the master key as a backup, an agent's key for a machine that is to open that agent's vault alone.

use age::secrecy::{ExposeSecret, SecretString};
use cast_vault::{AgentName, Card, MasterKey, Role, UnlockKey, seal_to_card};

use crate::audit_log::{Action, Event};
use crate::change::masters;
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::key_store::Exports;
use crate::session::Session;

/// The master keys as an age identity file, with comments that say what it is.
pub struct ExportMasterKey;

/// The same, sealed to the card of another machine, as an age file.
pub struct SealMasterKey<'a> {
    /// Who opens it.
    pub to: &'a Card,
}

/// The key of one agent's vault, as the line that `CAST_KEY` takes.
pub struct ExportAgentKey<'a> {
    /// Whose vault it opens.
    pub agent: &'a AgentName,
}

impl Verb for ExportMasterKey {
    type Done = SecretString;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::KeyExport)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<SecretString> {
        session.backup()
    }
}

impl Verb for SealMasterKey<'_> {
    type Done = Vec<u8>;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::KeyExport)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Vec<u8>> {
        session.refuse_own_card(self.to, true)?;
        Ok(seal_to_card(session.backup()?.expose_secret().as_bytes(), self.to))
    }
}

impl Session {
    fn backup(&self) -> Result<SecretString> {
        let unlocked = self.key()?;
        let keys = masters(&unlocked.key)?;
        let file = MasterKey::identity_file(&keys.iter().collect::<Vec<_>>());
        let head = format!(
            "# cast master key: it opens every vault of its owner. Keep it secret, and on another machine.\n\
             # exported: {}\n\
             # back into cast: cast key import FILE\n\
             # without cast: age -d -i FILE my-agent.age\n",
            clock::now()
        );
        let mut text = String::with_capacity(head.len() + file.expose_secret().len());
        text += &head;
        text += file.expose_secret();
        Ok(SecretString::from(text))
    }

    /// Remembers that the master key was exported, once its text has arrived somewhere.
    pub fn note_export(&self) {
        if let (Ok(unlocked), Ok(exports)) = (self.key(), Exports::new(&self.places))
            && let UnlockKey::Master(keys) = &unlocked.key
        {
            exports.note_copied(keys);
        }
    }
}

impl Verb for ExportAgentKey<'_> {
    type Done = SecretString;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::KeyExport).agent(self.agent)
    }

    fn perform(self, session: &Session, event: &mut Event) -> Result<SecretString> {
        let agent = self.agent;
        masters(&session.key()?.key)?;
        // The line states the floor of a runner that remembers nothing: never an older one.
        let vault = session.newest_vault(agent)?;
        // That may have looked for the key anew.
        let unlocked = session.key()?;
        let newest = masters(&unlocked.key)?.first();
        if *vault.role() == Role::Owner && newest.is_none_or(|key| key.card() != vault.part().card) {
            return Err(Failure::new(
                Kind::Other,
                format!("the vault of agent '{agent}' is still sealed to a former master key"),
            )
            .hint("finish the rotation first: 'cast key rotate'; the next change would end an agent key made now"));
        }
        let grant = vault.grant(&unlocked.key)?;
        event.set_opens(grant.id, grant.epoch);
        Ok(grant.line())
    }
}
