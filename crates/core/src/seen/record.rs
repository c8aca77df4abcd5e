//! What a record says, and its text: one field a line, in a fixed order.

use std::collections::BTreeMap;

use cast_vault::{
    Digest, Inspected, Part, Person, PersonName, Receipt, SecretName, State, Timestamp, Vault, Vector, VerificationKey,
};

use crate::listing;

/// What is remembered of a vault.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// The newest state that was seen.
    pub(crate) state: State,
    /// The owner's part when a dangerous name, a person or a permission was last taken away: an older one is not used, not even in git.
    pub(crate) floor: Vector,
    /// This user's own note that the text of that state was verified; an agent key has none.
    pub(crate) receipt: Option<Receipt>,
    /// Whose signature it bore: a vault that one of this user's former keys owns again is rolled back.
    pub(crate) owner: VerificationKey,
    /// Whether it lay in a git work tree, where branches are switched.
    pub(crate) in_git: bool,
    /// Deleted, or made anew, at the last place where it lay: no state of it is to be used anywhere.
    pub(crate) given_up: bool,
    /// Which stanza of the file was this user's. The owner's is the first.
    pub(crate) stanza: usize,
}

/// What a vault held, by name: when each value was set, and its flags in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) names: BTreeMap<String, Name>,
    /// What former states of the epoch held and this one does not: a state of another branch may still hold it.
    gone: BTreeMap<String, Name>,
}

/// What is remembered of a name: of a secret when it was set and its flags, of a person the card and what this person may set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) updated: String,
    pub(crate) flags: Vec<String>,
}

/// No name of a secret begins so: a person.
pub(crate) const PERSON: &str = "@";
/// No name begins so: one that is gone.
const GONE: char = '-';
const VERSION: &str = "cast-seen 1";
const NAMES_VERSION: &str = "cast-names 1";
pub(super) const NONE: &str = "-";
const GIT: &str = "git";
const GIVEN_UP: &str = "given-up";
const CURRENT: &str = "current";
const STANZA: &str = "stanza ";

impl Record {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { state, floor, receipt, owner, in_git, given_up, stanza } = self;
        let mut lines = vec![
            VERSION.to_owned(),
            state.to_string(),
            if floor.is_empty() { NONE.to_owned() } else { floor.to_string() },
            receipt.as_ref().map_or_else(|| NONE.to_owned(), ToString::to_string),
            owner.to_string(),
            if *in_git { GIT } else { NONE }.to_owned(),
            if *given_up { GIVEN_UP } else { CURRENT }.to_owned(),
        ];
        if *stanza > 0 {
            lines.push(format!("{STANZA}{stanza}"));
        }
        (lines.join("\n") + "\n").into_bytes()
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes.strip_suffix(b"\n")?).ok()?;
        let mut lines = text.split('\n');
        if lines.next()? != VERSION {
            return None;
        }
        let state = State::parse(lines.next()?)?;
        let floor = optional(lines.next()?, Vector::parse)?.unwrap_or_default();
        let receipt = optional(lines.next()?, Receipt::parse)?;
        let owner = VerificationKey::read(lines.next()?)?;
        let in_git = optional(lines.next()?, |text| (text == GIT).then_some(()))?.is_some();
        let given_up = match lines.next()? {
            GIVEN_UP => true,
            CURRENT => false,
            _ => return None,
        };
        // The owner's record has no such line.
        let stanza = lines.next().map_or(Some(0), |line| line.strip_prefix(STANZA)?.parse().ok())?;
        lines.next().is_none().then_some(Self { state, floor, receipt, owner, in_git, given_up, stanza })
    }
}

/// A field that may be absent; `None` for one that is neither.
#[allow(clippy::option_option)]
pub(super) fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text == NONE { Some(None) } else { parse(text).map(Some) }
}

impl Name {
    /// Whether everything that `former` permits is permitted here.
    fn permits(&self, former: &Self) -> bool {
        former.flags.iter().all(|flag| self.flags.contains(flag))
    }

    /// Whether a secret goes only by some way. Without one it is given as it is.
    fn has_a_way(&self) -> bool {
        self.flags.iter().any(|flag| listing::is_a_way(flag))
    }

    /// Whether a secret goes only into some part of a request. Without one it goes into any.
    fn names_a_part(&self) -> bool {
        self.flags.iter().any(|flag| listing::is_a_part(flag))
    }

    /// Whether `now`, under the same name, lacks a permission that is here.
    fn exceeds(&self, now: &Self, is_person: bool) -> bool {
        !now.permits(self)
            || if is_person {
                // Under another card it is somebody else, or the same person without a key that may be in wrong hands.
                now.updated != self.updated
            } else {
                now.has_a_way() && !self.has_a_way() || now.names_a_part() && self.has_a_way() && !self.names_a_part()
            }
    }
}

impl Summary {
    /// What a vault holds now.
    pub(crate) fn of(vault: &Vault) -> Self {
        Self::new(vault.part(), |name| vault.values().get(name).map(|secret| secret.updated))
    }

    /// What a vault would hold that is only looked at.
    pub(crate) fn of_inspected(inspected: &Inspected) -> Self {
        let times: BTreeMap<_, _> = inspected.times().map(|(name, _, updated)| (name, updated)).collect();
        Self::new(inspected.part(), |name| times.get(name).copied())
    }

    fn new(part: &Part, updated: impl Fn(&SecretName) -> Option<Timestamp>) -> Self {
        let name = |(name, flags): (&SecretName, _)| {
            let updated = updated(name).map(|time| time.to_string()).unwrap_or_default();
            (name.to_string(), Name { updated, flags: listing::details(flags) })
        };
        let person = |(name, person): (&PersonName, &Person)| {
            let flags = person.may_set.iter().map(ToString::to_string).collect();
            (format!("{PERSON}{name}"), Name { updated: person.card.fingerprint().to_string(), flags })
        };
        let names = part.names.iter().map(name).chain(part.people.iter().map(person)).collect();
        Self { names, gone: BTreeMap::new() }
    }

    /// With what `former` states held and this one does not.
    pub(crate) fn after(mut self, former: Self) -> Self {
        self.gone = former.gone.into_iter().chain(former.names).collect();
        self.gone.retain(|key, _| !self.names.contains_key(key));
        self
    }

    /// Whether `now` lacks a dangerous name, a person or a permission that is here.
    pub(crate) fn exceeds(&self, now: &Self) -> bool {
        let is_person = |key: &str| key.starts_with(PERSON);
        let is_less = |(key, name): (&String, &Name)| match now.names.get(key) {
            // Who takes a flag away deletes the secret and sets it anew.
            None => is_person(key) || !name.flags.is_empty(),
            Some(now) => name.exceeds(now, is_person(key)),
        };
        // One that comes back is compared with what it was.
        let is_back_with_less =
            |(key, name): (&String, &Name)| now.names.get(key).is_some_and(|now| name.exceeds(now, is_person(key)));
        self.names.iter().any(is_less) || self.gone.iter().any(is_back_with_less)
    }

    /// Those of the owner's part with this hash, a line for each name: the name, when it was set, and its flags, none of which holds a control character, with tabs between.
    pub(super) fn to_bytes(&self, part: Digest) -> Vec<u8> {
        let head = format!("{NAMES_VERSION} {part}\n");
        let line = |mark: &str, key: &str, Name { updated, flags }: &Name| {
            let fields: Vec<_> = [key, updated].into_iter().chain(flags.iter().map(String::as_str)).collect();
            format!("{mark}{}\n", fields.join("\t"))
        };
        let names = self.names.iter().map(|(key, name)| line("", key, name));
        let gone = self.gone.iter().map(|(key, name)| line(&GONE.to_string(), key, name));
        std::iter::once(head).chain(names).chain(gone).collect::<String>().into_bytes()
    }

    /// `None` also for those of another owner's part: whoever wrote the record was killed before it wrote these.
    pub(super) fn parse(bytes: &[u8], part: Digest) -> Option<Self> {
        let mut summary = Self::default();
        let mut lines = str::from_utf8(bytes).ok()?.lines();
        let of = lines.next()?.strip_prefix(NAMES_VERSION)?.strip_prefix(' ')?;
        if Digest::parse(of)? != part {
            return None;
        }
        for line in lines {
            let mut fields = line.split('\t').map(str::to_owned);
            let (key, updated) = (fields.next()?, fields.next()?);
            let name = Name { updated, flags: fields.collect() };
            match key.strip_prefix(GONE) {
                Some(key) => summary.gone.insert(key.to_owned(), name),
                None => summary.names.insert(key, name),
            };
        }
        Some(summary)
    }
}

#[cfg(test)]
mod tests {
    use cast_vault::{Card, UnlockKey, VaultId};

    use super::*;

    fn master_card() -> Card {
        let UnlockKey::Master(keys) = UnlockKey::parse(MASTER).unwrap() else { unreachable!() };
        keys[0].card()
    }

    const MASTER: &str = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG";

    fn record() -> Record {
        let vector = |text: &str| Vector::parse(text).unwrap();
        let state = State {
            id: VaultId([7; 16]),
            epoch: 3,
            nonce: [3; 16],
            rules: vector("0000000a.1"),
            owner_hash: Digest([1; 32]),
            at: vector("0000000a.2,0000000b.1"),
            values_hash: Digest([2; 32]),
        };
        Record {
            state,
            floor: vector("0000000a.1"),
            receipt: Receipt::parse(&format!("{0}/{0}", "ab".repeat(32))),
            owner: master_card().verification(),
            in_git: true,
            given_up: false,
            stanza: 0,
        }
    }

    #[test]
    fn records_come_back_and_damaged_ones_do_not() {
        for (given_up, receipt, stanza) in [(false, record().receipt, 0), (true, None, 33)] {
            let record = Record { receipt, given_up, stanza, ..record() };
            let bytes = record.to_bytes();
            assert_eq!(Record::parse(&bytes), Some(record));
            assert_eq!(Record::parse(&bytes[..bytes.len() - 1]), None);
            assert_eq!(Record::parse(&bytes[1..]), None);
        }
        assert_eq!(Record::parse(b""), None);
    }

    fn name(updated: &str, flags: &[&str]) -> Name {
        Name { updated: updated.into(), flags: flags.iter().map(ToString::to_string).collect() }
    }

    fn summary(names: &[(&str, Name)]) -> Summary {
        let names = names.iter().map(|(key, name)| ((*key).to_owned(), name.clone())).collect();
        Summary { names, gone: BTreeMap::new() }
    }

    #[test]
    fn less_than_it_was() {
        for (former, now, is_less) in [
            (&[][..], &[][..], false),
            (&[], &["unmasked"], false),
            (&["unmasked"], &["to a.b", "unmasked"], true),
            (&["to a.b", "to c.d"], &["to c.d"], true),
            (&["to a.b"], &["to a.b", "to c.d"], false),
            (&["to a.b"], &["to a.bc"], true),
            (&["to a.b"], &["to a.b", "in query:a"], true),
            (&["to a.b", "in query:a"], &["to a.b", "in query:a", "in query:b"], false),
            (&["to a.b", "in query:a"], &["to a.b"], true),
            // One flag is not two, nor two one.
            (&["in query:a, unmasked"], &["in query:a", "unmasked"], true),
            (&["in query:a", "unmasked"], &["in query:a, unmasked"], true),
            // What says only how it may stand in a request is no way: such a secret is given as it is.
            (&["prefix sk-"], &["to a.b", "prefix sk-"], true),
            (&["in query:a"], &["in query:a", "as a file"], true),
            (&["from a command \"a\" \"b\""], &["from a command \"a b\""], true),
        ] {
            let [former, now] = [former, now].map(|flags| summary(&[("L", name("", flags))]));
            assert_eq!(former.exceeds(&now), is_less, "{former:?} {now:?}");
            // Also where it was gone between.
            let between = summary(&[]).after(former);
            assert_eq!(between.exceeds(&now), is_less, "{between:?} {now:?}");
            assert_eq!(summary(&[]).after(between).exceeds(&now), is_less, "{now:?}");
        }
        let alice = |card: &str, may: &[&str]| summary(&[("@alice", name(card, may))]);
        for (now, is_less) in [(alice("1", &["A", "B"]), false), (alice("1", &[]), true), (alice("2", &["A"]), true)] {
            assert_eq!(summary(&[]).after(alice("1", &["A"])).exceeds(&now), is_less, "{now:?}");
        }
    }

    #[test]
    fn summaries_come_back() {
        let former = summary(&[("A", name("then", &[])), ("C", name("then", &["unmasked"])), ("@b", name("1 2", &[]))]);
        let now =
            summary(&[("A", name("now", &[])), ("B", name("", &["to a.b", "in query:a, unmasked"]))]).after(former);
        assert_eq!(now.gone.keys().collect::<Vec<_>>(), ["@b", "C"]);
        let [part, other] = [1, 2].map(|byte| Digest([byte; 32]));
        let bytes = now.to_bytes(part);
        assert_eq!(Summary::parse(&bytes, part), Some(now));
        // Those of another owner's part are none, nor is a line without a time.
        assert_eq!(Summary::parse(&bytes, other), None);
        assert_eq!(Summary::parse(&[&Summary::default().to_bytes(part), &b"A\n"[..]].concat(), part), None);
        assert_eq!(Summary::parse(b"", part), None);
    }
}
