//! `cast key rotate`: creates a new master key, seals all vaults to it, and with `--retire` drops the former keys.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use super::import::vaults;
use crate::args::KeyRotateArgs;
use crate::report::Report;
use cast_core::failure::Failure;
use cast_core::session::Session;
use cast_core::verbs::key::rotate::{Retire, Rotate};
use cast_vault::{AgentName, PersonName};

/// From this many vaults on, cast shows a progress bar: fewer are done before the user can read it.
const MANY: usize = 50;

pub(crate) fn run(args: &KeyRotateArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let mut bar = None;
    let retire = if args.yes { Retire::IfNotKnownNeeded } else { Retire::IfNotNeeded };
    let progress = &mut |done, of| {
        if of >= MANY && io::stderr().is_terminal() {
            let bar = bar.get_or_insert_with(|| new_bar(of));
            bar.set_position(done as u64);
            if done == of {
                bar.finish_and_clear();
            }
        }
    };
    let rotation = session.perform(Rotate { retire: args.retire.then_some(retire), progress })?;
    let (public, sealed) = (&rotation.public, vaults(rotation.sealed));
    if rotation.is_new {
        report.success(format_args!("New master key {public}: {sealed} sealed to it"));
    } else if rotation.sealed > 0 {
        report.success(format_args!("Rotation to {public} finished: {sealed} sealed to it; no new key was created"));
    }
    if rotation.retired > 0 {
        report.success(format_args!("Former keys dropped: {}; the master key is {public}", rotation.retired));
        if !rotation.is_new {
            report.hint("no new key was created; to create one: 'cast key rotate'");
        }
    } else if rotation.left.is_empty() {
        report.hint("the former key stays as a fallback for vaults elsewhere; drop it with 'cast key rotate --retire'");
    }
    if rotation.is_new {
        report
            .hint("make a new backup ('cast key export --output FILE'), and new agent keys for CI ('cast key export --agent AGENT')");
    }
    if let Some(fingerprint) = rotation.fingerprint.filter(|_| !rotation.shared.is_empty()) {
        let vault = |(agent, people): &(AgentName, Vec<PersonName>)| {
            let people: Vec<_> = people.iter().map(PersonName::as_str).collect();
            format!("{agent} ({})", people.join(", "))
        };
        let shared: Vec<_> = rotation.shared.iter().map(vault).collect();
        report.hint(format_args!(
            "until they accept your new card, people go by the former one: tell them its fingerprint, {fingerprint}: {}",
            shared.join("; ")
        ));
    }
    if !rotation.passed_over.is_empty() {
        let agents: Vec<_> = rotation.passed_over.iter().map(AgentName::as_str).collect();
        report.hint(format_args!("passed over, as they are not yours or do not open: {}", agents.join(", ")));
    }
    for path in &rotation.listed {
        report.hint(format_args!(
            "another owner's vault lists your former card, so give its owner the new one ('cast key card'): '{}'",
            path.display()
        ));
    }
    let Some(first) = rotation.left.first() else { return Ok(()) };
    for failure in &rotation.left {
        report.warning(failure);
        if let Some(hint) = failure.hints().first() {
            report.hint(hint);
        }
    }
    let kept = if rotation.former > 0 { ", and the former keys are kept" } else { "" };
    let message = format!("not sealed to the newest key: {}{kept}", vaults(rotation.left.len()));
    let failure = Failure::new(first.kind(), message).hint(
        "fix those vaults, then run this again; for vaults in another folder: 'CAST_VAULTS=FOLDER cast key rotate'",
    );
    Err(if rotation.unseen {
        failure.hint("if the vaults that cannot be read need no former key: 'cast key rotate --retire --yes'")
    } else {
        failure
    }
    .into())
}

fn new_bar(of: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("Sealing vaults {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(of as u64);
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}
