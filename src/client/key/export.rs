//! Keys on their way out: the master key as a backup, an agent's key for a machine that is to open that agent's vault alone; and the end
//! of such an agent key.

use age::secrecy::{ExposeSecret, SecretString};

use crate::audit_log::{Action, Event};
use crate::client::Client;
use crate::failure::{Failure, Kind, Result};
use crate::keys::{AgentGrant, MasterKey};
use crate::names::AgentName;
use crate::timestamp::Timestamp;
use crate::vault::Vault;

impl Client {
    /// The master keys as an age identity file, with comments that say what it is.
    pub(crate) fn export_master_key(&self) -> Result<SecretString> {
        self.audited(Event::new(Action::KeyExport), |_| self.backup())
    }

    /// The key of one agent's vault, as the line that `CAST_KEY` takes.
    pub(crate) fn export_agent_key(&self, agent: &AgentName) -> Result<SecretString> {
        self.audited(Event::new(Action::KeyExport).agent(agent), |_| self.grant(agent))
    }

    /// Starts a new epoch of `agent`'s vault, which the agent keys there were do not open. Gives its number.
    pub(crate) fn revoke(&self, agent: &AgentName) -> Result<u64> {
        self.audited(Event::new(Action::KeyRevoke).agent(agent), |_| {
            if self.folder()?.exists(agent) {
                Self::masters(&self.key()?.key)?;
            }
            self.change(agent, false, Vault::start_epoch)?;
            // Sealed to a new master key at once, it has begun one more.
            Ok(self.vault(agent)?.mark().epoch)
        })
    }

    fn backup(&self) -> Result<SecretString> {
        let unlocked = self.key()?;
        let keys = Self::masters(&unlocked.key)?;
        let file = MasterKey::identity_file(&keys.iter().collect::<Vec<_>>());
        let head = format!(
            "# cast master key: it opens every vault of its owner. Keep it secret, and on another machine.\n\
             # exported: {}\n\
             # back into cast: cast key import FILE\n\
             # without cast: age -d -i FILE my-agent.age\n",
            Timestamp::now()
        );
        let mut text = String::with_capacity(head.len() + file.expose_secret().len());
        text += &head;
        text += file.expose_secret();
        Ok(SecretString::from(text))
    }

    fn grant(&self, agent: &AgentName) -> Result<SecretString> {
        Self::masters(&self.key()?.key)?;
        let vault = self.vault(agent)?;
        // That may have looked for the key anew.
        let unlocked = self.key()?;
        let newest = Self::masters(&unlocked.key)?.first();
        let newest = newest.filter(|key| key.recipient().to_string() == vault.master()).ok_or_else(|| {
            Failure::new(Kind::Other, format!("the vault of agent '{agent}' is still sealed to a former master key"))
                .hint("an agent key of today would end with the next change: first finish with 'cast key rotate'")
        })?;
        let mark = vault.mark();
        let key = newest.agent_key(agent, mark.id, mark.epoch);
        Ok(AgentGrant { agent: agent.clone(), id: mark.id, epoch: mark.epoch, key }.line())
    }
}
