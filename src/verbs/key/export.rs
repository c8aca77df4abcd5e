//! `cast key export`: exports keys. It is the only command that prints something that opens a vault, so it checks where
//! the output goes: it asks before it prints on a terminal, and warns about a file that others can read. The master key
//! goes to a pipe or past a coding agent only if the user wrote so.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use age::secrecy::{ExposeSecret, SecretString};

use crate::args::KeyExportArgs;
use crate::plaintext::is_standard_input;
use crate::prompt;
use crate::report::Report;
use crate::words;
use cast_core::coding_agent;
use cast_core::disk;
use cast_core::failure::{Failure, Kind, Result};
use cast_core::platform::files;
use cast_core::session::Session;
use cast_core::verbs::key::export::{ExportAgentKey, ExportMasterKey, SealMasterKey};
use cast_vault::{AgentName, Card};

pub(crate) fn run(args: &KeyExportArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = args.agent.as_ref().map(words::agent).transpose()?;
    let what =
        agent.as_ref().map_or_else(|| "The master key".to_owned(), |agent| format!("The key of agent '{agent}'"));
    // The word for standard output is that for standard input.
    let output = args.output.as_ref().filter(|path| !is_standard_input(path));
    if let Some(word) = &args.card {
        return sealed(word, args, output, session, report);
    }
    if agent.is_none() {
        refuse_below_agent(args)?;
        refuse_pipe(args)?;
    }
    if output.is_none() && io::stdout().is_terminal() && !args.yes {
        prompt::confirm(&format!("{what} will appear on this terminal. Continue?"), "--output FILE")?;
    }
    let text = match &agent {
        Some(agent) => with_line_end(&session.perform(ExportAgentKey { agent })?),
        None => session.perform(ExportMasterKey)?,
    };
    let Some(path) = output else {
        if files::stdout_is_readable_by_others() {
            report
                .warning("standard output is a file that other users can read: 'chmod 600' it, or use '--output FILE'");
        }
        report.data(text.expose_secret())?;
        note(session, agent.as_ref());
        return Ok(());
    };
    let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    disk::create_new(&path, text.expose_secret().as_bytes())?;
    note(session, agent.as_ref());
    warn_about_folder(&path, report);
    report.success(format_args!("{what} written to '{}'", path.display()));
    Ok(())
}

/// The master key for the holder of a card: whoever that is has everything, so the fingerprint is compared first.
fn sealed(
    word: &OsString,
    args: &KeyExportArgs,
    output: Option<&PathBuf>,
    session: &Session,
    report: Report,
) -> anyhow::Result<()> {
    let card = Card::parse(word.to_str().unwrap_or_default().trim()).map_err(Failure::from)?;
    refuse_below_agent(args)?;
    if output.is_none() && io::stdout().is_terminal() {
        let what = "a sealed key is no text, and standard output is a terminal";
        return Err(Failure::new(Kind::Usage, what).hint("write it to a new file with '--output FILE'").into());
    }
    report.note(&format!("Fingerprint of the card: {}\n", card.fingerprint()));
    if !args.yes {
        let question = "Does your other machine show the same with 'cast key card'? Give it the master key?";
        prompt::confirm(question, "--yes")?;
    }
    let file = session.perform(SealMasterKey { to: &card })?;
    if let Some(path) = output {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        disk::create_new(&path, &file)?;
        report.success(format_args!("The master key, sealed to that card, is in '{}'", path.display()));
    } else {
        report.bytes(&file)?;
    }
    session.note_export();
    report.hint("on the other machine: 'cast key import FILE'");
    Ok(())
}

const FOR_ONE: &str = "for one agent's vault, export its key: 'cast key export --agent AGENT'";

/// Refuses to hand the master key to a program that may have been told to ask for it. A coding agent may give its tools
/// a terminal, so a terminal does not show that a person asks.
fn refuse_below_agent(args: &KeyExportArgs) -> Result<()> {
    if let Some(variable) = coding_agent::variable().filter(|_| !args.yes) {
        let what =
            format!("the master key opens every vault, and a coding agent started this command: {variable} is set");
        return Err(Failure::new(Kind::Usage, what).hint("if that is what you want, add '--yes'").hint(FOR_ONE));
    }
    Ok(())
}

fn refuse_pipe(args: &KeyExportArgs) -> Result<()> {
    if args.output.is_none() && !io::stdout().is_terminal() {
        return Err(Failure::new(
            Kind::Usage,
            "the master key opens every vault, and standard output is not a terminal",
        )
        .hint("write it to a new file with '--output FILE', or to standard output with '--output -'")
        .hint(FOR_ONE));
    }
    Ok(())
}

/// An agent's key is no backup of the master key.
fn note(session: &Session, agent: Option<&AgentName>) {
    if agent.is_none() {
        session.note_export();
    }
}

fn with_line_end(line: &SecretString) -> SecretString {
    let mut text = String::with_capacity(line.expose_secret().len() + 1);
    text += line.expose_secret();
    text += "\n";
    SecretString::from(text)
}

/// Only the owner can read the new file, but its folder may still be the wrong place for it.
fn warn_about_folder(path: &Path, report: Report) {
    if let Some(tree) = disk::git_work_tree(path) {
        report.warning(format_args!("the file is in the git work tree '{}': never commit it", tree.display()));
    }
    let Some(folder) = path.parent() else { return };
    if File::open(folder).is_ok_and(|folder| files::is_open_to_others(&folder)) {
        report.warning(format_args!("other users can list the folder '{}'", folder.display()));
    }
}
