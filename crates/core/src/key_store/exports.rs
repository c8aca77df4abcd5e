//! What this machine knows of its master keys: which keys it made, and of which one there is a copy elsewhere, because it
//! was exported or came from a file. In the state folder, the file `exports`: a line for each key, the public half and
//! `made`, `copied` or `made+copied`, the latest last. Without it a key counts as one that was made elsewhere, without a copy.

use std::path::PathBuf;

use crate::disk;
use crate::failure::Result;
use crate::paths::Places;
use crate::platform::files;
use cast_vault::MasterKey;

/// The longest file, in bytes: a thousand keys.
const MAX: usize = 80 << 10;
const MADE: &str = "made";
const COPIED: &str = "copied";
const MADE_AND_COPIED: &str = "made+copied";

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

    /// Remembers that this machine makes the key. The caller holds the lock of the key store.
    pub(crate) fn note_made(&self, key: &MasterKey) -> Result<()> {
        let text = self.text_with(&[key], |_| MADE);
        disk::replace(&self.0, &self.temporary(), text.as_bytes(), |_| Ok(()))
    }

    /// Takes that back: the key was not made.
    pub(crate) fn forget(&self, key: &MasterKey) {
        let (text, public) = (self.read(), key.recipient().to_string());
        let kept: String = text.split_inclusive('\n').filter(|line| !line.starts_with(&public)).collect();
        // What stays names a key that nobody has.
        if kept.is_empty() {
            let _ = files::remove(&self.0);
        } else {
            let _ = disk::replace_soon(&self.0, kept.as_bytes());
        }
    }

    /// Remembers that there is a copy of the keys outside the key store. A record that cannot be written costs a hint that is given once more, so
    /// nothing fails of it.
    pub(crate) fn note_copied(&self, keys: &[MasterKey]) {
        let text = self.text_with(&keys.iter().collect::<Vec<_>>(), |known| {
            if known.is_some_and(|known| known.starts_with(MADE)) { MADE_AND_COPIED } else { COPIED }
        });
        if let Some(folder) = self.0.parent()
            && disk::make_private_folders(folder).is_ok()
        {
            let _ = disk::replace_soon(&self.0, text.as_bytes());
        }
    }

    /// Whether there is a copy of the key with this public half; without one, of the key that was last made or copied.
    pub(crate) fn is_copied(&self, public: Option<&str>) -> bool {
        let text = self.read();
        let mut lines = text.lines().rev().filter_map(|line| line.split_once(' '));
        lines.find(|(known, _)| public.is_none_or(|public| public == *known)).is_some_and(|(_, what)| what != MADE)
    }

    /// Whether this machine made the key and never handed out a copy.
    pub(crate) fn is_only_here(&self, key: &MasterKey) -> bool {
        self.of(key).as_deref() == Some(MADE)
    }

    /// Whether this machine made the key.
    pub(crate) fn is_made_here(&self, key: &MasterKey) -> bool {
        self.of(key).is_some_and(|what| what.starts_with(MADE))
    }

    fn of(&self, key: &MasterKey) -> Option<String> {
        let (text, public) = (self.read(), key.recipient().to_string());
        let known =
            |line: &str| line.split_once(' ').filter(|(known, _)| *known == public).map(|(_, what)| what.to_owned());
        text.lines().find_map(known)
    }

    /// The record with these keys last; `what` says what is known of one from now on, given what was.
    fn text_with(&self, keys: &[&MasterKey], what: impl Fn(Option<&str>) -> &'static str) -> String {
        let text = self.read();
        let publics: Vec<_> = keys.iter().rev().map(|key| key.recipient().to_string()).collect();
        let lines = || text.lines().filter_map(|line| line.split_once(' '));
        let known = |public: &String| lines().find(|(known, _)| known == public).map(|(_, what)| what);
        let kept = lines().filter(|(known, _)| publics.iter().all(|public| public != known));
        let kept = kept.map(|(known, what)| format!("{known} {what}\n"));
        kept.chain(publics.iter().map(|public| format!("{public} {}\n", what(known(public))))).collect()
    }

    fn read(&self) -> String {
        let file = disk::open_regular(&self.0).ok().flatten();
        let bytes = file.and_then(|file| disk::read_limited(&file, &self.0, MAX).ok()).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
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
        exports.note_made(&first).unwrap();
        assert!(!exports.is_copied(None) && exports.is_only_here(&first) && !exports.is_only_here(&second));
        assert!(exports.is_made_here(&first) && !exports.is_made_here(&second));
        let firsts = [first];
        exports.note_copied(&firsts);
        exports.note_copied(&firsts);
        // Handed out or brought back, it is the one that was made here.
        assert!(exports.is_made_here(&firsts[0]) && !exports.is_only_here(&firsts[0]));
        let text = exports.read();
        let first = public_of(&text);
        assert!(exports.is_copied(None) && exports.is_copied(Some(&first)) && !exports.is_copied(Some("age1other")));
        exports.note_made(&second).unwrap();
        assert!(!exports.is_copied(None) && exports.is_copied(Some(&first)));
        assert!(!exports.is_copied(Some(&public(&second))));
        exports.note_copied(&[second]);
        assert!(exports.is_copied(None));
        let third = [MasterKey::generate(clock::now())];
        exports.note_copied(&third);
        assert!(exports.is_copied(Some(&public(&third[0]))) && !exports.is_made_here(&third[0]));
        assert_eq!(exports.read().lines().count(), 3);
    }

    fn public_of(text: &str) -> String {
        text.split(' ').next().unwrap().to_owned()
    }
}
