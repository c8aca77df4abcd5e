//! `cast share`: shows who can open a vault, or shares it with a person after their fingerprint was compared.

use std::collections::BTreeSet;
use std::ffi::OsString;

use serde::Serialize;

use crate::args::ShareArgs;
use crate::report::{Printable, Report};
use crate::{prompt, table, words};
use cast_core::clock;
use cast_core::failure::{Failure, Kind, Result};
use cast_core::session::Session;
use cast_core::verbs::share::{Access, Propose, Share, ShowAccess};
use cast_vault::{AgentName, Card, Person, PersonName, SecretName, Timestamp};

/// Who can open a vault, as JSON. A promise: fields are added, never changed.
#[derive(Serialize)]
struct Line<'a> {
    agent: &'a str,
    owner: OwnerLine,
    people: Vec<PersonLine<'a>>,
    agent_keys: Vec<AgentKeyLine<'a>>,
    /// `owner`, or the person who sealed the values last.
    sealer: &'a str,
}

/// The owner; also a promise.
#[derive(Serialize)]
struct OwnerLine {
    card: String,
    fingerprint: String,
    /// Whether it is the caller.
    you: bool,
}

/// One person; also a promise.
#[derive(Serialize)]
struct PersonLine<'a> {
    name: &'a str,
    card: String,
    fingerprint: String,
    since: String,
    may_set: Vec<&'a str>,
    /// Whether it is the caller.
    you: bool,
}

/// One agent key that this machine exported; also a promise.
#[derive(Serialize)]
struct AgentKeyLine<'a> {
    exported_at: &'a str,
    by: Option<&'a str>,
}

pub(crate) fn run(args: &ShareArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let agent = words::agent(&args.agent)?;
    let Some(word) = &args.with else {
        let access = session.perform(ShowAccess { agent: &agent })?;
        return if args.json { report.json(&line(&agent, &access)) } else { show(&agent, &access, report) };
    };
    let (person, card) = person_and_card(word)?;
    let may_set = may_set(&args.may_set)?;
    let share = session.perform(Propose { agent: &agent, person: &person, card, may_set })?;
    ask(&person, &share, args.yes, report)?;
    let (is_new, replaces) = (share.new_card().is_some(), share.former_card().is_some());
    let may = match share.may_set() {
        none if none.is_empty() => String::new(),
        names => format!(" and set {}", words::joined(names)),
    };
    let owner = session.perform(share)?;
    report.success(format_args!("'{person}' can read the vault of agent '{agent}'{may}"));
    if replaces {
        report.hint(format_args!(
            "old copies of the vault stay open to the former card; if its key leaked, change the values at their source"
        ));
    }
    if is_new && !replaces {
        report.hint(format_args!(
            "once '{person}' has the file of the vault: 'cast vault accept {agent}', which shows your fingerprint: {owner}"
        ));
    }
    Ok(())
}

/// NAME=CARD, or NAME.
fn person_and_card(word: &OsString) -> Result<(PersonName, Option<Card>)> {
    const FORM: &str = "write it as NAME=CARD, as in '--with alice=cast-card:age1...:...'";
    let text = word.to_str().ok_or_else(|| Failure::new(Kind::Usage, "NAME=CARD is not text").hint(FORM))?;
    let (name, card) = text.split_once('=').map_or((text, None), |(name, card)| (name, Some(card)));
    let name = words::person(&name.into()).map_err(|failure| failure.hint(FORM))?;
    Ok((name, card.map(|card| Card::parse(card.trim())).transpose()?))
}

/// The secrets that '--may-set' names; `None` without it.
fn may_set(list: &[OsString]) -> Result<Option<BTreeSet<SecretName>>> {
    let words: Vec<_> = list.iter().filter(|word| !word.is_empty()).cloned().collect();
    let names = words::secrets(&words)?;
    Ok((!list.is_empty()).then(|| names.into_iter().collect()))
}

/// Shows what there is to compare and to consider, and asks.
fn ask(person: &PersonName, share: &Share, yes: bool, report: Report) -> Result<()> {
    if let Some(former) = share.former_card() {
        let may = if share.may_set().is_empty() { "nothing".to_owned() } else { words::joined(share.may_set()) };
        report.note(&format!("The card of '{person}' so far has the fingerprint: {former}\n"));
        report.note(&format!("With the new one, '{person}' may set: {may}\n"));
    }
    if let Some(fingerprint) = share.new_card() {
        report.note(&format!("Fingerprint of the card: {fingerprint}\n"));
        if !yes {
            let question = format!("Does '{person}' see the same with 'cast key card'? Share the vault?");
            prompt::confirm(&question, "--yes")?;
        }
    }
    let addresses = share.new_addresses();
    if !addresses.is_empty() {
        let names = words::joined(addresses);
        report.note(&format!(
            "Who sets an address or a configuration decides where the keys beside it are sent: {names}\n"
        ));
        if !yes {
            prompt::confirm(&format!("Let '{person}' set that?"), "--yes")?;
        }
    }
    Ok(())
}

fn show(agent: &AgentName, access: &Access, report: Report) -> anyhow::Result<()> {
    let you = |is_caller| if is_caller { " (you)" } else { "" };
    let owner = [
        format!("owner{}", you(access.is_own)),
        String::new(),
        "everything".to_owned(),
        access.owner.fingerprint().to_string(),
    ];
    let person = |(name, person): &(PersonName, Person)| {
        let may = match &person.may_set {
            none if none.is_empty() => "read".to_owned(),
            names => format!("read, set {}", words::joined(names)),
        };
        let name = format!("{name}{}", you(access.caller.as_ref() == Some(name)));
        [name, clock::local(person.since), may, person.card.fingerprint().to_string()]
    };
    let agent_key = |key: &cast_core::verbs::share::ExportedKey| {
        let by = key.by.as_deref().map(|by| format!(" by {}", Printable(by))).unwrap_or_default();
        let time = Timestamp::parse(&key.time).map(clock::local).unwrap_or_default();
        [format!("agent key{by}"), time, "read".to_owned(), String::new()]
    };
    let people = access.people.iter().map(person).chain(access.agent_keys.iter().map(agent_key));
    report.data(&table::lay_out(["WHO", "SINCE", "MAY", "FINGERPRINT"], [owner].into_iter().chain(people)))?;
    if !access.is_own {
        return Ok(());
    }
    match access.log_begins {
        None => report.hint("agent keys are not shown: the audit log is off or empty"),
        Some(begins) => report.hint(format_args!(
            "agent keys: those that this machine exported since {}; to end all: 'cast key revoke --agent {agent}'",
            clock::local(begins)
        )),
    }
    Ok(())
}

fn line<'a>(agent: &'a AgentName, access: &'a Access) -> Line<'a> {
    let fingerprint = |card: &Card| card.fingerprint().to_string();
    let person = |(name, person): &'a (PersonName, Person)| PersonLine {
        name: name.as_str(),
        card: person.card.to_string(),
        fingerprint: fingerprint(&person.card),
        since: person.since.to_string(),
        may_set: person.may_set.iter().map(SecretName::as_str).collect(),
        you: access.caller.as_ref() == Some(name),
    };
    Line {
        agent: agent.as_str(),
        owner: OwnerLine {
            card: access.owner.to_string(),
            fingerprint: fingerprint(&access.owner),
            you: access.is_own,
        },
        people: access.people.iter().map(person).collect(),
        agent_keys: access
            .agent_keys
            .iter()
            .map(|key| AgentKeyLine { exported_at: &key.time, by: key.by.as_deref() })
            .collect(),
        sealer: &access.sealer,
    }
}
