//! Words of the command line as names. A refused word is never quoted: it may be a secret in the wrong place.

use std::ffi::OsString;

use cast_core::failure::Result;
use cast_vault::{AgentName, SecretName};

/// AGENT.
pub(crate) fn agent(word: &OsString) -> Result<AgentName> {
    Ok(AgentName::parse(word)?)
}

/// KEY.
pub(crate) fn secret(word: &OsString) -> Result<SecretName> {
    Ok(SecretName::parse(word)?)
}

/// Several KEYs, each once, in order.
pub(crate) fn secrets(words: &[OsString]) -> Result<Vec<SecretName>> {
    let mut names = words.iter().map(secret).collect::<Result<Vec<_>>>()?;
    names.sort();
    names.dedup();
    Ok(names)
}
