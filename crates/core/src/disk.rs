//! Atomic files: read with limits, replaced durably, locked with a deadline. Promises that a reader sees the old file
//! or the new one, and that a change that cast reported is not lost.

mod folder;
mod lock;
mod work_tree;

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::advice;
use crate::failure::{Cause, Failure, Kind, Result};
use crate::platform::files::{self, Folder};
use crate::platform::limits;

pub use folder::{OpenFolder, Way, is_led_by_others};
pub use lock::{Lock, Transient};
pub use work_tree::{git_work_tree, is_in_own_work_tree};

/// Opens a regular file. `None` if it does not exist, or if a part of its path is not a folder. A symlink, FIFO or
/// folder is refused.
pub fn open_regular(path: &Path) -> Result<Option<File>> {
    regular(path, files::open_plain(path))
}

/// The same for a file that cast itself keeps at `path`: a refusal says what lies there, where a link leads, and what to type.
pub fn open_own(path: &Path) -> Result<Option<File>> {
    open_regular(path).map_err(|failure| match fs::symlink_metadata(path) {
        Ok(data) if !data.is_file() => in_the_place_of_a_file(path),
        _ => failure,
    })
}

/// What to say of a folder, a link or something else where a file of cast's is to be.
pub fn in_the_place_of_a_file(path: &Path) -> Failure {
    let what = format!("not a regular file: '{}'", path.display());
    let Ok(target) = fs::read_link(path) else {
        return Failure::new(Kind::Io, what).hint(format!("move it away: {}", advice::move_away(path)));
    };
    let target = parent(path).join(target);
    let failure = Failure::new(Kind::Io, format!("{what}: it is a link to '{}'", target.display()));
    // Never a file of another name: a link in the place of a vault may lead to the key, or to the vault of another agent.
    let is_alike = |target: &PathBuf| target.is_file() && target.file_name() == path.file_name();
    match fs::canonicalize(&target).ok().filter(is_alike) {
        Some(target) => failure
            .hint(format!("put the file itself there: {}", advice::put_in_place(&target, path)))
            .hint("to keep it elsewhere, link the folder and not the file"),
        None => failure
            .hint("restore what it leads to")
            .hint(format!("or remove the link: {}", advice::remove(&[path.to_owned()]))),
    }
}

/// The same as [`open_regular`], but follows symlinks.
pub fn open_regular_behind_links(path: &Path) -> Result<Option<File>> {
    regular(path, files::open_behind_links(path))
}

/// Whether this user cannot see what is at `path`, because it may not enter its folder or one above.
pub fn is_out_of_reach(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn regular(path: &Path, opened: io::Result<File>) -> Result<Option<File>> {
    let not_a_file = || Failure::new(Kind::Io, format!("not a regular file: '{}'", path.display()));
    let file = match opened {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) if files::is_symlink_refusal(&error) => return Err(not_a_file()),
        Err(error) => return Err(Failure::io("cannot open", path, &error)),
    };
    let kind = file.metadata().map_err(|cause| Failure::io("cannot inspect", path, &cause))?;
    if kind.is_file() { Ok(Some(file)) } else { Err(not_a_file()) }
}

/// Reads an open file, but at most `limit + 1` bytes: a longer result than `limit` means that the file is too large.
pub fn read_limited(file: &File, path: &Path, limit: usize) -> Result<Vec<u8>> {
    let expected = file.metadata().map_or(0, |data| usize::try_from(data.len()).unwrap_or(usize::MAX));
    let mut bytes = Vec::with_capacity(expected.min(limit).saturating_add(1));
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|cause| Failure::io("cannot read", path, &cause))?;
    Ok(bytes)
}

/// Replaces the file at `path` atomically: writes and syncs a new file beside it, reads it back, passes it to `check`,
/// then renames it over `path`. `temporary` is its name until then; a file that a killed writer left under that name is
/// removed. The caller holds the lock.
pub fn replace(path: &Path, temporary: &Path, bytes: &[u8], check: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
    make_private_folders(parent(path))?;
    let folder = Folder::open(parent(path));
    let folder = folder.map_err(|cause| Failure::io("cannot open the folder", parent(path), &cause))?;
    replace_in(&folder, [path, temporary], bytes, &Cell::default(), check)
}

/// The same in a folder that was opened before: all of it happens there, wherever its path leads by now. `is_whole` says, also after a
/// failure, whether there was a file with all of the bytes, which whoever can write the folder may have kept.
fn replace_in(
    folder: &Folder,
    [path, temporary]: [&Path; 2],
    bytes: &[u8],
    is_whole: &Cell<bool>,
    check: impl FnOnce(&[u8]) -> Result<()>,
) -> Result<()> {
    limits::survive_file_size_limit();
    let new = name(temporary);
    match folder.remove(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Failure::io("cannot remove the leftover file", temporary, &error));
        }
        _ => {}
    }
    let attempt = || {
        let created = folder.create_private(new);
        let mut file = created.map_err(|cause| Failure::io("cannot create", temporary, &cause))?;
        write(&mut file, temporary, bytes)?;
        is_whole.set(true);
        sync(&file, temporary)?;
        let file = regular(temporary, folder.open_plain(new))?.ok_or_else(|| changed(temporary))?;
        let back = read_limited(&file, temporary, bytes.len())?;
        if back != bytes {
            return Err(changed(temporary));
        }
        check(&back)?;
        // What nobody finds there is not written.
        if !folder.is_at(parent(path)) {
            let what = format!("the folder was moved or replaced meanwhile: '{}'", parent(path).display());
            return Err(Failure::new(Kind::Io, what));
        }
        folder.rename(new, name(path)).map_err(|cause| Failure::io("cannot replace", path, &cause))
    };
    attempt().inspect_err(|_| {
        let _ = folder.remove(new);
    })?;
    confirmed(folder.sync(), path, "written")
}

/// The ending of a file that is being written.
pub const TEMPORARY_ENDING: &str = "tmp";

/// The path beside `path` with one more ending.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Replaces the file at `path` in one step, without waiting for the disk: for files that may be lost in a crash.
pub fn replace_soon(path: &Path, bytes: &[u8]) -> Result<()> {
    limits::survive_file_size_limit();
    let temporary = beside(path, TEMPORARY_ENDING);
    let _ = files::remove(&temporary);
    let written = files::create_private(&temporary).and_then(|mut file| file.write_all(bytes));
    let done = written.and_then(|()| files::rename(&temporary, path)).inspect_err(|_| {
        let _ = files::remove(&temporary);
    });
    done.map_err(|cause| Failure::io("cannot write", path, &cause))
}

/// Creates a new file that only this user can access, durably. A failure leaves no file.
pub fn create_new(path: &Path, bytes: &[u8]) -> Result<()> {
    limits::survive_file_size_limit();
    let mut file = match files::create_private(path) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Failure::new(Kind::Io, format!("file already exists: '{}'", path.display()))
                .hint("cast does not overwrite files: choose another name"));
        }
        made => made.map_err(|cause| Failure::io("cannot create", path, &cause))?,
    };
    write(&mut file, path, bytes).and_then(|()| sync(&file, path)).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })?;
    sync_folder(path, "written")
}

/// Removes the file at `path`, durably.
pub fn remove(path: &Path) -> Result<()> {
    files::remove(path).map_err(|cause| Failure::io("cannot remove", path, &cause))?;
    sync_folder(path, "removed")
}

/// Creates a folder and the missing ones above it, accessible only to this user.
pub fn make_private_folders(path: &Path) -> Result<()> {
    refuse_folder_of_another(path)?;
    let missing: Vec<_> =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        match files::create_private_dir(folder) {
            // Another cast process created it first.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                let failure = Failure::io("cannot create the folder", folder, &error);
                let is_closed =
                    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem);
                // As in a container that runs under a random user id, whose home is `/`.
                let hint = "set CAST_HOME to a folder that you can write";
                return Err(if is_closed { failure.hint(hint) } else { failure });
            }
            Ok(()) => {
                files::sync_dir(parent(folder)).map_err(|cause| Failure::io("cannot sync to disk", folder, &cause))?;
            }
        }
    }
    Ok(())
}

/// Refuses, as root, to write in another user's folder, as with a `sudo` that keeps HOME. That user could not read the files, and could lead
/// root to other folders.
fn refuse_folder_of_another(path: &Path) -> Result<()> {
    let nearest = path.ancestors().find_map(|folder| Some((folder, fs::metadata(folder).ok()?)));
    let Some((folder, _)) = nearest.filter(|(_, data)| files::is_of_another_than_root(data)) else { return Ok(()) };
    Err(Failure::new(
        Kind::Io,
        format!("cast runs as root, and the folder belongs to another user: '{}'", folder.display()),
    )
    .hint("run cast as that user, without sudo")
    .hint("or set CAST_HOME, or CAST_VAULTS, to a folder of root"))
}

fn write(file: &mut File, path: &Path, bytes: &[u8]) -> Result<()> {
    file.write_all(bytes).map_err(|cause| Failure::io("cannot write", path, &cause))
}

fn sync(file: &File, path: &Path) -> Result<()> {
    // After a failed fsync the kernel may mark pages clean that are not on disk, so cast never retries on this file.
    file.sync_all().map_err(|cause| Failure::io("cannot sync to disk", path, &cause))
}

fn sync_folder(path: &Path, done: &str) -> Result<()> {
    confirmed(files::sync_dir(parent(path)), path, done)
}

fn confirmed(synced: io::Result<()>, path: &Path, done: &str) -> Result<()> {
    synced.map_err(|cause| {
        Failure::new(Kind::Io, format!("{done}, but not confirmed durable: '{}': {}", path.display(), Cause(&cause)))
    })
}

fn changed(path: &Path) -> Failure {
    Failure::new(Kind::Io, format!("the file on disk differs from what cast wrote: '{}'", path.display()))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        // Of a name alone.
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder.unwrap_or(path),
    }
}

fn name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}
