//! The key file, for machines without a keyring: `key.txt`, protected by its mode, or `key.age`, protected by a passphrase.

use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use age::secrecy::zeroize::Zeroizing;

use super::Attendant;
use crate::age_file::{self, Closed};
use crate::disk;
use crate::failure::{Failure, Kind, Result};
use crate::keys::{MasterKey, UnlockKey};
use crate::paths::Places;
use crate::platform;

/// Many keys with comments fit.
const MAX_KEY_FILE: usize = 64 << 10;

/// The key of the key file there is; where there are two, that which asks for nothing.
pub(super) fn load(places: &Places, attendant: &dyn Attendant) -> Result<Option<(UnlockKey, PathBuf)>> {
    // No home at all: whoever has a key in a variable never came here.
    let (Ok(plain), Ok(sealed)) = (places.plain_key(), places.passphrase_key()) else { return Ok(None) };
    if let Some(text) = read(&plain)? {
        return parse(&text, &plain).map(|key| Some((key, plain)));
    }
    let Some(file) = read(&sealed)? else { return Ok(None) };
    let passphrase = attendant.passphrase(&sealed)?;
    let text = age_file::open_with_passphrase(&file, passphrase).map_err(|closed| {
        Failure::new(
            Kind::NoKey,
            match closed {
                Closed::WrongKey => "wrong passphrase".to_owned(),
                Closed::TooMuchWork => format!("the key file asks for too much work: '{}'", sealed.display()),
                Closed::Damaged => format!("the key file is damaged: '{}'", sealed.display()),
            },
        )
    })?;
    parse(&text, &sealed).map(|key| Some((key, sealed)))
}

/// Writes `key.txt`; gives the keys as they were read back.
pub(super) fn save_plain(places: &Places, keys: &[MasterKey]) -> Result<(UnlockKey, PathBuf)> {
    let path = places.plain_key()?;
    write(&path, MasterKey::identity_file(keys).expose_secret().as_bytes())?;
    let text =
        read(&path)?.ok_or_else(|| Failure::new(Kind::Io, format!("the key file is gone: '{}'", path.display())))?;
    Ok((parse(&text, &path)?, path))
}

/// Writes `key.age`, once the passphrase has opened what it sealed; gives the keys from there.
pub(super) fn save_with_passphrase(
    places: &Places,
    keys: &[MasterKey],
    attendant: &dyn Attendant,
) -> Result<(UnlockKey, PathBuf)> {
    let path = places.passphrase_key()?;
    refuse_work_tree(&path)?;
    let passphrase = attendant.new_passphrase()?;
    let text = MasterKey::identity_file(keys);
    let file = age_file::seal_with_passphrase(text.expose_secret().as_bytes(), passphrase.clone());
    let back = age_file::open_with_passphrase(&file, passphrase)
        .map_err(|_| Failure::new(Kind::Other, "the passphrase does not open what it sealed"))?;
    write(&path, &file)?;
    Ok((parse(&back, &path)?, path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    refuse_work_tree(path)?;
    disk::replace(path, &path.with_extension("tmp"), bytes, |_| Ok(()))
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(file) = disk::open_regular(path)? else { return Ok(None) };
    let distrust = platform::distrust(&file).map_err(|cause| Failure::io("cannot look at", path, &cause))?;
    if let Some(why) = distrust {
        return Err(Failure::new(Kind::Io, format!("the key file is not used, for {why}: '{}'", path.display()))
            .hint(format!("if the key is still secret, type: {}", platform::trust_command(path))));
    }
    disk::read_limited(&file, path, MAX_KEY_FILE).map(|bytes| Some(Zeroizing::new(bytes)))
}

fn parse(text: &[u8], path: &Path) -> Result<UnlockKey> {
    let bad = |what: &str| {
        Failure::new(Kind::NoKey, format!("the key file holds no usable key: {what}: '{}'", path.display()))
    };
    let text = std::str::from_utf8(text).map_err(|_| bad("it is not text"))?;
    match UnlockKey::parse(text) {
        Ok(UnlockKey::Agent(_)) => Err(bad("an agent key belongs in CAST_KEY")),
        Ok(key) => Ok(key),
        Err(failure) => Err(bad(failure.message())),
    }
}

fn refuse_work_tree(path: &Path) -> Result<()> {
    match disk::git_work_tree(path) {
        None => Ok(()),
        Some(tree) => Err(Failure::new(
            Kind::Io,
            format!("a key file does not belong in the git work tree '{}': '{}'", tree.display(), path.display()),
        )
        .hint("use the OS keyring, or set CAST_HOME to a folder outside of it")),
    }
}
