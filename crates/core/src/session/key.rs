//! The key of this process. cast looks for it once, and again if the key store has changed since: a reader never refuses a vault
//! that the new key opens, and a writer never seals a vault to a key that is gone.

use std::sync::{Arc, MutexGuard, PoisonError};

use super::Session;
use crate::advice::{self, GIVE_KEY};
use crate::failure::{Failure, Kind, Result};
use crate::key_store::{self, Lookup, Trouble, Whence};
use crate::vault_folder::{VaultFolder, WriteLock};
use cast_vault::{MasterKey, UnlockKey};

/// The key of this process, as it was found.
pub(crate) struct Unlocked {
    pub(crate) key: UnlockKey,
    pub(crate) whence: Whence,
    /// How often the key store had changed when the key was read.
    changes: u64,
    /// The key file as it was then.
    stamp: Option<key_store::Stamp>,
}

impl Session {
    /// The key of this process; looked for once, unless it is changed meanwhile.
    pub(crate) fn key(&self) -> Result<Arc<Unlocked>> {
        if let Some(unlocked) = &*self.cache() {
            return Ok(Arc::clone(unlocked));
        }
        let changes = key_store::changes(&self.places);
        match key_store::look_up(&self.places, &*self.attendant)? {
            Lookup::Found(key, whence) => Ok(self.hold(key, whence, changes)),
            missing => {
                self.refuse_without_the_key_of_vaults(&missing)?;
                Err(no_key(&missing))
            }
        }
    }

    /// Uses this key from here on.
    pub(crate) fn hold(&self, key: UnlockKey, whence: Whence, changes: u64) -> Arc<Unlocked> {
        let stamp = match &whence {
            Whence::File(path) => key_store::stamp(path),
            Whence::Variable(_) | Whence::Keyring => None,
        };
        let unlocked = Arc::new(Unlocked { key, whence, changes, stamp });
        *self.cache() = Some(Arc::clone(&unlocked));
        unlocked
    }

    /// Forgets the key if it is outdated, after a vault was refused for `why`; returns whether it was. A killed change of the key
    /// store is not counted, so after a wrong key cast also compares the store itself.
    pub(crate) fn forget_outdated_key(&self, why: Kind) -> bool {
        if self.key_has_changed() {
            return true;
        }
        let Some(unlocked) = self.cache().clone() else { return false };
        if why != Kind::WrongKey || matches!(unlocked.whence, Whence::Variable(_)) {
            return false;
        }
        let is_other = match &unlocked.whence {
            Whence::File(path) => key_store::stamp(path) != unlocked.stamp,
            Whence::Keyring | Whence::Variable(_) => self.keyring_holds_another(&unlocked),
        };
        if is_other {
            *self.cache() = None;
        }
        is_other
    }

    fn keyring_holds_another(&self, unlocked: &Unlocked) -> bool {
        let UnlockKey::Master(known) = &unlocked.key else { return false };
        let known: Vec<_> = known.iter().collect();
        let now = key_store::look_up(&self.places, &*self.attendant);
        matches!(now, Ok(Lookup::Found(UnlockKey::Master(keys), _)) if !MasterKey::same(&keys, &known))
    }

    /// Forgets the key if the key store has counted a change since; returns whether it did.
    pub(crate) fn key_has_changed(&self) -> bool {
        let mut cache = self.cache();
        let outdated = cache.as_ref().is_some_and(|unlocked| {
            !matches!(unlocked.whence, Whence::Variable(_)) && unlocked.changes != key_store::changes(&self.places)
        });
        if outdated {
            *cache = None;
        }
        outdated
    }

    /// Waits for the lock on the vaults. While it is held, no process replaces the key, and the key at hand is the current one.
    pub(crate) fn lock_vaults(&self, folder: &VaultFolder) -> Result<WriteLock> {
        let lock = folder.lock()?;
        self.clear_records();
        if self.key_has_changed() {
            self.key()?;
        }
        Ok(lock)
    }

    /// Clears what killed writers left among the records.
    pub(crate) fn clear_records(&self) {
        if let Some(seen) = self.seen() {
            seen.clear();
        }
        key_store::clear_exports(&self.places);
    }

    pub(crate) fn cache(&self) -> MutexGuard<'_, Option<Arc<Unlocked>>> {
        self.unlocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses to make a key while there are vaults, whose key is missing.
    pub(crate) fn refuse_beside_vaults(&self, missing: &Lookup) -> Result<()> {
        self.refuse_if_vaults_need(missing, true)
    }

    /// The same for who makes none.
    pub(crate) fn refuse_without_the_key_of_vaults(&self, missing: &Lookup) -> Result<()> {
        self.refuse_if_vaults_need(missing, false)
    }

    fn refuse_if_vaults_need(&self, missing: &Lookup, makes: bool) -> Result<()> {
        let folder = self.folder()?;
        let vaults = folder.agents()?.len();
        let whence = match missing {
            // The keyring may have the key, of vaults in other folders as well.
            Lookup::Unknown(trouble) if vaults > 0 || self.knows_vaults() => return Err(trouble.failure()),
            _ if vaults == 0 => return Ok(()),
            Lookup::NoKeyring(error) => error.to_string(),
            _ => "the OS keyring has none".to_owned(),
        };
        let (what, exist) = match vaults {
            1 => ("the vault here".to_owned(), "it exists"),
            _ => (format!("the {vaults} vaults here"), "they exist"),
        };
        let no_new = if makes { format!(", and cast makes no new key while {exist}") } else { String::new() };
        Err(Failure::new(Kind::NoKey, format!("no key for {what}{no_new}: {whence}"))
            .hint(format!(
                "bring back the key they were made with: 'cast key import master.key', or for one call {GIVE_KEY}"
            ))
            .hint(if self.places.has_named_vaults() {
                "if another person made them, first make a key of your own: 'unset CAST_VAULTS', then 'cast init'"
                    .to_owned()
            } else {
                format!(
                    "if it is lost for good, so is what is in them: to start over, move the folder away: {}",
                    advice::move_away(self.places.vaults()?)
                )
            }))
    }

    /// Whether this machine has seen a vault that is still there, in whatever folder.
    pub(crate) fn knows_vaults(&self) -> bool {
        let known = self.seen().map_or_else(|| Ok(Vec::new()), |seen| seen.places());
        known.is_ok_and(|known| known.into_iter().flatten().any(|place| place.held.is_some() && place.exists()))
    }
}

impl Unlocked {
    /// Whether these are the master keys of `former`, in the same order.
    pub(crate) fn has_keys_of(&self, former: &Self) -> bool {
        let (UnlockKey::Master(now), UnlockKey::Master(then)) = (&self.key, &former.key) else { return false };
        MasterKey::same(now, &then.iter().collect::<Vec<_>>())
    }

    /// Whether the newest master key of `former` is among these, be it a former one.
    pub(crate) fn has_newest_of(&self, former: &Self) -> bool {
        let (UnlockKey::Master(now), UnlockKey::Master(then)) = (&self.key, &former.key) else { return false };
        then.first().is_some_and(|newest| now.iter().any(|key| key.card() == newest.card()))
    }

    /// Names the variable that a wrong key came from.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match self.whence {
            Whence::Variable(name) if failure.kind() == Kind::WrongKey => {
                let hints = failure.hints().to_vec();
                let failure = Failure::new(Kind::WrongKey, format!("{failure}: the key came from {name}"));
                hints.into_iter().fold(failure, Failure::hint)
            }
            _ => failure,
        }
    }
}

/// The failure of a command that needs a key and does not make one, where there is nothing yet that needs one.
pub(crate) fn no_key(missing: &Lookup) -> Failure {
    match missing {
        Lookup::NoKeyring(error) => no_keyring(&error.to_string()),
        Lookup::Unknown(trouble) => no_usable_keyring(trouble, MAKE_FILE),
        _ => match key_store::look_before_saving() {
            // It has none, and takes none.
            unusable @ (Lookup::NoKeyring(_) | Lookup::Unknown(_)) => no_key(&unusable),
            _ => Failure::new(Kind::NoKey, "no key: the OS keyring has none for cast")
                .hint(format!("provide one: {GIVE_KEY}, or make one: 'cast init'")),
        },
    }
}

const MAKE_FILE: &str =
    "make a key file: 'cast init --key-store file', or on a terminal 'cast init --key-store passphrase'";

pub(crate) fn no_keyring(why: &str) -> Failure {
    Failure::new(Kind::NoKey, format!("no key, and no OS keyring here: {why}"))
        .hint(MAKE_FILE)
        .hint(format!("or provide a key: {GIVE_KEY}"))
}

/// The failure of a keyring in whose place a file would do: `in_a_file` tells how.
pub(crate) fn no_usable_keyring(trouble: &Trouble, in_a_file: &str) -> Failure {
    let failure = trouble.failure();
    if trouble.shows_an_entry() {
        return failure;
    }
    let begin = Failure::new(failure.kind(), failure.message());
    let begin = failure.hints().iter().take(1).fold(begin, Failure::hint);
    begin.hint(format!("or, as no vault needs that keyring yet, {in_a_file}"))
}
