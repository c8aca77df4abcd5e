//! What lies at a place, and its text: one field a line, in a fixed order, the path last.

use std::path::PathBuf;

use cast_vault::{AgentName, Card, Timestamp, VaultId};

use super::record::{NONE, Record, optional};
use super::{Known, Memory, Whose};
use crate::platform::files;

/// A place where the holder of a master key has used a vault. An agent key's use makes none: who has the line of an owner accepts nobody by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The path of the vault's file, its folder resolved.
    pub(crate) path: PathBuf,
    /// The vault that lies there.
    pub(crate) held: Option<Held>,
    /// The vaults that were deleted or replaced there, the newest last: none of their states is used there.
    pub(crate) given_up: Vec<VaultId>,
}

/// The vault at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) id: VaultId,
    /// The card that was accepted for this place, where the vault is another owner's.
    pub(crate) card: Option<Card>,
    /// When it was accepted, or first seen, there.
    pub(crate) since: Timestamp,
    /// Being deleted: once its file is gone, it is not missed.
    pub(crate) leaving: bool,
}

/// Whose vault was read in a place, by the owner's card.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    /// This user's.
    Own(&'a Card),
    /// That of an owner whose card this user accepted there.
    Accepted(&'a Card),
}

/// For how much of the way to a place it is known which vault lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// For nothing, or only for a link on the way: that may refuse, and permits little.
    ByLink,
    /// For the place itself, and not for each link on the way.
    Itself,
    /// For all of the way.
    Whole,
}

/// What this machine knows of a place.
pub(crate) struct Here {
    pub(crate) place: Place,
    /// What is known of the vault that lies there.
    pub(crate) memory: Option<Memory>,
    /// For how much of the way.
    pub(crate) noted: Extent,
    /// Another vault, or of another owner, which lay where this way led before.
    pub(crate) otherwise: Option<Held>,
}

const VERSION: &str = "cast-place 1";
const OWN: &str = "own";
const CURRENT: &str = "current";
const LEAVING: &str = "leaving";
/// Of a vault's file.
const ENDING: &str = ".age";
/// How many given-up vaults are remembered for a place.
const MAX_GIVEN_UP: usize = 256;

impl Here {
    /// A place of which nothing is known.
    pub(crate) fn unknown(path: PathBuf) -> Self {
        Self { place: Place::new(path), memory: None, noted: Extent::ByLink, otherwise: None }
    }

    /// The record of the vault that lies there.
    pub(crate) fn record(&self) -> Option<&Record> {
        self.memory.as_ref()?.record.as_ref()
    }
}

impl Held {
    /// Under which name it is known.
    pub(crate) fn known(&self) -> Known {
        let whose = self.card.as_ref().map_or(Whose::Own, |card| Whose::Accepted(card.verification()));
        Known { id: self.id, whose }
    }

    /// Whether both are the same vault of the same owner.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.id, &self.card) == (other.id, &other.card)
    }
}

impl Place {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, held: None, given_up: Vec::new() }
    }

    /// Whether the vault `id` lies there.
    pub(crate) fn holds(&self, id: VaultId) -> bool {
        self.held.as_ref().is_some_and(|held| held.id == id)
    }

    /// Whose vault lies there.
    pub(crate) fn agent(&self) -> Option<AgentName> {
        AgentName::parse(self.path.file_name()?.to_str()?.strip_suffix(ENDING)?).ok()
    }

    /// The card that was accepted for it.
    pub(crate) fn card(&self) -> Option<&Card> {
        self.held.as_ref()?.card.as_ref()
    }

    /// Whether its file is there, or something in its place.
    pub(crate) fn exists(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    /// The card to be expected there. One that was accepted stays so when its owner's key reads the vault here, as this user may have both keys.
    pub(super) fn card_for(&self, id: VaultId, owner: Owner<'_>) -> Option<Card> {
        match owner {
            Owner::Accepted(card) => Some(card.clone()),
            Owner::Own(card) => self.card().filter(|known| self.holds(id) && *known == card).cloned(),
        }
    }

    pub(super) fn hold(&mut self, held: Held) {
        self.given_up.retain(|id| *id != held.id);
        self.held = Some(held);
    }

    pub(super) fn give_up(&mut self, id: VaultId) {
        if self.holds(id) {
            self.held = None;
        }
        self.given_up.retain(|known| *known != id);
        self.given_up.push(id);
        let surplus = self.given_up.len().saturating_sub(MAX_GIVEN_UP);
        self.given_up.drain(..surplus);
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let none = || NONE.to_owned();
        let [id, by, since, standing] = match &self.held {
            None => [none(), none(), none(), none()],
            Some(Held { id, card, since, leaving }) => [
                id.to_string(),
                card.as_ref().map_or_else(|| OWN.to_owned(), ToString::to_string),
                since.to_string(),
                if *leaving { LEAVING } else { CURRENT }.to_owned(),
            ],
        };
        let given_up: Vec<_> = self.given_up.iter().map(ToString::to_string).collect();
        let given_up = if given_up.is_empty() { none() } else { given_up.join(",") };
        let mut bytes = [VERSION, &id, &by, &since, &standing, &given_up].join("\n").into_bytes();
        bytes.push(b'\n');
        bytes.extend_from_slice(&files::path_bytes(&self.path));
        bytes.push(b'\n');
        bytes
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = bytes.strip_suffix(b"\n")?.splitn(7, |byte| *byte == b'\n');
        let mut lines = fields.by_ref().take(6).map(|line| str::from_utf8(line).unwrap_or_default());
        if lines.next()? != VERSION {
            return None;
        }
        let [id, by, since, standing] = [lines.next()?, lines.next()?, lines.next()?, lines.next()?];
        let held = match optional(id, VaultId::parse)? {
            None => None,
            Some(id) => Some(Held {
                id,
                card: if by == OWN { None } else { Some(Card::parse(by).ok()?) },
                since: Timestamp::parse(since)?,
                leaving: match standing {
                    LEAVING => true,
                    CURRENT => false,
                    _ => return None,
                },
            }),
        };
        let given_up = optional(lines.next()?, |ids| ids.split(',').map(VaultId::parse).collect::<Option<_>>())?;
        let path = files::path_of(fields.next()?);
        Some(Self { path, held, given_up: given_up.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_damaged_ones_do_not() {
        let id = |byte| VaultId([byte; 16]);
        let since = Timestamp::parse("2026-01-15T10:30:00Z").unwrap();
        let mut place = Place::new(PathBuf::from("/a\nb/c.age"));
        let path = files::path_of(b"/\xff/a\n\xfe.age");
        assert_eq!(Place::parse(&Place::new(path.clone()).to_bytes()), Some(Place::new(path)));
        for step in 0..4 {
            match step {
                1 => place.hold(Held { id: id(1), card: None, since, leaving: step == 1 }),
                2 => place.give_up(id(1)),
                3 => place.hold(Held { id: id(2), card: None, since, leaving: false }),
                _ => {}
            }
            let bytes = place.to_bytes();
            assert_eq!(Place::parse(&bytes), Some(place.clone()));
            assert_eq!(Place::parse(&bytes[..bytes.len() - 1]), None);
            assert_eq!(Place::parse(&bytes[1..]), None);
        }
        assert_eq!((place.given_up.clone(), place.holds(id(2))), (vec![id(1)], true));
        place.hold(Held { id: id(1), card: None, since, leaving: false });
        assert_eq!(place.given_up, []);
        assert_eq!(Place::parse(b""), None);
    }
}
