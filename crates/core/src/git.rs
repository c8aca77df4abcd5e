//! What git knows about files: whether one with secrets in plain text could end up in a commit, and the sides of a merge. Asks the installed `git`; a
//! user without git is not stopped.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use cast_vault::MAX_FILE;

use crate::disk;
use crate::injections::{KEY_FILE, PASSPHRASE_FILE, UNLOCK_MATERIAL};
use crate::platform::exec;

/// How a file in a work tree could end up in a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Git already tracks it.
    Tracked,
    /// The next `git add .` would add it.
    NotIgnored,
    /// git is not installed, or it could not answer.
    Unknown,
}

/// Variables that point git to a repository other than the file's own. Hooks set them.
const ELSEWHERE: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"];

/// How the file at `path` could end up in a commit. `None` if git ignores it or it is not in a work tree. A symlink is
/// resolved first.
pub fn exposure(path: &Path) -> Option<Exposure> {
    let path = fs::canonicalize(path).ok()?;
    disk::git_work_tree(&path)?;
    let ask = |words: &[&str]| ask(path.parent()?, words, path.file_name()?);
    if ask(&["--literal-pathspecs", "ls-files", "--error-unmatch"]) == Some(0) {
        return Some(Exposure::Tracked);
    }
    match ask(&["check-ignore", "--quiet"]) {
        Some(0) => None,
        Some(1) => Some(Exposure::NotIgnored),
        _ => Some(Exposure::Unknown),
    }
}

/// Whether git ignores the file at `path`, which may not be there yet, nor its folder. Not if git cannot be asked.
pub(crate) fn ignores(path: &Path) -> bool {
    let there = path.ancestors().skip(1).find_map(|folder| Some((folder, fs::canonicalize(folder).ok()?)));
    let Some((folder, real)) = there else { return false };
    let Ok(rest) = path.strip_prefix(folder) else { return false };
    ask(&real, &["--literal-pathspecs", "ls-files", "--error-unmatch"], rest.as_os_str()) != Some(0)
        && ask(&real, &["check-ignore", "--quiet"], rest.as_os_str()) == Some(0)
}

/// What git prints, or `None` where it fails or prints more than a vault has bytes.
pub(crate) fn read(folder: &Path, words: &[&str]) -> Option<Vec<u8>> {
    let mut git = command(folder, words).stdout(Stdio::piped()).spawn().ok()?;
    let mut printed = Vec::new();
    let read = git.stdout.take()?.take(MAX_FILE as u64 + 1).read_to_end(&mut printed);
    let ended = git.wait().ok()?;
    (read.is_ok() && ended.success() && printed.len() <= MAX_FILE).then_some(printed)
}

/// The same as one line of text.
pub(crate) fn read_line(folder: &Path, words: &[&str]) -> Option<String> {
    Some(String::from_utf8(read(folder, words)?).ok()?.trim_end().to_owned()).filter(|line| !line.is_empty())
}

/// Whether git did it.
pub(crate) fn does(folder: &Path, words: &[&str]) -> bool {
    command(folder, words).status().is_ok_and(|status| status.success())
}

/// Runs git and returns its exit code.
fn ask(folder: &Path, words: &[&str], name: &OsStr) -> Option<i32> {
    command(folder, words).arg("--").arg(name).status().ok()?.code()
}

/// git reads no input, prints nothing, starts no monitor that the repository configures, fetches nothing, and gets no key from cast.
fn command(folder: &Path, words: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["-c", "core.fsmonitor=false"]).args(words);
    for variable in ELSEWHERE.iter().chain(&UNLOCK_MATERIAL) {
        git.env_remove(variable);
    }
    for named in [KEY_FILE, PASSPHRASE_FILE].iter().filter_map(env::var_os) {
        // It may not have been read yet.
        if let Ok(data) = fs::metadata(named) {
            exec::close_in_children(&data);
        }
    }
    git.env("GIT_NO_LAZY_FETCH", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    git
}
