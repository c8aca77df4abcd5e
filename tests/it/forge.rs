//! A second implementation of the vault format, written from SECURITY.md without any code of the product. It reads what
//! cast writes, and writes what a stranger, an agent or an owner with other tools could write.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use age::x25519::{Identity, Recipient};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::sandbox::Sandbox;

/// The 32 bytes of a master key or agent key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key(pub [u8; 32]);

/// The plaintext of a vault, in the parts that a forger would change.
#[derive(Clone, Debug)]
pub struct Text {
    pub version: String,
    /// 32 hexadecimal digits.
    pub id: String,
    pub epoch: u64,
    pub generation: u64,
    pub mac: String,
    /// The TOML.
    pub body: String,
}

impl Key {
    /// Of an identity's text.
    pub fn parse(text: &str) -> Self {
        let (prefix, bytes) = bech32::decode(text).unwrap();
        assert_eq!(prefix.to_lowercase(), "age-secret-key-");
        Self(bytes.try_into().unwrap())
    }

    /// The master key of a sandbox.
    pub fn master(sandbox: &Sandbox) -> Self {
        Self::parse(&sandbox.key())
    }

    /// A new random key.
    pub fn generate() -> Self {
        Self::parse(Identity::generate().to_string().expose_secret())
    }

    /// The key of one vault of one agent in one epoch; `id` in hexadecimal.
    pub fn of_agent(self, agent: &str, id: &str, epoch: u64) -> Self {
        let mut info = b"cast/v1/agent-key\0".to_vec();
        info.extend(from_hex(id));
        info.extend(epoch.to_be_bytes());
        info.extend(agent.bytes());
        self.derive(&info)
    }

    /// The key of the MAC, derived from an agent key.
    pub fn of_mac(self) -> Self {
        self.derive(b"cast/v1/vault-mac\0")
    }

    fn derive(self, info: &[u8]) -> Self {
        let mut bytes = [0; 32];
        Hkdf::<Sha256>::new(None, &self.0).expand(info, &mut bytes).unwrap();
        Self(bytes)
    }

    /// `AGE-SECRET-KEY-1...`
    pub fn identity(self) -> String {
        let prefix = bech32::Hrp::parse("age-secret-key-").unwrap();
        bech32::encode_upper::<bech32::Bech32>(prefix, &self.0).unwrap()
    }

    /// `age1...`
    pub fn recipient(self) -> String {
        self.age().to_public().to_string()
    }

    fn age(self) -> Identity {
        Identity::from_str(&self.identity()).unwrap()
    }
}

impl Text {
    /// Of the file at `path`, opened with `key`.
    pub fn read(path: &Path, key: Key) -> Self {
        let text = decrypt(&fs::read(path).unwrap(), key);
        let (line, body) = text.split_once('\n').unwrap();
        let mut words = line.split(' ');
        assert_eq!((words.next(), words.next()), (Some("#"), Some("cast-vault")));
        let version = words.next().unwrap().to_owned();
        let mut field = |name: &str| words.next().unwrap().strip_prefix(name).unwrap().to_owned();
        Self {
            version,
            id: field("id="),
            epoch: field("epoch=").parse().unwrap(),
            generation: field("generation=").parse().unwrap(),
            mac: field("mac="),
            body: body.to_owned(),
        }
    }

    /// One with a secret and an id of its own.
    pub fn new(agent: &str, id: &str, master: Key, secrets: &[(&str, &str)]) -> Self {
        let head = format!("agent = \"{agent}\"\nmaster = \"{}\"\n", master.recipient());
        let times = "created = 2026-01-15T10:30:00Z\nupdated = 2026-01-15T10:30:00Z\n";
        let secrets = secrets.iter().map(|(key, value)| format!("\n[secrets.{key}]\nvalue = {value:?}\n{times}"));
        let body = head + &secrets.collect::<String>();
        Self { version: "1".into(), id: id.into(), epoch: 1, generation: 1, mac: "00".repeat(32), body }
    }

    fn signed(&self) -> String {
        let Self { version, id, epoch, generation, .. } = self;
        format!("# cast-vault {version} id={id} epoch={epoch} generation={generation}")
    }

    /// The MAC that it should have under an agent's key.
    pub fn right_mac(&self, agent_key: Key) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&agent_key.of_mac().0).unwrap();
        mac.update(format!("{}\n{}", self.signed(), self.body).as_bytes());
        to_hex(&mac.finalize().into_bytes())
    }

    /// The file as the holder of the master key writes it.
    pub fn seal(&self, agent: &str, master: Key) -> Vec<u8> {
        let agent_key = master.of_agent(agent, &self.id, self.epoch);
        self.seal_as_agent(agent_key, &master.recipient())
    }

    /// The file as the holder of the agent's key writes it, who has the master key's recipient from the vault.
    pub fn seal_as_agent(&self, agent_key: Key, master: &str) -> Vec<u8> {
        let signed = Self { mac: self.right_mac(agent_key), ..self.clone() };
        signed.encrypt(&[master, &agent_key.recipient()])
    }

    /// The file with the MAC unchanged: the most that a holder of only the recipients can write.
    pub fn encrypt(&self, recipients: &[&str]) -> Vec<u8> {
        encrypt(format!("{} mac={}\n{}", self.signed(), self.mac, self.body).as_bytes(), recipients)
    }
}

/// An agent key as text.
pub fn grant(master: Key, agent: &str, id: &str, epoch: u64) -> String {
    format!("cast-agent:{agent}:{id}:{epoch}:{}", master.of_agent(agent, id, epoch).identity())
}

/// The agent key for the vault's current epoch.
pub fn grant_of(sandbox: &Sandbox, agent: &str) -> String {
    let text = Text::read(&sandbox.vault(agent), Key::master(sandbox));
    grant(Key::master(sandbox), agent, &text.id, text.epoch)
}

/// An age file for these recipients, `age1...`.
pub fn encrypt(bytes: &[u8], recipients: &[&str]) -> Vec<u8> {
    let recipients: Vec<Recipient> = recipients.iter().map(|recipient| recipient.parse().unwrap()).collect();
    wrap(age::Encryptor::with_recipients(recipients.iter().map(|each| each as &dyn age::Recipient)).unwrap(), bytes)
}

/// An age file for a passphrase with a high work factor.
pub fn encrypt_with_passphrase(bytes: &[u8], passphrase: &str) -> Vec<u8> {
    let mut recipient = age::scrypt::Recipient::new(passphrase.to_owned().into());
    recipient.set_work_factor(10);
    wrap(age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap(), bytes)
}

fn wrap(encryptor: age::Encryptor, bytes: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = encryptor.wrap_output(&mut file).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap();
    file
}

/// The plaintext of an age file.
pub fn decrypt(file: &[u8], key: Key) -> String {
    let identity = key.age();
    let decryptor = age::Decryptor::new_buffered(file).unwrap();
    let mut text = String::new();
    decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).unwrap().read_to_string(&mut text).unwrap();
    text
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
