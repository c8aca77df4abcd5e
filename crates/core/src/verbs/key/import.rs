//! A master key from a backup, into the key store. It has to open a vault first: a wrong key in the store helps nobody.

use crate::audit_log::{Action, Event};
use crate::change::masters;
use crate::door::{Effect, Verb};
use crate::failure::{self, Failure, Kind, Result};
use crate::key_store::{KeyPlace, Slot, Whence};
use crate::session::Session;
use cast_vault::AgentName;
use cast_vault::Vault;
use cast_vault::{MasterKey, UnlockKey};

/// What an import did.
pub struct Imported {
    /// Where the key is.
    pub whence: Whence,
    /// Whether it was there already.
    pub known: bool,
    /// How many keys stay behind it as fallbacks.
    pub former: usize,
    /// How many vaults it opens.
    pub opened: usize,
    /// The vaults that it does not open.
    pub closed: Vec<AgentName>,
}

/// Puts `given` into the store, before another key that is there only with `replace`.
pub struct ImportKey<'a> {
    /// The key.
    pub given: &'a UnlockKey,
    /// Whether it goes before one that is there.
    pub replace: bool,
    /// Where it goes if there is none, as for a first key.
    pub place: Option<KeyPlace>,
}

impl Verb for ImportKey<'_> {
    type Done = Imported;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::KeyImport)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Imported> {
        let Self { given, replace, place } = self;
        let new = match given {
            UnlockKey::Master(keys) => keys,
            UnlockKey::Agent(grant) => {
                return Err(failure::agent_key(&grant.agent, "is not a master key")
                    .hint("cast does not store agent keys: put it in CAST_KEY"));
            }
        };
        let lock = session.lock_key_store()?;
        let (opened, closed) = session.try_on_vaults(given)?;
        let (mut slot, held) = if let Some(stored) = session.stored()? {
            stored
        } else {
            let place = session.place_for_first_key(place, &session.missing()?)?;
            (Slot::new(&session.places, &*session.attendant, place), Vec::new())
        };
        let known = new.iter().all(|key| key.is_among(&held));
        if !known && !held.is_empty() && !replace {
            return Err(Failure::new(
                Kind::Usage,
                format!("there is already another master key in {}", slot.whence()?),
            )
            .hint("to put this one first and keep the other as a fallback, add '--replace'"));
        }
        let mut former = held.len().saturating_sub(1);
        if !known {
            let behind: Vec<_> = held.iter().filter(|key| !key.is_among(new)).collect();
            former = behind.len();
            let all: Vec<&MasterKey> = new.iter().chain(behind).collect();
            slot.write(&lock, &all)?;
        }
        Ok(Imported { whence: slot.whence()?, known, former, opened, closed })
    }
}

impl Session {
    /// How many vaults a key opens, and which it does not.
    fn try_on_vaults(&self, given: &UnlockKey) -> Result<(usize, Vec<AgentName>)> {
        let folder = self.folder()?;
        let agents = folder.agents()?;
        if agents.is_empty() {
            let path = self.places.vaults()?.display();
            return Err(Failure::new(Kind::NotFound, format!("there is no vault here for the key to open: '{path}'"))
                .hint("copy your vaults there first, or set CAST_VAULTS to their folder"));
        }
        let mut opened = 0;
        let mut closed = Vec::new();
        for agent in agents {
            let opens = |file: Vec<u8>| Ok(Vault::inspect(&file, &agent, masters(given)?)?);
            match folder.read(&agent).and_then(|file| file.map(opens).transpose()) {
                Ok(Some(_)) => opened += 1,
                Ok(None) => {}
                Err(_) => closed.push(agent),
            }
        }
        if opened == 0 {
            return Err(Failure::new(
                Kind::WrongKey,
                format!("the key opens none of the {} vaults here", closed.len()),
            ));
        }
        Ok((opened, closed))
    }
}
