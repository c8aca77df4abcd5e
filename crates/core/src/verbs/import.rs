//! Imports the secrets of a `.env` file in one write: all or none.

mod sift;

use std::collections::BTreeMap;

use crate::audit_log::{Action, Event};
use crate::brokered::refuse_unfit;
use crate::change::{Missing, refuse_agent_key};
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::session::Session;
use cast_vault::{AgentName, Change, SecretName, SecretValue};

pub use sift::{Admit, Fault, Finding, Sifted, sift};

/// Adds or replaces all `secrets` together. Creates the vault if needed, and the key on first use. Secrets that already
/// have the same value stay unchanged, including their times.
pub struct Import<'a> {
    /// The agent that gets the secrets.
    pub agent: &'a AgentName,
    /// The secrets, by name.
    pub secrets: BTreeMap<SecretName, SecretValue>,
    /// Allow names that make programs load code.
    pub dangerous: bool,
    /// What to do where there is no vault.
    pub missing: Missing,
}

/// What an import would do to each secret.
pub fn preview(
    session: &Session,
    agent: &AgentName,
    secrets: &BTreeMap<SecretName, SecretValue>,
) -> Result<Vec<(SecretName, Change)>> {
    let vault = session.find_vault(agent)?;
    let change = |name, value| vault.as_ref().map_or(Change::Added, |vault| vault.change_of(name, value));
    Ok(secrets.iter().map(|(name, value)| (name.clone(), change(name, value))).collect())
}

/// Reads the vault back from the disk; fails if it does not hold all `secrets`.
pub fn confirm(session: &Session, agent: &AgentName, secrets: &BTreeMap<SecretName, SecretValue>) -> Result<()> {
    if preview(session, agent, secrets)?.iter().all(|(_, change)| *change == Change::Unchanged) {
        return Ok(());
    }
    let what = format!("the vault of agent '{agent}' does not hold all of them any more: another program changed it");
    Err(Failure::new(Kind::Other, what))
}

impl Verb for Import<'_> {
    type Done = Vec<(SecretName, Change)>;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Import).agent(self.agent).keys(self.secrets.keys())
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Self::Done> {
        let Self { agent, secrets, dangerous, missing } = self;
        let command = format!("cast secrets import {agent} FILE");
        // Before anything is read: what is read is remembered.
        if session.folder()?.is_there(agent)? {
            refuse_agent_key(&session.key()?.key, &command)?;
        }
        let preview = preview(session, agent, &secrets)?;
        if preview.iter().all(|(_, change)| *change == Change::Unchanged) {
            return Ok(preview);
        }
        let now = clock::now();
        session.change(agent, missing, &command, |vault| {
            let each = secrets.into_iter().map(|(name, value)| {
                let change = vault.change_of(&name, &value);
                if change != Change::Unchanged {
                    if let Some(flags) = vault.names().get(&name) {
                        let otherwise = format!(": 'cast secrets set {agent} {name} --keep --host '''");
                        refuse_unfit(&format!("the value of '{name}'"), &value, flags, &otherwise)?;
                    }
                    vault.set(name.clone(), value, dangerous, now)?;
                }
                Ok((name, change))
            });
            each.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_store::{KeyPlace, Nobody, PATIENCE};
    use crate::paths::Places;
    use crate::verbs::init::Init;

    fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<SecretName, SecretValue> {
        let secret = |(name, value): &(&str, &str)| {
            (SecretName::parse(name).unwrap(), SecretValue::from_text((*value).to_owned()).unwrap())
        };
        pairs.iter().map(secret).collect()
    }

    #[test]
    fn what_another_program_replaced_is_not_confirmed() {
        let home = tempfile::tempdir().unwrap();
        let session = || Session::new(Places::under(home.path()), Box::new(Nobody { patience: PATIENCE }));
        session().perform(Init { place: Some(KeyPlace::File) }).unwrap();
        let agent = AgentName::parse("a").unwrap();
        let import = |session: &Session, pairs: &[(&str, &str)]| {
            let secrets = secrets(pairs);
            session.perform(Import { agent: &agent, secrets, dangerous: false, missing: Missing::Create }).unwrap();
        };
        let file = [("A", "1"), ("B", "")];
        let (one, other) = (session(), session());
        assert_eq!(confirm(&one, &agent, &secrets(&file)).unwrap_err().kind(), Kind::Other);
        import(&one, &file);
        confirm(&one, &agent, &secrets(&file)).unwrap();
        import(&other, &[("B", "2"), ("C", "3")]);
        assert_eq!(confirm(&one, &agent, &secrets(&file)).unwrap_err().kind(), Kind::Other);
        confirm(&one, &agent, &secrets(&[("A", "1"), ("B", "2")])).unwrap();
    }
}
