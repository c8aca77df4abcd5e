//! `cast key revoke`: the end of the agent keys that were handed out for one agent.

use crate::cli::args::KeyRevokeArgs;
use crate::cli::report::Report;
use crate::client::Client;
use crate::names::AgentName;

pub(super) fn run(args: &KeyRevokeArgs, client: &Client, report: Report) -> anyhow::Result<()> {
    let agent = AgentName::parse(&args.agent)?;
    let epoch = client.revoke(&agent)?;
    report.success(format_args!("Agent keys of '{agent}' revoked: its vault is in epoch {epoch} now"));
    report.hint("old copies of the vault (git history, backups) stay open to them: change the secrets they have seen at their source");
    report.hint(format_args!("hand out a new one: 'cast key export --agent {agent}'"));
    Ok(())
}
