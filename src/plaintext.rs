//! A `.env` file that the user names: reads its text, warns about the secrets that it holds in plain text, and removes
//! it where that loses nothing.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use age::secrecy::zeroize::Zeroizing;

use cast_core::disk;
use cast_core::failure::{Cause, Failure, Kind, Result};
use cast_core::git::{self, Exposure};

/// The largest file that is read, in bytes: far more than an environment can hold.
const MAX_FILE: usize = 4 << 20;

/// The word for standard input on the command line.
const STANDARD_INPUT: &str = "-";

/// Whether the user means standard input.
pub(crate) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}

/// The file's name in messages.
pub(crate) fn shown(path: &Path) -> String {
    if is_standard_input(path) { "standard input".to_owned() } else { format!("'{}'", path.display()) }
}

/// Reads standard input, unless it is a terminal: a terminal would show each value and cut a line at 4,095 bytes.
pub(crate) fn read_standard_input() -> Result<Zeroizing<String>> {
    if io::stdin().is_terminal() {
        return Err(Failure::new(Kind::Usage, "standard input is a terminal")
            .hint("name the file, or use a pipe: '... | cast secrets import AGENT -'"));
    }
    // One buffer that never moves, so no copy of a value stays behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE + 1));
    io::stdin()
        .lock()
        .take(MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|cause| Failure::new(Kind::Io, format!("cannot read standard input: {}", Cause(&cause))))?;
    text(&bytes, Path::new(STANDARD_INPUT))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>> {
    let file = File::open(path).map_err(|cause| Failure::io("cannot open", path, &cause))?;
    text(&Zeroizing::new(disk::read_limited(&file, path, MAX_FILE)?), path)
}

/// Refuses to remove what is not a file of its own name: removing a symbolic link would leave the values in place, and
/// a pipe is nothing to remove.
pub(crate) fn check_removable(path: &Path) -> Result<()> {
    if is_standard_input(path) {
        return Err(Failure::new(Kind::Usage, "'--remove' needs the name of a file, not standard input"));
    }
    if path.is_symlink() {
        let what = format!("'--remove' does not follow the symbolic link '{}'", path.display());
        return Err(Failure::new(Kind::Io, what).hint(format!("name the file itself: '{}'", real(path).display())));
    }
    disk::open_regular(path).map(drop).map_err(|failure| failure.hint("name a file, or run it without '--remove'"))
}

/// Removes a file, durably, if it still is what was read from it.
pub(crate) fn remove(path: &Path, text: &str) -> Result<()> {
    let changed =
        || Failure::new(Kind::Other, format!("the file has changed since cast read it: '{}'", path.display()));
    let file = disk::open_regular(path)?.ok_or_else(changed)?;
    if *Zeroizing::new(disk::read_limited(&file, path, MAX_FILE)?) != *text.as_bytes() {
        return Err(changed());
    }
    drop(file);
    disk::remove(path)
}

fn text(bytes: &[u8], path: &Path) -> Result<Zeroizing<String>> {
    let bad = |what: &str| Failure::new(Kind::Usage, format!("{} {what}", shown(path)));
    if bytes.len() > MAX_FILE {
        return Err(bad(&format!("is larger than {} MiB, too large for a .env file", MAX_FILE >> 20)));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(bad("is UTF-16, as PowerShell writes it").hint("save it as UTF-8"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(error) => {
            let line = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
            Err(bad(&format!("is not valid UTF-8 in line {line}")).hint("save it as UTF-8"))
        }
    }
}

/// The file itself, if the path is a symbolic link to it.
pub(crate) fn real(path: &Path) -> PathBuf {
    let target = if path.is_symlink() { fs::canonicalize(path).ok() } else { None };
    target.unwrap_or_else(|| path.to_owned())
}

/// The hint for a file that git tracks or does not ignore. For a symbolic link, its target counts.
pub(crate) fn exposure_hint(path: &Path) -> Option<String> {
    let exposure = git::exposure(path)?;
    let real = real(path);
    let (shown, name) = (real.display(), real.file_name().unwrap_or(real.as_os_str()).display());
    Some(match exposure {
        Exposure::Tracked => {
            let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty());
            let there = folder.map(|folder| format!("-C {} ", folder.display())).unwrap_or_default();
            format!(
                "'{shown}' is tracked by git: run 'git {there}rm --cached {name}', add it to .gitignore, and change the committed values at their source"
            )
        }
        Exposure::NotIgnored => format!("'{shown}' is not ignored by git: add '{name}' to .gitignore"),
        Exposure::Unknown => {
            format!("'{shown}' is in a git work tree, but cast could not ask git: make sure that .gitignore lists it")
        }
    })
}

/// Line numbers for people: `line 3`, `lines 3, 5 and 9`.
pub(crate) fn lines(numbers: &[usize]) -> String {
    const MOST: usize = 10;
    let shown: Vec<String> = numbers.iter().take(MOST).map(ToString::to_string).collect();
    match shown.split_last() {
        Some((_, rest)) if numbers.len() > MOST => {
            format!("lines {}, {} and {} more", rest.join(", "), shown[MOST - 1], numbers.len() - MOST)
        }
        Some((last, rest)) if !rest.is_empty() => format!("lines {} and {last}", rest.join(", ")),
        _ => format!("line {}", shown.concat()),
    }
}
