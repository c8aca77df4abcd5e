//! `cast key`: the life of the keys, one verb a file.

mod card;
mod export;
mod import;
mod r#move;
mod revoke;
mod rotate;
mod status;

pub(crate) use status::PlaceLine;

use crate::args::KeyCommand;
use crate::report::Report;
use cast_core::session::Session;

pub(crate) fn run(command: &KeyCommand, session: &Session, report: Report) -> anyhow::Result<()> {
    match command {
        KeyCommand::Status(args) => status::run(args, session, report),
        KeyCommand::Card(args) => card::run(args, session, report),
        KeyCommand::Export(args) => export::run(args, session, report),
        KeyCommand::Import(args) => import::run(args, session, report),
        KeyCommand::Rotate(args) => rotate::run(args, session, report),
        KeyCommand::Move(args) => r#move::run(args, session, report),
        KeyCommand::Revoke(args) => revoke::run(args, session, report),
    }
}
