//! The owner's part of a vault: which secrets there are, how they are treated, and who may open the vault and set what. Keeps the promise that
//! these are the owner's: a signature of its own covers this part, and a person who sets a value leaves every byte of it as it is.

mod flags;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use age::x25519::Recipient;

use crate::hex::{Hex, parse_hex};
use crate::key::{Card, VerificationKey, parse_recipient};
use crate::name::{PersonName, SecretName};
use crate::text::{Reader, write_string, write_strings};
use crate::time::Timestamp;

pub use flags::Flags;

/// The most people of one vault: with the owner, the reader and age's own extra stanza they fit the header that a reader looks at.
pub const MAX_PEOPLE: usize = 32;

/// What the owner has decided.
#[derive(Clone)]
pub struct Part {
    /// The owner's card.
    pub card: Card,
    /// The public half of this epoch's agent key.
    pub reader: Recipient,
    /// Random bytes of this epoch, of which that key is derived.
    pub nonce: [u8; 16],
    /// Random bytes that key the fingerprints of values which a diff shows.
    pub fp: [u8; 16],
    /// The secrets there are, and how they are treated.
    pub names: BTreeMap<SecretName, Flags>,
    /// Who else opens this vault.
    pub people: BTreeMap<PersonName, Person>,
}

/// A person whom the owner listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The card that the owner was given.
    pub card: Card,
    /// When the owner listed it.
    pub since: Timestamp,
    /// The secrets whose values this person may set.
    pub may_set: BTreeSet<SecretName>,
}

impl Part {
    /// The person whose signatures `key` verifies, with the permission to make some.
    pub(crate) fn sealer(&self, key: VerificationKey) -> Option<&PersonName> {
        let mut people = self.people.iter();
        people.find(|(_, person)| person.card.verification() == key && !person.may_set.is_empty()).map(|(name, _)| name)
    }

    /// The secrets that have a value in the vault: all but those that are fetched.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &SecretName> {
        self.names.iter().filter(|(_, flags)| flags.from.is_none()).map(|(name, _)| name)
    }

    /// Everyone whom the vault is encrypted to, the owner first: a run of the owner tries one stanza.
    pub(crate) fn recipients(&self) -> Vec<Recipient> {
        let people = self.people.values().map(|person| person.card.recipient());
        [self.card.recipient(), &self.reader].into_iter().chain(people).cloned().collect()
    }

    /// Which of the recipients a person is.
    pub(crate) fn stanza_of(&self, name: &PersonName) -> usize {
        2 + self.people.keys().take_while(|listed| *listed != name).count()
    }

    /// The nonce of a part that was not read, or not yet.
    pub(crate) fn nonce_of(text: &[u8]) -> Option<[u8; 16]> {
        let line = text.split(|byte| *byte == b'\n').nth(2)?;
        let digits = line.strip_prefix(b"nonce = \"")?.strip_suffix(b"\"")?;
        parse_hex(str::from_utf8(digits).ok()?)
    }

    /// Whether no two of the owner and the people share half a card, and permissions are for secrets that are there.
    pub(crate) fn is_consistent(&self) -> bool {
        let cards = || std::iter::once(&self.card).chain(self.people.values().map(|person| &person.card));
        let recipients: BTreeSet<_> = cards().map(Card::recipient_text).collect();
        let keys: BTreeSet<_> = cards().map(Card::verification).collect();
        self.people.len() <= MAX_PEOPLE
            && recipients.len() == self.people.len() + 1
            && keys.len() == self.people.len() + 1
            && self.people.values().flat_map(|person| &person.may_set).all(|name| self.names.contains_key(name))
    }

    /// The one written form.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("memory takes everything");
        text
    }

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        let Self { card, reader, nonce, fp, names, people } = self;
        write!(out, "card = \"{card}\"\nreader = \"{reader}\"\nnonce = \"{}\"\nfp = \"{}\"\n", Hex(nonce), Hex(fp))?;
        for (name, flags) in names {
            write!(out, "\n[names.{name}]\n")?;
            flags.write(out)?;
        }
        for (name, Person { card, since, may_set }) in people {
            out.write_str("\n[people.")?;
            write_key(out, name)?;
            write!(out, "]\ncard = \"{card}\"\nsince = {since}\n")?;
            if !may_set.is_empty() {
                out.write_str("may-set = ")?;
                write_strings(out, may_set.iter().map(SecretName::as_str))?;
                out.write_str("\n")?;
            }
        }
        Ok(())
    }

    /// Reads that form, and no other.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut reader = Reader::new(text);
        let mut part = Self {
            card: Card::read(&reader.entry("card")?)?,
            reader: parse_recipient(&reader.entry("reader")?)?,
            nonce: parse_hex(&reader.entry("nonce")?)?,
            fp: parse_hex(&reader.entry("fp")?)?,
            names: BTreeMap::new(),
            people: BTreeMap::new(),
        };
        // A map is made of a sorted list at once.
        let mut names: Vec<(SecretName, Flags)> = Vec::new();
        while reader.has("\n[names.") {
            let name = SecretName::parse(reader.heading()?).ok()?;
            if names.last().is_some_and(|(last, _)| *last >= name) {
                return None;
            }
            names.push((name, Flags::read(&mut reader)?));
        }
        part.names = names.into_iter().collect();
        while reader.has("\n[people.") {
            let name = read_key(&mut reader)?;
            if part.people.last_key_value().is_some_and(|(last, _)| *last >= name) || part.people.len() == MAX_PEOPLE {
                return None;
            }
            part.people.insert(name, Person::read(&mut reader)?);
        }
        (reader.is_at_end() && part.is_consistent()).then_some(part)
    }
}

impl Person {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let card = Card::read(&reader.entry("card")?)?;
        let since = reader.time("since")?;
        let mut may_set = BTreeSet::new();
        for word in reader.list("may-set")? {
            let name = SecretName::parse(word).ok()?;
            if may_set.last().is_some_and(|last| *last >= name) {
                return None;
            }
            may_set.insert(name);
        }
        Some(Self { card, since, may_set })
    }
}

/// A name with a dot needs quotes in TOML: without them it is two.
fn write_key(out: &mut impl Write, name: &PersonName) -> fmt::Result {
    let name = name.as_str();
    if name.contains('.') { write_string(out, name) } else { out.write_str(name) }
}

fn read_key(reader: &mut Reader<'_>) -> Option<PersonName> {
    let text = reader.heading()?;
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let name = PersonName::parse(bare).ok()?;
    (bare.contains('.') == (bare.len() < text.len())).then_some(name)
}

#[cfg(test)]
mod tests;
