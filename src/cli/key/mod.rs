//! `cast key`: the life of the keys, one verb a file.

mod export;
mod import;
mod relocate;
mod revoke;
mod rotate;
mod status;

pub(super) use status::PlaceLine;

use super::args::KeyCommand;
use super::report::Report;
use crate::client::Client;

pub(super) fn run(command: &KeyCommand, client: &Client, report: Report) -> anyhow::Result<()> {
    match command {
        KeyCommand::Status(args) => status::run(args, client, report),
        KeyCommand::Export(args) => export::run(args, client, report),
        KeyCommand::Import(args) => import::run(args, client, report),
        KeyCommand::Rotate(args) => rotate::run(args, client, report),
        KeyCommand::Move(args) => relocate::run(args, client, report),
        KeyCommand::Revoke(args) => revoke::run(args, client, report),
    }
}
