//! An event, and its line in the log.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

use cast_broker::Tally;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::injections;
use crate::platform::user;
use cast_vault::Timestamp;
use cast_vault::{AgentName, PersonName, SecretName, VaultId};

/// An action on secrets or keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Init,
    Set,
    Delete,
    Import,
    Copy,
    Rename,
    List,
    Check,
    Run,
    Mask,
    Broker,
    Accept,
    /// `cast vault merge`, and what git calls.
    Merge,
    Share,
    Unshare,
    KeyCard,
    KeyExport,
    KeyImport,
    KeyRotate,
    KeyRevoke,
    KeyMove,
}

/// An action that was done or refused, with the details known so far.
#[derive(Clone, Debug)]
pub struct Event {
    action: Action,
    agent: Option<AgentName>,
    from: Option<AgentName>,
    person: Option<PersonName>,
    epoch: Option<(VaultId, u64)>,
    keys: Vec<SecretName>,
    program: Option<String>,
    unmasked_below: Option<&'static str>,
    brokered: Option<Vec<SecretName>>,
    hosts: Option<Vec<HostCount>>,
}

/// How often a host was asked in a run: never what for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCount {
    /// The host, with its port if that is not 443; `None` for what was refused before it was known.
    pub host: Option<String>,
    /// The requests that were passed on.
    pub requests: u64,
    /// Those that cast refused.
    pub refused: u64,
    /// Those that the host, or the way to it, failed.
    pub failed: u64,
}

/// One line of the log. Programs may rely on it: new versions add fields but never change them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The time: RFC 3339, UTC, to the second.
    pub time: String,
    /// The action that was done or attempted.
    pub action: Cow<'static, str>,
    /// The agent whose secrets were used.
    pub agent: Option<String>,
    /// For a copy: the agent that the secrets were copied from.
    #[serde(default)]
    pub from: Option<String>,
    /// For `share` and `unshare`: the person.
    #[serde(default)]
    pub person: Option<String>,
    /// For the export of an agent key: which vault it opens.
    #[serde(default)]
    pub vault: Option<String>,
    /// And in which epoch of it.
    #[serde(default)]
    pub epoch: Option<u64>,
    /// The names of the secrets.
    pub keys: Vec<String>,
    /// CMD's name, as it was typed.
    pub program: Option<String>,
    /// The name of the program that called cast, if known.
    pub by: Option<String>,
    /// For a run whose output was left unmasked below a coding agent: the variable that tells that there is one.
    #[serde(default)]
    pub unmasked_below: Option<Cow<'static, str>>,
    /// For a run: those of its secrets that CMD did not have itself.
    #[serde(default)]
    pub brokered: Option<Vec<String>>,
    /// For the end of a run with such secrets: the hosts that it asked.
    #[serde(default)]
    pub hosts: Option<Vec<HostCount>>,
    /// The process id of cast, and of CMD where CMD replaced cast.
    pub pid: u32,
    /// The user: a user ID on Unix, a name on Windows.
    pub user: String,
    /// `ok`, `started`, or the class of the failure.
    pub result: Cow<'static, str>,
}

/// The action succeeded.
pub const OK: &str = "ok";
/// The action has started. The log does not record how CMD ends, because cast may have become CMD by then.
pub const STARTED: &str = "started";

impl Action {
    /// The name of the action in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Import => "import",
            Self::Copy => "copy",
            Self::Rename => "rename",
            Self::List => "list",
            Self::Check => "check",
            Self::Run => "run",
            Self::Mask => "mask",
            Self::Broker => "broker",
            Self::Accept => "accept",
            Self::Merge => "merge",
            Self::Share => "share",
            Self::Unshare => "unshare",
            Self::KeyCard => "key-card",
            Self::KeyExport => "key-export",
            Self::KeyImport => "key-import",
            Self::KeyRotate => "key-rotate",
            Self::KeyRevoke => "key-revoke",
            Self::KeyMove => "key-move",
        }
    }
}

impl Event {
    pub fn new(action: Action) -> Self {
        Self {
            action,
            agent: None,
            from: None,
            person: None,
            epoch: None,
            keys: Vec::new(),
            program: None,
            unmasked_below: None,
            brokered: None,
            hosts: None,
        }
    }

    /// The agent whose secrets were used.
    #[must_use]
    pub fn agent(self, agent: &AgentName) -> Self {
        Self { agent: Some(agent.clone()), ..self }
    }

    /// Sets the agent that the secrets are copied from.
    #[must_use]
    pub fn copied_from(self, agent: &AgentName) -> Self {
        Self { from: Some(agent.clone()), ..self }
    }

    /// Sets the person whom a vault is shared with.
    #[must_use]
    pub fn person(self, person: &PersonName) -> Self {
        Self { person: Some(person.clone()), ..self }
    }

    /// Sets which vault an agent key opens, and in which epoch.
    pub fn set_opens(&mut self, vault: VaultId, epoch: u64) {
        self.epoch = Some((vault, epoch));
    }

    /// Sets the names of the secrets.
    #[must_use]
    pub fn keys<'a>(mut self, names: impl IntoIterator<Item = &'a SecretName>) -> Self {
        self.set_keys(names);
        self
    }

    /// Sets the names of the secrets when they become known only during the action.
    pub fn set_keys<'a>(&mut self, names: impl IntoIterator<Item = &'a SecretName>) {
        self.keys = names.into_iter().cloned().collect();
    }

    /// Sets CMD's name. The caller passes only a word that it found to be a program, because any other word could be a
    /// secret.
    pub fn set_program(&mut self, word: &OsStr) {
        self.program = Some(injections::without_assignment(word));
    }

    /// Sets that the output of a run is left unmasked below a coding agent, which this variable tells.
    pub fn set_unmasked_below(&mut self, variable: &'static str) {
        self.unmasked_below = Some(variable);
    }

    /// Sets which of the secrets of a run CMD does not have itself.
    pub fn set_brokered(&mut self, names: Vec<SecretName>) {
        self.brokered = Some(names);
    }

    /// The event for the end of a run with brokered secrets, if this is its start.
    pub fn brokered(&self, tallies: &[Tally]) -> Option<Self> {
        let count = |tally: &Tally| HostCount {
            host: tally.host.as_ref().map(ToString::to_string),
            requests: tally.requests,
            refused: tally.refused,
            failed: tally.failed,
        };
        let keys = self.brokered.clone()?;
        let hosts = Some(tallies.iter().map(count).collect());
        Some(Self { action: Action::Broker, keys, hosts, brokered: None, unmasked_below: None, ..self.clone() })
    }

    /// The line for this event, with the current time and this process; `by` is the calling program.
    pub(super) fn entry(&self, result: &'static str, by: Option<OsString>) -> Entry {
        let name = |agent: &Option<AgentName>| agent.as_ref().map(AgentName::to_string);
        Entry {
            time: clock::now().to_string(),
            action: Cow::Borrowed(self.action.name()),
            agent: name(&self.agent),
            from: name(&self.from),
            person: self.person.as_ref().map(PersonName::to_string),
            vault: self.epoch.map(|(vault, _)| vault.to_string()),
            epoch: self.epoch.map(|(_, epoch)| epoch),
            keys: self.keys.iter().map(SecretName::to_string).collect(),
            program: self.program.clone(),
            by: by.map(|name| injections::without_assignment(&name)),
            unmasked_below: self.unmasked_below.map(Cow::Borrowed),
            brokered: self.brokered.as_ref().map(|names| names.iter().map(SecretName::to_string).collect()),
            hosts: self.hosts.clone(),
            pid: std::process::id(),
            user: user::user(),
            result: Cow::Borrowed(result),
        }
    }
}

impl Entry {
    /// Parses a line. `None` if it is not a valid entry.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let entry: Self = serde_json::from_slice(line).ok()?;
        entry.moment().is_some().then_some(entry)
    }

    /// The time of the entry; always `Some` for an entry read from the log.
    pub fn moment(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.time)
    }
}
