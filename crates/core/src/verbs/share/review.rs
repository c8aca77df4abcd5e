//! Who can open a vault, and what each may do: from the vault itself, and of agent keys from the audit log.

use cast_vault::{AgentName, Card, Person, PersonName, Role, Timestamp, Vault};

use crate::audit_log::{Action, Entry, Event, OK};
use crate::door::{Effect, Verb};
use crate::failure::Result;
use crate::listing;
use crate::session::Session;
use crate::settings::Audit;
use crate::verbs::audit::audit;

/// A look at who can open the vault of an agent.
pub struct ShowAccess<'a> {
    /// Whose vault.
    pub agent: &'a AgentName,
}

/// Who can open a vault.
pub struct Access {
    /// Its owner.
    pub owner: Card,
    /// Whether that is the caller.
    pub is_own: bool,
    /// The people whom the owner listed, by name.
    pub people: Vec<(PersonName, Person)>,
    /// The one among them who the caller is.
    pub caller: Option<PersonName>,
    /// Who sealed the values last: `owner`, or a person's name.
    pub sealer: String,
    /// The agent keys that open it, as far as this machine exported them and its audit log goes back; oldest first.
    pub agent_keys: Vec<ExportedKey>,
    /// When the audit log, which has those, begins; `None` where it is off or empty.
    pub log_begins: Option<Timestamp>,
}

/// An agent key that was exported.
pub struct ExportedKey {
    /// When: RFC 3339, UTC.
    pub time: String,
    /// The name of the program that called cast, if known.
    pub by: Option<String>,
}

impl Verb for ShowAccess<'_> {
    type Done = Access;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::Share).agent(self.agent)
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Access> {
        let vault = session.vault(self.agent)?;
        let is_own = *vault.role() == Role::Owner;
        let caller = if let Role::Person(name) = vault.role() { Some(name.clone()) } else { None };
        let is_logged = is_own && session.settings()?.audit != Audit::Off;
        let entries = if is_logged { audit(session)?.entries } else { Vec::new() };
        Ok(Access {
            owner: vault.part().card.clone(),
            is_own,
            people: vault.people().iter().map(|(name, person)| (name.clone(), person.clone())).collect(),
            caller,
            sealer: listing::sealer(&vault),
            agent_keys: exported(&entries, &vault),
            log_begins: entries.first().and_then(Entry::moment),
        })
    }
}

/// The agent keys that open this vault now, by the log.
fn exported(entries: &[Entry], vault: &Vault) -> Vec<ExportedKey> {
    let Some(state) = vault.state() else { return Vec::new() };
    let id = state.id.to_string();
    let is_of_now = |entry: &&Entry| {
        entry.action == Action::KeyExport.name()
            && entry.result == OK
            && entry.vault.as_ref() == Some(&id)
            && entry.epoch == Some(state.epoch)
    };
    let key = |entry: &Entry| ExportedKey { time: entry.time.clone(), by: entry.by.clone() };
    entries.iter().filter(is_of_now).map(key).collect()
}
