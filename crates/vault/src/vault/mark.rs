//! The first line of a vault, which says what state of what vault it is, and its authentication.

use hmac::Mac;

use crate::key::{AgentKey, VaultId, parse_hex, parse_number};

/// What every version's first line begins with.
pub(super) const FIRST_WORDS: &str = "# cast-vault ";

/// Which state of which vault this is: what the first line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The vault.
    pub id: VaultId,
    /// Counts revocations and changes of the master key, from 1.
    pub epoch: u64,
    /// Counts changes, from 1.
    pub generation: u64,
    /// Authenticates this state.
    pub mac: [u8; 32],
}

impl Mark {
    /// What the authentication covers of the first line.
    pub(super) fn signed(&self) -> String {
        format!("{FIRST_WORDS}1 id={} epoch={} generation={}", self.id, self.epoch, self.generation)
    }

    /// Reads a first line in its one form; also gives the part of it that is authenticated.
    pub fn parse(line: &str) -> Option<(&str, Self)> {
        let (signed, mac) = line.split_once(" mac=")?;
        let mut fields = signed.strip_prefix(FIRST_WORDS)?.strip_prefix("1 ")?.split(' ');
        let mark = Self {
            id: VaultId::parse(fields.next()?.strip_prefix("id=")?)?,
            epoch: parse_number(fields.next()?.strip_prefix("epoch=")?)?,
            generation: parse_number(fields.next()?.strip_prefix("generation=")?)?,
            mac: parse_hex(mac)?,
        };
        fields.next().is_none().then_some((signed, mark))
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} mac=", self.signed())?;
        self.mac.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The authentication code of a vault: over its first line up to ` mac=`, the line end, and everything after the line.
pub(super) fn mac(
    key: &AgentKey,
    signed: &str,
    body: &str,
) -> impl Mac<OutputSize = hmac::digest::consts::U32> + use<> {
    let mut mac = key.mac();
    mac.update(signed.as_bytes());
    mac.update(b"\n");
    mac.update(body.as_bytes());
    mac
}
