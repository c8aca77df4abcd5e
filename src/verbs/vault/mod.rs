//! `cast vault`: a vault as a whole, one verb a file.

mod accept;

use cast_core::session::Session;

use crate::args::VaultCommand;
use crate::report::Report;

pub(crate) fn run(command: &VaultCommand, session: &Session, report: Report) -> anyhow::Result<()> {
    match command {
        VaultCommand::Accept(args) => accept::run(args, session, report),
    }
}
