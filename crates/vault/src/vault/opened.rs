//! Reading a vault: decrypted, then its first line, then its authenticity, and only then the TOML.

use std::borrow::Borrow;

use age::secrecy::zeroize::Zeroizing;
use hmac::Mac;

use super::Vault;
use super::mark::{FIRST_WORDS, Mark, mac};
use crate::age_file::{self, Closed};
use crate::document::Document;
use crate::error::{Refusal, Result};
use crate::key::{AgentGrant, AgentKey, MasterKey};
use crate::name::AgentName;

/// A vault's plaintext, its first line read and its authenticity known, its TOML not yet looked at.
pub(super) struct Opened {
    mark: Mark,
    pub(super) authentic: bool,
    text: Zeroizing<Vec<u8>>,
    /// The public half of the master key that opened it, if one did.
    master: Option<String>,
}

impl Opened {
    pub(super) fn as_master(file: &[u8], agent: &AgentName, keys: &[MasterKey]) -> Result<Self> {
        // Each key by itself: the agent key derives from the one that fits.
        for key in keys {
            match age_file::open(file, key.identity()) {
                Ok(text) => {
                    let opened = Self::read(text, agent, |mark| Some(key.agent_key(agent, mark.id, mark.epoch)))?;
                    return Ok(Self { master: Some(key.recipient().to_string()), ..opened });
                }
                Err(Closed::WrongKey) => {}
                Err(_) => return Err(Refusal::Damaged.of(agent)),
            }
        }
        Err(Refusal::WrongKey.of(agent))
    }

    pub(super) fn as_agent(file: &[u8], agent: &AgentName, grant: &AgentGrant) -> Result<Self> {
        if grant.agent != *agent {
            return Err(Refusal::KeyOfOtherAgent(grant.agent.clone()).of(agent));
        }
        let text = age_file::open(file, grant.key.identity()).map_err(|closed| match closed {
            Closed::WrongKey => Refusal::WrongAgentKey.of(agent),
            Closed::Damaged | Closed::TooMuchWork => Refusal::Damaged.of(agent),
        })?;
        Self::read(text, agent, |mark| ((mark.id, mark.epoch) == (grant.id, grant.epoch)).then_some(&grant.key))
    }

    /// Reads the first line and checks what it authenticates, under the key for the vault that it names.
    fn read<K: Borrow<AgentKey>>(
        text: Zeroizing<Vec<u8>>,
        agent: &AgentName,
        key: impl FnOnce(&Mark) -> Option<K>,
    ) -> Result<Self> {
        let (line, body) = lines(&text).ok_or_else(|| Refusal::Damaged.of(agent))?;
        let version = line.strip_prefix(FIRST_WORDS).ok_or_else(|| Refusal::Damaged.of(agent))?;
        if !version.starts_with("1 ") {
            return Err(Refusal::Newer.of(agent));
        }
        let (signed, mark) = Mark::parse(line).ok_or_else(|| Refusal::Damaged.of(agent))?;
        let key = key(&mark).ok_or_else(|| Refusal::WrongKey.of(agent))?;
        // hmac compares in constant time.
        let authentic = mac(key.borrow(), signed, body).verify_slice(&mark.mac).is_ok();
        Ok(Self { mark, authentic, text, master: None })
    }

    pub(super) fn verified(self, agent: &AgentName) -> Result<Vault> {
        if self.authentic { self.parse(agent) } else { Err(Refusal::NotAuthentic.of(agent)) }
    }

    pub(super) fn parse(self, agent: &AgentName) -> Result<Vault> {
        let (_, body) = lines(&self.text).ok_or_else(|| Refusal::Damaged.of(agent))?;
        let document = Document::from_toml(body)
            .ok_or_else(|| if self.authentic { Refusal::Newer.of(agent) } else { Refusal::NotAuthentic.of(agent) })?;
        if document.agent != *agent {
            return Err(Refusal::OtherAgent.of(agent));
        }
        if self.master.is_some_and(|master| master != document.master) {
            return Err(Refusal::OtherMaster.of(agent));
        }
        Ok(Vault { mark: self.mark, document })
    }
}

/// The first line, without its end, and the rest.
fn lines(text: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(text).ok()?.split_once('\n')
}
