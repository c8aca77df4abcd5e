//! `cast vault accept`: lets a user accept a vault that was restored, edited, rolled back or received from its owner.

use cast_core::clock;
use cast_core::key_store;
use cast_core::listing;
use cast_core::session::Session;
use cast_core::verbs::accept::{Review, Reviewed, ReviewedPerson, ReviewedSecret};

use crate::args::AcceptArgs;
use crate::report::{Printable, Report};
use crate::words;
use crate::{prompt, table};

pub(crate) fn run(args: &AcceptArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = words::agent(&args.agent)?;
    let former = args.key.as_deref().map(|path| key_store::read_key_file(path, "--key")).transpose()?;
    let accept = session.perform(Review { agent: &agent, former: former.as_ref() })?;
    let Some(why) = &accept.review.why else {
        report.success(format_args!("The vault of agent '{agent}' is in order: nothing to accept"));
        return Ok(());
    };
    if accept.review.is_branch {
        report.note(
            "cast uses this state, because this machine knows it from another branch. Accepting it makes it the \
             newest.\n\n",
        );
    } else {
        report.note(&format!("Why cast refuses it: {}.\n\n", Printable(&why.to_string())));
    }
    show(&accept.review, report);
    if !args.yes {
        let question = if accept.is_own() {
            "Accept this vault and everything in it?"
        } else {
            "Does the vault's owner see the same fingerprint? Accept the vault?"
        };
        prompt::confirm(question, "--yes")?;
    }
    let ends_agent_keys = session.perform(accept)?;
    report.success(format_args!("Vault of agent '{agent}' accepted"));
    if ends_agent_keys && !agent.is_builtin() {
        report.hint(format_args!(
            "no agent key that was exported before opens it; for a new one: 'cast key export --agent {agent}'"
        ));
    }
    Ok(())
}

fn show(review: &Reviewed, report: Report) {
    let row = |secret: &ReviewedSecret| {
        let [created, updated] = match secret.times {
            Some((created, updated)) => [created, updated].map(clock::local),
            None => [String::new(), String::new()],
        };
        [secret.name.to_string(), created, updated, listing::line(&secret.flags)]
    };
    report.note(&table::lay_out(["KEY", "CREATED", "UPDATED", "FLAGS"], review.secrets.iter().map(row)));
    let mut lines = Vec::new();
    lines.push(match &review.sealer {
        Some(sealer) => format!("values sealed by: {sealer}"),
        None => "values sealed by: unknown, so cast cannot verify them".to_owned(),
    });
    for ReviewedPerson { name, is_caller, may_set, fingerprint } in &review.people {
        let you = if *is_caller { " (you)" } else { "" };
        let may_set = if may_set.is_empty() { "nothing".to_owned() } else { words::joined(may_set) };
        lines.push(format!("person '{name}'{you}, fingerprint {fingerprint}: may set {may_set}"));
    }
    if let Some((card, fingerprint)) = &review.owner {
        lines.push(format!("owner: {card}"));
        lines.push(format!("fingerprint of that card: {fingerprint}"));
    }
    if let Some(card) = &review.former_owner {
        lines.push(format!("the owner so far had another card, with the fingerprint: {}", card.fingerprint()));
    }
    match &review.changes {
        None => {}
        Some(changes) if changes.is_empty() => {
            lines.push("no changes since the state that this machine knows".to_owned());
        }
        Some(changes) => {
            lines.push("changes since the state that this machine knows:".to_owned());
            lines.extend(changes.iter().map(|change| format!("  {change}")));
        }
    }
    let lines: Vec<_> = lines.iter().map(|line| Printable(line).to_string()).collect();
    report.note(&format!("\n{}\n\n", lines.join("\n")));
}
