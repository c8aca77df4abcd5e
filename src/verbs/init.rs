//! `cast init`: creates the master key explicitly.

use crate::args::InitArgs;
use crate::report::Report;
use cast_core::key_store::Whence;
use cast_core::session::Session;
use cast_core::verbs::init::Init;

pub(crate) fn run(args: &InitArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let (whence, made) = session.perform(Init { place: args.key_store.place() })?;
    if !made {
        report.success(format_args!("A key already exists in {whence}"));
        if args.key_store.place().is_some() {
            report.hint("cast did not move it: '--key-store' is only for a new key");
        }
    } else if let Whence::File(path) = &whence
        && path.extension().is_some_and(|ending| ending == "txt")
    {
        report.hint("only the file's mode protects this key; an OS keyring or a passphrase is stronger");
    }
    Ok(())
}
