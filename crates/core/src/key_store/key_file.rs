//! The key file, for machines without a keyring: `key.txt`, protected by its mode, or `key.age`, protected by a
//! passphrase.

use std::fs::File;
use std::path::{Path, PathBuf};

use age::secrecy::zeroize::Zeroizing;
use age::secrecy::{ExposeSecret, SecretString};

use super::Attendant;
use super::key_text;
use super::passphrase::{self, TRIES};
use crate::advice;
use crate::disk;
use crate::failure::{Failure, Kind, Result};
use crate::git;
use crate::injections::PASSPHRASE_FILE;
use crate::platform::exec;
use crate::platform::files::{self, Distrust};
use cast_vault::{Closed, MasterKey, UnlockKey, open_with_passphrase, seal_with_passphrase};

/// In bytes; room for many keys with comments.
const MAX_KEY_FILE: usize = 64 << 10;

/// The keys in `key.txt`.
pub(super) fn load_plain(path: &Path) -> Result<Option<Vec<MasterKey>>> {
    read(path)?.map(|text| parse(&text, path)).transpose()
}

/// The keys in `key.age`, and the passphrase that opened it: `known`, or the caller's, or the one that the attendant asks
/// for.
pub(super) fn load_with_passphrase(
    path: &Path,
    known: Option<&SecretString>,
    attendant: &dyn Attendant,
) -> Result<Option<(Vec<MasterKey>, SecretString)>> {
    let Some(file) = read(path)? else { return Ok(None) };
    // Tab does not wait for the work that a passphrase takes.
    let given = if known.is_none() && attendant.waits() { passphrase::given()? } else { None };
    if let Some(passphrase) = known.or(given.as_ref()) {
        let text = open_with_passphrase(&file, passphrase.clone());
        let text = text.map_err(|closed| unopened(closed, given.is_some(), path))?;
        return Ok(Some((parse(&text, path)?, passphrase.clone())));
    }
    let (mut wrong, mut text) = (0, None);
    let passphrase =
        attendant.passphrase(path, &mut |passphrase| match open_with_passphrase(&file, passphrase.clone()) {
            Ok(opened) => {
                text = Some(opened);
                Ok(true)
            }
            Err(Closed::WrongKey) if wrong + 1 < TRIES => {
                wrong += 1;
                Ok(false)
            }
            Err(closed) => Err(unopened(closed, false, path)),
        })?;
    let text = text.ok_or_else(|| unopened(Closed::WrongKey, false, path))?;
    Ok(Some((parse(&text, path)?, passphrase)))
}

fn unopened(closed: Closed, is_given: bool, path: &Path) -> Failure {
    let what = match closed {
        Closed::WrongKey if is_given => format!("wrong passphrase: it came from {PASSPHRASE_FILE}"),
        Closed::WrongKey => "wrong passphrase".to_owned(),
        Closed::TooMuchWork => format!("the key file has too high a scrypt work factor: '{}'", path.display()),
        Closed::Damaged => format!("the key file is damaged: '{}'", path.display()),
    };
    let failure = Failure::new(Kind::NoKey, what);
    match closed {
        Closed::WrongKey => failure.hint(format!("if you forgot the passphrase, {}", another_key_file(path))),
        Closed::Damaged | Closed::TooMuchWork => failure.hint(another_key_file(path)),
    }
}

/// What to do about a key file that nothing opens.
fn another_key_file(path: &Path) -> String {
    format!("move the file away ({}) and import a backup: 'cast key import master.key'", advice::move_away(path))
}

/// Writes `key.txt`. Returns the keys as read back.
pub(super) fn save_plain(path: &Path, keys: &[&MasterKey]) -> Result<Vec<MasterKey>> {
    let text = MasterKey::identity_file(keys);
    write(path, text.expose_secret().as_bytes(), |back| check_same(&parse(back, path)?, keys, path))?;
    load_plain(path)?.ok_or_else(|| Failure::new(Kind::Io, format!("the key file is gone: '{}'", path.display())))
}

/// Writes `key.age` after it checked that the passphrase opens the encrypted file. Returns the keys from it.
pub(super) fn save_with_passphrase(
    path: &Path,
    keys: &[&MasterKey],
    passphrase: &SecretString,
) -> Result<Vec<MasterKey>> {
    let text = MasterKey::identity_file(keys);
    let file = seal_with_passphrase(text.expose_secret().as_bytes(), passphrase.clone());
    let back = open_with_passphrase(&file, passphrase.clone()).map_err(|_| {
        Failure::new(Kind::Other, "the passphrase does not open the key file that cast encrypted with it")
    })?;
    let back = parse(&back, path)?;
    // `write` checks that the file on disk has exactly these bytes.
    write(path, &file, |_| check_same(&back, keys, path))?;
    Ok(back)
}

/// Removes a key file, durably.
pub(super) fn remove(path: &Path) -> Result<()> {
    disk::remove(path)
}

/// Replaces the key file only with one that can be read back and that `check` accepts.
fn write(path: &Path, bytes: &[u8], check: impl FnOnce(&[u8]) -> Result<()>) -> Result<()> {
    refuse_work_tree(path)?;
    disk::replace(path, &temporary(path), bytes, |back| {
        if back.len() > MAX_KEY_FILE {
            return Err(Failure::new(Kind::Other, format!("the key file would be too large: '{}'", path.display())));
        }
        check(back)
    })
}

fn check_same(back: &[MasterKey], keys: &[&MasterKey], path: &Path) -> Result<()> {
    if MasterKey::same(back, keys) {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Other,
        format!("the key file does not contain the keys that cast wrote: '{}'", path.display()),
    ))
}

/// The temporary name for a key file of either kind, before it is renamed.
pub(super) fn temporary(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(file) = check(path)? else { return Ok(None) };
    // CMD must not inherit a descriptor of the key that the caller has opened.
    if let Ok(data) = file.metadata() {
        exec::keep_from_children(&data);
    }
    disk::read_limited(&file, path, MAX_KEY_FILE).map(|bytes| Some(Zeroizing::new(bytes)))
}

/// Opens a key file that no other user can read or write. `None` if there is no such file.
pub fn check(path: &Path) -> Result<Option<File>> {
    let Some(file) = disk::open_own(path)? else { return Ok(None) };
    let distrust = files::distrust(&file).map_err(|cause| Failure::io("cannot inspect", path, &cause))?;
    if let Some(distrust) = distrust {
        let why = match distrust {
            Distrust::OtherOwner => "it belongs to another user",
            Distrust::OthersCanRead => "other users can read it",
        };
        return Err(Failure::new(Kind::Io, format!("the key file is not used because {why}: '{}'", path.display()))
            .hint(format!("if the key is still secret, run: {}", advice::own_and_close(path))));
    }
    Ok(Some(file))
}

fn parse(text: &[u8], path: &Path) -> Result<Vec<MasterKey>> {
    let bad = |what: &str| {
        Failure::new(Kind::NoKey, format!("the key file does not contain a usable key: {what}: '{}'", path.display()))
            .hint(another_key_file(path))
    };
    let text = key_text::decode(text).ok_or_else(|| bad("it is not text"))?;
    match UnlockKey::parse(&text) {
        Ok(UnlockKey::Agent(_)) => Err(bad("an agent key belongs in CAST_KEY")),
        Ok(UnlockKey::Master(keys)) => Ok(keys),
        Err(fault) => Err(bad(Failure::from(fault).message())),
    }
}

/// A key file must not be where git could commit it. One that git ignores may: a home can be a work tree itself.
pub(super) fn refuse_work_tree(path: &Path) -> Result<()> {
    let Some(tree) = disk::git_work_tree(path).filter(|_| !git::ignores(path)) else { return Ok(()) };
    let what = format!("a key file must not be in the git work tree '{}': '{}'", tree.display(), path.display());
    Err(Failure::new(Kind::Io, what)
        .hint("use the OS keyring, or set CAST_HOME to a folder outside it")
        .hint(format!("or make git ignore it: {}", advice::ignore(&tree, &path.with_extension("*")))))
}
