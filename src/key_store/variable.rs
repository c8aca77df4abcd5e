//! The key that was handed to this process: `CAST_KEY`, or a file named by `CAST_KEY_FILE` (`/dev/fd/N` too).

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};

use age::secrecy::zeroize::Zeroizing;

use crate::disk;
use crate::failure::{Cause, Failure, Kind, Result};
use crate::keys::UnlockKey;

/// The variable that holds a key.
pub(crate) const KEY: &str = "CAST_KEY";
/// The variable that names the file of a key.
pub(crate) const KEY_FILE: &str = "CAST_KEY_FILE";

/// Many keys with comments fit.
const MAX_KEY_TEXT: usize = 64 << 10;

pub(super) fn load() -> Result<Option<(UnlockKey, &'static str)>> {
    match (env::var_os(KEY), env::var_os(KEY_FILE)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Failure::new(Kind::NoKey, format!("both {KEY} and {KEY_FILE} are set"))
            .hint(format!("unset one of them: 'unset {KEY_FILE}'"))),
        (Some(text), None) => {
            let text = Zeroizing::new(text.into_encoded_bytes());
            Ok(Some((parse(&text, KEY)?, KEY)))
        }
        (None, Some(path)) => Ok(Some((read_file(&PathBuf::from(path), KEY_FILE)?, KEY_FILE))),
    }
}

/// Reads the key file that the user names, in a variable or an option. Secrets mounted into containers are readable by all there, and a
/// descriptor has no mode: neither is checked.
pub(crate) fn read_file(path: &Path, named_by: &str) -> Result<UnlockKey> {
    if path.as_os_str().is_empty() {
        return Err(Failure::new(Kind::NoKey, format!("{named_by} is set but empty")));
    }
    let file = File::open(path).map_err(|cause| {
        Failure::new(Kind::NoKey, format!("{named_by}: cannot read '{}': {}", path.display(), Cause(&cause)))
    })?;
    let text = disk::read_limited(&file, path, MAX_KEY_TEXT).map(Zeroizing::new);
    let text = text.map_err(|failure| Failure::new(Kind::NoKey, format!("{named_by}: {failure}")))?;
    if text.starts_with(b"age-encryption.org/") {
        return Err(Failure::new(Kind::NoKey, format!("{named_by} names an encrypted file"))
            .hint(format!("decrypt it on the way, with '<(age -d {})'", path.display())));
    }
    parse(&text, named_by)
}

fn parse(text: &[u8], variable: &str) -> Result<UnlockKey> {
    let bad = |what: String| Failure::new(Kind::NoKey, format!("{variable} holds no usable key: {what}"));
    if text.len() > MAX_KEY_TEXT {
        return Err(bad(format!("it is longer than {MAX_KEY_TEXT} bytes")));
    }
    let text = std::str::from_utf8(text).map_err(|_| bad("it is not text".to_owned()))?;
    UnlockKey::parse(text).map_err(|failure| bad(failure.message().to_owned()))
}
