//! Secrets that go from vault to vault, or from name to name. Their values are not seen on the way.

use super::Client;
use crate::audit_log::{Action, Event};
use crate::failure::{Failure, Kind, Result};
use crate::names::{AgentName, SecretName};
use crate::timestamp::Timestamp;
use crate::vault::{Treatment, Vault};

impl Client {
    /// Copies `names`, or all where there are none, from one vault to another, together or not at all; makes the other vault. How a secret
    /// is treated goes along. To the other vault it is set now. Gives the names.
    pub(crate) fn copy(
        &self,
        from: &AgentName,
        to: &AgentName,
        names: &[SecretName],
        replace: bool,
    ) -> Result<Vec<SecretName>> {
        if from == to {
            return Err(Failure::new(Kind::Usage, "FROM and TO are the same agent"));
        }
        self.audited(Event::new(Action::Copy).agent(to).copied_from(from).keys(names), |event| {
            let names = self.copy_all(from, to, names, replace)?;
            event.set_keys(&names);
            Ok(names)
        })
    }

    fn copy_all(
        &self,
        from: &AgentName,
        to: &AgentName,
        names: &[SecretName],
        replace: bool,
    ) -> Result<Vec<SecretName>> {
        // Before a key or a vault is made for nothing.
        self.vault(from)?;
        let now = Timestamp::now();
        self.change(to, true, |vault| {
            // Again, as it is under the lock.
            let source = self.vault(from)?;
            let names = if names.is_empty() { source.secrets().keys().cloned().collect() } else { names.to_vec() };
            if names.is_empty() {
                return Err(Failure::new(Kind::NotFound, format!("agent '{from}' has no secrets")));
            }
            if !replace {
                refuse_existing(vault, &names)?;
            }
            for name in &names {
                let secret = source.secrets().get(name).ok_or_else(|| Self::no_such_secret(&source, name))?;
                let treatment = Treatment { dangerous: secret.dangerous, unmasked: secret.unmasked };
                vault.set(name.clone(), secret.value.clone(), treatment, now)?;
            }
            Ok(names)
        })
    }

    /// Gives a secret another name. Its times and its treatment stay, but that a name which makes programs load code has to be allowed anew.
    pub(crate) fn rename(
        &self,
        agent: &AgentName,
        old: &SecretName,
        new: &SecretName,
        replace: bool,
        dangerous: bool,
    ) -> Result<()> {
        if old == new {
            return Err(Failure::new(Kind::Usage, "OLD and NEW are the same name"));
        }
        let rename = |vault: &mut Vault| {
            if !vault.secrets().contains_key(old) {
                return Err(Self::no_such_secret(vault, old));
            }
            if !replace {
                refuse_existing(vault, std::slice::from_ref(new))?;
            }
            vault.rename(old, new, dangerous)
        };
        let event = Event::new(Action::Rename).agent(agent).keys([old, new]);
        self.audited(event, |_| self.change(agent, false, rename))
    }
}

fn refuse_existing(vault: &Vault, names: &[SecretName]) -> Result<()> {
    let there =
        names.iter().filter(|name| vault.secrets().contains_key(*name)).map(SecretName::as_str).collect::<Vec<_>>();
    if there.is_empty() {
        return Ok(());
    }
    let agent = vault.agent();
    Err(Failure::new(Kind::Usage, format!("agent '{agent}' has already: {}", there.join(", ")))
        .hint("to put the new in the place of the old, say '--replace'"))
}
