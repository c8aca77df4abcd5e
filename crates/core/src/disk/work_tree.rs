//! The git work tree that a path lies in, and whether it is this user's: who can write a folder on the way cannot make it one, neither with a
//! `.git` of their own nor with one of this user's that belongs elsewhere.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::read_limited;
use crate::platform::files::{self, EntryKind, Folder};

/// In bytes: a file with a path, and settings.
const MAX_GIT_FILE: usize = 1 << 20;
const GIT: &str = ".git";

/// The git work tree that `path` lies in, if any.
pub fn git_work_tree(path: &Path) -> Option<PathBuf> {
    // The real path, because a symlink may lead into a work tree.
    let real = path.ancestors().skip(1).find_map(|folder| fs::canonicalize(folder).ok())?;
    tree_above(&real).map(Path::to_owned)
}

/// Whether the folder at `real`, a path without links, lies in a git work tree of this user.
pub fn is_in_own_work_tree(real: &Path) -> bool {
    tree_above(real).and_then(Own::open).is_some_and(|tree| tree.is_own_work_tree())
}

fn tree_above(real: &Path) -> Option<&Path> {
    real.ancestors().find(|folder| folder.join(GIT).exists())
}

/// An open folder, and the files of this user in it.
struct Own {
    folder: Folder,
    path: PathBuf,
}

impl Own {
    /// The folder at `real`, unless a link is in the way by now.
    fn open(real: &Path) -> Option<Self> {
        let folder = Folder::open(real).ok()?;
        (folder.path()? == real).then(|| Self { folder, path: real.to_owned() })
    }

    /// Whether the file or folder of that name is this user's, and no link.
    fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    fn entry(&self, name: &str) -> Option<EntryKind> {
        let entry = self.folder.entry(name.as_ref()).ok()?;
        (!entry.is_foreign && entry.kind != EntryKind::Link).then_some(entry.kind)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.entry(name).filter(|kind| *kind == EntryKind::File)?;
        let name: &OsStr = name.as_ref();
        let file = self.folder.open_plain(name).ok()?;
        let is_own = file.metadata().is_ok_and(|data| data.is_file() && !files::is_foreign(&data));
        let bytes = read_limited(&file, &self.path.join(name), MAX_GIT_FILE).ok().filter(|_| is_own)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn is_own_work_tree(&self) -> bool {
        let path = self.path.join(GIT);
        if self.entry(GIT) == Some(EntryKind::Folder) {
            let Ok(folder) = self.folder.open_folder(GIT.as_ref()) else { return false };
            let git = Self { folder, path };
            // A bare repository is no work tree's, whatever it is called now.
            return !git.folder.is_foreign()
                && git.has("HEAD")
                && git.settings().is_some_and(|settings| {
                    let worktree = settings.get("worktree");
                    !settings.is_bare() && worktree.is_none_or(|named| is_named(&git.path, &named, &self.path))
                });
        }
        // Of a linked work tree, or of a submodule. Another user can move such a file here from where it leads somewhere.
        let target = self.text(GIT).and_then(|text| Some(PathBuf::from(text.strip_prefix("gitdir: ")?.trim_end())));
        let target = target.and_then(|target| fs::canonicalize(self.path.join(target)).ok());
        let Some(target) = target.and_then(|target| Self::open(&target)) else { return false };
        if target.folder.is_foreign() || !target.has("HEAD") {
            return false;
        }
        // So the folder that it leads to has to name this place, too.
        match target.text("gitdir") {
            Some(named) => is_named(&target.path, named.trim_end(), &path),
            None => target
                .settings()
                .and_then(|settings| settings.get("worktree"))
                .is_some_and(|named| is_named(&target.path, &named, &self.path)),
        }
    }

    /// What a repository's own settings say; `None` where they cannot be known from its files.
    fn settings(&self) -> Option<Settings> {
        let mut text = self.text("config")?;
        if self.folder.entry("config.worktree".as_ref()).is_ok() {
            text.push('\n');
            text.push_str(&self.text("config.worktree")?);
        }
        Settings::parse(&text)
    }
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

/// What a repository's own settings say in the section `core`, in their order.
struct Settings(Vec<(String, String)>);

impl Settings {
    /// `None` where other files are included.
    fn parse(text: &str) -> Option<Self> {
        let mut is_core = false;
        let mut said = Vec::new();
        let text = text.replace("\r\n", "\n").replace("\\\n", "");
        for line in text.split('\n').map(|line| line.trim_start_matches('\u{feff}').trim()) {
            let mut line = line;
            // What a line says after the name of its section counts as well.
            while let Some((section, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
                let section = section.trim().to_ascii_lowercase();
                if section.starts_with("include") {
                    return None;
                }
                (is_core, line) = (section == "core", rest.trim());
            }
            // A name alone says yes.
            let (name, value) = line.split_once('=').map_or((line, "true"), |(name, value)| (name, value.trim()));
            if is_core {
                let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
                let value = value.replace("\\\"", "\"").replace("\\\\", "\\");
                said.push((name.trim().to_ascii_lowercase(), value));
            }
        }
        Some(Self(said))
    }

    /// The value of `key` that was said last, without quotes.
    fn get(&self, key: &str) -> Option<String> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    }

    /// Whether anything in it says so: anything else than a no is a yes.
    fn is_bare(&self) -> bool {
        let is_no = |said: &str| ["false", "no", "off", "0", ""].iter().any(|no| said.eq_ignore_ascii_case(no));
        self.0.iter().any(|(name, value)| name == "bare" && !is_no(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_git_writes_them() {
        let of = |text: &str| Settings::parse(text).unwrap();
        let yes = [
            "[core]\n\tbare = true\n",
            "[Core]\nbare\n",
            "[core]\n bare=1\n[a]\nbare = false\n",
            "[core] bare = true",
            "\u{feff}[a][core]BARE=\"true\"",
            "[core]\nba\\\nre = true",
            "[core]\nbare = true\r\nbare = no\n",
            "[core]\nbare = no ; really",
        ];
        for yes in yes {
            assert!(of(yes).is_bare(), "{yes}");
        }
        for no in ["", "[core]\n\tbare = false\r\n", "[a]\nbare = true\n", "[core \"x\"]\nbare\n[a] bare = 1"] {
            assert!(!of(no).is_bare(), "{no}");
        }
        assert_eq!(of("[core]\n\tworktree = ../../../a b\n").get("worktree").unwrap(), "../../../a b");
        assert_eq!(of("[core]\n\tworktree = \"/a\\\"\\\\b;\"\n").get("worktree").unwrap(), "/a\"\\b;");
        assert_eq!(of("[core \"x\"]\n\tworktree = /a\n").get("worktree"), None);
        for others in ["[include]\npath = x", "[IncludeIf \"gitdir:~/\"] path = x", "[a]\n [include]"] {
            assert!(Settings::parse(others).is_none(), "{others}");
        }
    }
}
