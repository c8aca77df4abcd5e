//! Imports the secrets of a `.env` file in one write: all or none.

use std::collections::BTreeMap;

use crate::audit_log::{Action, Event};
use crate::change::{Missing, refuse_agent_key};
use crate::clock;
use crate::door::{Effect, Verb};
use crate::dotenv::{Assignment, Dotenv};
use crate::failure::{Failure, Kind, Result};
use crate::masking::exemption;
use crate::session::Session;
use cast_mask::Unmasked;
use cast_vault::{AgentName, Change, SecretName, SecretValue};

/// Returns the secrets that a file assigns; the last assignment of a name wins. Refuses all lines that are not valid in
/// one failure, by line number. The audit log gets no names from a refusal, because with missing quotes a line of a key
/// may look like a name.
pub struct Admit<'a> {
    /// The agent that gets the secrets.
    pub agent: &'a AgentName,
    /// The parsed file.
    pub file: Dotenv,
    /// Allow names that make programs load code.
    pub dangerous: bool,
}

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

impl Verb for Admit<'_> {
    type Done = BTreeMap<SecretName, SecretValue>;
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::Import).agent(self.agent)
    }

    fn perform(self, _: &Session, _: &mut Event) -> Result<Self::Done> {
        admit(self.file, self.dangerous)
    }
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
                    vault.set(name.clone(), value, dangerous, now)?;
                }
                Ok((name, change))
            });
            each.collect()
        })
    }
}

fn admit(file: Dotenv, dangerous: bool) -> Result<BTreeMap<SecretName, SecretValue>> {
    let (mut refused, mut invalid, mut loads_code) = (BTreeMap::new(), false, false);
    let mut last: BTreeMap<SecretName, Assignment> = BTreeMap::new();
    for assignment in file.assignments {
        match SecretName::parse(&assignment.key) {
            Ok(name) => {
                last.insert(name, assignment);
            }
            Err(failure) => {
                invalid = true;
                let failure = Failure::from(failure);
                refused.insert(assignment.line, format!("line {}: {failure}", assignment.line));
            }
        }
    }
    let mut secrets = BTreeMap::new();
    for (name, Assignment { mut value, line, .. }) in last {
        if name.is_dangerous() && !dangerous {
            loads_code = true;
            refused.insert(line, format!("line {line}: '{name}' makes programs load code or changes what runs"));
            continue;
        }
        match admit_value(&name, std::mem::take(&mut *value)) {
            Ok(value) => {
                secrets.insert(name, value);
            }
            Err(failure) => {
                refused.insert(line, format!("line {line}: '{name}': {failure}"));
            }
        }
    }
    if refused.is_empty() {
        return Ok(secrets);
    }
    let refused = refused.into_values().collect::<Vec<_>>().join("; ");
    let mut failure = Failure::new(Kind::Usage, format!("nothing was imported: {refused}"));
    if loads_code {
        failure = failure.hint("if that is what you want, add '--allow-dangerous-name'");
    }
    if invalid {
        failure = failure
            .hint("a name has 1 to 255 characters from 'A-Z', 'a-z', '0-9' and '_', and does not begin with a digit");
    }
    Err(failure)
}

fn admit_value(name: &SecretName, text: String) -> Result<SecretValue> {
    let value = SecretValue::from_text(text)?;
    value.check_fits(name)?;
    // The other lines of the key would be lost or read as names.
    if exemption(&value) == Some(Unmasked::Armour) {
        return Err(Failure::new(
            Kind::Usage,
            "the value is only one line of a PEM key: put quotes around the whole key",
        ));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dotenv;

    fn check(text: &str, dangerous: bool, expected: Result<&[(&str, &str)], &[&str]>) {
        match (admit(dotenv::parse(text), dangerous), expected) {
            (Ok(secrets), Ok(expected)) => {
                let found: Vec<_> = secrets.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
                assert_eq!(found, expected, "{text:?}");
            }
            (Err(failure), Err(said)) => {
                assert_eq!(failure.kind(), Kind::Usage);
                assert!(failure.hints().len() <= 2);
                for words in said {
                    assert!(failure.message().contains(words), "no '{words}' in '{failure}'");
                }
                assert!(!format!("{failure:?}").contains("sk-live"), "{failure:?}");
            }
            (found, _) => panic!("{text:?}: {:?}", found.map(|secrets| secrets.len())),
        }
    }

    #[test]
    fn the_last_of_a_name_counts() {
        check("A=1\nB=2\nA=3\n", false, Ok(&[("A", "3"), ("B", "2")]));
        check("A=\0sk-live\nA=3\n", false, Ok(&[("A", "3")]));
        check("PATH=/bin", true, Ok(&[("PATH", "/bin")]));
    }

    #[test]
    fn all_that_is_refused_is_said_together() {
        let long = format!(
            "GOOD=sk-live\nA.B=sk-live\nCAST_X=sk-live\n\nPATH=sk-live\nLONG={}\nNUL=sk-live\0",
            "x".repeat(140_000)
        );
        check(
            &long,
            false,
            Err(&["line 2: ", "line 3: ", "'CAST_'", "line 5: 'PATH'", "line 6: 'LONG'", "131066", "line 7: 'NUL'"]),
        );
        check("sk-live=x\nsk-live-2=y", true, Err(&["line 1: ", "line 2: "]));
        check("KEY=-----BEGIN PRIVATE KEY-----\nsk-live\n", true, Err(&["line 1: 'KEY': ", "quotes"]));
        check(
            "KEY=\"-----BEGIN X-----\nab\n-----END X-----\"",
            true,
            Ok(&[("KEY", "-----BEGIN X-----\nab\n-----END X-----")]),
        );
    }
}
