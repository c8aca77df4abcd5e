//! `cast init`: the explicit word for making the master key.

use crate::args::InitArgs;
use crate::report::Report;
use cast_core::key_store::Whence;
use cast_core::session::Session;
use cast_core::verbs::init::Init;

pub(crate) fn run(args: &InitArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let (whence, made) = session.perform(Init { place: args.key_store.place() })?;
    if !made {
        report.success(format_args!("There is a key already: in {whence}"));
        if args.key_store.place().is_some() {
            report.hint("it was not moved: '--key-store' says where a new key goes");
        }
    } else if let Whence::File(path) = &whence
        && path.extension().is_some_and(|ending| ending == "txt")
    {
        report.hint("only the mode of that file protects the key; stronger: an OS keyring, or a passphrase");
    }
    Ok(())
}
