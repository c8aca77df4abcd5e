//! Parses words of the command line as names and numbers. An error never quotes an invalid word: it may be a secret in
//! the wrong place.

use std::ffi::OsString;
use std::ops::RangeInclusive;

use cast_core::failure::{Failure, Kind, Result};
use cast_vault::{AgentName, PersonName, SecretName};

/// Parses AGENT.
pub(crate) fn agent(word: &OsString) -> Result<AgentName> {
    Ok(AgentName::typed(word)?)
}

/// Parses an AGENT that KEY follows. A word there that is no AGENT but a good KEY means that AGENT was left out, or
/// that the two are exchanged.
pub(crate) fn agent_before_key(word: &OsString) -> Result<AgentName> {
    agent(word).map_err(|failure| match SecretName::typed(word) {
        Ok(_) => failure.hint("AGENT comes first, then KEY, as in 'my-agent OPENAI_API_KEY'"),
        Err(_) => failure,
    })
}

/// Parses the NAME of a person.
pub(crate) fn person(word: &OsString) -> Result<PersonName> {
    Ok(PersonName::typed(word)?)
}

/// Parses KEY.
pub(crate) fn secret(word: &OsString) -> Result<SecretName> {
    Ok(SecretName::typed(word)?)
}

/// Parses several KEYs; returns them sorted, each once.
pub(crate) fn secrets(words: &[OsString]) -> Result<Vec<SecretName>> {
    let mut names = words.iter().map(secret).collect::<Result<Vec<_>>>()?;
    names.sort();
    names.dedup();
    Ok(names)
}

/// Parses N.
pub(crate) fn number(word: &OsString, allowed: RangeInclusive<usize>) -> Result<usize> {
    let number = word.to_str().and_then(|word| word.parse().ok()).filter(|number| allowed.contains(number));
    number.ok_or_else(|| {
        let hint = match (allowed.start(), allowed.end()) {
            (least, &usize::MAX) => format!("N is at least {least}"),
            (least, most) => format!("N is from {least} to {most}"),
        };
        Failure::new(Kind::Usage, "N is not a valid number").hint(hint)
    })
}

/// The names of secrets in one line.
pub(crate) fn joined<'a>(names: impl IntoIterator<Item = &'a SecretName>) -> String {
    names.into_iter().map(SecretName::as_str).collect::<Vec<_>>().join(", ")
}
