//! Reading a vault, in one order: what was not verified yet is not parsed, and what a vault says of itself is never taken for who should have
//! signed it. Keeps the promise that a vault which does not verify is refused before anything is done with it.
//!
//! The steps are numbered as in SECURITY.md. The last, the comparison with what this machine has seen, is cast-core's.

use std::sync::OnceLock;

use age::secrecy::zeroize::Zeroizing;

use super::plain::Plain;
use super::receipt::{Anchored, Noted};
use super::{Changes, Opener, Role, Sealer, Vault};
use crate::age_file::{self, Closed};
use crate::error::{Refusal, Result};
use crate::key::{AgentGrant, Card, MasterKey, UnlockKey, VerificationKey, Verifier};
use crate::name::AgentName;
use crate::part::Part;
use crate::values::{self, Values};
use crate::vector::Vector;

/// Whose signature the holder of a master key expects. The line of an agent key brings its own.
#[derive(Clone, Copy)]
pub enum Anchor<'a> {
    /// Their own: it is their vault.
    Own,
    /// That of a card which they have accepted for this vault.
    Card(&'a Card),
}

/// Who opens a vault, and whose signature they expect.
pub(super) enum Holder<'a> {
    Owner(&'a MasterKey),
    Person(&'a MasterKey, &'a Card),
    Reader(&'a AgentGrant),
}

impl Vault {
    /// Opens and verifies the vault of `agent`. A receipt of the same plain text, in `noted`, stands for the signatures. Every error is an
    /// [`Error::Vault`](crate::Error::Vault).
    pub fn open(
        file: &[u8],
        agent: &AgentName,
        key: &UnlockKey,
        anchor: Anchor<'_>,
        noted: Option<Noted<'_>>,
    ) -> Result<Self> {
        let vault = match key {
            UnlockKey::Master(keys) => open_with(file, agent, keys, 0, anchor, noted),
            UnlockKey::Agent(grant) => decrypt_as_agent(file, agent, grant).and_then(|bytes| {
                verify(Plain::split(bytes)?, agent, &Holder::Reader(grant), By { index: 0, stanza: 0 }, None)
            }),
        };
        vault.map_err(|refusal| refusal.of(agent))
    }
}

/// The same with master keys; `first` is the first of them whose vault it may be, or with whom it may be shared.
fn open_with(
    file: &[u8],
    agent: &AgentName,
    keys: &[MasterKey],
    first: usize,
    anchor: Anchor<'_>,
    noted: Option<Noted<'_>>,
) -> Result<Vault, Refusal> {
    let likeliest = noted.map_or(0, |noted| noted.stanza);
    let Decrypted { bytes, opener, stanza } = decrypt(file, keys, likeliest)?;
    let plain = Plain::split(bytes)?;
    let index = holder_of(keys, opener.max(first), |key| key.verification() == plain.first.line.owner);
    let holder = Holder::new(&keys[index], anchor, agent)?;
    match verify(plain, agent, &holder, By { index, stanza }, noted) {
        // With an older key, perhaps.
        Err(Refusal::NotShared) if index + 1 < keys.len() => open_with(file, agent, keys, index + 1, anchor, noted),
        done => done,
    }
}

/// Which of the keys has to do with a vault that the key number `opener` opened: that one, or an older one. Who can make a header can give it a
/// stanza for any key, so which one opens it says nothing. Never a newer one: it does not open the file, and would be taken to.
pub(super) fn holder_of(keys: &[MasterKey], opener: usize, has_to_do: impl Fn(&MasterKey) -> bool) -> usize {
    let older = &keys[opener..];
    // Which key made a signature takes long to find out.
    if older.len() == 1 {
        return opener;
    }
    older.iter().position(has_to_do).map_or(opener, |older| opener + older)
}

impl<'a> Holder<'a> {
    pub(super) fn new(key: &'a MasterKey, anchor: Anchor<'a>, agent: &AgentName) -> Result<Self, Refusal> {
        match anchor {
            Anchor::Own => Ok(Self::Owner(key)),
            Anchor::Card(card) if *card == key.card() => Ok(Self::Owner(key)),
            // The built-in secrets go into every agent: another owner's are not taken.
            Anchor::Card(_) if agent.is_builtin() => Err(Refusal::OtherOwner),
            Anchor::Card(card) => Ok(Self::Person(key, card)),
        }
    }

    fn is_noted(&self, noted: &Noted<'_>, plain: &Plain) -> bool {
        let id = plain.first.line.id;
        // Another state cannot be the text of the receipt: no need to hash it.
        plain.counts_as(noted.state)
            && match self {
                Self::Owner(key) => noted.receipt.is_for(key, id, Anchored::Own, plain),
                Self::Person(key, _) => noted.receipt.is_for(key, id, Anchored::Card, plain),
                Self::Reader(_) => false,
            }
    }
}

/// By which of the keys a vault is opened, and which stanza of the file was that one's.
#[derive(Clone, Copy)]
pub(super) struct By {
    pub(super) index: usize,
    pub(super) stanza: usize,
}

/// A plain text, and what opened it.
pub(super) struct Decrypted {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Which of the keys.
    pub(super) opener: usize,
    /// By which stanza.
    pub(super) stanza: usize,
}

/// Steps 1 and 2: the outside of the file, and age, to the end. Each key by itself, since the newest that opens it is to be known.
pub(super) fn decrypt(file: &[u8], keys: &[MasterKey], likeliest: usize) -> Result<Decrypted, Refusal> {
    for (opener, key) in keys.iter().enumerate() {
        match age_file::open_at(file, key.identity(), likeliest) {
            Ok((bytes, stanza)) => return Ok(Decrypted { bytes, opener, stanza }),
            Err(Closed::WrongKey) => {}
            Err(Closed::Damaged | Closed::TooMuchWork) => return Err(Refusal::Damaged),
        }
    }
    Err(Refusal::WrongKey)
}

fn decrypt_as_agent(file: &[u8], agent: &AgentName, grant: &AgentGrant) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    if grant.agent != *agent {
        return Err(Refusal::KeyOfOtherAgent(grant.agent.clone()));
    }
    age_file::open(file, grant.key.identity()).map_err(|closed| match closed {
        Closed::WrongKey => Refusal::WrongAgentKey,
        Closed::Damaged | Closed::TooMuchWork => Refusal::Damaged,
    })
}

/// What the steps have found.
struct Verified {
    part: Part,
    role: Role,
    at: Vector,
    sealer: Sealer,
    values: Values,
}

/// Steps 3 to 9.
pub(super) fn verify(
    plain: Plain,
    agent: &AgentName,
    holder: &Holder<'_>,
    by: By,
    noted: Option<Noted<'_>>,
) -> Result<Vault, Refusal> {
    // 3: the first line's grammar was read; its agent is the one asked for.
    check_agent(&plain, agent)?;
    let known = noted.is_some_and(|noted| holder.is_noted(&noted, &plain));
    let (part, role, owner) = verify_part(&plain, holder, known, noted)?;
    // 7: the second line, and who may have signed it.
    let below = plain.below()?;
    let at = below.second.line.at.clone();
    let sealer = find_sealer(&part, below.second.line.sealer).ok_or(Refusal::OtherSealer)?;
    // 8: and did.
    if owner.is_some_and(|owner| !plain.is_sealed(&below, &owner)) {
        return Err(Refusal::NotSealed);
    }
    // 9: the values.
    let values = read_values(&part, below.values)?;
    Ok(Verified { part, role, at, sealer, values }.into_vault(plain, holder, by, known))
}

/// All but the seal, for the owner who takes the values as they are. They count from nothing: what a broken seal states is not taken over.
pub(super) fn adopt(plain: Plain, owner: &MasterKey, index: usize) -> Result<Vault, Refusal> {
    let holder = Holder::Owner(owner);
    let (part, role, _) = verify_part(&plain, &holder, false, None)?;
    let values = read_values(&part, plain.below()?.values)?;
    let found = Verified { part, role, at: Vector::default(), sealer: Sealer::Owner, values };
    let mut vault = found.into_vault(plain, &holder, By { index, stanza: 0 }, false);
    vault.changes.values = true;
    Ok(vault)
}

/// Steps 4 to 6. Returns the owner, ready to verify the values: `None` exactly where a receipt stands for the signatures.
fn verify_part(
    plain: &Plain,
    holder: &Holder<'_>,
    known: bool,
    noted: Option<Noted<'_>>,
) -> Result<(Part, Role, Option<Verifier>), Refusal> {
    // A receipt stands for the comparisons with the own key, too. One against a card does not stand for those with the card.
    let is_own = match holder {
        Holder::Owner(key) => known || noted.is_some_and(|noted| noted.receipt.is_own(key, plain.first.line.id, plain)),
        Holder::Person(..) | Holder::Reader(_) => false,
    };
    // 4: the owner is who it should be.
    if !is_own {
        check_anchor(plain, holder)?;
    }
    // 5: the owner signed the first line and the owner's part.
    let owner = plain.first.line.owner;
    let owner = if known { None } else { Some(owner.verifier().ok_or(Refusal::NotAuthentic)?) };
    if owner.as_ref().is_some_and(|owner| !plain.is_owners(owner)) {
        return Err(Refusal::NotAuthentic);
    }
    // 6: the owner's part.
    let part = read_part(plain)?;
    let role = check_part(plain, &part, holder, is_own)?;
    Ok((part, role, owner))
}

impl Verified {
    fn into_vault(self, plain: Plain, holder: &Holder<'_>, by: By, known: bool) -> Vault {
        let Self { part, role, at, sealer, values } = self;
        let anchored = match holder {
            Holder::Owner(_) => Some(Anchored::Own),
            Holder::Person(..) => Some(Anchored::Card),
            Holder::Reader(_) => None,
        };
        Vault {
            first: plain.first.line.clone(),
            part,
            at,
            values,
            sealer,
            role,
            opener: anchored.map(|anchored| Opener { index: by.index, anchored, stanza: by.stanza }),
            known,
            changes: Changes::default(),
            plain: Some(plain),
            state: OnceLock::new(),
        }
    }
}

pub(super) fn check_agent(plain: &Plain, agent: &AgentName) -> Result<(), Refusal> {
    let stated = &plain.first.line.agent;
    if stated == agent { Ok(()) } else { Err(Refusal::OtherAgent(stated.clone())) }
}

fn check_anchor(plain: &Plain, holder: &Holder<'_>) -> Result<(), Refusal> {
    let first = &plain.first.line;
    let expected = match holder {
        Holder::Owner(key) => key.verification(),
        Holder::Person(_, card) => card.verification(),
        Holder::Reader(grant) if (first.id, first.epoch) != (grant.id, grant.epoch) => {
            return Err(Refusal::WrongAgentKey);
        }
        Holder::Reader(grant) => grant.owner,
    };
    if first.owner == expected { Ok(()) } else { Err(Refusal::OtherOwner) }
}

pub(super) fn read_part(plain: &Plain) -> Result<Part, Refusal> {
    // The owner signed it: what does not read is a newer cast's.
    let part = str::from_utf8(plain.part()).ok().and_then(Part::from_text).ok_or(Refusal::Newer)?;
    if part.card.verification() == plain.first.line.owner { Ok(part) } else { Err(Refusal::OtherReader) }
}

fn check_part(plain: &Plain, part: &Part, holder: &Holder<'_>, is_own: bool) -> Result<Role, Refusal> {
    let first = &plain.first.line;
    let (is_right, role) = match holder {
        Holder::Owner(_) if is_own => (true, Role::Owner),
        Holder::Owner(key) => {
            let reader = key.agent_key(&first.agent, first.id, first.epoch, &part.nonce).recipient();
            (part.card.recipient() == key.recipient() && part.reader == reader, Role::Owner)
        }
        Holder::Person(key, card) => {
            let own = key.card();
            let name = part.people.iter().find(|(_, person)| person.card == own).map(|(name, _)| name.clone());
            (part.card == **card, Role::Person(name.ok_or(Refusal::NotShared)?))
        }
        Holder::Reader(grant) => (part.reader == grant.key.recipient(), Role::Reader),
    };
    if is_right { Ok(role) } else { Err(Refusal::OtherReader) }
}

pub(super) fn find_sealer(part: &Part, key: VerificationKey) -> Option<Sealer> {
    if key == part.card.verification() {
        return Some(Sealer::Owner);
    }
    part.sealer(key).cloned().map(Sealer::Person)
}

pub(super) fn read_values(part: &Part, text: &[u8]) -> Result<Values, Refusal> {
    let values = str::from_utf8(text).ok().and_then(values::from_text).ok_or(Refusal::Newer)?;
    if !values.keys().eq(part.stored()) {
        return Err(Refusal::OtherNames);
    }
    let too_long =
        values.iter().find(|(name, secret)| secret.value.check_fits_as(name, part.names[*name].file).is_err());
    too_long.map_or(Ok(()), |(name, _)| Err(Refusal::ValueTooLong(name.clone())))?;
    Ok(values)
}
