//! The key that was given to this process: `CAST_KEY`, or a file that `CAST_KEY_FILE` names (also `/dev/fd/N`).

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use age::secrecy::zeroize::Zeroizing;

use crate::disk;
use crate::failure::{Cause, Failure, Kind, Result};
use crate::injections::{KEY, KEY_FILE};
use crate::key_store::key_text;
use crate::paths::refuse_tilde;
use crate::platform::{exec, files};
use cast_vault::UnlockKey;

/// In bytes; room for many keys with comments.
const MAX_KEY_TEXT: usize = 64 << 10;

/// Whether the caller set one of the variables.
pub fn is_set() -> bool {
    [KEY, KEY_FILE].iter().any(|name| env::var_os(name).is_some())
}

/// The key, and the name of its variable. If `waits` is false, only a regular file is read: a pipe may never end, and
/// the next reader would find it empty.
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

/// Reads the key file that the user names in a variable or an option. Others may read it, as every user in a container
/// can read a mounted secret; others must not be able to write it.
pub fn read_file(path: &Path, named_by: &str) -> Result<UnlockKey> {
    parse_file(&read_text(path, named_by)?, named_by)
}

/// The bytes of that file.
pub fn read_text(path: &Path, named_by: &str) -> Result<Zeroizing<Vec<u8>>> {
    if path.as_os_str().is_empty() {
        return Err(Failure::new(Kind::NoKey, format!("{named_by} is set but empty"))
            .hint(format!("name a file, or unset it: 'unset {named_by}'")));
    }
    refuse_tilde(Kind::NoKey, named_by, path)?;
    // What leads nowhere is not shown, because a user may have put the key itself there.
    let is_path = path.symlink_metadata().is_ok() || path.parent().is_some_and(Path::is_dir);
    let shown = if named_by != KEY_FILE && is_path {
        format!("'{}'", path.display())
    } else {
        format!("the file that {named_by} names")
    };
    let unreadable = |cause: &io::Error| {
        Failure::new(Kind::NoKey, format!("cannot read {shown}: {}", Cause(cause))).hint(if named_by == KEY_FILE {
            format!("{KEY_FILE} takes the path of a file; put the key itself in {KEY}")
        } else {
            format!("{named_by} takes the path of a file that this user can read")
        })
    };
    let file = File::open(path).map_err(|cause| unreadable(&cause))?;
    if file.is_terminal() {
        return Err(unreadable(&io::Error::other("it is a terminal")));
    }
    // Who can write the file chooses the key.
    if files::is_fed_by_others(&file) || disk::is_led_by_others(&file, path) {
        return Err(Failure::new(Kind::NoKey, format!("{named_by}: other users can write the file that it names"))
            .hint(if named_by == KEY_FILE {
                "if the key is yours: chmod go-w \"$CAST_KEY_FILE\"; if the file is not, make a copy of your own"
            } else {
                "if the key is yours: run 'chmod go-w' on the file; if the file is not, make a copy of your own"
            }));
    }
    let text = read(&file).map_err(|cause| unreadable(&cause))?;
    // CMD must not inherit a descriptor of the key, under any name.
    if let Ok(data) = file.metadata() {
        exec::keep_from_children(&data);
    }
    Ok(text)
}

/// Reads the text of a key from standard input. Refuses a terminal, which would show the key.
pub fn read_standard_input() -> Result<Zeroizing<Vec<u8>>> {
    if io::stdin().is_terminal() {
        return Err(Failure::new(Kind::Usage, "standard input is a terminal")
            .hint("name a file, or use a pipe: '... | cast key import -'"));
    }
    let text = read(io::stdin().lock());
    text.map_err(|cause| Failure::io("cannot read", Path::new("standard input"), &cause))
}

fn read(from: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_KEY_TEXT + 1));
    from.take(MAX_KEY_TEXT as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

fn parse_file(text: &[u8], named_by: &str) -> Result<UnlockKey> {
    if is_sealed(text) {
        return Err(Failure::new(Kind::NoKey, format!("{named_by} names an encrypted file"))
            .hint("decrypt it on the fly: '<(age -d key.age)'"));
    }
    parse(text, named_by)
}

/// Whether it is an age file, and no key.
pub(crate) fn is_sealed(text: &[u8]) -> bool {
    text.starts_with(b"age-encryption.org/")
}

/// Parses the key in a text; `variable` names the source for messages.
pub fn parse(text: &[u8], variable: &str) -> Result<UnlockKey> {
    let bad = |what: String| {
        Failure::new(Kind::NoKey, format!("{variable} does not contain a usable key: {what}"))
            .hint("it takes what one of these prints: 'cast key export', 'cast key export --agent AGENT'")
    };
    if text.len() > MAX_KEY_TEXT {
        return Err(bad(format!("it is longer than {MAX_KEY_TEXT} bytes")));
    }
    let text = key_text::decode(text).ok_or_else(|| bad("it is not text".to_owned()))?;
    UnlockKey::parse(&text).map_err(|fault| bad(Failure::from(fault).message().to_owned()))
}
