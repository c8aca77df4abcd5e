//! `cast key move`: moves the keys from one place to another.

use crate::args::KeyMoveArgs;
use crate::report::Report;
use cast_core::key_store::KeyPlace;
use cast_core::session::Session;
use cast_core::verbs::key::r#move::Move;

pub(crate) fn run(args: &KeyMoveArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let moved = session.perform(Move { target: args.to.place(), sure: args.yes })?;
    if moved.changed {
        report.success(format_args!("Key moved to {}", moved.whence));
    } else {
        report.success(format_args!("The key is already in {}", moved.whence));
    }
    if moved.changed && args.to.place() == KeyPlace::File {
        report.hint("only the mode of that file protects the key now");
    }
    if let Some(why) = &moved.keyring_unseen {
        report.warning(format_args!("cannot tell whether the OS keyring holds a copy: {why}"));
    }
    Ok(())
}
