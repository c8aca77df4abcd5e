//! `cast secrets copy`: copies secrets from one agent's vault to another's.

use crate::args::CopyArgs;
use crate::report::Report;
use crate::words;
use cast_core::change::Missing;
use cast_core::session::Session;
use cast_core::verbs::copy::Copy;

pub(crate) fn run(args: &CopyArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let (from, to) = (words::agent(&args.from)?, words::agent(&args.to)?);
    let names = words::secrets(&args.key)?;
    let missing = if args.new { Missing::CreateAnew } else { Missing::Create };
    for name in session.perform(Copy::new([&from, &to], &names, args.replace, args.allow_dangerous_name, missing)?)? {
        report.success(format_args!("Secret '{name}' copied from agent '{from}' to agent '{to}'"));
    }
    Ok(())
}
