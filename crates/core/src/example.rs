//! What an agent has, held against what its project's `.env.example` wants.

use std::collections::BTreeMap;

use age::secrecy::zeroize::Zeroizing;

use crate::dotenv::Dotenv;
use crate::failure::{Failure, Kind};
use crate::injections::{Injections, Source};
use cast_vault::{AgentName, SecretName};

/// The names that a program wants, with the values that the example has for them.
pub struct Example {
    wanted: BTreeMap<SecretName, Zeroizing<String>>,
    /// The lines whose names no secret can have.
    pub invalid: Vec<usize>,
}

/// What came of it, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub wanted: usize,
    /// Wanted, and not there.
    pub missing: Vec<SecretName>,
    /// The agent's own, and not wanted.
    pub extra: Vec<SecretName>,
    /// There, with a value that looks as if it still had to be filled in.
    pub placeholders: Vec<SecretName>,
}

impl From<Dotenv> for Example {
    fn from(file: Dotenv) -> Self {
        let mut example = Self { wanted: BTreeMap::new(), invalid: Vec::new() };
        for assignment in file.assignments {
            match SecretName::parse(&assignment.key) {
                Ok(name) => drop(example.wanted.insert(name, assignment.value)),
                Err(_) => example.invalid.push(assignment.line),
            }
        }
        example
    }
}

impl Example {
    /// Holds what `agent` would be started with against this. Built-in secrets that it gets are there like its own, and never too many.
    pub fn check(&self, agent: &AgentName, injections: &Injections) -> Findings {
        let mut findings = Findings { wanted: self.wanted.len(), ..Findings::default() };
        for (name, injection) in injections.iter() {
            let own = injection.source == Source::Agent || agent.is_builtin();
            if own && !self.wanted.contains_key(name) {
                findings.extra.push(name.clone());
            }
            if injection.value.is_placeholder(self.wanted.get(name).map(|value| value.as_str())) {
                findings.placeholders.push(name.clone());
            }
        }
        let missing = self.wanted.keys().filter(|name| !injections.contains(name));
        findings.missing = missing.cloned().collect();
        findings
    }
}

impl Findings {
    /// The failure if something is missing; `example` is how the user called the file.
    pub fn complete(&self, agent: &AgentName, example: &str) -> Result<(), Failure> {
        let Some(first) = self.missing.first() else { return Ok(()) };
        let names = self.missing.iter().map(SecretName::as_str).collect::<Vec<_>>().join(", ");
        let what = format!(
            "agent '{agent}' is missing {} of the {} secrets in {example}: {names}",
            self.missing.len(),
            self.wanted
        );
        Err(Failure::new(Kind::Other, what).hint(format!("add each one: 'cast secrets set {agent} {first}'")))
    }
}
