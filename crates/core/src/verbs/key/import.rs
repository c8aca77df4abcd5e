//! A master key from a backup, into the key store. It has to open a vault first, if there is one: a wrong key in the
//! store helps nobody. Before there is any, as on a second machine, it becomes the key, so that the vaults of both
//! machines have the same. A key that was there stays as a fallback, unless certainly nothing was sealed to it.

use crate::audit_log::{Action, Event};
use crate::change::masters;
use crate::door::{Effect, Verb};
use crate::failure::{self, Failure, Kind, Result};
use crate::key_store::{self, Exports, KeyPlace, Lookup, Slot, Whence};
use crate::session::{Session, no_key, no_usable_keyring};
use cast_vault::AgentName;
use cast_vault::{Closed, Fingerprint, Vault, open_with_keys};
use cast_vault::{MasterKey, UnlockKey};

/// How to do without a keyring that cannot be used.
const IN_A_FILE: &str = "keep the key in a file: add '--key-store file', or on a terminal '--key-store passphrase'";

/// What an import did.
pub struct Imported {
    /// Where the key is.
    pub whence: Whence,
    /// Whether it was there already.
    pub known: bool,
    /// How many keys stay behind it as fallbacks.
    pub former: usize,
    /// How many keys went, to which nothing was ever sealed.
    pub unused: usize,
    /// How many vaults it opens.
    pub opened: usize,
    /// The vaults that it does not open.
    pub closed: Vec<AgentName>,
}

/// Puts `given` into the store. Where there are vaults, it goes before another key that is there only with `replace`.
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
        let (mut slot, held) = session.stored_or_place(place, &closed)?;
        let known = new.iter().all(|key| key.is_among(&held));
        let is_needed = opened + closed.len() > 0 || session.knows_vaults();
        if !known && !held.is_empty() && !replace && is_needed {
            return Err(Failure::new(
                Kind::Usage,
                format!("there is already another master key in {}", slot.whence()?),
            )
            .hint("to put this one first and keep the other as a fallback, add '--replace'"));
        }
        let (mut former, mut unused) = (held.len().saturating_sub(1), 0);
        if !known {
            // Whoever seals a vault to a key that leaves no trace yet does so before this, or finds that it is gone.
            let _records = session.seen().map(|seen| seen.lock()).transpose()?;
            let behind: Vec<_> = held.iter().filter(|key| !key.is_among(new)).collect();
            let all_behind = behind.len();
            let behind: Vec<_> = behind.into_iter().filter(|key| !session.is_unused(key, slot.place())).collect();
            (former, unused) = (behind.len(), all_behind - behind.len());
            let all: Vec<&MasterKey> = new.iter().chain(behind).collect();
            slot.write(&lock, &all)?;
            if let Ok(exports) = Exports::new(&session.places) {
                exports.note_copied(new);
                exports.note_behind(&all);
            }
        }
        Ok(Imported { whence: slot.whence()?, known, former, unused, opened, closed })
    }
}

impl Session {
    /// The key in the text of a backup, or in one that was sealed to the card of a key that is here, with the fingerprint of its own card then:
    /// anybody who knows the one card can seal any key to it. `named_by` names the text for messages.
    pub fn key_in_backup(&self, text: &[u8], named_by: &str) -> Result<(UnlockKey, Option<Fingerprint>)> {
        if !key_store::is_sealed_key(text) {
            return Ok((key_store::parse_key(text, named_by)?, None));
        }
        self.refuse_key_in_variable()?;
        let held = self.stored()?.map(|(_, keys)| keys).unwrap_or_default();
        let opened = open_with_keys(text, &held).map_err(|closed| {
            let why = match closed {
                Closed::WrongKey => "it is not sealed to the card of this machine",
                Closed::Damaged | Closed::TooMuchWork => "it is not sealed to a card, or it is damaged",
            };
            Failure::new(Kind::NoKey, format!("{named_by} names an encrypted file that does not open: {why}"))
                .hint("on the machine with the key, seal it to the card that 'cast key card' prints here: 'cast key export --to CARD --output FILE'")
                .hint("or decrypt it on the fly: '<(age -d key.age)'")
        })?;
        let key = key_store::parse_key(&opened, named_by)?;
        let newest = if let UnlockKey::Master(keys) = &key { keys.first() } else { None };
        let fingerprint = newest.map(|newest| newest.card().fingerprint());
        Ok((key, fingerprint))
    }

    /// Where the keys are, and those; if there are none, where to put the first. `closed` are the vaults that the key to
    /// be put there does not open.
    fn stored_or_place(&self, place: Option<KeyPlace>, closed: &[AgentName]) -> Result<(Slot<'_>, Vec<MasterKey>)> {
        if let Some(stored) = self.stored_in_file()? {
            return Ok(stored);
        }
        let slot = |place| Slot::new(&self.places, &*self.attendant, place);
        let missing = match self.search_for(place)? {
            Lookup::Found(UnlockKey::Master(keys), _) => return Ok((slot(KeyPlace::Keyring), keys)),
            // The keyring may have a key of theirs, which one in a file would hide.
            Lookup::Unknown(trouble) if !closed.is_empty() => return Err(trouble.failure()),
            missing => missing,
        };
        let refuse = |missing: &Lookup| match missing {
            Lookup::Unknown(trouble) => no_usable_keyring(trouble, IN_A_FILE),
            missing => no_key(missing),
        };
        Ok((slot(self.place_for_first_key(place, &missing, refuse)?), Vec::new()))
    }

    /// Whether certainly nothing was ever sealed to this key: it was made here, in a file that only this home uses, no
    /// copy of it was made, and this home has neither written nor read a vault since it is there.
    fn is_unused(&self, key: &MasterKey, place: KeyPlace) -> bool {
        place != KeyPlace::Keyring
            && Exports::new(&self.places).is_ok_and(|exports| exports.is_only_here(key))
            && self.seen().is_some_and(|seen| seen.is_untouched())
    }

    /// How many vaults a key opens, and which it does not.
    fn try_on_vaults(&self, given: &UnlockKey) -> Result<(usize, Vec<AgentName>)> {
        let folder = self.folder()?;
        let mut opened = 0;
        let mut closed = Vec::new();
        for agent in folder.agents()? {
            let opens = |file: Vec<u8>| Ok(Vault::inspect(&file, &agent, masters(given)?)?);
            match folder.read(&agent).and_then(|file| file.map(opens).transpose()) {
                Ok(Some(_)) => opened += 1,
                Ok(None) => {}
                Err(_) => closed.push(agent),
            }
        }
        if opened == 0 && !closed.is_empty() {
            let vaults = match closed.len() {
                1 => "the vault here does not open with this key".to_owned(),
                all => format!("the key opens none of the {all} vaults here"),
            };
            return Err(Failure::new(Kind::WrongKey, vaults).hint(
                "import the key that they were made with; this shows what a key opens: 'cast doctor --backup FILE'",
            ));
        }
        Ok((opened, closed))
    }
}
