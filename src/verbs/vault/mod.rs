//! `cast vault`: a vault as a whole, one verb a file.

mod accept;
mod merge;

use cast_core::session::Session;

use crate::args::VaultCommand;
use crate::report::Report;

pub(crate) fn run(command: &VaultCommand, session: &Session, report: Report) -> anyhow::Result<()> {
    match command {
        VaultCommand::Accept(args) => accept::run(args, session, report),
        VaultCommand::Merge(args) => merge::run(args, session, report),
    }
}
