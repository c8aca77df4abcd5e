//! The audit log: who used which secrets and when, by name only. Each event is one line of JSON in `audit.jsonl`, which
//! is renamed to `audit.1.jsonl` when it is full. Promises: a line never contains a value or an argument; concurrent
//! writers never mix their lines; a writer never waits, because it appends each line with one write, does not sync it
//! to disk and does not wait for a lock.
//!
//! Rotation loses nothing. A writer that still has the old file open appends to it, and the old file is kept; if that
//! file has been deleted meanwhile, the writer appends its line again to the new one. A process that rotates takes the
//! lock and checks the length again, so two processes that find the log full do not rotate it twice. A file is deleted
//! only after a whole newer file was written.

mod entry;

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::disk::{self, Lock};
use crate::failure::{Failure, Kind, Result};
use crate::platform::{files, limits};

pub use entry::{Action, Entry, Event, HostCount, OK, STARTED};

/// The log of this machine.
pub struct AuditLog {
    folder: PathBuf,
    /// The length in bytes at which the file is full.
    bound: u64,
    /// Returns the name of the calling program.
    by: Caller,
}

/// Returns the name of the program that called cast.
pub type Caller = fn() -> Option<OsString>;

/// The contents of the log.
#[derive(Debug, Default)]
pub struct Reading {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// The number of lines that are not valid entries.
    pub damaged: usize,
}

/// Room for about 4,000 events.
const BOUND: u64 = 1 << 20;
/// More than one line, because other processes may append between the length check and the write.
const MARGIN: u64 = 64 << 10;

impl AuditLog {
    /// The log in the state folder.
    pub fn new(state: &Path, by: Caller) -> Self {
        Self { folder: state.to_owned(), bound: BOUND, by }
    }

    /// The file with the newest lines.
    pub fn path(&self) -> PathBuf {
        self.folder.join("audit.jsonl")
    }

    /// The file with the lines before those.
    pub fn older_path(&self) -> PathBuf {
        self.folder.join("audit.1.jsonl")
    }

    /// Opens the log for appending and creates it if it is missing.
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

    /// Checks, without writing, whether the log can be written.
    pub fn check(&self) -> Result<()> {
        let path = self.path();
        for path in [&path, &self.older_path()] {
            disk::open_own(path).map_err(|failure| {
                let own = Failure::new(failure.kind(), format!("cannot use the audit log: {failure}"));
                failure.hints().iter().fold(own, Failure::hint)
            })?;
        }
        // The file, or the nearest existing folder above it.
        let there = path.ancestors().find(|path| path.exists()).unwrap_or(&path);
        files::check_writable(there).map_err(|cause| Failure::io("cannot write the audit log", &path, &cause))
    }

    /// Appends one line.
    pub fn append(&self, event: &Event, result: &'static str) -> Result<()> {
        // The time is taken before the file is opened, so that lines in a deleted file are older than all lines that
        // stay.
        let entry = event.entry(result, (self.by)());
        let mut line = serde_json::to_vec(&entry).expect("text and numbers are JSON");
        line.push(b'\n');
        let file = self.append_line(&line)?;
        // If the log was rotated twice meanwhile, the line went to a deleted file.
        if files::is_removed(&file) { self.append_line(&line).map(drop) } else { Ok(()) }
    }

    /// Appends a whole line to the current log. Returns the file, which may have become the older one meanwhile.
    fn append_line(&self, line: &[u8]) -> Result<File> {
        let path = self.path();
        let mut file = self.open()?;
        let mut end = End::of(&mut file).map_err(|_| not_a_file(&path))?;
        if end.length > 0 && end.length + line.len() as u64 > self.bound && self.turn(line.len() as u64) {
            file = self.open()?;
            end = End::of(&mut file).map_err(|_| not_a_file(&path))?;
        }
        // A killed writer or a full disk can leave a partial line, which must not damage this one.
        let line = if end.is_torn { [b"\n", line].concat().into() } else { Cow::Borrowed(line) };
        let cannot_write = |cause: &io::Error| Failure::io("cannot write the audit log", &path, cause);
        if !limits::may_grow_to(end.length + line.len() as u64 + MARGIN) {
            return Err(cannot_write(&io::ErrorKind::FileTooLarge.into()));
        }
        // Not `write_all`: after a partial write, the rest could end up as a separate line.
        match file.write(&line) {
            Ok(written) if written == line.len() => Ok(file),
            Ok(_) => Err(cannot_write(&io::ErrorKind::StorageFull.into())),
            Err(cause) => Err(cannot_write(&cause)),
        }
    }

    /// Reads all entries, oldest first.
    pub fn read(&self) -> Result<Reading> {
        let files = {
            // The lock keeps another process from rotating the files between the two reads. In a read-only folder no
            // process can rotate.
            let _lock = if self.path().exists() { Lock::acquire(&self.lock_path()).ok() } else { None };
            [self.older_path(), self.path()].map(|path| disk::open_own(&path).map(|file| (path, file)))
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

    /// Renames the full log to the older one, unless another process has just done so. Returns whether the caller
    /// should open a new file.
    fn turn(&self, more: u64) -> bool {
        let Some(_lock) = Lock::try_acquire(&self.lock_path()) else { return false };
        let length = fs::symlink_metadata(self.path()).map_or(0, |data| data.len());
        // Another cast process has rotated it.
        length + more <= self.bound || files::rename(&self.path(), &self.older_path()).is_ok()
    }

    fn lock_path(&self) -> PathBuf {
        self.folder.join("audit.lock")
    }
}

/// How a file ends.
struct End {
    length: u64,
    /// The file ends in the middle of a line.
    is_torn: bool,
}

impl End {
    fn of(file: &mut File) -> io::Result<Self> {
        // Not directly to the last byte: seeking before the start fails with a different error on each system.
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
    let failure = Failure::new(Kind::Io, format!("the audit log is not a regular file: '{}'", path.display()));
    disk::in_the_place_of_a_file(path).hints().iter().fold(failure, Failure::hint)
}

#[cfg(test)]
mod tests;
