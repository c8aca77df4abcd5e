//! The audit log: who used what, when; names only. One line of JSON an event, in `audit.jsonl`, which becomes `audit.1.jsonl` when it is full.
//! Promises that a line never holds a value or an argument, that lines of many writers are whole, and that nobody waits: a line is one
//! append, never forced to the disk, and no lock is waited for.
//!
//! Nothing is lost when the log is turned over: a writer that had the file open by then appends to the older one, which is kept, or finds
//! that it is gone by now, and writes its line once more; a turn needs the lock and looks again once it has it, so that two who find the
//! log full do not turn it twice. A file goes only when all of a newer one was written after it.

mod entry;

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::disk::{self, Lock};
use crate::failure::{Failure, Kind, Result};
use crate::platform::{files, limits};

pub use entry::{Action, Entry, Event, OK, STARTED};

/// The log of this machine.
pub struct AuditLog {
    folder: PathBuf,
    /// The length in bytes from which the file is full.
    bound: u64,
    /// Says who calls.
    by: Caller,
}

/// Gives the name of the program that calls cast.
pub type Caller = fn() -> Option<OsString>;

/// What was read from the log.
#[derive(Debug, Default)]
pub struct Reading {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// How many lines are none.
    pub damaged: usize,
}

/// Some 4,000 events.
const BOUND: u64 = 1 << 20;
/// A little more than a line: what others may append between a look at the length and a write.
const MARGIN: u64 = 64 << 10;

impl AuditLog {
    /// The log in the state folder.
    pub fn new(state: &Path, by: Caller) -> Self {
        Self { folder: state.to_owned(), bound: BOUND, by }
    }

    /// Where the newest lines are.
    pub fn path(&self) -> PathBuf {
        self.folder.join("audit.jsonl")
    }

    /// Where the lines before those are.
    pub fn older_path(&self) -> PathBuf {
        self.folder.join("audit.1.jsonl")
    }

    /// Opens the log for appending, and makes it where it is missing.
    pub fn open(&self) -> Result<File> {
        let path = self.path();
        let opened = match files::open_log(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                disk::make_private_folders(&self.folder)?;
                files::open_log(&path)
            }
            opened => opened,
        };
        opened.map_err(|error| match error {
            error if files::is_symlink_refusal(&error) => not_a_file(&path),
            error => Failure::io("cannot open the audit log", &path, &error),
        })
    }

    /// Whether the log can be written, as far as that shows without writing.
    pub fn check(&self) -> Result<()> {
        let path = self.path();
        for path in [&path, &self.older_path()] {
            disk::open_regular(path)
                .map_err(|failure| Failure::new(failure.kind(), format!("cannot use the audit log: {failure}")))?;
        }
        // The nearest of what there is: the file, or the folder where it would be made.
        let there = path.ancestors().find(|path| path.exists()).unwrap_or(&path);
        files::check_writable(there).map_err(|cause| Failure::io("cannot write the audit log", &path, &cause))
    }

    /// Appends one line.
    pub fn append(&self, event: &Event, result: &'static str) -> Result<()> {
        // Before the file is opened: lines of a file that goes are older than all that stay.
        let entry = event.entry(result, (self.by)());
        let mut line = serde_json::to_vec(&entry).expect("text and numbers are JSON");
        line.push(b'\n');
        let file = self.append_line(&line)?;
        // Whoever was held up while the log was turned twice has written to a file that is no more.
        if files::is_removed(&file) { self.append_line(&line).map(drop) } else { Ok(()) }
    }

    /// Appends a whole line to the log as it is now; gives the file, which may have become the older one meanwhile.
    fn append_line(&self, line: &[u8]) -> Result<File> {
        let path = self.path();
        let mut file = self.open()?;
        let mut end = End::of(&mut file).map_err(|_| not_a_file(&path))?;
        if end.length > 0 && end.length + line.len() as u64 > self.bound && self.turn(line.len() as u64) {
            file = self.open()?;
            end = End::of(&mut file).map_err(|_| not_a_file(&path))?;
        }
        // Left by a killed writer or a full disk: a torn line must not spoil this one.
        let line = if end.is_torn { [b"\n", line].concat().into() } else { Cow::Borrowed(line) };
        let cannot_write = |cause: &io::Error| Failure::io("cannot write the audit log", &path, cause);
        if !limits::may_grow_to(end.length + line.len() as u64 + MARGIN) {
            return Err(cannot_write(&io::ErrorKind::FileTooLarge.into()));
        }
        // Not write_all: what comes after a part of a line would be a line of its own.
        match file.write(&line) {
            Ok(written) if written == line.len() => Ok(file),
            Ok(_) => Err(cannot_write(&io::ErrorKind::StorageFull.into())),
            Err(cause) => Err(cannot_write(&cause)),
        }
    }

    /// Everything that is noted, oldest first.
    pub fn read(&self) -> Result<Reading> {
        let files = {
            // Not between a turn's files; where nothing may be written, nothing is turned.
            let _lock = if self.path().exists() { Lock::acquire(&self.lock_path()).ok() } else { None };
            [self.older_path(), self.path()].map(|path| disk::open_regular(&path).map(|file| (path, file)))
        };
        let mut reading = Reading::default();
        for file in files {
            let (path, Some(file)) = file? else { continue };
            for line in BufReader::new(file).split(b'\n') {
                let line = line.map_err(|cause| Failure::io("cannot read the audit log", &path, &cause))?;
                match Entry::parse(&line) {
                    Some(entry) => reading.entries.push(entry),
                    None if line.is_empty() => {}
                    None => reading.damaged += 1,
                }
            }
        }
        Ok(reading)
    }

    /// Makes the full log the older one, unless somebody else has just done so. Whether a new one is begun.
    fn turn(&self, more: u64) -> bool {
        let Some(_lock) = Lock::try_acquire(&self.lock_path()) else { return false };
        let length = fs::symlink_metadata(self.path()).map_or(0, |data| data.len());
        // It was another cast that turned it.
        length + more <= self.bound || files::rename(&self.path(), &self.older_path()).is_ok()
    }

    fn lock_path(&self) -> PathBuf {
        self.folder.join("audit.lock")
    }
}

/// How a file ends.
struct End {
    length: u64,
    /// Within a line.
    is_torn: bool,
}

impl End {
    fn of(file: &mut File) -> io::Result<Self> {
        // Not at once to the last byte: before the first one, each system fails in words of its own.
        if file.seek(SeekFrom::End(0))? == 0 {
            return Ok(Self { length: 0, is_torn: false });
        }
        let last = file.seek(SeekFrom::End(-1))?;
        let mut byte = [0];
        let read = file.read(&mut byte)?;
        Ok(Self { length: last + 1, is_torn: read == 1 && byte[0] != b'\n' })
    }
}

fn not_a_file(path: &Path) -> Failure {
    Failure::new(Kind::Io, format!("the audit log is not a regular file: '{}'", path.display()))
}

#[cfg(test)]
mod tests;
