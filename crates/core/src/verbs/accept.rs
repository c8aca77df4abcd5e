//! A vault that was refused, looked at and taken: by its owner, who seals it anew above all that was seen, or by a person who was listed in
//! it, whose machine then expects this owner's signature.

mod changes;

use std::sync::Arc;

use cast_vault::{
    AgentName, Anchor, Card, Comparison, Fingerprint, Inspected, MasterKey, PersonName, Role, Sealer, SecretName,
    State, Timestamp, UnlockKey, Vault, VaultId,
};

use crate::audit_log::{Action, Event};
use crate::change::{masters, refuse_agent_key};
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::listing;
use crate::read::{Verdict, refused};
use crate::seen::{Known, Memory, Place, Summary};
use crate::session::{Session, Unlocked};

/// Opens a vault that may have been refused, with the master key or, for an old backup, with `former`.
pub struct Review<'a> {
    /// Whose vault.
    pub agent: &'a AgentName,
    /// The key that it was sealed to.
    pub former: Option<&'a UnlockKey>,
}

/// A vault as it was reviewed; performing this takes it.
pub struct Accept {
    agent: AgentName,
    /// What there is to decide on.
    pub review: Reviewed,
    file: Vec<u8>,
    take: Take,
    /// What this machine knew of it at the review.
    memory: Memory,
    /// The key by which it was judged.
    unlocked: Arc<Unlocked>,
}

/// What a review shows.
pub struct Reviewed {
    /// Why the vault was refused; `None` if there is nothing to accept.
    pub why: Option<Failure>,
    /// Whether it is used all the same, because this machine knows it from another branch.
    pub is_branch: bool,
    /// Its secrets, by name.
    pub secrets: Vec<ReviewedSecret>,
    /// What is different from the state that this machine knows, a line each; `None` where it knows none.
    pub changes: Option<Vec<String>>,
    /// Who sealed the values last; `None` where the seal does not hold.
    pub sealer: Option<String>,
    /// The people whom the owner listed, by name.
    pub people: Vec<ReviewedPerson>,
    /// The owner's card, where it is not the caller's own vault.
    pub owner: Option<(Card, Fingerprint)>,
    /// The card that this machine expects so far, where it is another one.
    pub former_owner: Option<Card>,
}

/// One secret, as a review shows it.
pub struct ReviewedSecret {
    /// Its name.
    pub name: SecretName,
    /// When it was first and last set; `None` where it is fetched, or the values cannot be read.
    pub times: Option<(Timestamp, Timestamp)>,
    /// How it is treated, in words.
    pub flags: Vec<String>,
}

/// One person, as a review shows them.
pub struct ReviewedPerson {
    /// The name.
    pub name: PersonName,
    /// Whether it is the caller.
    pub is_caller: bool,
    /// What this person may set.
    pub may_set: Vec<SecretName>,
    /// The fingerprint of the card.
    pub fingerprint: Fingerprint,
}

/// How the vault is taken.
enum Take {
    /// Sealed anew, above what was seen; as a vault of its own where it was given up.
    Seal { vault: Box<Vault>, given_up: bool },
    /// Only what this machine expects is changed.
    Expect(Box<Vault>),
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
        refuse_agent_key(&unlocked.key, &format!("cast vault accept {agent}"))?;
        let own = masters(&unlocked.key)?;
        let key = former.unwrap_or(&unlocked.key);
        let inspected = Vault::inspect(&file, agent, masters(key)?);
        let inspected = inspected.map_err(|refusal| match former {
            Some(_) => refusal.into(),
            None => unlocked.explain(refusal.into()),
        })?;
        let mut review = Reviewed::of(&inspected, own);
        let opened = former.map_or_else(|| session.open(&file, agent, &unlocked).ok(), |_| None);
        let State { id, epoch, .. } = *inspected.state();
        let (seen, here) = (session.seen(), session.here(agent)?);
        let is_own = inspected.is_owned_by(masters(key)?);
        if former.is_some() && !is_own {
            return Err(not_of_that_key(agent));
        }
        let owner = inspected.card().verification();
        let memory = match &seen {
            Some(seen) if is_own => {
                let owners = own.iter().map(MasterKey::verification).chain([owner]);
                seen.own(id, seen.record(Known::own(id))?, owners)?
            }
            Some(seen) => seen.accepted(id, owner)?,
            None => Memory::none(Known::own(id)),
        };
        let places = seen.as_ref().map_or_else(|| Ok(Vec::new()), |seen| seen.places_of(id))?;
        // For another vault than the one that is expected here, that one is what this machine knows.
        let last = Some(&memory).filter(|memory| memory.record.is_some()).or(here.memory.as_ref());
        if let (Some(seen), Some(Memory { known, record: Some(last), .. })) = (&seen, last) {
            let summary = seen.summary(*known, last)?;
            let now = Summary::of_inspected(&inspected);
            let is_same = last.state.values_hash == inspected.state().values_hash;
            review.changes = summary.map(|known| changes::lines(&known, &now, is_same));
            // Its owner begins a new one.
            if !is_own && last.state.epoch > inspected.state().epoch {
                let line = "agent keys that were revoked since then open it again";
                review.changes.get_or_insert_default().push(line.to_owned());
            }
        }
        let former_owner = here.place.card().or_else(|| places.iter().find_map(Place::card));
        review.former_owner = former_owner.filter(|card| *card != inspected.card()).cloned();
        let is_older = |seen: &State| match State::compare(seen, inspected.state()) {
            Comparison::RolledBack => Some(Verdict::RolledBack),
            Comparison::Forked => Some(Verdict::Forked),
            _ => None,
        };
        let verdict = opened.as_ref().map(|found| match found.verdict {
            // In another folder, and older than what is known of it there.
            Verdict::OtherFolder => {
                memory.records().find_map(|record| is_older(&record.state)).unwrap_or(Verdict::OtherFolder)
            }
            verdict => verdict,
        });
        // As a vault of its own it begins anew.
        let used_up = if is_own { inspected.has_used_up() } else { None };
        let is_used_up = used_up.is_some();
        review.why = match (verdict, &opened) {
            (Some(Verdict::Known | Verdict::News), Some(found)) => {
                let used_up = used_up.map(|refusal| refusal.of(agent).into());
                let line = seen.as_ref().map(|seen| seen.record(Known::of_line(&found.vault))).transpose()?.flatten();
                // What is used with a master key does not go by what an agent line led to; who has the line does.
                let is_below_line =
                    line.and_then(|line| is_older(&line.state)).map(|verdict| refused(agent, verdict, None));
                used_up.or(session.refuse_to_hand_on(&found.vault, &unlocked.key).err()).or(is_below_line)
            }
            (Some(verdict), Some(found)) => Some(refused(agent, verdict, found.place.as_ref())),
            _ => Some(why(&file, agent, key, &inspected, former.is_some())),
        };
        review.is_branch = opened.as_ref().is_some_and(|found| {
            matches!(found.verdict, Verdict::RolledBack | Verdict::Forked) && session.is_known_branch(found)
        });
        // A vault that the holder of a former key may have made under the id of one that lies elsewhere does not get in the way of that one,
        // whatever it states to be.
        let is_former = is_own && own.first().is_none_or(|newest| newest.card() != *inspected.card());
        let is_beside = is_former
            && places.iter().any(|place| place.path != here.place.path)
            && !seen.as_ref().is_some_and(|seen| seen.has_verified(inspected.state()));
        let given_up = is_beside
            || is_used_up
            || memory.records().any(|record| record.given_up)
            || !here.place.holds(id) && here.place.given_up.contains(&id);
        let card = inspected.card().clone();
        let take = if !is_own || verdict == Some(Verdict::OtherFolder) && !is_former {
            Take::Expect(Box::new(inspected.accept(key, &card)?))
        } else if inspected.sealer().is_some() {
            Take::Seal { vault: Box::new(inspected.accept(key, &card)?), given_up }
        } else {
            Take::Seal { vault: Box::new(inspected.accept_unsealed(key)?), given_up }
        };
        if !is_own {
            if session.was_replaced(&card) {
                return Err(of_a_replaced_key(agent));
            }
            session.refuse_an_impostor(agent, id, &here.place, &card)?;
            let began = memory.record.as_ref().filter(|_| memory.known == Known::own(id));
            if began.is_some_and(|record| record.state.epoch > epoch) {
                return Err(from_an_ended_epoch(agent));
            }
        }
        if let (None, Some(found)) = (&review.why, &opened) {
            // There is nothing to accept: it is used.
            session.remember_found(found);
        }
        Ok(Accept { agent: agent.clone(), review, file, take, memory, unlocked })
    }
}

impl Verb for Accept {
    /// Whether the agent keys that opened it open it no more.
    type Done = bool;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        let names = self.review.secrets.iter().map(|secret| &secret.name);
        Event::new(Action::Accept).agent(&self.agent).keys(names)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<bool> {
        let Self { agent, file, take, memory, unlocked, .. } = self;
        let folder = session.folder()?;
        let lock = session.lock_vaults(folder)?;
        let seen = session.seen();
        let id = match &take {
            Take::Seal { vault, .. } | Take::Expect(vault) => vault.id(),
        };
        let has_changed = || {
            let what = format!("the vault of agent '{agent}' has changed meanwhile: review it again");
            Failure::new(Kind::Integrity, what)
        };
        let is_as_it_was =
            || seen.as_ref().map_or(Ok(true), |seen| seen.memory_again(&memory).map(|now| now == memory));
        session.key_has_changed();
        let is_judged_by_another = !session.key()?.has_keys_of(&unlocked);
        if is_judged_by_another || !is_as_it_was()? || folder.read(&agent)?.as_ref() != Some(&file) {
            return Err(has_changed());
        }
        let (other, mut now, mut ends_agent_keys) = (session.here(&agent)?.place.held, id, false);
        match take {
            Take::Seal { mut vault, given_up } => {
                let before = vault.state().cloned();
                let line = seen.as_ref().map(|seen| seen.record(Known::of_line(&vault))).transpose()?.flatten();
                let seen: Vec<_> = memory.records().chain(&line).map(|record| &record.state).collect();
                vault.supersede(&seen, given_up)?;
                session.commit(folder, &lock, &unlocked, &mut vault, &memory, None)?;
                now = vault.id();
                let opens =
                    |after: &State| before.is_some_and(|before| after.id == before.id && after.is_of_epoch_of(&before));
                ends_agent_keys = !vault.state().is_some_and(opens);
            }
            Take::Expect(vault) => {
                if let Some(seen) = &seen {
                    let records = seen.lock()?;
                    if !is_as_it_was()? {
                        return Err(has_changed());
                    }
                    // What this machine knows may have changed since the review.
                    let card = &vault.part().card;
                    if *vault.role() != Role::Owner {
                        session.refuse_an_impostor(&agent, id, &session.here(&agent)?.place, card)?;
                    }
                    let state = vault.state().expect("it was opened from a file");
                    // Its numbers may be used for other states than these.
                    if !memory.is_news(state) {
                        seen.forget_replica();
                    }
                    seen.lower_line(&records, card.verification(), state)?;
                    session.remember(seen, &records, &memory, &vault, None, &unlocked.key)?;
                }
            }
        }
        if let Some(seen) = seen {
            seen.end_taking_in();
        }
        // Another vault was expected here, or the same under the id that it had.
        let other = other.filter(|other| other.id != now);
        other.map_or(Ok(()), |other| session.give_up(other.known(), folder, &agent))?;
        Ok(ends_agent_keys)
    }
}

impl Reviewed {
    fn of(inspected: &Inspected, own: &[cast_vault::MasterKey]) -> Self {
        let part = inspected.part();
        let times: std::collections::BTreeMap<_, _> =
            inspected.times().map(|(name, created, updated)| (name.clone(), (created, updated))).collect();
        let secret = |(name, flags): (&SecretName, _)| ReviewedSecret {
            name: name.clone(),
            times: times.get(name).copied(),
            flags: listing::details(flags),
        };
        let person = |(name, person): (&PersonName, &cast_vault::Person)| ReviewedPerson {
            name: name.clone(),
            is_caller: own.iter().any(|key| key.card() == person.card),
            may_set: person.may_set.iter().cloned().collect(),
            fingerprint: person.card.fingerprint(),
        };
        Self {
            why: None,
            is_branch: false,
            secrets: part.names.iter().map(secret).collect(),
            changes: None,
            sealer: inspected.sealer().map(listing::sealer_name),
            people: part.people.iter().map(person).collect(),
            owner: (!inspected.is_owned_by(own)).then(|| (inspected.card().clone(), inspected.fingerprint())),
            former_owner: None,
        }
    }
}

impl Session {
    /// Refuses another owner's vault under the id of one that this machine knows as somebody else's: whoever reads that one knows its id, and
    /// this user could take the one for the other. Only in its own place an owner is reviewed anew, who may have a new key.
    fn refuse_an_impostor(&self, agent: &AgentName, id: VaultId, here: &Place, card: &Card) -> Result<()> {
        let Some(seen) = self.seen() else { return Ok(()) };
        let (own, places) = (seen.record(Known::own(id))?, seen.places_of(id)?);
        let is_of_an_own_one = own.is_some();
        let is_other = places.iter().filter_map(Place::card).any(|known| known != card);
        let is_reviewed_anew = here.holds(id) || here.given_up.contains(&id);
        // It may have been this user's own while its owner's key was in the store.
        let is_in_its_place =
            here.holds(id) && here.card().is_some() && own.is_none_or(|record| record.owner == card.verification());
        if is_in_its_place || !is_of_an_own_one && (!is_other || is_reviewed_anew) {
            return Ok(());
        }
        let other = if is_of_an_own_one { "another vault of yours" } else { "a vault of another owner" };
        let place = places.first().map(|place| format!(": '{}'", place.path.display())).unwrap_or_default();
        let what = format!("the vault of agent '{agent}' has the id of {other} that this machine knows{place}");
        let failure = Failure::new(Kind::Integrity, what);
        let hint = "if the owner of that vault has a new key, accept the vault there first";
        Err(failure.hint(if is_of_an_own_one {
            "it is a forgery, or a copy: restore the vault of this agent, or move the file away"
        } else {
            hint
        }))
    }
}

/// Its key was this user's, who has another one in its place.
fn of_a_replaced_key(agent: &AgentName) -> Failure {
    let what =
        format!("the vault of agent '{agent}' belongs to a former key of yours: it is not taken as another owner's");
    Failure::new(Kind::Integrity, what).hint(format!("with your own keys: 'cast vault accept {agent}'"))
}

/// A person begins no epoch, and this machine knows as the owner's that this one has ended.
fn from_an_ended_epoch(agent: &AgentName) -> Failure {
    let what =
        format!("agent keys of the vault of agent '{agent}' were revoked on this machine since this state of it");
    Failure::new(Kind::Integrity, what)
        .hint(format!("only its owner takes it back, with the key that owns it: 'cast vault accept {agent}'"))
}

/// With a key that is not in the store, only its own vaults are taken.
fn not_of_that_key(agent: &AgentName) -> Failure {
    Failure::new(Kind::WrongKey, format!("the key in the file does not own the vault of agent '{agent}'"))
        .hint(format!("to review it with your own key: 'cast vault accept {agent}'"))
}

/// Why a vault does not open as one that this machine expects.
fn why(file: &[u8], agent: &AgentName, key: &UnlockKey, inspected: &Inspected, is_former: bool) -> Failure {
    let card = inspected.card();
    match Vault::open(file, agent, key, Anchor::Card(card), None) {
        Err(refusal) => refusal.into(),
        Ok(_) if is_former => Failure::new(
            Kind::Integrity,
            format!("the vault of agent '{agent}' is sealed to the key in the file, not to yours"),
        ),
        Ok(vault) if *vault.role() == Role::Owner => Failure::new(
            Kind::Integrity,
            format!("the vault of agent '{agent}' is not the one that this machine expects"),
        ),
        Ok(_) => Failure::new(
            Kind::Integrity,
            format!("the vault of agent '{agent}' is not yours, and this machine has not accepted its owner"),
        ),
    }
}

impl Accept {
    /// Whether it is the caller's own vault, which is sealed anew.
    pub fn is_own(&self) -> bool {
        matches!(self.take, Take::Seal { .. })
    }
}

/// Who sealed a vault, as every listing has it.
pub fn sealer(sealer: &Sealer) -> String {
    listing::sealer_name(sealer)
}
