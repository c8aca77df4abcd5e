//! `cast secrets copy`: secrets from one agent's vault to another's.

use super::args::CopyArgs;
use super::report::Report;
use crate::client::Client;
use crate::failure::Result;
use crate::names::{AgentName, SecretName};

pub(super) fn run(args: &CopyArgs, client: &Client, report: Report) -> anyhow::Result<()> {
    let (from, to) = (AgentName::parse(&args.from)?, AgentName::parse(&args.to)?);
    let mut names = args.key.iter().map(SecretName::parse).collect::<Result<Vec<_>>>()?;
    names.sort();
    names.dedup();
    for name in client.copy(&from, &to, &names, args.replace)? {
        report.success(format_args!("Secret '{name}' copied from agent '{from}' to agent '{to}'"));
    }
    Ok(())
}
