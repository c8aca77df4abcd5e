//! `cast secrets rename`: another name for a secret.

use super::args::RenameArgs;
use super::report::Report;
use crate::client::Client;
use crate::names::{AgentName, SecretName};

pub(super) fn run(args: &RenameArgs, client: &Client, report: Report) -> anyhow::Result<()> {
    let agent = AgentName::parse(&args.agent)?;
    let (old, new) = (SecretName::parse(&args.old)?, SecretName::parse(&args.new)?);
    client.rename(&agent, &old, &new, args.replace, args.allow_dangerous_name)?;
    report.success(format_args!("Secret '{old}' of agent '{agent}' renamed to '{new}'"));
    Ok(())
}
