//! `cast key revoke`: revokes the agent keys that were handed out for one agent.

use crate::args::KeyRevokeArgs;
use crate::report::Report;
use crate::words;
use cast_core::session::Session;
use cast_core::verbs::key::revoke::Revoke;

pub(crate) fn run(args: &KeyRevokeArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = words::agent(&args.agent)?;
    let epoch = session.perform(Revoke { agent: &agent })?;
    report.success(format_args!("Agent keys of '{agent}' revoked: its vault is now in epoch {epoch}"));
    report.hint("the revoked keys still open old copies of the vault (git history, backups): change the secrets they have seen at their source");
    report.hint(format_args!("hand out a new one: 'cast key export --agent {agent}'"));
    Ok(())
}
