//! `cast secrets delete`: secrets by name, or an agent's whole vault.

use super::args::DeleteArgs;
use super::report::Report;
use super::terminal;
use crate::client::Client;
use crate::failure::Result;
use crate::names::{AgentName, SecretName};

pub(super) fn run(args: &DeleteArgs, client: &Client, report: Report) -> anyhow::Result<()> {
    let agent = AgentName::parse(&args.agent)?;
    if args.all {
        if !args.yes {
            let secrets = match client.count(&agent)? {
                1 => "1 secret".to_owned(),
                count => format!("{count} secrets"),
            };
            terminal::confirm(
                &format!("Delete the vault of agent '{agent}' and all that is in it ({secrets})?"),
                "--yes",
            )?;
        }
        client.delete_vault(&agent)?;
        report.success(format_args!("Vault of agent '{agent}' deleted"));
        return Ok(());
    }
    let mut names = args.key.iter().map(SecretName::parse).collect::<Result<Vec<_>>>()?;
    names.sort();
    names.dedup();
    let left = client.delete(&agent, &names)?;
    for name in &names {
        report.success(format_args!("Secret '{name}' deleted from agent '{agent}'"));
    }
    if left == 0 {
        report.hint(format_args!(
            "that was the last one; remove the empty vault with 'cast secrets delete {agent} --all'"
        ));
    }
    Ok(())
}
