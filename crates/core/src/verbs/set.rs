//! Adds or replaces one secret, or changes only how it is treated.

use cast_vault::{AgentName, Change, Flags, SecretName, SecretValue};

use crate::audit_log::{Action, Event};
use crate::brokered::{self, Brokering};
use crate::change::Missing;
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::read::no_such_secret;
use crate::session::Session;

/// Adds or replaces one secret. Creates the vault if needed, and the key on first use.
pub struct Set<'a> {
    /// The agent.
    pub agent: &'a AgentName,
    /// The name of the secret.
    pub name: SecretName,
    /// The new value; `None` leaves the one that is there.
    pub value: Option<SecretValue>,
    /// Allow a name that makes programs load code.
    pub dangerous: bool,
    /// Whether it is a plain setting, not to be masked; `None` leaves that as it is.
    pub unmasked: Option<bool>,
    /// How it is to be brokered, `checked`.
    pub brokering: Brokering,
    /// What to do where there is no vault.
    pub missing: Missing,
}

/// What was done.
pub struct Stored {
    /// Whether the secret is new.
    pub change: Change,
    /// How it is treated now.
    pub flags: Flags,
    /// Whether it was brokered before.
    pub was_brokered: bool,
    /// Whether its value can be brokered.
    pub is_fit: bool,
}

impl Verb for Set<'_> {
    type Done = Stored;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Set).agent(self.agent).keys([&self.name])
    }

    fn perform(self, session: &Session, _: &mut Event) -> Result<Stored> {
        let Self { agent, name, value, dangerous, unmasked, brokering, missing } = self;
        if let Some(value) = value.as_ref().filter(|_| !brokering.is_nothing())
            && !session.folder()?.is_there(agent)?
        {
            // Before cast makes a key or a vault for nothing.
            let mut flags = Flags::default();
            brokering.apply(&mut flags);
            refuse_contradictions(&name, agent, &flags, &brokering)?;
            brokered::refuse_unfit("this value", value, &flags, WITHOUT)?;
        }
        let command = format!("cast secrets set {agent} {name}");
        session.change(agent, missing, &command, |vault| {
            let before = vault.names().get(&name).cloned();
            let was_brokered = before.as_ref().is_some_and(|flags| !flags.hosts.is_empty());
            let change = match (value, &before) {
                (Some(value), _) => vault.set(name.clone(), value, dangerous, clock::now())?,
                (None, Some(_)) => Change::Unchanged,
                (None, None) => return Err(no_such_secret(vault, &name)),
            };
            let mut flags = vault.names().get(&name).cloned().unwrap_or_default();
            if unmasked.is_some() || !brokering.is_nothing() {
                flags.unmasked = unmasked.unwrap_or(flags.unmasked);
                brokering.apply(&mut flags);
                refuse_contradictions(&name, agent, &flags, &brokering)?;
                vault.set_flags(&name, flags)?;
                flags = vault.names().get(&name).cloned().unwrap_or_default();
            }
            let value = vault.values().get(&name).map(|secret| &secret.value);
            if let Some(value) = value {
                let otherwise = if was_brokered { TAKEN_BACK } else { WITHOUT };
                brokered::refuse_unfit("this value", value, &flags, otherwise)?;
            }
            Ok(Stored {
                change,
                was_brokered,
                is_fit: value.is_some_and(|value| brokered::unfit(value, &flags).is_none()),
                flags,
            })
        })
    }
}

/// How a value is given as it is: where hosts are named for the first time, and where they were before.
const WITHOUT: &str = ", leave '--host' out";
const TAKEN_BACK: &str = ": '--host '''";

/// Refuses flags that cannot go together.
fn refuse_contradictions(name: &SecretName, agent: &AgentName, flags: &Flags, brokering: &Brokering) -> Result<()> {
    let usage = |what: &str| Failure::new(Kind::Usage, what);
    let is_brokered = !flags.hosts.is_empty();
    let asks = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    if is_brokered && flags.unmasked {
        let failure = usage("'--unmasked' cannot be used with '--host'");
        // One of the two was set before.
        return Err(if asks(&brokering.hosts) {
            failure.hint(format!(
                "a secret that was set with '--unmasked' is masked again once it is deleted: 'cast secrets delete {agent} {name}'"
            ))
        } else {
            failure.hint("to give it as it is: '--host '''")
        });
    }
    if !is_brokered && asks(&brokering.places) {
        return Err(usage("'--in' is only for a brokered secret").hint("add '--host HOST'"));
    }
    if !is_brokered && brokering.prefix.as_ref().is_some_and(|prefix| !prefix.is_empty()) {
        return Err(usage("'--prefix' is only for a brokered secret").hint("add '--host HOST'"));
    }
    Ok(())
}
