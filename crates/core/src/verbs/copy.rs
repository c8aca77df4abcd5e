//! Copies secrets from one agent's vault to another's. Shows no values.

use cast_vault::{AgentName, Error, Flags, Role, SecretName, Vault};

use crate::audit_log::{Action, Event};
use crate::change::{Missing, refuse_agent_key};
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::read::no_such_secret;
use crate::session::Session;

/// Copies `names`, or all secrets if `names` is empty, in one change: all or none. Creates the other vault if needed.
/// Keeps each secret's flags, except that the user must allow a dangerous name again, and that those of another owner's vault count for nothing
/// here; the copy counts as set now. Returns the names.
pub struct Copy<'a> {
    from: &'a AgentName,
    to: &'a AgentName,
    names: &'a [SecretName],
    replace: bool,
    dangerous: bool,
    missing: Missing,
}

impl<'a> Copy<'a> {
    /// `replace` allows replacing existing secrets; `dangerous` allows names that make programs load code.
    pub fn new(
        [from, to]: [&'a AgentName; 2],
        names: &'a [SecretName],
        replace: bool,
        dangerous: bool,
        missing: Missing,
    ) -> Result<Self> {
        if from == to {
            return Err(Failure::new(Kind::Usage, "FROM and TO are the same agent"));
        }
        Ok(Self { from, to, names, replace, dangerous, missing })
    }
}

impl Verb for Copy<'_> {
    type Done = Vec<SecretName>;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Copy).agent(self.to).copied_from(self.from).keys(self.names)
    }

    fn perform(self, session: &Session, event: &mut Event) -> Result<Vec<SecretName>> {
        let Self { from, to, names, replace, dangerous, missing } = self;
        let words = [from.as_str(), to.as_str()].into_iter().chain(names.iter().map(SecretName::as_str));
        let command = format!("cast secrets copy {}", words.collect::<Vec<_>>().join(" "));
        // Before anything is read: what is read is remembered.
        if session.folder()?.is_there(from)? {
            refuse_agent_key(&session.key()?.key, &command)?;
        }
        // Fails here before cast makes a key or vault for nothing.
        session.vault(from)?;
        let now = clock::now();
        let names = session.change(to, missing, &command, |vault| {
            // Reads the source again under the lock.
            let source = session.vault(from)?;
            let names = if names.is_empty() { source.names().keys().cloned().collect() } else { names.to_vec() };
            if names.is_empty() {
                return Err(Failure::new(Kind::NotFound, format!("agent '{from}' has no secrets")));
            }
            if !replace {
                refuse_existing(vault, &names)?;
            }
            for name in &names {
                // Also over one that was allowed: that was for another value.
                if name.is_dangerous() && !dangerous {
                    return Err(Error::DangerousName(name.clone()).into());
                }
                let flags = source.names().get(name).ok_or_else(|| no_such_secret(&source, name))?;
                // One of a former key that others may have followed is as good as another owner's.
                let is_own =
                    *source.role() == Role::Owner && session.refuse_to_hand_on(&source, &session.key()?.key).is_ok();
                if !is_own {
                    refuse_choices(from, name, flags)?;
                }
                match (source.values().get(name), &flags.from) {
                    (Some(secret), _) => {
                        vault.set(name.clone(), secret.value.clone(), dangerous, now)?;
                    }
                    (None, Some(words)) => vault.set_command(name, words.clone(), dangerous)?,
                    (None, None) => continue,
                }
                let here = vault.names().get(name).cloned().unwrap_or_default();
                // That a name may be dangerous is said for each vault. How a secret is shown and where it goes is not another owner's to say: the
                // next value under that name is this user's.
                let flags = if is_own {
                    Flags { dangerous: here.dangerous, ..flags.clone() }
                } else {
                    Flags { file: flags.file, ..here }
                };
                vault.set_flags(name, flags)?;
            }
            Ok(names)
        })?;
        event.set_keys(&names);
        Ok(names)
    }
}

/// What runs as this user, and where a value of this user's goes, this user chooses.
fn refuse_choices(agent: &AgentName, name: &SecretName, flags: &Flags) -> Result<()> {
    let choice = match flags {
        Flags { from: Some(_), .. } => "comes from a command",
        Flags { hosts, .. } if !hosts.is_empty() => "is for hosts",
        _ => return Ok(()),
    };
    let what = format!("'{name}' {choice} that another owner may have chosen: that of the vault of agent '{agent}'");
    Err(Failure::new(Kind::Usage, what).hint("name the secrets to copy, without it"))
}

pub(super) fn refuse_existing(vault: &Vault, names: &[SecretName]) -> Result<()> {
    let there =
        names.iter().filter(|name| vault.names().contains_key(*name)).map(SecretName::as_str).collect::<Vec<_>>();
    if there.is_empty() {
        return Ok(());
    }
    let agent = vault.agent();
    Err(Failure::new(Kind::Usage, format!("agent '{agent}' already has: {}", there.join(", ")))
        .hint("to replace existing secrets, add '--replace'"))
}
