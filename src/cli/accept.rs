//! `cast vault accept`: the owner's word for a vault that was restored, edited or rolled back.

use super::args::AcceptArgs;
use super::report::Report;
use super::{table, terminal};
use crate::client::Client;
use crate::document::Secret;
use crate::names::{AgentName, SecretName};

pub(super) fn run(args: &AcceptArgs, client: &Client, report: Report) -> anyhow::Result<()> {
    let agent = AgentName::parse(&args.agent)?;
    let former = args.key.as_deref().map(|path| Client::read_key_file(path, "--key")).transpose()?;
    let acceptance = client.review(&agent, former.as_ref())?;
    let Some(why) = &acceptance.why else {
        report.success(format_args!("The vault of agent '{agent}' is in order: there is nothing to accept"));
        return Ok(());
    };
    report.note(&format!("{why}.\n\n"));
    let row =
        |(name, secret): (&SecretName, &Secret)| [name.to_string(), secret.created.local(), secret.updated.local()];
    report.note(&table::lay_out(["KEY", "CREATED", "UPDATED"], acceptance.secrets().iter().map(row)));
    if !args.yes {
        terminal::confirm("Take this vault, with what is in it?", "--yes")?;
    }
    client.accept(acceptance)?;
    report.success(format_args!("Vault of agent '{agent}' accepted"));
    Ok(())
}
