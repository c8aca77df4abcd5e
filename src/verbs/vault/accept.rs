//! `cast vault accept`: lets the owner accept a vault that was restored, edited or rolled back.

use crate::args::AcceptArgs;
use crate::report::Report;
use crate::words;
use crate::{prompt, table};
use cast_core::clock;
use cast_core::key_store;
use cast_core::session::Session;
use cast_core::verbs::accept::Review;
use cast_vault::{Secret, SecretName};

pub(crate) fn run(args: &AcceptArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = words::agent(&args.agent)?;
    let former = args.key.as_deref().map(|path| key_store::read_key_file(path, "--key")).transpose()?;
    let acceptance = session.perform(Review { agent: &agent, former: former.as_ref() })?;
    let Some(why) = &acceptance.why else {
        report.success(format_args!("The vault of agent '{agent}' is in order: nothing to accept"));
        return Ok(());
    };
    report.note(&format!("{why}.\n\n"));
    let row = |(name, secret): (&SecretName, &Secret)| {
        [name.to_string(), clock::local(secret.created), clock::local(secret.updated)]
    };
    report.note(&table::lay_out(["KEY", "CREATED", "UPDATED"], acceptance.secrets().iter().map(row)));
    if !args.yes {
        prompt::confirm("Accept this vault and everything in it?", "--yes")?;
    }
    session.perform(acceptance)?;
    report.success(format_args!("Vault of agent '{agent}' accepted"));
    Ok(())
}
