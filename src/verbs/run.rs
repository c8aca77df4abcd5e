//! `cast run`: runs CMD with the agent's secrets in its environment.

mod begin;
mod explain;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use cast_core::failure::{Cause, Failure, Kind, Result};
use cast_core::injections::Selection;
use cast_core::read::Builtin;
use cast_core::run::{self, Done, NotStarted, Request};
use cast_core::session::Session;
use cast_core::supervisor::{self, Ended, end_like};
use cast_vault::{AgentName, SecretName};

use super::check;
use crate::args::{Marker, RunArgs};
use crate::report::{self, Report};
use crate::words;

pub(crate) use begin::FORM;

pub(crate) fn run(args: RunArgs, session: &Session, report: Report) -> ExitCode {
    if args.explain {
        return report.exit_code(explain::explain(args, session, report));
    }
    let program = args.command.first().cloned().unwrap_or_default();
    let outcome = request(args).and_then(|(agent, request)| {
        let prepared = run::prepare(session, &agent, request)?;
        say_what_is_closed(prepared.builtin, report);
        say_what_is_unmasked(prepared.misses_terminal, report);
        prepared.run(session)
    });
    match outcome {
        Ok(Ok(done)) => end(done, &program, report),
        Ok(Err(not_started)) => {
            let code = code(&not_started);
            report.error(&not_started.into_failure(&program).into());
            code.into()
        }
        Err(failure) => {
            report.error(&failure.into());
            report::RUN_FAILED.into()
        }
    }
}

/// Turns the words into a request.
fn request(args: RunArgs) -> Result<(AgentName, Request)> {
    begin::check(&args.agent, &args.command)?;
    let agent = words::agent(&args.agent)?;
    let mut words = args.command.into_iter();
    // Checked before cast asks for any key.
    let command = match words.next() {
        None if !args.explain => {
            return Err(Failure::new(Kind::Usage, "no command to run").hint(right_form(&agent)));
        }
        _ if args.explain => None,
        program => program.map(|program| (program, words.collect())),
    };
    let request = Request {
        builtin: !args.no_builtin,
        selection: selection(&args.only, &args.except)?,
        example: args.check.as_deref().map(check::example).transpose()?,
        command,
        clean: args.clean_env,
        masking: masking(args.mask, args.no_mask)?,
        fixed: args.marker == Marker::Fixed,
        inherit: args.inherit_secrets,
        ..Request::default()
    };
    Ok((agent, request))
}

/// What the words say about masking.
fn masking(mask: bool, no_mask: bool) -> Result<Option<bool>> {
    if mask && !supervisor::MASKS_TERMINALS {
        return Err(Failure::new(Kind::Usage, "'--mask' is not for this system: cast cannot mask a terminal here")
            .hint("files and pipes are masked without it"));
    }
    Ok((mask || no_mask).then_some(mask))
}

fn selection(only: &[OsString], except: &[OsString]) -> Result<Selection> {
    let names = |words: &[OsString]| words.iter().map(SecretName::typed).collect::<std::result::Result<Vec<_>, _>>();
    Ok(match (only, except) {
        ([], []) => Selection::All,
        (only, []) => Selection::Only(names(only)?),
        (_, except) => Selection::Except(names(except)?),
    })
}

pub(super) fn say_what_is_closed(builtin: Builtin, report: Report) {
    let why = match builtin {
        Builtin::Closed => "an agent key cannot open the built-in secrets",
        Builtin::OfOthers => "the built-in secrets here are not yours, or are damaged",
        Builtin::Settled | Builtin::LeftOut => return,
    };
    report.note(&format!("cast: {why}; '--no-builtin' drops this line\n"));
}

fn say_what_is_unmasked(misses_terminal: bool, report: Report) {
    if misses_terminal {
        report.note("cast: the terminal is not masked, as cast cannot do that on this system; files and pipes are\n");
    }
}

/// Ends as CMD ended; but not with success if some of its output is lost, or what has to be recorded is not.
fn end(done: Done, program: &OsStr, report: Report) -> ExitCode {
    let is_lost = done.trouble.is_some();
    if let Some(cause) = done.trouble {
        let what = format!("cannot write some output of {}: {}", run::shown(program), Cause(&cause));
        report.error(&Failure::new(Kind::Io, what).into());
    }
    let is_unrecorded = done.unrecorded.is_some();
    if let Some(failure) = done.unrecorded {
        report.error(&failure.into());
    }
    if done.masked_file {
        report.hint("standard output is a file, and secrets in it were masked; to keep them: '--no-mask'");
    }
    match done.ended {
        Ended::Code(0) if is_lost || is_unrecorded => report::RUN_FAILED.into(),
        ended => end_like(ended).into(),
    }
}

fn right_form(agent: &AgentName) -> String {
    format!("write it as 'cast run {agent} -- CMD [ARG]...'")
}

/// The exit code for a command that was not started.
fn code(not_started: &NotStarted) -> u8 {
    match not_started {
        NotStarted::NotFound => report::NOT_FOUND,
        NotStarted::Failed(_) | NotStarted::NoBroker(_) => report::RUN_FAILED,
        NotStarted::CannotExecute(_) | NotStarted::TooLong(_) => report::CANNOT_EXECUTE,
    }
}
