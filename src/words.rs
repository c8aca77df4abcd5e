//! Parses words of the command line as names. An error never quotes an invalid word: it may be a secret in the wrong
//! place.

use std::ffi::OsString;

use cast_core::failure::Result;
use cast_vault::{AgentName, SecretName};

/// Parses AGENT.
pub(crate) fn agent(word: &OsString) -> Result<AgentName> {
    Ok(AgentName::parse(word)?)
}

/// Parses KEY.
pub(crate) fn secret(word: &OsString) -> Result<SecretName> {
    Ok(SecretName::parse(word)?)
}

/// Parses several KEYs; returns them sorted, each once.
pub(crate) fn secrets(words: &[OsString]) -> Result<Vec<SecretName>> {
    let mut names = words.iter().map(secret).collect::<Result<Vec<_>>>()?;
    names.sort();
    names.dedup();
    Ok(names)
}
