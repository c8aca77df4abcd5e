//! A master key from a backup, into the key store. It has to open a vault first: a wrong key in the store helps nobody.

use crate::audit_log::{Action, Event};
use crate::client::Client;
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{KeyPlace, Slot, Whence};
use crate::keys::{MasterKey, UnlockKey};
use crate::names::AgentName;
use crate::vault::Vault;

/// What an import did.
pub(crate) struct Imported {
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

impl Client {
    /// Puts `given` into the store, before another key that is there only with `replace`. Without a key there, `place` is where it goes,
    /// as in `init`.
    pub(crate) fn import_key(&self, given: &UnlockKey, replace: bool, place: Option<KeyPlace>) -> Result<Imported> {
        self.audited(Event::new(Action::KeyImport), |_| self.take_key(given, replace, place))
    }

    fn take_key(&self, given: &UnlockKey, replace: bool, place: Option<KeyPlace>) -> Result<Imported> {
        let new = match given {
            UnlockKey::Master(keys) => keys,
            UnlockKey::Agent(grant) => {
                return Err(grant.refuse("is no master key").hint("an agent key is not stored: it goes into CAST_KEY"));
            }
        };
        let lock = self.lock_key_store()?;
        let (opened, closed) = self.try_on_vaults(given)?;
        let (mut slot, held) = if let Some(stored) = self.stored()? {
            stored
        } else {
            let place = self.place_for_first_key(place, &self.missing()?)?;
            (Slot::new(&self.places, &*self.attendant, place), Vec::new())
        };
        let known = new.iter().all(|key| key.is_among(&held));
        if !known && !held.is_empty() && !replace {
            return Err(Failure::new(
                Kind::Usage,
                format!("there is another master key already: in {}", slot.whence()?),
            )
            .hint("to put this one before it, which then stays as a fallback, give '--replace'"));
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

    /// How many vaults a key opens, and which it does not.
    fn try_on_vaults(&self, given: &UnlockKey) -> Result<(usize, Vec<AgentName>)> {
        let folder = self.folder()?;
        let agents = folder.agents()?;
        if agents.is_empty() {
            let path = self.places.vaults()?.display();
            return Err(Failure::new(
                Kind::NotFound,
                format!("there is no vault here that the key could open: '{path}'"),
            )
            .hint("bring your vaults there first, or name their folder with CAST_VAULTS"));
        }
        let mut opened = 0;
        let mut closed = Vec::new();
        for agent in agents {
            match folder.read(&agent).and_then(|file| file.map(|file| Vault::open(&file, &agent, given)).transpose()) {
                Ok(Some(_)) => opened += 1,
                Ok(None) => {}
                Err(_) => closed.push(agent),
            }
        }
        if opened == 0 {
            return Err(Failure::new(
                Kind::WrongKey,
                format!("the key opens none of the vaults there are ({})", closed.len()),
            ));
        }
        Ok((opened, closed))
    }
}
