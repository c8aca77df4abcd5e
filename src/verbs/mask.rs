//! `cast mask`: a filter that masks the secrets of agents, as the output of `cast run` is masked.

use std::process::ExitCode;

use cast_core::run::{MaskedStream, Passed};
use cast_core::session::Session;
use cast_core::supervisor::end_like;

use super::run::say_what_is_closed;
use crate::args::{Marker, MaskArgs};
use crate::report::Report;
use crate::words;

pub(crate) fn run(args: &MaskArgs, session: &Session, report: Report) -> ExitCode {
    match pass(args, session, report) {
        Ok(Passed::Whole) => ExitCode::SUCCESS,
        // As without cast: it ends by the signal that ends 'cat'.
        Ok(Passed::ReaderLeft(ended)) => end_like(ended).into(),
        Err(error) => report.error(&error),
    }
}

fn pass(args: &MaskArgs, session: &Session, report: Report) -> anyhow::Result<Passed> {
    let mut agents = args.agent.iter().map(words::agent).collect::<Result<Vec<_>, _>>()?;
    agents.sort();
    agents.dedup();
    let stream = MaskedStream::of(session, &agents, !args.no_builtin, args.marker == Marker::Fixed)?;
    say_what_is_closed(stream.builtin, report);
    Ok(stream.pass()?)
}
