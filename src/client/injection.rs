//! What `cast run` puts into an environment.

use super::{Builtin, Client};
use crate::environment::{Injections, Selection, Source};
use crate::failure::Result;
use crate::names::AgentName;
use crate::vault::Vault;

/// How an agent is to be run.
#[derive(Debug, Default)]
pub(crate) struct RunOptions {
    /// Whether the built-in secrets go along.
    pub builtin: bool,
    /// Which secrets go along.
    pub selection: Selection,
}

impl Client {
    /// The secrets that `agent` is started with, and what became of the built-in ones.
    pub(crate) fn injections(&self, agent: &AgentName, options: &RunOptions) -> Result<(Injections, Builtin)> {
        let vault = self.vault(agent)?;
        let builtin = if options.builtin { self.builtin_for(agent)? } else { Builtin::None };
        let mut injections = Injections::default();
        if let Builtin::Open(builtin) = &builtin {
            add(&mut injections, Source::Builtin, builtin)?;
        }
        add(&mut injections, if agent.is_builtin() { Source::Builtin } else { Source::Agent }, &vault)?;
        injections.select(&options.selection)?;
        Ok((injections, builtin))
    }
}

fn add(injections: &mut Injections, source: Source, vault: &Vault) -> Result<()> {
    injections.add(source, vault.environment()?.map(|(name, secret)| (name, &secret.value, secret.unmasked)));
    Ok(())
}
