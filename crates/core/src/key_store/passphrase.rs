//! The passphrase of a key file: out of the file that `CAST_PASSPHRASE_FILE` names, or else from the user. Promises that
//! a wrong passphrase from that file is an error at once, and that CMD gets no descriptor of it.

use std::env;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::sync::OnceLock;

use age::secrecy::zeroize::Zeroizing;
use age::secrecy::{ExposeSecret, SecretString};

use super::Attendant;
use crate::disk;
use crate::failure::{Cause, Failure, Kind, Result};
use crate::injections::PASSPHRASE_FILE;
use crate::paths::refuse_tilde;
use crate::platform::exec;
use crate::platform::files::{self, Distrust};

/// How often the user may enter a passphrase.
pub const TRIES: usize = 3;
/// The fewest characters of a new passphrase.
const SHORTEST: usize = 8;
/// The longest passphrase in a file, in bytes: as much as a line of a terminal takes.
const LONGEST: usize = 4096;

/// The passphrase that came through a pipe, which can be read only once.
static PIPED: OnceLock<SecretString> = OnceLock::new();

/// Whether the caller set the variable.
pub fn is_given() -> bool {
    env::var_os(PASSPHRASE_FILE).is_some()
}

/// The passphrase in the file that the caller named, if any.
pub(super) fn given() -> Result<Option<SecretString>> {
    let Some(path) = env::var_os(PASSPHRASE_FILE) else { return Ok(None) };
    if let Some(piped) = PIPED.get() {
        return Ok(Some(piped.clone()));
    }
    refuse_tilde(Kind::NoKey, PASSPHRASE_FILE, Path::new(&path))?;
    let (passphrase, is_file) = read(Path::new(&path))?;
    Ok(Some(if is_file { passphrase } else { PIPED.get_or_init(|| passphrase).clone() }))
}

/// The passphrase for a new key file.
pub(super) fn new(attendant: &dyn Attendant) -> Result<SecretString> {
    let passphrase = match given()? {
        Some(passphrase) => passphrase,
        None => attendant.new_passphrase()?,
    };
    check_new(&passphrase)?;
    Ok(passphrase)
}

/// Refuses a new passphrase that is too short.
pub fn check_new(passphrase: &SecretString) -> Result<()> {
    if passphrase.expose_secret().chars().count() >= SHORTEST {
        return Ok(());
    }
    Err(Failure::new(Kind::Usage, format!("a passphrase needs at least {SHORTEST} characters")))
}

/// Keeps a descriptor that the variable names from CMD, whether or not the passphrase was needed.
pub fn keep_from_children() {
    if let Some(Ok(data)) = env::var_os(PASSPHRASE_FILE).map(fs::metadata) {
        exec::keep_from_children(&data);
    }
}

/// The passphrase in the file at `path`, and whether that is a regular file. No message shows the path, because a user
/// may have put the passphrase itself into the variable.
fn read(path: &Path) -> Result<(SecretString, bool)> {
    let bad = |what: &str| Failure::new(Kind::NoKey, format!("{PASSPHRASE_FILE} {what}"));
    if path.as_os_str().is_empty() {
        return Err(bad("is set but empty").hint(format!("name a file, or unset it: 'unset {PASSPHRASE_FILE}'")));
    }
    let unreadable = |cause| {
        bad(&format!("names a file that cannot be read: {}", Cause(&cause)))
            .hint(format!("{PASSPHRASE_FILE} takes the path of a file, not the passphrase itself"))
    };
    let file = File::open(path).map_err(unreadable)?;
    if file.is_terminal() {
        return Err(unreadable(io::Error::other("it is a terminal")));
    }
    let data = file.metadata().map_err(unreadable)?;
    if files::is_fed_by_others(&file) || disk::is_led_by_others(&file, path) {
        return Err(bad("names a file that other users can write")
            .hint("if the passphrase is yours: chmod 600 \"$CAST_PASSPHRASE_FILE\"; if the file is not, make a copy of your own"));
    }
    // A mounted secret belongs to root, and this user cannot change its mode.
    if data.is_file() && files::distrust(&file).map_err(unreadable)? == Some(Distrust::OthersCanRead) {
        return Err(bad("names a file that other users can read")
            .hint("if the passphrase is still secret: chmod 600 \"$CAST_PASSPHRASE_FILE\""));
    }
    let mut text = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    (&file).take(LONGEST as u64 + 1).read_to_end(&mut text).map_err(unreadable)?;
    exec::keep_from_children(&data);
    let passphrase = parse(&text).map_err(|what| {
        bad(&format!("names a file that {what}")).hint("the passphrase is its only line; nothing else is in the file")
    })?;
    Ok((passphrase, data.is_file()))
}

/// The one line of such a file, without its end.
fn parse(text: &[u8]) -> Result<SecretString, String> {
    if text.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    let text = str::from_utf8(text).map_err(|_| "is not valid UTF-8".to_owned())?;
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.contains(['\n', '\r']) {
        return Err("has more than one line".to_owned());
    }
    if line.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(SecretString::from(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let found = parse(text.as_bytes()).map(|found| found.expose_secret().to_owned());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text:?}");
    }

    #[test]
    fn one_line_without_its_end() {
        check("correct horse", Ok("correct horse"));
        check("correct horse\n", Ok("correct horse"));
        check("correct horse\r\n", Ok("correct horse"));
        check(" blanks stay \n", Ok(" blanks stay "));
        check("", Err("is empty"));
        check("\n", Err("is empty"));
        check("two\nlines\n", Err("has more than one line"));
        check("one\n\n", Err("has more than one line"));
        check(&"x".repeat(LONGEST), Ok(&"x".repeat(LONGEST)));
        check(&"x".repeat(LONGEST + 1), Err("is longer than 4096 bytes"));
        assert!(parse(b"\xff\xfe").is_err());
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        let is_long_enough = |word: &str| check_new(&SecretString::from(word.to_owned())).is_ok();
        assert!(is_long_enough("12345678") && is_long_enough("ééééééééé") && is_long_enough("🔑🔑🔑🔑🔑🔑🔑🔑"));
        assert!(!is_long_enough("1234567") && !is_long_enough("ééééééé") && !is_long_enough(""));
    }
}
