//! What the log holds: an event, and its line.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::injections;
use crate::platform::user;
use cast_vault::Timestamp;
use cast_vault::{AgentName, SecretName};

/// What is done with secrets and keys.
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
    Accept,
    KeyExport,
    KeyImport,
    KeyRotate,
    KeyRevoke,
    KeyMove,
}

/// Something that is done or refused, as far as it is known.
#[derive(Clone, Debug)]
pub struct Event {
    action: Action,
    agent: Option<AgentName>,
    from: Option<AgentName>,
    keys: Vec<SecretName>,
    program: Option<String>,
}

/// One line of the log. A promise to programs: fields are added, never changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// When; RFC 3339 in UTC, to the second.
    pub time: String,
    /// What was done, or was to be done.
    pub action: Cow<'static, str>,
    /// Whose secrets.
    pub agent: Option<String>,
    /// Whose secrets they were before; for a copy.
    #[serde(default)]
    pub from: Option<String>,
    /// The names of the secrets.
    pub keys: Vec<String>,
    /// CMD's name, as it was typed.
    pub program: Option<String>,
    /// The name of the program that called cast.
    pub by: Option<String>,
    /// The process id of cast; that of CMD, where CMD took its place.
    pub pid: u32,
    /// The user: a number where users have one.
    pub user: String,
    /// `ok`, `started`, or the class of the failure.
    pub result: Cow<'static, str>,
}

/// It went well.
pub const OK: &str = "ok";
/// It begins. How CMD ends is not known to the log: cast may have become CMD by then.
pub const STARTED: &str = "started";

impl Action {
    /// As the log and its readers call it.
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
            Self::Accept => "accept",
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
        Self { action, agent: None, from: None, keys: Vec::new(), program: None }
    }

    /// Whose secrets.
    #[must_use]
    pub fn agent(self, agent: &AgentName) -> Self {
        Self { agent: Some(agent.clone()), ..self }
    }

    /// Whose secrets they were before.
    #[must_use]
    pub fn copied_from(self, agent: &AgentName) -> Self {
        Self { from: Some(agent.clone()), ..self }
    }

    /// Which secrets.
    #[must_use]
    pub fn keys<'a>(mut self, names: impl IntoIterator<Item = &'a SecretName>) -> Self {
        self.set_keys(names);
        self
    }

    /// Which secrets, where that shows only in the course of things.
    pub fn set_keys<'a>(&mut self, names: impl IntoIterator<Item = &'a SecretName>) {
        self.keys = names.into_iter().cloned().collect();
    }

    /// CMD's first word. Only what was found to be a program: another word may be anything, a secret too.
    pub fn set_program(&mut self, word: &OsStr) {
        self.program = Some(injections::without_assignment(word));
    }

    /// Its line, as of now, of this process, called by that program.
    pub(super) fn entry(&self, result: &'static str, by: Option<OsString>) -> Entry {
        let name = |agent: &Option<AgentName>| agent.as_ref().map(AgentName::to_string);
        Entry {
            time: clock::now().to_string(),
            action: Cow::Borrowed(self.action.name()),
            agent: name(&self.agent),
            from: name(&self.from),
            keys: self.keys.iter().map(SecretName::to_string).collect(),
            program: self.program.clone(),
            by: by.map(|name| injections::without_assignment(&name)),
            pid: std::process::id(),
            user: user::user(),
            result: Cow::Borrowed(result),
        }
    }
}

impl Entry {
    /// Reads a line; `None` where it is none.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let entry: Self = serde_json::from_slice(line).ok()?;
        entry.moment().is_some().then_some(entry)
    }

    /// When it was; known of each entry that was read.
    pub fn moment(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.time)
    }
}
