//! What this machine has seen of each vault: the newest state, or that it was given up. Keeps the promise that an older state, put
//! back by someone or restored from somewhere, is noticed here. One small file a vault, in the state folder.

use std::cmp::Ordering;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk;
use crate::failure::{Failure, Kind, Result};
use cast_vault::Mark;
use cast_vault::VaultId;

/// The records of this machine.
pub(crate) struct Seen {
    folder: PathBuf,
}

/// What is remembered of a vault.
pub(crate) struct Record {
    /// The newest state that was seen.
    pub mark: Mark,
    /// Deleted, or made anew: no state of it is good any more.
    pub given_up: bool,
    /// Where it lay then.
    path: PathBuf,
}

/// How a vault compares with the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Exactly the state that was seen last.
    Known,
    /// Newer than what was seen, or never seen before.
    News,
    /// Older than what was seen.
    RolledBack,
    /// Of the same generation, with other contents.
    Forked,
    /// Deleted or made anew on this machine.
    GivenUp,
}

/// A path and a line: far below this.
const MAX_RECORD: usize = 64 << 10;
const TEMPORARY_ENDING: &str = "tmp";
const GIVEN_UP: &str = "given up";

impl Seen {
    pub(crate) fn new(state: &Path) -> Self {
        Self { folder: state.join("seen") }
    }

    /// What is remembered of the vault `id`.
    pub(crate) fn record(&self, id: VaultId) -> Result<Option<Record>> {
        let path = self.path(id);
        let Some(file) = disk::open_regular(&path)? else { return Ok(None) };
        let bytes = disk::read_limited(&file, &path, MAX_RECORD)?;
        let record = Record::parse(&bytes).filter(|record| record.mark.id == id);
        record.map(Some).ok_or_else(|| {
            Failure::new(Kind::Integrity, format!("the record of what was seen is damaged: '{}'", path.display()))
                .hint("if you trust the vault as it is, remove that file")
        })
    }

    /// Whether this user may not even enter the folder of what belongs to this machine: then nothing can have been noted there.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        disk::is_out_of_reach(&self.folder)
    }

    /// Holds a vault's state against the record of it.
    pub(crate) fn judge(record: Option<&Record>, mark: &Mark) -> Verdict {
        let Some(record) = record else { return Verdict::News };
        if record.given_up {
            return Verdict::GivenUp;
        }
        let seen = &record.mark;
        match (mark.epoch, mark.generation).cmp(&(seen.epoch, seen.generation)) {
            Ordering::Greater => Verdict::News,
            Ordering::Less => Verdict::RolledBack,
            Ordering::Equal if mark.mac == seen.mac => Verdict::Known,
            Ordering::Equal => Verdict::Forked,
        }
    }

    /// Remembers `mark` as the newest state of its vault, which lies at `path`. The caller holds the lock of the vaults.
    pub(crate) fn remember(&self, mark: &Mark, path: &Path) -> Result<()> {
        self.write(&Record { mark: *mark, given_up: false, path: canonical(path) })
    }

    /// Remembers that no state of this vault is good any more.
    pub(crate) fn give_up(&self, mark: &Mark, path: &Path) -> Result<()> {
        self.write(&Record { mark: *mark, given_up: true, path: canonical(path) })
    }

    /// Gives up every vault that was last seen at `path`: a new one is made there. Closes the way back for keys of the former.
    pub(crate) fn give_up_all_at(&self, path: &Path) -> Result<()> {
        let path = canonical(path);
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(()) };
        for entry in entries.flatten() {
            let Some(id) = entry.file_name().to_str().and_then(VaultId::parse) else { continue };
            if let Ok(Some(record)) = self.record(id)
                && record.path == path
                && !record.given_up
            {
                self.write(&Record { given_up: true, ..record })?;
            }
        }
        Ok(())
    }

    /// What is being written, or was, by those who were killed.
    pub(crate) fn temporary(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        entries.filter(|path| path.extension().is_some_and(|ending| ending == TEMPORARY_ENDING)).collect()
    }

    /// Where the vaults are, as far as this machine has seen them. What is there now is for the caller to look at.
    /// A record that cannot be read is a failure in the place of a path.
    pub(crate) fn paths(&self) -> Result<Vec<Result<PathBuf>>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::io("cannot read the folder", &self.folder, &error)),
        };
        let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str().and_then(VaultId::parse));
        let records = ids.filter_map(|id| self.record(id).transpose());
        let current = records.filter(|record| record.as_ref().map_or(true, |record| !record.given_up));
        Ok(current.map(|record| record.map(|record| record.path)).collect())
    }

    fn write(&self, record: &Record) -> Result<()> {
        let path = self.path(record.mark.id);
        let temporary = path.with_extension(TEMPORARY_ENDING);
        disk::replace(&path, &temporary, &record.to_bytes(), |_| Ok(()))
    }

    fn path(&self, id: VaultId) -> PathBuf {
        self.folder.join(id.to_string())
    }
}

/// The vault's first line, a line for what is to be said of it, and its path.
impl Record {
    fn to_bytes(&self) -> Vec<u8> {
        let state = if self.given_up { GIVEN_UP } else { "" };
        let mut bytes = format!("{}\n{state}\n", self.mark).into_bytes();
        bytes.extend_from_slice(self.path.as_os_str().as_encoded_bytes());
        bytes.push(b'\n');
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes.strip_suffix(b"\n")?);
        let mut lines = text.splitn(3, '\n');
        let (_, mark) = Mark::parse(lines.next()?)?;
        let given_up = match lines.next()? {
            "" => false,
            GIVEN_UP => true,
            _ => return None,
        };
        Some(Self { mark, given_up, path: PathBuf::from(lines.next()?) })
    }
}

/// A vault's path as one text, from wherever it was reached; a name that is no Unicode compares as it is shown.
fn canonical(path: &Path) -> PathBuf {
    let whole = path.parent().and_then(|folder| fs::canonicalize(folder).ok()).zip(path.file_name());
    let whole = whole.map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name));
    PathBuf::from(whole.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(epoch: u64, generation: u64, mac: u8) -> Mark {
        Mark { id: VaultId([7; 16]), epoch, generation, mac: [mac; 32] }
    }

    fn check(seen: (u64, u64, u8), now: (u64, u64, u8), verdict: Verdict) {
        let record = Record { mark: mark(seen.0, seen.1, seen.2), given_up: false, path: PathBuf::new() };
        assert_eq!(Seen::judge(Some(&record), &mark(now.0, now.1, now.2)), verdict, "{seen:?} {now:?}");
    }

    #[test]
    fn verdicts() {
        check((1, 5, 1), (1, 5, 1), Verdict::Known);
        check((1, 5, 1), (1, 6, 2), Verdict::News);
        check((1, 5, 1), (2, 6, 2), Verdict::News);
        check((1, 5, 1), (1, 4, 2), Verdict::RolledBack);
        check((2, 5, 1), (1, 900, 2), Verdict::RolledBack);
        check((1, 5, 1), (1, 5, 2), Verdict::Forked);
        assert_eq!(Seen::judge(None, &mark(1, 1, 1)), Verdict::News);
        let record = Record { mark: mark(1, 1, 1), given_up: true, path: PathBuf::new() };
        assert_eq!(Seen::judge(Some(&record), &mark(1, 9, 1)), Verdict::GivenUp);
    }

    #[test]
    fn records_come_back_and_damaged_ones_do_not() {
        for given_up in [false, true] {
            let record = Record { mark: mark(3, 4, 5), given_up, path: PathBuf::from("/a\nb/c.age") };
            let bytes = record.to_bytes();
            let back = Record::parse(&bytes).unwrap();
            assert_eq!((back.mark, back.given_up, back.path), (record.mark, given_up, record.path));
            assert!(Record::parse(&bytes[..bytes.len() - 1]).is_none());
            assert!(Record::parse(&bytes[1..]).is_none());
        }
        assert!(Record::parse(b"").is_none());
    }
}
