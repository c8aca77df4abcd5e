//! Compares the secrets of an agent with the `.env.example` of its project.

use std::collections::BTreeMap;

use age::secrecy::zeroize::Zeroizing;

use crate::dotenv::Dotenv;
use crate::failure::{Failure, Kind};
use crate::injections::{Injections, Source};
use cast_vault::{AgentName, SecretName};

/// The names that a program needs, with the example's values.
pub struct Example {
    wanted: BTreeMap<SecretName, Zeroizing<String>>,
    /// The numbers of lines whose names are not valid for a secret.
    pub invalid: Vec<usize>,
}

/// The result of the comparison, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub wanted: usize,
    /// In the example, but not in the vault.
    pub missing: Vec<SecretName>,
    /// In the agent's own vault, but not in the example.
    pub extra: Vec<SecretName>,
    /// In the vault, with a value that looks like a placeholder.
    pub placeholders: Vec<SecretName>,
}

impl From<Dotenv> for Example {
    fn from(file: Dotenv) -> Self {
        let mut example = Self { wanted: BTreeMap::new(), invalid: Vec::new() };
        for assignment in file.assignments {
            match SecretName::typed(&assignment.key) {
                Ok(name) => drop(example.wanted.insert(name, assignment.value)),
                Err(_) => example.invalid.push(assignment.line),
            }
        }
        example
    }
}

impl Example {
    /// Compares what `agent` would be started with to the example. Built-in secrets count as present, and never as
    /// extra.
    pub fn check(&self, agent: &AgentName, injections: &Injections) -> Findings {
        let mut findings = Findings { wanted: self.wanted.len(), ..Findings::default() };
        for (name, injection) in injections.iter() {
            let own = injection.source == Source::Agent || agent.is_builtin();
            if own && !self.wanted.contains_key(name) {
                findings.extra.push(name.clone());
            }
            let example = self.wanted.get(name).map(|value| value.as_str());
            if injection.given.stored().is_some_and(|value| value.is_placeholder(example)) {
                findings.placeholders.push(name.clone());
            }
        }
        let missing = self.wanted.keys().filter(|name| !injections.contains(name));
        findings.missing = missing.cloned().collect();
        findings
    }
}

impl Findings {
    /// Fails if something is missing. `example` is the file's name as the user gave it.
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
