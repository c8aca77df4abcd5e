//! A vault that was refused, looked at by its owner and taken.

use std::collections::BTreeMap;

use cast_vault::{AgentName, Mark, Secret, SecretName, UnlockKey, Vault};

use crate::audit_log::{Action, Event};
use crate::change::masters;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::read::refused;
use crate::seen::{Seen, Verdict};
use crate::session::Session;

/// Opens a vault that may have been refused, with the master key or, for an old backup, with `former`.
pub struct Review<'a> {
    /// Whose vault.
    pub agent: &'a AgentName,
    /// The key that it was sealed to.
    pub former: Option<&'a UnlockKey>,
}

/// A vault as it was reviewed. Accepting it seals it anew, above everything that was seen of it, with the newest master key.
pub struct Accept {
    /// Why it was refused; `None` if there is nothing to accept.
    pub why: Option<Failure>,
    file: Vec<u8>,
    vault: Vault,
    given_up: bool,
    seen: Option<Mark>,
}

impl Accept {
    /// What would be taken.
    pub fn secrets(&self) -> &BTreeMap<SecretName, Secret> {
        self.vault.secrets()
    }
}

impl Verb for Review<'_> {
    type Done = Accept;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::Accept).agent(self.agent)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Accept> {
        let Self { agent, former } = self;
        let file = session.folder()?.read(agent)?.ok_or_else(|| session.no_such_agent(agent))?;
        let unlocked = session.key()?;
        let keys = masters(&unlocked.key)?;
        let (vault, authentic) = if let Some(former) = former {
            Vault::open_unverified(&file, agent, masters(former)?)?
        } else {
            let opened = Vault::open_unverified(&file, agent, keys);
            opened.map_err(|refusal| unlocked.explain(refusal.into()))?
        };
        let seen = session.seen().map(|seen| seen.record(vault.mark().id)).transpose()?.flatten();
        let verdict = Seen::judge(seen.as_ref(), vault.mark());
        let why = match verdict {
            _ if !authentic => Vault::open(&file, agent, former.unwrap_or(&unlocked.key)).err().map(Failure::from),
            Verdict::Known | Verdict::News if former.is_none() => None,
            Verdict::Known | Verdict::News => Some(Failure::new(
                Kind::Integrity,
                format!("the vault of agent '{agent}' is sealed to the key given, not to yours"),
            )),
            verdict => Some(refused(agent, verdict)),
        };
        let given_up = verdict == Verdict::GivenUp;
        Ok(Accept { why, file, vault, given_up, seen: seen.map(|record| record.mark) })
    }
}

impl Verb for Accept {
    type Done = ();
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Accept).agent(self.vault.agent()).keys(self.vault.secrets().keys())
    }

    fn perform(mut self, session: &Session, _: &mut Event) -> Result<()> {
        let folder = session.folder()?;
        let lock = session.lock_vaults(&folder)?;
        let agent = self.vault.agent();
        let seen = session.seen().map(|seen| seen.record(self.vault.mark().id)).transpose()?.flatten();
        let noted = seen.map(|record| (record.mark, record.given_up));
        let as_reviewed = noted == self.seen.map(|mark| (mark, self.given_up));
        if !as_reviewed || folder.read(agent)?.as_ref() != Some(&self.file) {
            return Err(Failure::new(
                Kind::Integrity,
                format!("the vault of agent '{agent}' was changed meanwhile: look at it again"),
            ));
        }
        self.vault.supersede(self.seen.as_ref(), self.given_up)?;
        session.commit(&folder, &lock, &mut self.vault)
    }
}
