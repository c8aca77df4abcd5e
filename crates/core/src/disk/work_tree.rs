//! The git work tree that a path lies in, and whether it is this user's: who can write a folder on the way cannot make it one, neither with a
//! `.git` of their own nor with one of this user's that belongs elsewhere.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{OpenFolder, read_limited};
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
        let folder = OpenFolder::open(real).ok()?;
        (folder.way().real() == real).then(|| Self { folder: folder.folder, path: real.to_owned() })
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
        let bytes = read_limited(&file, &self.path.join(name), MAX_GIT_FILE).ok()?;
        // What is behind the limit could say otherwise.
        if !is_own || bytes.len() > MAX_GIT_FILE {
            return None;
        }
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
    /// Reads them as git does (`git help config`, "Syntax"); `None` where they include other files, or say what git would not read.
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
        let (mut rest, mut is_core, mut said) = (&*text, false, Vec::new());
        loop {
            rest = rest.trim_start();
            let Some(first) = rest.chars().next() else { return Some(Self(said)) };
            match first {
                '#' | ';' => rest = rest.find('\n').map_or("", |end| &rest[end..]),
                '[' => {
                    let (section, behind) = section(&rest[1..])?;
                    if section.starts_with("include") {
                        return None;
                    }
                    (is_core, rest) = (section == "core", behind);
                }
                _ => {
                    let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
                    let (name, behind) = rest.split_at(end.unwrap_or(rest.len()));
                    if name.is_empty() {
                        return None;
                    }
                    let behind = behind.trim_start_matches([' ', '\t']);
                    // A name alone says yes.
                    let (value, behind) = match behind.strip_prefix('=') {
                        Some(behind) => value(behind)?,
                        None => ("true".to_owned(), behind.strip_prefix('\n').or(behind.is_empty().then_some(behind))?),
                    };
                    if is_core {
                        said.push((name.to_ascii_lowercase(), value));
                    }
                    rest = behind;
                }
            }
        }
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

/// The name of a section, with its subsection if there is one, and what is behind its bracket.
fn section(text: &str) -> Option<(String, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-.".contains(letter))?;
    let (name, rest) = (text[..end].to_ascii_lowercase(), &text[end..]);
    if let Some(rest) = rest.strip_prefix(']') {
        return Some((name, rest));
    }
    let rest = rest.trim_start_matches([' ', '\t']).strip_prefix('"')?;
    let mut is_escaped = false;
    let end = rest.find(|letter| {
        let ends = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends || letter == '\n'
    })?;
    Some((format!("{name} {}", &rest[..end]), rest[end..].strip_prefix("\"]")?))
}

/// A value as it is written, and what is behind its line.
fn value(text: &str) -> Option<(String, &str)> {
    let (mut value, mut is_quoted) = (String::new(), false);
    // Blanks at the end do not count, but those within quotes.
    let mut kept = 0;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\n' if is_quoted => return None,
            '\n' => {
                value.truncate(kept);
                return Some((value, &text[at..]));
            }
            '#' | ';' if !is_quoted => {
                value.truncate(kept);
                return Some((value, text[at..].find('\n').map_or("", |end| &text[at + end..])));
            }
            '"' => {
                is_quoted = !is_quoted;
                kept = value.len();
            }
            '\\' => {
                match letters.next()?.1 {
                    '\n' => continue,
                    'n' => value.push('\n'),
                    't' => value.push('\t'),
                    'b' => value.push('\u{8}'),
                    letter @ ('\\' | '"') => value.push(letter),
                    _ => return None,
                }
                kept = value.len();
            }
            ' ' | '\t' if !is_quoted && value.is_empty() => {}
            letter => {
                value.push(letter);
                if is_quoted || !letter.is_whitespace() {
                    kept = value.len();
                }
            }
        }
    }
    value.truncate(kept);
    (!is_quoted).then_some((value, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_not_read_to_their_end_say_nothing() {
        let home = tempfile::tempdir().unwrap();
        let git = Own::open(&fs::canonicalize(home.path()).unwrap()).unwrap();
        for (size, is_read) in [(MAX_GIT_FILE, true), (MAX_GIT_FILE + 1, false)] {
            fs::write(home.path().join("config"), "#".repeat(size)).unwrap();
            assert_eq!(git.settings().is_some(), is_read, "{size}");
        }
    }

    #[test]
    fn settings_are_read_as_git_writes_them() {
        let of = |text: &str| Settings::parse(text).unwrap();
        let yes = [
            "[core]\n\tbare = true\n",
            "[Core]\nbare\n",
            "[core]\n bare=1\n[a]\nbare = false\n",
            "[core] bare = true",
            "\u{feff}[a][core]BARE=\"true\"",
            "[core]\nbare = true\r\nbare = no\n",
            "[core]\nbare = t\\\nrue # no\n",
            "[core]\n# a comment \\\nbare = true\n",
            "[core]\nx = y ; a comment \\\nbare = true\n",
            "[core]\nx = \\\\\nbare = true\n",
            "[a \"] [b\"] x = 1\n[core] bare\n",
        ];
        for yes in yes {
            assert!(of(yes).is_bare(), "{yes}");
        }
        let no = [
            "",
            "[core]\n\tbare = false\r\n",
            "[a]\nbare = true\n",
            "[core \"x\"]\nbare\n[a] bare = 1",
            "[core]\nbare = no ; really\n",
            "[core]\nx = y \\\nbare = true\n",
        ];
        for no in no {
            assert!(!of(no).is_bare(), "{no}");
        }
        assert_eq!(of("[core]\n\tworktree = ../../../a b\n").get("worktree").unwrap(), "../../../a b");
        assert_eq!(of("[core]\n\tworktree = \"/a\\\"\\\\b;\"\n").get("worktree").unwrap(), "/a\"\\b;");
        assert_eq!(of("[core \"x\"]\n\tworktree = /a\n").get("worktree"), None);
        let unknown =
            ["[core]\nba\\\nre = true", "[core\nbare", "[core] x = \"\n\"", "[core]\nbare true", "[core]\n= 1"];
        let others = ["[include]\npath = x", "[IncludeIf \"gitdir:~/\"] path = x", "[a]\n [include]"];
        for others in others.into_iter().chain(unknown) {
            assert!(Settings::parse(others).is_none(), "{others}");
        }
    }
}
