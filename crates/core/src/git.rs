//! What git knows of a file that holds secrets in plain text. Asks the `git` that is installed; whoever has none is not stopped.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::disk;
use crate::injections::UNLOCK_MATERIAL;

/// How a file in a work tree may get into a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Git has it already.
    Tracked,
    /// The next `git add .` takes it.
    NotIgnored,
    /// There is no git here to be asked, or it has no answer.
    Unknown,
}

/// Variables that make git look at another repository than the one that the file is in, as they are set in hooks.
const ELSEWHERE: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"];

/// How the file at `path` may get into a commit; `None` if it is ignored, or in no work tree. It is the file that counts, not a link to it.
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

/// The exit code of git, which reads nothing, prints nothing, starts no monitor that a repository names, fetches nothing, and gets no key
/// of cast's.
fn ask(folder: &Path, words: &[&str], name: &OsStr) -> Option<i32> {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["-c", "core.fsmonitor=false"]).args(words).arg("--").arg(name);
    for variable in ELSEWHERE.iter().chain(&UNLOCK_MATERIAL) {
        git.env_remove(variable);
    }
    git.env("GIT_NO_LAZY_FETCH", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?
        .code()
}
