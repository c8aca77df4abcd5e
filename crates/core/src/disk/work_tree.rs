//! The git work tree that a path lies in, and whether it is this user's: who can write a folder on the way cannot make it one, neither with a
//! `.git` of their own nor with one of this user's that belongs elsewhere.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{open_regular, read_limited};
use crate::platform::files;

/// In bytes: a file with a path, and settings.
const MAX_GIT_FILE: usize = 1 << 20;

/// The git work tree that `path` lies in, if any.
pub fn git_work_tree(path: &Path) -> Option<PathBuf> {
    // The real path, because a symlink may lead into a work tree.
    let real = path.ancestors().skip(1).find_map(|folder| fs::canonicalize(folder).ok())?;
    real.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned)
}

/// Whether `path` lies in a git work tree of this user.
pub fn is_in_own_work_tree(path: &Path) -> bool {
    git_work_tree(path).is_some_and(|tree| is_own_work_tree(&tree))
}

fn is_own_work_tree(tree: &Path) -> bool {
    let git = tree.join(".git");
    if !is_own(&git) {
        return false;
    }
    if git.is_dir() {
        // A bare repository is no work tree's, whatever it is called now.
        let settings = Settings::read(&git);
        return is_own(&git.join("HEAD"))
            && settings.is_some_and(|settings| {
                !settings.is_bare() && settings.get("worktree").is_none_or(|named| is_named(&git, &named, tree))
            });
    }
    // Of a linked work tree, or of a submodule. Another user can move such a file here from where it leads somewhere.
    let target = text(&git).and_then(|text| Some(PathBuf::from(text.strip_prefix("gitdir: ")?.trim_end())));
    let Some(target) = target.and_then(|target| fs::canonicalize(tree.join(target)).ok()) else { return false };
    if !is_own(&target) || !is_own(&target.join("HEAD")) {
        return false;
    }
    // So the folder that it leads to has to name this place, too.
    let back = target.join("gitdir");
    match text(&back).filter(|_| is_own(&back)) {
        Some(named) => is_named(&target, named.trim_end(), &git),
        None => Settings::read(&target)
            .and_then(|settings| settings.get("worktree"))
            .is_some_and(|named| is_named(&target, &named, tree)),
    }
}

/// Whether `path` is there, no link, and this user's.
fn is_own(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|data| !data.is_symlink() && !files::is_foreign(&data))
}

/// Whether `named`, as a file in the real folder `from` has it, is the real path `real`.
fn is_named(from: &Path, named: &str, real: &Path) -> bool {
    // By its letters: who can write a folder on the way can put a link there.
    let mut whole = PathBuf::new();
    for part in from.join(named).components() {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    files::is_same_path(&whole, real)
}

fn text(path: &Path) -> Option<String> {
    let file = open_regular(path).ok().flatten()?;
    let bytes = read_limited(&file, path, MAX_GIT_FILE).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a repository's own `config` says in its section `core`.
struct Settings(String);

impl Settings {
    fn read(git: &Path) -> Option<Self> {
        let path = git.join("config");
        text(&path).filter(|_| is_own(&path)).map(Self)
    }

    /// The value of `key` that was said last, without quotes.
    fn get(&self, key: &str) -> Option<String> {
        let mut is_core = false;
        let mut value = None;
        for line in self.0.lines().map(str::trim) {
            if line.starts_with('[') {
                is_core = line.to_ascii_lowercase().starts_with("[core]");
                continue;
            }
            // A name alone says yes.
            let (name, said) = line.split_once('=').map_or((line, "true"), |(name, said)| (name, said.trim()));
            if is_core && name.trim().eq_ignore_ascii_case(key) {
                let said = said.strip_prefix('"').and_then(|said| said.strip_suffix('"')).unwrap_or(said);
                value = Some(said.replace("\\\"", "\"").replace("\\\\", "\\"));
            }
        }
        value
    }

    fn is_bare(&self) -> bool {
        // Anything else than a no is a yes.
        let is_no = |said: &str| ["false", "no", "off", "0", ""].iter().any(|no| said.eq_ignore_ascii_case(no));
        self.get("bare").is_some_and(|said| !is_no(&said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_git_writes_them() {
        let of = |text: &str| Settings(text.to_owned());
        for yes in ["[core]\n\tbare = true\n", "[Core]\nbare\n", "[core]\n bare=1\n[a]\nbare = false\n"] {
            assert!(of(yes).is_bare(), "{yes}");
        }
        for no in ["", "[core]\n\tbare = false\n", "[a]\nbare = true\n", "[core]\nbare = true\nBARE = no\n"] {
            assert!(!of(no).is_bare(), "{no}");
        }
        assert_eq!(of("[core]\n\tworktree = ../../../a b\n").get("worktree").unwrap(), "../../../a b");
        assert_eq!(of("[core]\n\tworktree = \"/a\\\"\\\\b;\"\n").get("worktree").unwrap(), "/a\"\\b;");
        assert_eq!(of("[core \"x\"]\n\tworktree = /a\n").get("worktree"), None);
    }
}
