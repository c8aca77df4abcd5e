//! `cast key card`: prints this user's card, and the fingerprint that two people compare.

use serde::Serialize;

use crate::args::KeyCardArgs;
use crate::report::Report;
use cast_core::session::Session;
use cast_core::verbs::key::card::ShowCard;

/// The card as JSON. A promise: fields are added, never changed.
#[derive(Serialize)]
struct Line {
    card: String,
    fingerprint: String,
}

pub(crate) fn run(args: &KeyCardArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let card = session.perform(ShowCard)?;
    let line = Line { card: card.to_string(), fingerprint: card.fingerprint().to_string() };
    if args.json {
        return report.json(&line);
    }
    report.data(&(line.card + "\n"))?;
    report.hint(format_args!("compare this fingerprint with whoever takes the card: {}", line.fingerprint));
    Ok(())
}
