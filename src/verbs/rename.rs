//! `cast secrets rename`: renames a secret.

use crate::args::RenameArgs;
use crate::report::Report;
use crate::words;
use cast_core::session::Session;
use cast_core::verbs::rename::Rename;

pub(crate) fn run(args: &RenameArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = words::agent(&args.agent)?;
    let (old, new) = (words::secret(&args.old)?, words::secret(&args.new)?);
    session.perform(Rename::new(&agent, [&old, &new], args.replace, args.allow_dangerous_name)?)?;
    report.success(format_args!("Secret '{old}' of agent '{agent}' renamed to '{new}'"));
    Ok(())
}
