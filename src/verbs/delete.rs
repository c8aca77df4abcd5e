//! `cast secrets delete`: deletes secrets by name, or an agent's whole vault; forgets a vault that is gone.

use std::path::Path;

use crate::args::DeleteArgs;
use crate::prompt;
use crate::report::Report;
use crate::words;
use cast_core::session::Session;
use cast_core::verbs::delete::{self, Count, Delete, DeleteVault, Forget};
use cast_vault::AgentName;

pub(crate) fn run(args: &DeleteArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = words::agent_before_key(&args.agent)?;
    if args.all {
        if let Some(path) = delete::gone(session, &agent)? {
            return forget(&agent, &path, args.yes, session, report);
        }
        if !args.yes {
            let secrets = match session.perform(Count { agent: &agent })? {
                1 => "1 secret".to_owned(),
                count => format!("{count} secrets"),
            };
            prompt::confirm(
                &format!("Delete the vault of agent '{agent}' and everything in it ({secrets})?"),
                "--yes",
            )?;
        }
        session.perform(DeleteVault { agent: &agent })?;
        report.success(format_args!("Vault of agent '{agent}' deleted"));
        return Ok(());
    }
    let names = words::secrets(&args.key)?;
    let left = session.perform(Delete { agent: &agent, names: &names })?;
    for name in &names {
        report.success(format_args!("Secret '{name}' deleted from agent '{agent}'"));
    }
    if left == 0 {
        report.hint(format_args!(
            "that was the last secret; delete the empty vault with 'cast secrets delete {agent} --all'"
        ));
    }
    Ok(())
}

/// Forgets a vault that this machine has seen and that is gone.
fn forget(agent: &AgentName, path: &Path, yes: bool, session: &Session, report: Report) -> anyhow::Result<()> {
    if !yes {
        let what = format!("The vault of agent '{agent}' that this machine has seen is gone: '{}'", path.display());
        prompt::confirm(&format!("{what}. Forget it, and refuse it if it comes back?"), "--yes")?;
    }
    session.perform(Forget { agent })?;
    report.success(format_args!("Vault of agent '{agent}' forgotten: if it comes back, cast refuses it"));
    Ok(())
}
