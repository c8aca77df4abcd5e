//! The vault, in the hands of everyone who holds some key: what each may do, and what each cannot.

mod bytes;
mod forgeries;
mod limits;
mod merge;
mod order;
mod receipts;
mod roles;
mod sharing;
mod splices;
mod vectors;

use age::secrecy::ExposeSecret;
use age::secrecy::zeroize::Zeroizing;
use age::x25519::Recipient;

use super::lines::Second;
use super::*;
use crate::age_file;
use crate::hex::parse_hex;
use crate::key::Card;
use crate::time::Timestamp;
use crate::value::SecretValue;
use crate::values;
use crate::vector::Replica;

fn agent() -> AgentName {
    AgentName::parse("a").unwrap()
}

fn name(word: &str) -> SecretName {
    SecretName::parse(word).unwrap()
}

fn person(word: &str) -> PersonName {
    PersonName::parse(word).unwrap()
}

fn value(text: &str) -> SecretValue {
    SecretValue::from_text(text.to_owned()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-01-15T10:30:00Z").unwrap()
}

fn replica(number: u8) -> Replica {
    Replica::new([0, 0, 0, number])
}

/// The master key of user `number`, always the same one.
fn user(number: u8) -> UnlockKey {
    let prefix = bech32::Hrp::parse("age-secret-key-").unwrap();
    let text = bech32::encode_upper::<bech32::Bech32>(prefix, &[number; 32]).unwrap();
    UnlockKey::parse(&text).unwrap()
}

/// The keys of several users in one store, the newest first.
fn users(numbers: &[u8]) -> UnlockKey {
    let keys = numbers.iter().map(|number| match user(*number) {
        UnlockKey::Master(mut keys) => keys.remove(0),
        UnlockKey::Agent(_) => unreachable!("a master key"),
    });
    UnlockKey::Master(keys.collect())
}

fn master(key: &UnlockKey) -> &MasterKey {
    let UnlockKey::Master(keys) = key else { panic!("a master key") };
    &keys[0]
}

fn card(number: u8) -> Card {
    master(&user(number)).card()
}

/// Who is who in the tests.
const OWNER: u8 = 1;
const ALICE: u8 = 2;
const BOB: u8 = 3;
const STRANGER: u8 = 9;

/// A vault of agent `a` with the secrets K and L, which alice may set L of and bob may read, sealed by its owner.
fn shared() -> (Vault, Vec<u8>) {
    let key = user(OWNER);
    let mut vault = Vault::create(agent(), master(&key)).unwrap();
    vault.set(name("K"), value("hunter2"), false, now()).unwrap();
    vault.set(name("L"), value("line\n# cast-values 1 at=0000000a.1 sealer=\n"), false, now()).unwrap();
    vault.share(person("alice"), card(ALICE), [name("L")].into(), now()).unwrap();
    vault.share(person("bob"), card(BOB), [].into(), now()).unwrap();
    let file = vault.seal(&key, replica(1)).unwrap();
    (vault, file)
}

fn open(file: &[u8], key: &UnlockKey, anchor: Anchor<'_>) -> Result<Vault> {
    Vault::open(file, &agent(), key, anchor, None)
}

fn open_own(file: &[u8], number: u8) -> Result<Vault> {
    open(file, &user(number), Anchor::Own)
}

/// As a person who has accepted the owner's card.
fn open_theirs(file: &[u8], number: u8) -> Result<Vault> {
    open(file, &user(number), Anchor::Card(&card(OWNER)))
}

#[track_caller]
fn refused(result: Result<Vault>, why: Refusal) {
    assert_eq!(result.err().expect("refused"), why.of(&agent()));
}

fn text(vault: &Vault) -> &[u8] {
    vault.plain.as_ref().unwrap().bytes()
}

/// The plain text of a vault in pieces, for an attacker who can read and sign, and keeps no rule.
#[derive(Clone)]
struct Forge {
    first: First,
    part: String,
    second: Second,
    values: String,
    /// Who signs the owner's part, and the values.
    signers: (u8, u8),
}

impl Forge {
    fn of(vault: &Vault) -> Self {
        let plain = vault.plain.as_ref().unwrap();
        Self {
            first: plain.first.line.clone(),
            part: String::from_utf8(plain.part().to_vec()).unwrap(),
            second: plain.below().unwrap().second.line,
            values: values::to_text(&vault.values).to_string(),
            signers: (OWNER, OWNER),
        }
    }

    /// With another part, written and signed in due form.
    fn with_part(&self, edit: impl FnOnce(&mut Part)) -> Self {
        let mut part = Part::from_text(&self.part).unwrap();
        edit(&mut part);
        Self { part: part.to_text(), ..self.clone() }
    }

    fn with_values(&self, edit: impl FnOnce(&mut Values)) -> Self {
        let mut values = values::from_text(&self.values).unwrap();
        edit(&mut values);
        Self { values: values::to_text(&values).to_string(), ..self.clone() }
    }

    fn sealed_by(&self, number: u8) -> Self {
        let second = Second { sealer: card(number).verification(), ..self.second.clone() };
        Self { second, signers: (self.signers.0, number), ..self.clone() }
    }

    fn above(&self) -> Vec<u8> {
        plain::sign_part(&self.first, &self.part, |message| master(&user(self.signers.0)).sign(message))
    }

    fn plain(&self) -> Zeroizing<Vec<u8>> {
        self.over(&self.above())
    }

    /// The second line and the values under this first line and part.
    fn over(&self, above: &[u8]) -> Zeroizing<Vec<u8>> {
        plain::seal(above, &self.second, &self.values, |message| master(&user(self.signers.1)).sign(message))
    }

    /// Encrypted to whom the part says, and to `more`.
    fn file(&self) -> Vec<u8> {
        sealed(&self.plain())
    }
}

/// Encrypted to the owner and all the people, and to the agent key of the first two epochs of the vault that it says it is.
fn sealed(plain: &[u8]) -> Vec<u8> {
    let mut recipients: Vec<Recipient> =
        [OWNER, ALICE, BOB, STRANGER].map(|number| card(number).recipient().clone()).into();
    if let Ok(split) = Plain::split(Zeroizing::new(plain.to_vec())) {
        let (key, id) = (user(OWNER), split.first.line.id);
        let part = String::from_utf8_lossy(split.part());
        let nonce = part.lines().find_map(|line| parse_hex(line.strip_prefix("nonce = \"")?.strip_suffix('"')?));
        let reader = |nonce| [1, 2].map(|epoch| master(&key).agent_key(&agent(), id, epoch, &nonce).recipient());
        recipients.extend(nonce.into_iter().flat_map(reader));
    }
    age_file::seal(plain, &recipients)
}
