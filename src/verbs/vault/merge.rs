//! `cast vault merge`: a vault that git has left in conflict.

use cast_core::failure::{Failure, Kind};
use cast_core::session::Session;
use cast_core::verbs::merge::Merge;

use crate::args::MergeArgs;
use crate::report::Report;
use crate::words;

pub(crate) fn run(args: &MergeArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = words::agent(&args.agent)?;
    let (ours, theirs) = (words::secrets(&args.ours)?, words::secrets(&args.theirs)?);
    if let Some(name) = ours.iter().find(|name| theirs.contains(name)) {
        return Err(Failure::new(Kind::Usage, format!("'{name}' is in '--ours' and in '--theirs'")).into());
    }
    session.perform(Merge { agent: &agent, ours: &ours, theirs: &theirs })?;
    report.success(format_args!("Vault of agent '{agent}' merged"));
    report.hint(format_args!("tell git, in the folder of the vaults: 'git add {agent}.age'"));
    Ok(())
}
