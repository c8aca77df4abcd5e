//! `cast key move`: the keys from one place to another.

use crate::cli::args::KeyMoveArgs;
use crate::cli::report::Report;
use crate::client::Client;

pub(super) fn run(args: &KeyMoveArgs, client: &Client, report: Report) -> anyhow::Result<()> {
    let moved = client.relocate(args.to.place(), args.yes)?;
    if moved.changed {
        report.success(format_args!("The key is in {} now", moved.whence));
    } else {
        report.success(format_args!("The key is there already: in {}", moved.whence));
    }
    if let Some(why) = &moved.keyring_unseen {
        report.warning(format_args!("whether the OS keyring holds a copy could not be seen: {why}"));
    }
    Ok(())
}
