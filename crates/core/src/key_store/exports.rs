//! What this machine knows of its master keys: which keys it made, and in whose place, of which one there is a copy
//! elsewhere, because it was exported or came from a file, and whose card it showed. In the state folder, the file `exports`: a line for each key, the
//! latest last. Without it a key counts as one that was made elsewhere, without a copy.

use std::fmt;
use std::path::PathBuf;

use crate::disk;
use crate::failure::Result;
use crate::paths::Places;
use crate::platform::files;
use cast_vault::MasterKey;

/// The longest file, in bytes: some four hundred keys.
const MAX: usize = 80 << 10;
const MADE: &str = "made";
const COPIED: &str = "copied";
const SHOWN: &str = "shown";

/// The record of this machine.
pub struct Exports(PathBuf);

/// What is known of one key: its public half, words with `+` between, and the public half of the key in whose place a rotation put it.
#[derive(Default)]
struct Line {
    public: String,
    is_made: bool,
    is_copied: bool,
    is_shown: bool,
    before: Option<String>,
}

impl Exports {
    /// The record for these places.
    pub fn new(places: &Places) -> Result<Self> {
        Ok(Self(places.state()?.join("exports")))
    }

    /// The file that is being written.
    pub(super) fn temporary(&self) -> PathBuf {
        disk::beside(&self.0, disk::TEMPORARY_ENDING)
    }

    /// Remembers that this machine makes the key, in the place of `before` if there is one. The caller holds the lock of the key store.
    pub(crate) fn note_made(&self, key: &MasterKey, before: Option<&MasterKey>) -> Result<()> {
        let (public, before) = (public_of(key), before.map(public_of));
        let mut lines = self.lines_without(&public);
        lines.push(Line { public, is_made: true, before, ..Line::default() });
        disk::replace(&self.0, &self.temporary(), text(&lines).as_bytes(), |_| Ok(()))
    }

    /// Takes that back: the key was not made.
    pub(crate) fn forget(&self, key: &MasterKey) {
        let lines = self.lines_without(&public_of(key));
        // What stays names a key that nobody has.
        if lines.is_empty() {
            let _ = files::remove(&self.0);
        } else {
            let _ = disk::replace_soon(&self.0, text(&lines).as_bytes());
        }
    }

    /// Remembers that there is a copy of the keys outside the key store. A record that cannot be written costs a hint that is given once more, so
    /// nothing fails of it.
    pub(crate) fn note_copied(&self, keys: &[MasterKey]) {
        let _ = self.note_soon(keys, |line| line.is_copied = true);
    }

    /// Remembers that the card of this key was shown: a vault may be shared with it at any time.
    pub(crate) fn note_shown(&self, key: &MasterKey) -> Result<()> {
        let public = public_of(key);
        if self.lines().iter().any(|line| line.public == public && line.is_shown) {
            return Ok(());
        }
        self.note_soon(std::slice::from_ref(key), |line| line.is_shown = true)
    }

    fn note_soon(&self, keys: &[MasterKey], note: impl Fn(&mut Line)) -> Result<()> {
        let mut lines = self.lines();
        for public in keys.iter().rev().map(public_of) {
            let known = lines.iter().position(|line| line.public == public).map(|index| lines.remove(index));
            let mut line = known.unwrap_or_else(|| Line { public, ..Line::default() });
            note(&mut line);
            lines.push(line);
        }
        self.0.parent().map_or(Ok(()), disk::make_private_folders)?;
        disk::replace_soon(&self.0, text(&lines).as_bytes())
    }

    /// Remembers that each of these keys of a store is in the place of the one behind it. Where it cannot be written, a card of such a key is
    /// believed as before.
    pub(crate) fn note_behind(&self, keys: &[&MasterKey]) {
        let mut lines = self.lines();
        for pair in keys.windows(2) {
            let [public, before] = [pair[0], pair[1]].map(public_of);
            match lines.iter_mut().find(|line| line.public == public) {
                // In whose place it was made here is known.
                Some(line) if line.is_made || line.before.is_some() => {}
                Some(line) => line.before = Some(before),
                None => lines.push(Line { public, is_copied: true, before: Some(before), ..Line::default() }),
            }
        }
        let _ = disk::replace_soon(&self.0, text(&lines).as_bytes());
    }

    /// Whether there is a copy of the key with this public half; without one, of the key that was last made or copied.
    pub(crate) fn is_copied(&self, public: Option<&str>) -> bool {
        let lines = self.lines();
        let mut lines = lines.iter().rev();
        lines.find(|line| public.is_none_or(|public| public == line.public)).is_some_and(|line| line.is_copied)
    }

    /// Whether this machine made the key and never handed out a copy, nor its card.
    pub(crate) fn is_only_here(&self, key: &MasterKey) -> bool {
        let public = public_of(key);
        self.lines().iter().any(|line| line.public == public && line.is_made && !line.is_copied && !line.is_shown)
    }

    /// Whether this machine made `newer` in the place of `older`.
    pub(crate) fn has_replaced(&self, older: &MasterKey, newer: &MasterKey) -> bool {
        let [older, newer] = [older, newer].map(public_of);
        self.lines().iter().any(|line| line.public == newer && line.is_made && line.before.as_ref() == Some(&older))
    }

    /// Whether another key came into the store in the place of the one with this public half: by a rotation here, or by an import.
    pub(crate) fn was_replaced(&self, public: &str) -> bool {
        self.lines().iter().any(|line| line.before.as_deref() == Some(public))
    }

    fn lines_without(&self, public: &str) -> Vec<Line> {
        let mut lines = self.lines();
        lines.retain(|line| line.public != public);
        lines
    }

    fn lines(&self) -> Vec<Line> {
        let file = disk::open_regular(&self.0).ok().flatten();
        let bytes = file.and_then(|file| disk::read_limited(&file, &self.0, MAX).ok()).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default().lines().filter_map(Line::parse).collect()
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ').map(str::to_owned);
        let (public, words, before) = (words.next()?, words.next()?, words.next());
        let mut line = Self { public, before, ..Self::default() };
        for word in words.split('+') {
            match word {
                MADE => line.is_made = true,
                COPIED => line.is_copied = true,
                SHOWN => line.is_shown = true,
                _ => return None,
            }
        }
        Some(line)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [(self.is_made, MADE), (self.is_copied, COPIED), (self.is_shown, SHOWN)];
        let words: Vec<_> = words.into_iter().filter_map(|(is_so, word)| is_so.then_some(word)).collect();
        write!(f, "{} {}", self.public, words.join("+"))?;
        self.before.iter().try_for_each(|before| write!(f, " {before}"))
    }
}

fn text(lines: &[Line]) -> String {
    lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect()
}

fn public_of(key: &MasterKey) -> String {
    key.recipient().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_key_is_known_by_what_was_last_done_with_it() {
        let home = tempfile::tempdir().unwrap();
        let exports = Exports::new(&Places::under(home.path())).unwrap();
        let [first, second, third] = [(), (), ()].map(|()| [MasterKey::generate(clock::now())]);
        let copied = |key: &[MasterKey; 1]| exports.is_copied(Some(&public_of(&key[0])));
        assert!(!exports.is_copied(None) && !exports.is_only_here(&first[0]));
        exports.note_made(&first[0], None).unwrap();
        assert!(!exports.is_copied(None) && exports.is_only_here(&first[0]) && !exports.is_only_here(&second[0]));
        exports.note_copied(&first);
        assert!(exports.is_copied(None) && copied(&first) && !copied(&second) && !exports.is_only_here(&first[0]));
        exports.note_made(&second[0], Some(&first[0])).unwrap();
        assert!(!exports.is_copied(None) && copied(&first) && !copied(&second) && exports.is_only_here(&second[0]));
        exports.note_copied(&second);
        exports.note_copied(&second);
        assert!(exports.is_copied(None) && copied(&second));
        exports.note_copied(&third);
        assert!(copied(&third) && exports.lines().len() == 3);
    }

    #[test]
    fn a_key_whose_card_was_shown_is_not_only_here() {
        let home = tempfile::tempdir().unwrap();
        let exports = Exports::new(&Places::under(home.path())).unwrap();
        let [made, other] = [(), ()].map(|()| MasterKey::generate(clock::now()));
        exports.note_made(&made, None).unwrap();
        for key in [&made, &other, &made] {
            exports.note_shown(key).unwrap();
            assert!(!exports.is_only_here(key) && !exports.is_copied(Some(&public_of(key))));
        }
        exports.note_copied(std::slice::from_ref(&made));
        assert_eq!(text(&exports.lines()).lines().nth(1).unwrap(), format!("{} made+copied+shown", public_of(&made)));
    }

    #[test]
    fn a_key_that_came_before_another_replaced_it_and_was_not_made_for_that() {
        let home = tempfile::tempdir().unwrap();
        let exports = Exports::new(&Places::under(home.path())).unwrap();
        let [first, second, third] = [(), (), ()].map(|()| MasterKey::generate(clock::now()));
        exports.note_made(&first, None).unwrap();
        exports.note_behind(&[&second, &first, &third]);
        assert!(exports.was_replaced(&public_of(&first)) && !exports.was_replaced(&public_of(&second)));
        assert!(!exports.has_replaced(&first, &second));
        // The first was made in no other's place.
        assert!(!exports.was_replaced(&public_of(&third)) && !exports.has_replaced(&third, &first));
    }

    #[test]
    fn a_key_replaced_the_one_before_it_if_it_was_made_for_that() {
        let home = tempfile::tempdir().unwrap();
        let exports = Exports::new(&Places::under(home.path())).unwrap();
        let [first, second, third] = [(), (), ()].map(|()| MasterKey::generate(clock::now()));
        exports.note_made(&first, None).unwrap();
        exports.note_made(&second, Some(&first)).unwrap();
        assert!(exports.has_replaced(&first, &second) && !exports.has_replaced(&second, &first));
        assert!(!exports.has_replaced(&third, &first) && !exports.has_replaced(&first, &third));
        // A copy of it changes nothing.
        let seconds = [second];
        exports.note_copied(&seconds);
        let [second] = seconds;
        assert!(exports.has_replaced(&first, &second) && exports.is_copied(None));
        // What was not made in the end is forgotten.
        exports.note_made(&third, Some(&second)).unwrap();
        exports.forget(&third);
        assert!(!exports.has_replaced(&second, &third) && exports.has_replaced(&first, &second));
        exports.forget(&second);
        exports.forget(&first);
        assert!(!exports.0.exists());
    }
}
