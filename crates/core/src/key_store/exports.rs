//! What this machine knows of copies of its master keys: which keys it made, and of which one there is a copy elsewhere,
//! because it was exported or came from a file. In the state folder, the file `exports`: a line for each key, the public
//! half and `made` or `copied`, the latest last. Without it a key counts as one without a copy that may be in use.

use std::path::PathBuf;

use crate::disk;
use crate::failure::Result;
use crate::paths::Places;
use cast_vault::MasterKey;

/// The longest file, in bytes: a thousand keys.
const MAX: usize = 80 << 10;
const MADE: &str = "made";
const COPIED: &str = "copied";

/// The record of this machine.
pub struct Exports(PathBuf);

impl Exports {
    /// The record for these places.
    pub fn new(places: &Places) -> Result<Self> {
        Ok(Self(places.state()?.join("exports")))
    }

    /// The file that is being written.
    pub(super) fn temporary(&self) -> PathBuf {
        disk::beside(&self.0, disk::TEMPORARY_ENDING)
    }

    /// Remembers that this machine made the key.
    pub(crate) fn note_made(&self, key: &MasterKey) {
        self.note(&[key], MADE);
    }

    /// Remembers that there is a copy of the keys outside the key store.
    pub(crate) fn note_copied(&self, keys: &[MasterKey]) {
        self.note(&keys.iter().collect::<Vec<_>>(), COPIED);
    }

    /// Whether there is a copy of the key with this public half; without one, of the key that was last made or copied.
    pub(crate) fn is_copied(&self, public: Option<&str>) -> bool {
        let text = self.read();
        let mut lines = text.lines().rev().filter_map(|line| line.split_once(' '));
        lines.find(|(known, _)| public.is_none_or(|public| public == *known)).is_some_and(|(_, what)| what == COPIED)
    }

    /// Whether this machine made the key and never handed out a copy.
    pub(crate) fn is_only_here(&self, key: &MasterKey) -> bool {
        let line = line(key, MADE);
        self.read().lines().any(|known| known == line)
    }

    /// A record that cannot be written costs a hint that is given once more, so nothing fails of it.
    fn note(&self, keys: &[&MasterKey], what: &str) {
        let text = self.read();
        let public = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let new: Vec<_> = keys.iter().rev().map(|key| line(key, what)).collect();
        let kept = text.lines().filter(|old| new.iter().all(|new| public(new) != public(old)));
        let lines: Vec<_> = kept.map(str::to_owned).chain(new.iter().cloned()).collect();
        let text = lines.join("\n") + "\n";
        if let Some(folder) = self.0.parent()
            && disk::make_private_folders(folder).is_ok()
        {
            let _ = disk::replace_soon(&self.0, text.as_bytes());
        }
    }

    fn read(&self) -> String {
        let file = disk::open_regular(&self.0).ok().flatten();
        let bytes = file.and_then(|file| disk::read_limited(&file, &self.0, MAX).ok()).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

fn line(key: &MasterKey, what: &str) -> String {
    format!("{} {what}", key.recipient())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_key_is_known_by_what_was_last_done_with_it() {
        let home = tempfile::tempdir().unwrap();
        let exports = Exports::new(&Places::under(home.path())).unwrap();
        let [first, second] = [(), ()].map(|()| MasterKey::generate(clock::now()));
        let public = |key: &MasterKey| key.recipient().to_string();
        assert!(!exports.is_copied(None) && !exports.is_only_here(&first));
        exports.note_made(&first);
        assert!(!exports.is_copied(None) && exports.is_only_here(&first) && !exports.is_only_here(&second));
        exports.note_copied(&[first]);
        let text = exports.read();
        let first = public_of(&text);
        assert!(exports.is_copied(None) && exports.is_copied(Some(&first)) && !exports.is_copied(Some("age1other")));
        exports.note_made(&second);
        assert!(!exports.is_copied(None) && exports.is_copied(Some(&first)));
        assert!(!exports.is_copied(Some(&public(&second))));
        exports.note_copied(&[second]);
        assert!(exports.is_copied(None));
        assert_eq!(exports.read().lines().count(), 2);
    }

    fn public_of(text: &str) -> String {
        text.split(' ').next().unwrap().to_owned()
    }
}
