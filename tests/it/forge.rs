//! A second implementation of the vault format, written from SECURITY.md without any code of the product. It reads what
//! cast writes, and writes what a stranger, a runner, a person or an owner with other tools could write.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::path::Path;
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use age::x25519::{Identity, Recipient};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::sandbox::Sandbox;

/// The 32 bytes of a master key or agent key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key(pub [u8; 32]);

/// The plaintext of a vault, in the parts that a forger would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub version: String,
    /// 32 hexadecimal digits.
    pub id: String,
    pub agent: String,
    pub epoch: u64,
    /// 64 hexadecimal digits.
    pub owner: String,
    pub rules: String,
    pub bytes: usize,
    /// 128 hexadecimal digits.
    pub sig1: String,
    /// The owner's part.
    pub part: String,
    pub at: String,
    pub sealer: String,
    pub sig2: String,
    pub values: String,
}

const TIME: &str = "2026-01-15T10:30:00Z";

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

    /// The key of one vault of one agent in one epoch; `id` and `nonce` in hexadecimal.
    pub fn of_agent(self, agent: &str, id: &str, epoch: u64, nonce: &str) -> Self {
        let mut info = b"cast/v1/agent-key\0".to_vec();
        info.extend(from_hex(id));
        info.extend(epoch.to_be_bytes());
        info.extend(from_hex(nonce));
        info.extend(agent.bytes());
        self.derive(&info)
    }

    /// The receipt for a plaintext.
    pub fn receipt(self, id: &str, anchor: u8, plain: &str) -> String {
        let mut info = b"cast/v1/receipt\0".to_vec();
        info.extend(from_hex(id));
        info.push(anchor);
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.derive(&info).0).unwrap();
        let mut ownership = mac.clone();
        mac.update(plain.as_bytes());
        let (line, below) = plain.split_once('\n').unwrap();
        let three: String = below.split_inclusive('\n').take(3).collect();
        ownership.update(format!("cast/v1/ownership\0{}{three}", line.split_once(" rules=").unwrap().0).as_bytes());
        [mac, ownership].map(|mac| to_hex(&mac.finalize().into_bytes())).join("/")
    }

    fn derive(self, info: &[u8]) -> Self {
        let mut bytes = [0; 32];
        Hkdf::<Sha256>::new(None, &self.0).expand(info, &mut bytes).unwrap();
        Self(bytes)
    }

    fn signing(self) -> SigningKey {
        SigningKey::from_bytes(&self.derive(b"cast/v1/sign\0").0)
    }

    fn sign(self, message: &str) -> String {
        to_hex(&self.signing().sign(message.as_bytes()).to_bytes())
    }

    /// Whose signature this key makes: 64 hexadecimal digits.
    pub fn verification(self) -> String {
        to_hex(&self.signing().verifying_key().to_bytes())
    }

    /// `cast-card:age1...:...`
    pub fn card(self) -> String {
        format!("cast-card:{}:{}", self.recipient(), self.verification())
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

/// What two people compare.
pub fn fingerprint(card: &str) -> String {
    let digits = to_hex(&Sha256::digest(card)[..16]);
    let groups: Vec<_> = (0..32).step_by(4).map(|at| &digits[at..at + 4]).collect();
    groups.join(" ")
}

impl Text {
    /// Of the file at `path`, opened with `key`.
    pub fn read(path: &Path, key: Key) -> Self {
        Self::parse(&decrypt(&fs::read(path).unwrap(), key))
    }

    pub fn parse(text: &str) -> Self {
        let (first, rest) = text.split_once('\n').unwrap();
        let mut first = Fields::of(first, "# cast-vault ");
        let version = first.next("");
        let (id, agent, epoch, owner) =
            (first.next("id="), first.next("agent="), first.next("epoch="), first.next("owner="));
        let (rules, bytes, sig1) = (first.next("rules="), first.next("bytes="), first.next("sig="));
        let bytes = bytes.parse().unwrap();
        let (part, rest) = rest.split_at(bytes);
        let (second, values) = rest.split_once('\n').unwrap();
        let mut second = Fields::of(second, "# cast-values 1 ");
        let (at, sealer, sig2) = (second.next("at="), second.next("sealer="), second.next("sig="));
        let (part, values) = (part.to_owned(), values.to_owned());
        let epoch = epoch.parse().unwrap();
        let parsed = Self { version, id, agent, epoch, owner, rules, bytes, sig1, part, at, sealer, sig2, values };
        assert_eq!(parsed.plain(), text, "one written form");
        parsed
    }

    /// One with secrets and an id of its own, signed by its owner.
    pub fn new(agent: &str, id: &str, owner: Key, secrets: &[(&str, &str)]) -> Self {
        let (nonce, fp) = ("6e".repeat(16), "5f".repeat(16));
        let reader = owner.of_agent(agent, id, 1, &nonce).recipient();
        let part = format!("card = \"{}\"\nreader = \"{reader}\"\nnonce = \"{nonce}\"\nfp = \"{fp}\"\n", owner.card());
        let text = Self {
            version: "1".into(),
            id: id.into(),
            agent: agent.into(),
            epoch: 1,
            owner: owner.verification(),
            rules: "0000000a.1".into(),
            bytes: 0,
            sig1: String::new(),
            part,
            at: "0000000a.1".into(),
            sealer: String::new(),
            sig2: String::new(),
            values: String::new(),
        };
        secrets.iter().fold(text, |text, (key, value)| text.with(key, value, "")).signed(owner)
    }

    /// With one more secret; `flags` are lines of the owner's part.
    #[must_use]
    pub fn with(self, key: &str, value: &str, flags: &str) -> Self {
        let values = insert(&self.values, &secret(key, value, TIME));
        Self { values, ..self.with_name(key, flags) }
    }

    /// With one more name, and no value for it.
    #[must_use]
    pub fn with_name(self, key: &str, flags: &str) -> Self {
        Self { part: insert(&self.part, &format!("names.{key}]\n{flags}")), ..self }
    }

    /// With a person who may set these.
    #[must_use]
    pub fn with_person(self, name: &str, card: &str, may_set: &[&str]) -> Self {
        let may_set: Vec<_> = may_set.iter().map(|key| format!("\"{key}\"")).collect();
        let may_set = if may_set.is_empty() { String::new() } else { format!("may-set = [{}]\n", may_set.join(", ")) };
        let person = format!("people.{name}]\ncard = \"{card}\"\nsince = {TIME}\n{may_set}");
        Self { part: insert(&self.part, &person), ..self }
    }

    /// With all that is `from` in the owner's part and the values written as `to`.
    #[must_use]
    pub fn edited(&self, from: &str, to: &str) -> Self {
        let edited = Self { part: self.part.replace(from, to), values: self.values.replace(from, to), ..self.clone() };
        assert!(edited != *self, "there is no '{from}' in {self:?}");
        edited
    }

    /// As the next state of both halves.
    #[must_use]
    pub fn next(self) -> Self {
        Self { rules: advanced(&self.rules), at: advanced(&self.at), ..self }
    }

    /// As the next state of both halves of `known`, which its forger has read.
    #[must_use]
    pub fn over(self, known: &Self) -> Self {
        Self { rules: known.rules.clone(), at: known.at.clone(), ..self }.next()
    }

    /// With the values' next state.
    #[must_use]
    pub fn next_values(self) -> Self {
        Self { at: advanced(&self.at), ..self }
    }

    /// With another nonce, in hexadecimal, and the reader of before.
    #[must_use]
    pub fn with_nonce(self, nonce: &str) -> Self {
        self.edited(&"6e".repeat(16), nonce)
    }

    /// In this epoch, for its agent key; a later one than its own is begun with a change of both halves.
    #[must_use]
    pub fn in_epoch(self, epoch: u64, owner: Key) -> Self {
        if epoch > self.epoch {
            return Self { epoch, ..self.next() }.in_epoch(epoch, owner);
        }
        Self { epoch, ..self }.read_by_its_agent_key(owner)
    }

    /// With the reader that its owner derives.
    #[must_use]
    pub fn read_by_its_agent_key(self, owner: Key) -> Self {
        let reader = self.agent_key(owner).recipient();
        let old = self.part.lines().find(|line| line.starts_with("reader = ")).unwrap().to_owned();
        Self { part: self.part.replace(&old, &format!("reader = \"{reader}\"")), ..self }
    }

    /// Signed as its owner does, both halves; `owner=` is that of the key.
    #[must_use]
    pub fn signed(self, owner: Key) -> Self {
        let named = Self { owner: owner.verification(), ..self };
        named.with_owners_signature(owner).sealed_by(owner)
    }

    /// With the first signature made by this key, whoever is named.
    #[must_use]
    pub fn with_owners_signature(mut self, key: Key) -> Self {
        self.bytes = self.part.len();
        self.sig1 = key.sign(&format!("cast/v1/owner\0{}\n{}", self.first_head(), self.part));
        self
    }

    /// With the second signature made by this key, which it names.
    #[must_use]
    pub fn sealed_by(mut self, key: Key) -> Self {
        self.sealer = key.verification();
        self.with_seal(key)
    }

    /// The same, whoever is named.
    #[must_use]
    pub fn with_seal(mut self, key: Key) -> Self {
        self.sig2 = key.sign(&self.seal_message());
        self
    }

    fn first_head(&self) -> String {
        let Self { version, id, agent, epoch, owner, rules, bytes, .. } = self;
        format!("# cast-vault {version} id={id} agent={agent} epoch={epoch} owner={owner} rules={rules} bytes={bytes}")
    }

    fn second_head(&self) -> String {
        format!("# cast-values 1 at={} sealer={}", self.at, self.sealer)
    }

    fn above(&self) -> String {
        format!("{} sig={}\n{}", self.first_head(), self.sig1, self.part)
    }

    fn seal_message(&self) -> String {
        format!("cast/v1/seal\0{}{}\n{}", self.above(), self.second_head(), self.values)
    }

    /// The whole plaintext.
    pub fn plain(&self) -> String {
        format!("{}{} sig={}\n{}", self.above(), self.second_head(), self.sig2, self.values)
    }

    /// Whether both signatures are those of whom the lines name.
    pub fn verifies(&self) -> bool {
        let owner = format!("cast/v1/owner\0{}\n{}", self.first_head(), self.part);
        verifies(&self.owner, &owner, &self.sig1) && verifies(&self.sealer, &self.seal_message(), &self.sig2)
    }

    /// H(O) and H(V).
    pub fn hashes(&self) -> (String, String) {
        let hash = |text: String| to_hex(&Sha256::digest(text));
        (hash(format!("{}\n{}", self.first_head(), self.part)), hash(format!(" at={}\n{}", self.at, self.values)))
    }

    /// Owner, reader, people.
    pub fn recipients(&self) -> Vec<String> {
        let of = |line: &str| {
            let card = line.strip_prefix("card = \"cast-card:").map(|rest| rest.split(':').next().unwrap());
            card.or_else(|| line.strip_prefix("reader = \"")?.strip_suffix('"')).map(str::to_owned)
        };
        self.part.lines().filter_map(of).collect()
    }

    /// The file as the holder of the master key writes it.
    pub fn seal(&self, owner: Key) -> Vec<u8> {
        self.clone().signed(owner).file()
    }

    /// The file with the signatures that there are, for the recipients that it names.
    pub fn file(&self) -> Vec<u8> {
        let recipients = self.recipients();
        self.encrypt(&recipients.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The file for these recipients.
    pub fn encrypt(&self, recipients: &[&str]) -> Vec<u8> {
        encrypt(self.plain().as_bytes(), recipients)
    }

    /// The agent key that its owner derives.
    pub fn agent_key(&self, owner: Key) -> Key {
        let nonce = self.part.lines().find_map(|line| line.strip_prefix("nonce = \"")).unwrap();
        owner.of_agent(&self.agent, &self.id, self.epoch, nonce.trim_end_matches('"'))
    }

    /// The agent line that its owner hands out.
    pub fn grant(&self, owner: Key) -> String {
        let Self { agent, id, epoch, rules, at, .. } = self;
        let key = self.agent_key(owner).identity();
        format!("cast-agent:{agent}:{id}:{epoch}:{rules}/{at}:{}:{key}", owner.verification())
    }
}

/// The agent key for the vault's current state.
pub fn grant_of(sandbox: &Sandbox, agent: &str) -> String {
    let master = Key::master(sandbox);
    Text::read(&sandbox.vault(agent), master).grant(master)
}

/// A block of the values.
fn secret(key: &str, value: &str, time: &str) -> String {
    format!("secrets.{key}]\nvalue = {}\ncreated = {time}\nupdated = {time}\n", string(value))
}

/// A string in its one form.
pub fn string(text: &str) -> String {
    let lines = text.contains('\n');
    let mut out = String::from(if lines { "\"\"\"\n" } else { "\"" });
    for (at, letter) in text.char_indices() {
        match letter {
            '\n' => out.push('\n'),
            '"' if lines && !text[..at].ends_with('"') && at + 1 < text.len() => out.push('"'),
            '"' | '\\' => out.extend(['\\', letter]),
            '\u{8}' => out += "\\b",
            '\t' => out += "\\t",
            '\u{c}' => out += "\\f",
            '\r' => out += "\\r",
            control if control.is_ascii_control() => write!(out, "\\u{:04X}", u32::from(control)).unwrap(),
            other => out.push(other),
        }
    }
    out + if lines { "\"\"\"" } else { "\"" }
}

/// A table put in its place among the others. No value in these tests has a line that looks like one.
fn insert(text: &str, table: &str) -> String {
    let mut tables: Vec<_> = text.split("\n[").collect();
    let head = tables.remove(0);
    tables.push(table);
    tables.sort_unstable();
    tables.iter().fold(head.to_owned(), |text, table| format!("{text}\n[{table}"))
}

/// A vector with one more change by its first replica.
pub fn advanced(vector: &str) -> String {
    let (first, rest) =
        vector.split_once(',').map_or((vector, String::new()), |(first, rest)| (first, format!(",{rest}")));
    let (replica, count) = first.split_once('.').unwrap();
    format!("{replica}.{}{rest}", count.parse::<u64>().unwrap() + 1)
}

/// The sum of a vector.
pub fn generation(vector: &str) -> u64 {
    vector.split(',').map(|entry| entry.split_once('.').unwrap().1.parse::<u64>().unwrap()).sum()
}

fn verifies(key: &str, message: &str, signature: &str) -> bool {
    let key = VerifyingKey::from_bytes(&from_hex(key).try_into().unwrap()).unwrap();
    let signature = Signature::from_bytes(&from_hex(signature).try_into().unwrap());
    key.verify_strict(message.as_bytes(), &signature).is_ok()
}

/// The fields of a line, one blank between them.
struct Fields<'t>(std::str::Split<'t, char>);

impl<'t> Fields<'t> {
    fn of(line: &'t str, start: &str) -> Self {
        Self(line.strip_prefix(start).unwrap().split(' '))
    }

    fn next(&mut self, name: &str) -> String {
        self.0.next().unwrap().strip_prefix(name).unwrap().to_owned()
    }
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

/// Whether the key opens the file.
pub fn opens(file: &[u8], key: Key) -> bool {
    let decryptor = age::Decryptor::new_buffered(file).unwrap();
    decryptor.decrypt(std::iter::once(&key.age() as &dyn age::Identity)).is_ok()
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
