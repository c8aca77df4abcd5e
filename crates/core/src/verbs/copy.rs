//! Copies secrets from one agent's vault to another's. Shows no values.

use cast_vault::{AgentName, SecretName, Treatment, Vault};

use crate::audit_log::{Action, Event};
use crate::change::Missing;
use crate::clock;
use crate::door::{Effect, Verb};
use crate::failure::{Failure, Kind, Result};
use crate::read::no_such_secret;
use crate::session::Session;

/// Copies `names`, or all secrets if `names` is empty, in one change: all or none. Creates the other vault if needed.
/// Keeps each secret's flags; the copy counts as set now. Returns the names.
pub struct Copy<'a> {
    from: &'a AgentName,
    to: &'a AgentName,
    names: &'a [SecretName],
    replace: bool,
}

impl<'a> Copy<'a> {
    /// `replace` allows replacing existing secrets.
    pub fn new(from: &'a AgentName, to: &'a AgentName, names: &'a [SecretName], replace: bool) -> Result<Self> {
        if from == to {
            return Err(Failure::new(Kind::Usage, "FROM and TO are the same agent"));
        }
        Ok(Self { from, to, names, replace })
    }
}

impl Verb for Copy<'_> {
    type Done = Vec<SecretName>;
    const EFFECT: Effect = Effect::Change;

    fn event(&self) -> Event {
        Event::new(Action::Copy).agent(self.to).copied_from(self.from).keys(self.names)
    }

    fn perform(self, session: &Session, event: &mut Event) -> Result<Vec<SecretName>> {
        let Self { from, to, names, replace } = self;
        // Fails here before cast makes a key or vault for nothing.
        session.vault(from)?;
        let now = clock::now();
        let names = session.change(to, Missing::Create, |vault| {
            // Reads the source again under the lock.
            let source = session.vault(from)?;
            let names = if names.is_empty() { source.secrets().keys().cloned().collect() } else { names.to_vec() };
            if names.is_empty() {
                return Err(Failure::new(Kind::NotFound, format!("agent '{from}' has no secrets")));
            }
            if !replace {
                refuse_existing(vault, &names)?;
            }
            for name in &names {
                let secret = source.secrets().get(name).ok_or_else(|| no_such_secret(&source, name))?;
                let treatment = Treatment { dangerous: secret.dangerous, unmasked: secret.unmasked };
                vault.set(name.clone(), secret.value.clone(), treatment, now)?;
            }
            Ok(names)
        })?;
        event.set_keys(&names);
        Ok(names)
    }
}

pub(super) fn refuse_existing(vault: &Vault, names: &[SecretName]) -> Result<()> {
    let there =
        names.iter().filter(|name| vault.secrets().contains_key(*name)).map(SecretName::as_str).collect::<Vec<_>>();
    if there.is_empty() {
        return Ok(());
    }
    let agent = vault.agent();
    Err(Failure::new(Kind::Usage, format!("agent '{agent}' already has: {}", there.join(", ")))
        .hint("to replace existing secrets, add '--replace'"))
}
