//! `cast unshare`: takes a person off the list of those who can open a vault.

use crate::args::UnshareArgs;
use crate::report::Report;
use crate::words;
use cast_core::session::Session;
use cast_core::verbs::share::Unshare;

pub(crate) fn run(args: &UnshareArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let (agent, person) = (words::agent(&args.agent)?, words::person(&args.person)?);
    let names = session.perform(Unshare { agent: &agent, person: &person })?;
    report.success(format_args!("'{person}' cannot open what you store for agent '{agent}' from now on"));
    let Some(first) = names.first() else { return Ok(()) };
    report.hint(format_args!(
        "old copies of the vault stay open to '{person}', so change what '{person}' could read at its source, then here \
         ('cast secrets set {agent} {first}'):"
    ));
    report.data(&names.iter().flat_map(|name| [name.as_str(), "\n"]).collect::<String>())
}
