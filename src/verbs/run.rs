//! `cast run`: runs CMD with the agent's secrets in its environment.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use cast_core::failure::{Cause, Failure, Kind, Result};
use cast_core::injections::{Selection, Source};
use cast_core::listing::OWNER;
use cast_core::read::Builtin;
use cast_core::run::{self, Done, Explained, Masked, NotStarted, Overridden, Request, StreamTreatment};
use cast_core::session::Session;
use cast_core::supervisor::end_like;
use cast_mask::ENCODED_BYTES;
use cast_vault::{AgentName, SecretName};

use super::check;
use crate::args::RunArgs;
use crate::report::{self, Report};
use crate::table;
use crate::words;

pub(crate) fn run(args: RunArgs, session: &Session, report: Report) -> ExitCode {
    if args.explain {
        return report.exit_code(explain(args, session, report));
    }
    let program = args.command.first().cloned().unwrap_or_default();
    let outcome = request(args).and_then(|(agent, request)| {
        let prepared = run::prepare(session, &agent, request)?;
        say_what_is_closed(prepared.builtin, report);
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
        no_mask: args.no_mask,
        ..Request::default()
    };
    Ok((agent, request))
}

fn selection(only: &[OsString], except: &[OsString]) -> Result<Selection> {
    let names = |words: &[OsString]| words.iter().map(SecretName::parse).collect::<std::result::Result<Vec<_>, _>>();
    Ok(match (only, except) {
        ([], []) => Selection::All,
        (only, []) => Selection::Only(names(only)?),
        (_, except) => Selection::Except(names(except)?),
    })
}

fn say_what_is_closed(builtin: Builtin, report: Report) {
    if builtin == Builtin::Closed {
        report.note("cast: an agent key cannot open the built-in secrets; '--no-builtin' drops this line\n");
    }
}

/// Ends as CMD ended.
fn end(done: Done, program: &OsStr, report: Report) -> ExitCode {
    if let Some(cause) = done.trouble {
        let what = format!("cannot write some output of {}: {}", run::shown(program), Cause(&cause));
        report.error(&Failure::new(Kind::Io, what).into());
    }
    end_like(done.ended).into()
}

fn right_form(agent: &AgentName) -> String {
    format!("write it as 'cast run {agent} -- CMD [ARG]...'")
}

fn explain(args: RunArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let (agent, request) = request(args)?;
    let Explained { secrets, builtin, sealer, streams } = run::explain(session, &agent, &request)?;
    say_what_is_closed(builtin, report);
    let rows = secrets.iter().map(|secret| {
        let from = match secret.source {
            Source::Builtin => "built-in".to_owned(),
            Source::Agent if sealer == OWNER => format!("agent '{agent}'"),
            Source::Agent => format!("agent '{agent}', sealed by '{sealer}'"),
        };
        let flags = secret.flags.join(", ");
        let masked = match secret.masked {
            Masked::Yes => "yes".to_owned(),
            Masked::Off => "no".to_owned(),
            Masked::Unmasked => "no: set with '--unmasked'".to_owned(),
            Masked::Exempt(why) => format!("no: {why}"),
            Masked::RawOnly => format!("as it is, in no encoding: over {} KiB of secrets", ENCODED_BYTES >> 10),
        };
        [secret.name.to_string(), from, overrides(secret.overrides).to_owned(), masked, flags]
    });
    report.data(&table::lay_out(["KEY", "FROM", "OVERRIDES", "MASKED", "FLAGS"], rows))?;
    if builtin == Builtin::LeftOut {
        report.data(&format!("\nThe built-in secrets are left out: 'no_builtin' in the settings lists '{agent}'\n"))?;
    }
    report.data("\n")?;
    let [output, errors] = streams.map(|stream| how(stream).to_owned());
    let rows = [["standard output".to_owned(), output], ["standard error".to_owned(), errors]];
    report.data(&table::lay_out(["STREAM", "HOW"], rows))
}

fn overrides(overrides: Overridden) -> &'static str {
    match (overrides.builtin, overrides.caller) {
        (false, false) => "",
        (true, false) => "the built-in secret",
        (false, true) => "the caller's",
        (true, true) => "the built-in secret and the caller's",
    }
}

fn how(stream: StreamTreatment) -> &'static str {
    match stream {
        StreamTreatment::Masked => "masked",
        StreamTreatment::MaskedTogether => "masked, together with the other",
        StreamTreatment::Off => "unchanged: masking is off",
        StreamTreatment::NothingToMask => "unchanged: there is nothing to mask",
        StreamTreatment::Left => "unchanged: a terminal, /dev/null or closed",
    }
}

/// The exit code for a command that was not started.
fn code(not_started: &NotStarted) -> u8 {
    match not_started {
        NotStarted::NotFound => report::NOT_FOUND,
        NotStarted::Failed(_) => report::RUN_FAILED,
        NotStarted::CannotExecute(_) | NotStarted::TooLong(_) => report::CANNOT_EXECUTE,
    }
}
