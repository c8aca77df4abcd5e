//! Sharing a vault: its owner lists a person by their card, after a look at what that means, or takes one off the list. Keeps the promise that
//! nothing is shared that was not looked at: what is listed under the name has not changed since.

mod review;

use std::collections::BTreeSet;

use cast_vault::{AgentName, Card, Fingerprint, Person, PersonName, SecretName, Vault};

use crate::audit_log::{Action, Event};
use crate::change::{Missing, refuse_agent_key};
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::read::no_such_secret;
use crate::session::Session;
use crate::suggestion;

pub use review::{Access, ExportedKey, ShowAccess};

/// A look at what sharing would do; refuses what would be refused.
pub struct Propose<'a> {
    /// Whose vault.
    pub agent: &'a AgentName,
    /// Whom.
    pub person: &'a PersonName,
    /// Their card; `None` leaves the one that is listed.
    pub card: Option<Card>,
    /// What they may set; `None` leaves what is listed.
    pub may_set: Option<BTreeSet<SecretName>>,
}

/// What was looked at; performing this shares the vault.
pub struct Share {
    agent: AgentName,
    person: PersonName,
    before: Option<Person>,
    card: Card,
    may_set: BTreeSet<SecretName>,
}

/// Takes a person off the list.
pub struct Unshare<'a> {
    /// Whose vault.
    pub agent: &'a AgentName,
    /// Whom.
    pub person: &'a PersonName,
}

impl Verb for Propose<'_> {
    type Done = Share;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::Share).agent(self.agent).person(self.person).keys(self.may_set.iter().flatten())
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Share> {
        let Self { agent, person, card, may_set } = self;
        if !session.folder()?.is_there(agent)? {
            return Err(session.no_such_agent(agent));
        }
        refuse_agent_key(&session.key()?.key, &command(agent, person))?;
        if let Some(card) = &card {
            session.refuse_own_card(card, false)?;
        }
        let mut vault = session.vault(agent)?;
        let before = vault.people().get(person).cloned();
        let listed = before.as_ref();
        let card = card.or_else(|| listed.map(|listed| listed.card.clone())).ok_or_else(|| {
            no_such_person(&vault, person).hint(format!("list them by their card: '{}'", command(agent, person)))
        })?;
        let may_set = may_set.or_else(|| listed.map(|listed| listed.may_set.clone())).unwrap_or_default();
        if let Some(name) = may_set.iter().find(|name| !vault.names().contains_key(*name)) {
            return Err(no_such_secret(&vault, name));
        }
        // In memory alone.
        vault.share(person.clone(), card.clone(), may_set.clone(), clock::now())?;
        Ok(Share { agent: agent.clone(), person: person.clone(), before, card, may_set })
    }
}

impl Share {
    /// The card, where it was not listed under this name before.
    pub fn new_card(&self) -> Option<Fingerprint> {
        let is_listed = self.before.as_ref().is_some_and(|before| before.card == self.card);
        (!is_listed).then(|| self.card.fingerprint())
    }

    /// The card that goes, as another one is listed under its name.
    pub fn former_card(&self) -> Option<Fingerprint> {
        self.before.as_ref().filter(|before| before.card != self.card).map(|before| before.card.fingerprint())
    }

    /// What the person may set.
    pub fn may_set(&self) -> &BTreeSet<SecretName> {
        &self.may_set
    }

    /// Those that say where other secrets are sent, and that this person could not set before.
    pub fn new_addresses(&self) -> Vec<&SecretName> {
        let could = |name: &SecretName| {
            self.before.as_ref().is_some_and(|before| before.card == self.card && before.may_set.contains(name))
        };
        self.may_set.iter().filter(|name| name.is_address() && !could(name)).collect()
    }
}

impl Verb for Share {
    /// The fingerprint of the owner's card, which the person compares.
    type Done = Fingerprint;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Share).agent(&self.agent).person(&self.person).keys(&self.may_set)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Fingerprint> {
        let Self { agent, person, before, card, may_set } = self;
        session.change(&agent, Missing::Refuse, &command(&agent, &person), |vault| {
            if vault.people().get(&person) != before.as_ref() {
                let what = format!("what is listed for '{person}' has changed meanwhile: nothing is changed");
                return Err(Failure::new(Kind::Integrity, what).hint("run the command again"));
            }
            vault.share(person, card, may_set, clock::now())?;
            Ok(vault.part().card.fingerprint())
        })
    }
}

impl Verb for Unshare<'_> {
    /// The secrets whose values the person can have read.
    type Done = Vec<SecretName>;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Unshare).agent(self.agent).person(self.person)
    }

    fn perform(self, session: &Session, event: &mut Event) -> Result<Vec<SecretName>> {
        let Self { agent, person } = self;
        let names = session.change_newest(agent, &format!("cast unshare {agent} {person}"), |vault| {
            if !vault.unshare(person)? {
                return Err(no_such_person(vault, person));
            }
            Ok(vault.values().keys().cloned().collect::<Vec<_>>())
        })?;
        event.set_keys(&names);
        Ok(names)
    }
}

/// What the owner types.
fn command(agent: &AgentName, person: &PersonName) -> String {
    format!("cast share {agent} --with {person}=CARD")
}

fn no_such_person(vault: &Vault, person: &PersonName) -> Failure {
    let agent = vault.agent();
    let failure = Failure::new(Kind::NotFound, format!("the vault of agent '{agent}' is not shared with '{person}'"));
    match suggestion::closest(person.as_str(), vault.people().keys().map(PersonName::as_str)) {
        Some(known) => failure.hint(format!("did you mean '{known}'?")),
        None => failure.hint(format!("see who can open it: 'cast share {agent}'")),
    }
}
