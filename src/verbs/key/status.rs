//! `cast key status`: shows where the key is, its public half, and how many vaults it opens.

use serde::Serialize;

use crate::args::KeyStatusArgs;
use crate::report::Report;
use crate::table;
use cast_core::clock;
use cast_core::failure::Kind;
use cast_core::key_store::Whence;
use cast_core::session::Session;
use cast_core::survey::{Held, MasterStatus, Surveyed};

/// The status as JSON. A promise: fields are added, never changed.
#[derive(Serialize)]
struct StatusLine<'a> {
    #[serde(flatten)]
    place: PlaceLine,
    /// Newest first.
    keys: Vec<KeyLine<'a>>,
    /// The vaults that do not open.
    closed: Vec<ClosedLine<'a>>,
}

/// The place of a key; also a promise.
#[derive(Serialize)]
pub(crate) struct PlaceLine {
    /// `variable`, `file` or `keyring`.
    place: &'static str,
    variable: Option<&'static str>,
    path: Option<String>,
}

impl From<&Whence> for PlaceLine {
    fn from(whence: &Whence) -> Self {
        let (place, variable, path) = match whence {
            Whence::Variable(name) => ("variable", Some(*name), None),
            Whence::File(path) => ("file", None, Some(path.display().to_string())),
            Whence::Keyring => ("keyring", None, None),
        };
        Self { place, variable, path }
    }
}

/// One key; also a promise.
#[derive(Serialize)]
struct KeyLine<'a> {
    /// `master` or `agent`.
    kind: &'static str,
    public: Option<&'a str>,
    created_at: Option<String>,
    agent: Option<&'a str>,
    epoch: Option<u64>,
    /// The agents whose vaults it opens.
    vaults: Vec<&'a str>,
}

/// One vault that does not open; also a promise.
#[derive(Serialize)]
struct ClosedLine<'a> {
    agent: &'a str,
    why: String,
}

impl<'a> KeyLine<'a> {
    fn of_master(key: &'a MasterStatus, vaults: &'a [Surveyed]) -> Self {
        let vaults = vaults.iter().filter(|vault| vault.is_sealed_to(&key.public));
        Self {
            kind: "master",
            public: Some(&key.public),
            created_at: key.created.map(|time| time.to_string()),
            agent: None,
            epoch: None,
            vaults: vaults.map(|vault| vault.agent.as_str()).collect(),
        }
    }
}

pub(crate) fn run(args: &KeyStatusArgs, session: &Session, report: Report) -> anyhow::Result<()> {
    let status = session.key_status()?;
    let vaults = session.survey()?;
    if args.json {
        let keys = match &status.held {
            Held::Masters(keys) => keys.iter().map(|key| KeyLine::of_master(key, &vaults)).collect(),
            Held::Agent(agent, epoch) => {
                let open = vaults.iter().filter(|vault| vault.state.is_ok()).map(|vault| vault.agent.as_str());
                let (agent, epoch) = (Some(agent.as_str()), Some(*epoch));
                vec![KeyLine { kind: "agent", public: None, created_at: None, agent, epoch, vaults: open.collect() }]
            }
        };
        let closed = closed(&vaults).map(|(vault, why)| ClosedLine { agent: vault.agent.as_str(), why }).collect();
        return report.json(&StatusLine { place: (&status.whence).into(), keys, closed });
    }
    let keys = match &status.held {
        Held::Masters(keys) => {
            let row = |(number, key): (usize, &MasterStatus)| {
                let opened = vaults.iter().filter(|vault| vault.is_sealed_to(&key.public)).count();
                let state = if number == 0 { "newest" } else { "former" };
                let created = key.created.map(clock::local).unwrap_or_default();
                [key.public.clone(), state.to_owned(), created, opened.to_string()]
            };
            table::lay_out(["KEY", "STATE", "CREATED", "VAULTS"], keys.iter().enumerate().map(row))
        }
        Held::Agent(agent, epoch) => {
            let opens = vaults.iter().any(|vault| vault.agent == *agent && vault.state.is_ok());
            let opens = if opens { "opens the vault of that agent and nothing else" } else { "opens nothing here" };
            format!("It is the agent key of '{agent}', epoch {epoch}. It {opens}.\n")
        }
    };
    // None of them is the business of an agent key: no reason to say so of each.
    let is_of_others = |vault: &Surveyed| match (&status.held, &vault.state) {
        (Held::Agent(agent, _), Err(failure)) => vault.agent != *agent && failure.kind() == Kind::NoKey,
        _ => false,
    };
    let (of_others, closed): (Vec<_>, Vec<_>) = closed(&vaults).partition(|(vault, _)| is_of_others(vault));
    let mut lines: String =
        closed.into_iter().flat_map(|(_, why)| ["Cannot open: ".to_owned(), why, "\n".to_owned()]).collect();
    if !of_others.is_empty() {
        let agents: Vec<_> = of_others.iter().map(|(vault, _)| vault.agent.as_str()).collect();
        lines.extend(["Cannot open, as it is an agent key: ", &agents.join(", "), "\n"]);
    }
    report.data(&format!("The key is in {}.\n\n{keys}{lines}", status.whence))
}

fn closed(vaults: &[Surveyed]) -> impl Iterator<Item = (&Surveyed, String)> {
    vaults.iter().filter_map(|vault| Some((vault, vault.state.as_ref().err()?.to_string())))
}
