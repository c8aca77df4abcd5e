//! `cast git`: vaults in git. What git calls itself asks nobody, and says what it cannot do in one line.

use std::env;
use std::fs;
use std::process::ExitCode;

use cast_core::failure::{Cause, Failure, Kind, Result};
use cast_core::paths::Places;
use cast_core::session::Session;
use cast_core::verbs::git::{MergeFiles, set_up, text};
use cast_vault::AgentName;

use crate::args::{GitCommand, GitMergeArgs, GitTextconvArgs};
use crate::prompt::NoQuestions;
use crate::report::Report;

pub(crate) fn run(command: &GitCommand, session: &Session, report: Report) -> ExitCode {
    match command {
        GitCommand::Setup => report.exit_code(setup(session, report)),
        GitCommand::Textconv(args) => report.exit_code(textconv(args, report)),
        GitCommand::Merge(args) => match merge(args) {
            Ok(()) => ExitCode::SUCCESS,
            // For git, everything else is a conflict.
            Err(failure) => {
                report.error(&failure.into());
                ExitCode::FAILURE
            }
        },
    }
}

fn setup(session: &Session, report: Report) -> anyhow::Result<()> {
    let program = env::current_exe()
        .map_err(|cause| Failure::new(Kind::Other, format!("cannot find cast itself: {}", Cause(&cause))))?;
    let set_up = set_up(session, &program)?;
    report.success(format_args!("This clone shows and merges its vaults secret by secret"));
    if set_up.is_new {
        report.hint(format_args!(
            "for other clones, commit '{}'; each runs 'cast git setup' once",
            set_up.attributes.display()
        ));
    }
    Ok(())
}

fn silent() -> Session {
    Session::new(Places::from_environment(), Box::new(NoQuestions))
}

/// If there is no text, prints a line that says why, and git goes on.
fn textconv(args: &GitTextconvArgs, report: Report) -> anyhow::Result<()> {
    let file = fs::read(&args.file).map_err(|cause| Failure::io("cannot read the file", &args.file, &cause))?;
    let shown = match text(&silent(), &file) {
        Ok(Some(text)) => text,
        Ok(None) => "cast: this state does not verify with the key at hand\n".to_owned(),
        Err(_) => "cast: locked\n".to_owned(),
    };
    report.data(&shown)
}

fn merge(args: &GitMergeArgs) -> Result<()> {
    let GitMergeArgs { base, ours, theirs, path, names } = args;
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".age"));
    let agent = name.and_then(|name| AgentName::parse(name).ok());
    let agent = agent.ok_or_else(|| Failure::new(Kind::Usage, "the file is not called as a vault is, 'AGENT.age'"))?;
    // An older git does not know the names, and gives their placeholders.
    let name = |at: usize, usual: &str| {
        let name = names.get(at).map(|name| name.to_string_lossy().into_owned());
        let name = name.filter(|name| !name.starts_with('%') && !name.is_empty());
        name.map_or_else(|| usual.to_owned(), |name| short(&name).to_owned())
    };
    let names = [name(0, "HEAD"), name(1, "the other side")];
    silent().perform(MergeFiles { agent: &agent, base, ours, theirs, names })
}

/// A whole commit id as people write it.
fn short(name: &str) -> &str {
    let is_id = name.len() >= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { &name[..7] } else { name }
}
