//! `cast key import`: restores a master key from a backup.

use crate::args::KeyImportArgs;
use crate::prompt;
use crate::report::Report;
use cast_core::key_store;
use cast_core::session::Session;
use cast_core::verbs::key::import::ImportKey;

pub(crate) fn run(args: &KeyImportArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let (text, named_by) = match args.file.as_path() {
        dash if dash.as_os_str() == "-" => (key_store::read_key_text_from_standard_input()?, "standard input"),
        path => (key_store::read_key_text(path, "FILE")?, "FILE"),
    };
    let (given, fingerprint) = session.key_in_backup(&text, named_by)?;
    if let Some(fingerprint) = fingerprint {
        report.note(&format!("Fingerprint of the card of this key: {fingerprint}\n"));
        if !args.yes {
            let question = "Does your other machine show the same with 'cast key card'? Import the key?";
            prompt::confirm(question, "--yes")?;
        }
    }
    let place = args.key_store.place();
    let imported = session.perform(ImportKey { given: &given, replace: args.replace, place })?;
    let whence = &imported.whence;
    if imported.known {
        report.success(format_args!("This master key is already stored in {whence}"));
    } else if imported.opened == 0 {
        report.success(format_args!("Master key imported and stored in {whence}; there are no vaults here yet"));
    } else {
        report
            .success(format_args!("Master key imported and stored in {whence}; it opens {}", vaults(imported.opened)));
    }
    if imported.unused > 0 {
        report.hint("the key that was here before is gone: nothing was ever sealed to it");
    }
    for agent in &imported.closed {
        report.warning(format_args!("the key does not open the vault of agent '{agent}'"));
    }
    if imported.former > 0 && !imported.known {
        report.hint(
            "the former key stays as a fallback; to change what is sealed to it, accept it: 'cast vault accept AGENT'",
        );
    }
    Ok(())
}

pub(super) fn vaults(count: usize) -> String {
    if count == 1 { "1 vault".to_owned() } else { format!("{count} vaults") }
}
