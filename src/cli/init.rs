//! `cast init`: the explicit word for making the master key.

use super::args::InitArgs;
use super::report::Report;
use crate::client::Client;
use crate::key_store::Whence;

pub(super) fn run(args: &InitArgs, client: &Client, report: Report) -> anyhow::Result<()> {
    let (whence, made) = client.init(args.key_store.place())?;
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
