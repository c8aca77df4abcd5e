//! The keys: the user's master key, the agent keys derived from it, and the words in which either is handed over.
//! Keeps the promise that an agent key opens one vault, one epoch of it, and leads back to nothing. SECURITY.md has the
//! derivations with test vectors.

use std::str::FromStr;

use age::secrecy::zeroize::Zeroizing;
use age::secrecy::{ExposeSecret, SecretString};
use age::x25519::{Identity, Recipient};
use bech32::Hrp;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::{Error, KeyFault, Result};
use crate::name::AgentName;
use crate::time::Timestamp;

/// Identifies one vault for as long as it lives, whatever it is called and wherever it lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VaultId(pub [u8; 16]);

/// A user's key: an age X25519 identity. It opens every vault of the user. Neither `Debug` nor `Clone`.
pub struct MasterKey {
    identity: Identity,
    /// When it was made, where that is known.
    created: Option<Timestamp>,
}

/// The key of one agent's vault in one epoch, derived from the master key.
pub struct AgentKey {
    identity: Identity,
    mac_key: Zeroizing<[u8; 32]>,
}

/// An agent key as it was exported, with what it opens.
pub struct AgentGrant {
    /// The agent whose vault it opens.
    pub agent: AgentName,
    /// The vault.
    pub id: VaultId,
    /// The epoch of the vault; `cast key revoke` starts a new one.
    pub epoch: u64,
    /// The key.
    pub key: AgentKey,
}

/// What this process can unlock with.
pub enum UnlockKey {
    /// The user's master key and, behind it, former ones.
    Master(Vec<MasterKey>),
    /// One agent's key.
    Agent(Box<AgentGrant>),
}

/// The comment that says when the key below it was made; age-keygen writes the same.
const CREATED: &str = "# created: ";
/// The label of an agent key's line: `cast-agent:AGENT:VAULT ID:EPOCH:AGE-SECRET-KEY-1...`
const GRANT: &str = "cast-agent:";

impl MasterKey {
    /// Makes a new key from the system's random numbers; `now` is written down as the time it was made.
    pub fn generate(now: Timestamp) -> Self {
        Self { identity: Identity::generate(), created: Some(now) }
    }

    /// The public half, `age1...`.
    pub fn recipient(&self) -> Recipient {
        self.identity.to_public()
    }

    /// The identity, for age.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// When it was made, where that is known.
    pub fn created(&self) -> Option<Timestamp> {
        self.created
    }

    /// Whether two lists hold the same keys in the same order.
    pub fn same(one: &[Self], other: &[&Self]) -> bool {
        one.iter().map(Self::recipient).eq(other.iter().map(|key| key.recipient()))
    }

    /// Whether this key is one of `keys`.
    pub fn is_among<'a>(&self, keys: impl IntoIterator<Item = &'a Self>) -> bool {
        keys.into_iter().any(|key| key.recipient() == self.recipient())
    }

    /// The age identity file that holds `keys`, for the key store; stock age reads it.
    pub fn identity_file(keys: &[&Self]) -> SecretString {
        let mut text = String::with_capacity(keys.len() * 256);
        for key in keys {
            if let Some(created) = key.created {
                for part in [CREATED, &created.to_string(), "\n"] {
                    text += part;
                }
            }
            let identity = key.identity.to_string();
            for part in ["# public key: ", &key.recipient().to_string(), "\n", identity.expose_secret(), "\n"] {
                text += part;
            }
        }
        SecretString::from(text)
    }

    /// The key of `agent`'s vault `id` in `epoch`.
    pub fn agent_key(&self, agent: &AgentName, id: VaultId, epoch: u64) -> AgentKey {
        // Everything before the name has a fixed length, so no two inputs run together into the same bytes.
        let mut info = b"cast/v1/agent-key\0".to_vec();
        info.extend_from_slice(&id.0);
        info.extend_from_slice(&epoch.to_be_bytes());
        info.extend_from_slice(agent.as_str().as_bytes());
        AgentKey::from_bytes(&derive(&secret_bytes(&self.identity), &info))
    }
}

impl AgentKey {
    fn from_bytes(bytes: &[u8; 32]) -> Self {
        let hrp = Hrp::parse_unchecked("age-secret-key-");
        let text = Zeroizing::new(
            bech32::encode_upper::<bech32::Bech32>(hrp, bytes).expect("32 bytes are within Bech32's limit"),
        );
        let identity = Identity::from_str(&text).expect("this is how age writes an identity");
        Self { identity, mac_key: derive(bytes, b"cast/v1/vault-mac\0") }
    }

    /// The identity, for age.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The public half.
    pub fn recipient(&self) -> Recipient {
        self.identity.to_public()
    }

    /// Begins the authentication code of a vault.
    pub fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&*self.mac_key).expect("HMAC takes a key of any length")
    }
}

impl AgentGrant {
    /// The line in which it is handed over, without a line end.
    pub fn line(&self) -> SecretString {
        let identity = self.key.identity.to_string();
        let head = format!("{GRANT}{}:{}:{}:", self.agent, self.id, self.epoch);
        let mut line = String::with_capacity(head.len() + identity.expose_secret().len());
        line += &head;
        line += identity.expose_secret();
        SecretString::from(line)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.strip_prefix(GRANT)?.splitn(4, ':');
        let agent = AgentName::parse(parts.next()?).ok()?;
        let id = VaultId::parse(parts.next()?)?;
        let epoch = parse_number(parts.next()?)?;
        let identity = Identity::from_str(parts.next()?).ok()?;
        Some(Self { agent, id, epoch, key: AgentKey::from_bytes(&secret_bytes(&identity)) })
    }
}

impl UnlockKey {
    /// Reads an age identity file (comments and blank lines are passed over) or the line of an agent key. A failure says what
    /// is wrong with which line and quotes nothing of it.
    pub fn parse(text: &str) -> Result<Self> {
        let mut masters = Vec::new();
        let mut grant = None;
        let mut keys = 0;
        let mut created = None;
        for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
            if let Some(time) = line.strip_prefix(CREATED) {
                created = Timestamp::parse(time);
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            keys += 1;
            if line.starts_with(GRANT) {
                grant = Some(AgentGrant::parse(line).ok_or(Error::Key(KeyFault::NotAgentKey { line: number }))?);
            } else if line.starts_with("AGE-PLUGIN-") || line.starts_with("AGE-SECRET-KEY-PQ-") {
                return Err(Error::Key(KeyFault::Unsupported { line: number }));
            } else {
                let identity =
                    Identity::from_str(line).map_err(|_| Error::Key(KeyFault::NotIdentity { line: number }))?;
                masters.push(MasterKey { identity, created: created.take() });
            }
        }
        match (grant, keys) {
            (_, 0) => Err(Error::Key(KeyFault::Empty)),
            (None, _) => Ok(Self::Master(masters)),
            (Some(grant), 1) => Ok(Self::Agent(Box::new(grant))),
            (Some(_), _) => Err(Error::Key(KeyFault::AgentKeyNotAlone)),
        }
    }
}

impl VaultId {
    /// A new one from the system's random numbers.
    pub fn generate() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::getrandom(&mut bytes).map_err(|cause| Error::NoRandomNumbers(cause.to_string()))?;
        Ok(Self(bytes))
    }

    /// Reads 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

impl std::fmt::Display for VaultId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads exactly `2 * N` lower-case hexadecimal digits.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// Reads a decimal number in its one canonical form.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// HKDF-SHA256 without a salt, 32 bytes (RFC 5869).
fn derive(secret: &[u8; 32], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, secret).expand(info, &mut *key).expect("32 bytes are within HKDF's limit");
    key
}

/// The 32 bytes behind an identity. age gives them only in Bech32.
fn secret_bytes(identity: &Identity) -> Zeroizing<[u8; 32]> {
    let text = identity.to_string();
    let (_, bytes) = bech32::decode(text.expose_secret()).expect("age wrote it");
    let bytes = Zeroizing::new(bytes);
    Zeroizing::new(bytes[..].try_into().expect("an X25519 key has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(text: &str) -> MasterKey {
        let UnlockKey::Master(mut keys) = UnlockKey::parse(text).unwrap() else { panic!("a master key") };
        keys.remove(0)
    }

    fn grant(agent: &str, id: u8, epoch: u64) -> String {
        let id = VaultId([id; 16]);
        let key = master(MASTER).agent_key(&AgentName::parse(agent).unwrap(), id, epoch);
        AgentGrant { agent: AgentName::parse(agent).unwrap(), id, epoch, key }.line().expose_secret().to_owned()
    }

    fn refused(text: &str) -> Error {
        UnlockKey::parse(text).err().expect("refused")
    }

    const MASTER: &str = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG";

    #[test]
    fn an_agent_key_depends_on_agent_vault_and_epoch() {
        let lines = [grant("a", 1, 1), grant("b", 1, 1), grant("a", 2, 1), grant("a", 1, 2)];
        for (index, line) in lines.iter().enumerate() {
            let key = line.rsplit(':').next().unwrap();
            assert!(lines[index + 1..].iter().all(|other| !other.ends_with(key)));
        }
    }

    #[test]
    fn an_agent_key_survives_its_line() {
        let line = grant("my-agent", 7, 3);
        let UnlockKey::Agent(back) = UnlockKey::parse(&format!(" {line}\r\n")).unwrap() else { panic!("an agent key") };
        assert!(line.ends_with(back.key.identity.to_string().expose_secret()));
        assert_eq!((back.agent.as_str(), back.id, back.epoch), ("my-agent", VaultId([7; 16]), 3));
    }

    #[test]
    fn reads_identity_files() {
        let two = format!("# created: 2026-01-15T11:30:00+01:00\n# mine\n\n  {MASTER}  \n# created: today\n{MASTER}\n");
        let UnlockKey::Master(keys) = UnlockKey::parse(&two).unwrap() else { panic!("master keys") };
        let created: Vec<_> = keys.iter().map(|key| key.created.map(|time| time.to_string())).collect();
        assert_eq!(created, [Some("2026-01-15T10:30:00Z".to_owned()), None]);
        // What is written is read again as it was.
        let all: Vec<_> = keys.iter().collect();
        let written = MasterKey::identity_file(&all);
        let UnlockKey::Master(again) = UnlockKey::parse(written.expose_secret()).unwrap() else {
            panic!("master keys")
        };
        assert!(MasterKey::same(&again, &all) && again[0].created == keys[0].created);
    }

    #[test]
    fn refuses_what_is_no_key_without_quoting_it() {
        let line = grant("a", 1, 1);
        let cases = [
            String::new(),
            "# nothing\n".into(),
            MASTER[..MASTER.len() - 1].into(),
            MASTER.replace('Y', "Z"),
            "hunter2".into(),
            line[..line.len() - 1].into(),
            line.replace("cast-agent:a:", "cast-agent:A:"),
            format!("{line}\n{MASTER}"),
            "AGE-PLUGIN-YUBIKEY-1HUNTER2".into(),
        ];
        for case in cases {
            let failure = refused(&case);
            let text = format!("{failure:?}");
            assert!(matches!(failure, Error::Key(_)), "{text}");
            assert!(!text.contains("hunter2") && !text.contains("HUNTER2") && !text.contains("QQQSYQC"), "{text}");
        }
    }

    #[test]
    fn numbers_and_ids_have_one_form() {
        assert_eq!(parse_number("17"), Some(17));
        for text in ["017", "+1", "", "-1", " 1", "99999999999999999999"] {
            assert_eq!(parse_number(text), None, "{text:?}");
        }
        assert!(VaultId::parse(&"a0".repeat(16)).is_some());
        for text in [&"A0".repeat(16), &"a0".repeat(15), "", &"é".repeat(16)] {
            assert!(VaultId::parse(text).is_none(), "{text:?}");
        }
    }
}
