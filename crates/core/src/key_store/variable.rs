//! The key that was handed to this process: `CAST_KEY`, or a file named by `CAST_KEY_FILE` (`/dev/fd/N` too).

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use age::secrecy::zeroize::Zeroizing;

use crate::failure::{Cause, Failure, Kind, Result};
use crate::injections::{KEY, KEY_FILE};
use crate::platform::exec;
use cast_vault::UnlockKey;

/// Many keys with comments fit.
const MAX_KEY_TEXT: usize = 64 << 10;

/// Whether a key was handed over.
pub fn is_set() -> bool {
    [KEY, KEY_FILE].iter().any(|name| env::var_os(name).is_some())
}

/// The key that was handed over, and the variable's name. Where nobody waits, only a regular file is read:
/// a pipe may never end, and would be empty for the one that comes after.
pub fn load(waits: bool) -> Result<Option<(UnlockKey, &'static str)>> {
    match (env::var_os(KEY), env::var_os(KEY_FILE)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Failure::new(Kind::NoKey, format!("both {KEY} and {KEY_FILE} are set"))
            .hint(format!("unset one of them: 'unset {KEY_FILE}'"))),
        (Some(text), None) => {
            let text = Zeroizing::new(text.into_encoded_bytes());
            Ok(Some((parse(&text, KEY)?, KEY)))
        }
        (None, Some(path)) if !waits && !Path::new(&path).is_file() => {
            Err(Failure::new(Kind::NoKey, format!("{KEY_FILE} does not name a regular file")))
        }
        (None, Some(path)) => Ok(Some((read_file(&PathBuf::from(path), KEY_FILE)?, KEY_FILE))),
    }
}

/// Reads the key file that the user names, in a variable or an option. Secrets mounted into containers are readable by all there, and a
/// descriptor has no mode: neither is checked.
pub fn read_file(path: &Path, named_by: &str) -> Result<UnlockKey> {
    if path.as_os_str().is_empty() {
        return Err(Failure::new(Kind::NoKey, format!("{named_by} is set but empty")));
    }
    // The path is not said: where a key was given in its place, that would be the key.
    let unreadable = |cause: &io::Error| {
        Failure::new(Kind::NoKey, format!("cannot read the file that {named_by} names: {}", Cause(cause)))
            .hint(format!("{named_by} takes the path of a file; put the key itself in CAST_KEY"))
    };
    let file = File::open(path).map_err(|cause| unreadable(&cause))?;
    let text = read(file).map_err(|cause| unreadable(&cause))?;
    // A descriptor that was handed to cast is not for CMD.
    exec::keep_from_children(path);
    parse_file(&text, named_by)
}

/// Reads a key from standard input, if it is no terminal: that would show it.
pub fn read_standard_input() -> Result<UnlockKey> {
    if io::stdin().is_terminal() {
        return Err(Failure::new(Kind::Usage, "standard input is a terminal")
            .hint("name a file, or use a pipe: '... | cast key import -'"));
    }
    let text = read(io::stdin().lock());
    let text = text.map_err(|cause| Failure::io("cannot read", Path::new("standard input"), &cause))?;
    parse_file(&text, "standard input")
}

fn read(from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_KEY_TEXT + 1));
    from.take(MAX_KEY_TEXT as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn parse_file(text: &[u8], named_by: &str) -> Result<UnlockKey> {
    if text.starts_with(b"age-encryption.org/") {
        return Err(Failure::new(Kind::NoKey, format!("{named_by} names an encrypted file"))
            .hint("decrypt it on the fly: '<(age -d key.age)'"));
    }
    parse(text, named_by)
}

/// The key in a text; `variable` is what the text came in.
pub fn parse(text: &[u8], variable: &str) -> Result<UnlockKey> {
    let bad = |what: String| Failure::new(Kind::NoKey, format!("{variable} does not contain a usable key: {what}"));
    if text.len() > MAX_KEY_TEXT {
        return Err(bad(format!("it is longer than {MAX_KEY_TEXT} bytes")));
    }
    let text = std::str::from_utf8(text).map_err(|_| bad("it is not text".to_owned()))?;
    UnlockKey::parse(text).map_err(|fault| bad(Failure::from(fault).message().to_owned()))
}
