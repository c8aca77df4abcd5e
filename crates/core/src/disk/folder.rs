//! A folder that a command opens once: whatever comes to lie at its path, all that is read and written there is in that folder. With it goes
//! the way that led there, by which what is known of its files is looked up.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{in_the_place_of_a_file, regular};
use crate::failure::{Failure, Result};
use crate::paths::absolute;
use crate::platform::files::{self, Entry, Folder};

/// An open folder, and how it was reached.
pub struct OpenFolder {
    pub(super) folder: Folder,
    path: PathBuf,
    way: Way,
}

/// All paths that lead to a file or folder: the one by which it was reached, one for each link on the way, and, last, where it lies. The path
/// of a link is resolved up to that link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way(Vec<PathBuf>);

/// As many links as the system follows.
const MAX_LINKS: usize = 40;
/// How often a way is walked again that changes meanwhile.
const TRIES: usize = 100;

impl OpenFolder {
    /// Opens the folder at `path`, behind links.
    pub fn open(path: &Path) -> io::Result<Self> {
        for _ in 0..TRIES {
            let folder = Folder::open(path)?;
            if let Some(way) = Way::to_open(&folder, path) {
                return Ok(Self { folder, path: path.to_owned(), way });
            }
        }
        Err(io::Error::other("the links that lead there change all the time"))
    }

    /// How it was reached.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// The path of a file in it, as the user knows it.
    pub fn path(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    /// What lies there under that name, if anything.
    pub fn entry(&self, name: &OsStr) -> Option<Entry> {
        self.folder.entry(name).ok()
    }

    /// As [`super::open_own`], in this folder.
    pub fn open_own(&self, name: &OsStr) -> Result<Option<File>> {
        let path = self.path(name);
        regular(&path, self.folder.open_plain(name)).map_err(|failure| match self.entry(name) {
            Some(entry) if entry.kind != files::EntryKind::File => in_the_place_of_a_file(&path),
            _ => failure,
        })
    }

    /// Opens a regular file at a path below this folder. No link below that is followed, even if it is put there meanwhile.
    pub fn open_beneath(&self, path: &Path) -> Result<Option<File>> {
        regular(&self.path.join(path), self.folder.open_beneath(path))
    }

    /// The names in it.
    pub fn names(&self) -> Result<Vec<String>> {
        let names = self.folder.names();
        let names = names.map_err(|error| Failure::io("cannot read the folder", &self.path, &error))?;
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }
}

impl Way {
    /// The way to what `path` leads to, or would.
    pub fn of(path: &Path) -> Self {
        let reached = absolute(path);
        let Walked { links, end } = walk(&reached);
        Self::new(reached, links, &fs::canonicalize(path).unwrap_or(end))
    }

    /// The way by which `folder` was opened at `path`; `None` if that leads elsewhere by now.
    fn to_open(folder: &Folder, path: &Path) -> Option<Self> {
        let (reached, known) = (absolute(path), folder.path());
        if known.as_ref() == Some(&reached) {
            return Some(Self(vec![reached]));
        }
        let Walked { links, end } = walk(&reached);
        let real = match known {
            Some(real) => (end == real).then_some(real),
            None => fs::canonicalize(path).ok().filter(|real| folder.is_at(real)),
        };
        Some(Self::new(reached, links, &real?))
    }

    /// The way to a path that has no link in it.
    pub fn straight(real: &Path) -> Self {
        Self(vec![real.to_owned()])
    }

    fn new(reached: PathBuf, links: Vec<(PathBuf, PathBuf)>, real: &Path) -> Self {
        // As it comes back from a record.
        let real = files::path_of(&files::path_bytes(real));
        let mut way = vec![reached];
        way.extend(links.into_iter().map(|(link, after)| if is_empty(&after) { link } else { link.join(after) }));
        way.dedup();
        way.retain(|path| *path != real);
        way.push(real);
        Self(way)
    }

    /// The way to a file in this folder.
    #[must_use]
    pub fn to(&self, name: &OsStr) -> Self {
        Self(self.0.iter().map(|path| path.join(name)).collect())
    }

    /// Where it leads.
    pub fn real(&self) -> &Path {
        self.0.last().expect("a way has an end")
    }

    /// All paths of it.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }
}

/// Whether somebody else chose that `path` led to `file`, by a link on the way that belongs to another user than this one and root, or does not any
/// more.
pub fn is_led_by_others(file: &File, path: &Path) -> bool {
    let Walked { links, end } = walk(&absolute(path));
    // A pipe without a name is called by its number, wherever it lies.
    let ends_at = |real: PathBuf| real == end || real.is_relative() && end.ends_with(&real);
    !files::path_of_open(file).is_none_or(ends_at) || links.iter().any(|(link, _)| files::is_of_another_user(link))
}

/// What `walk` found.
struct Walked {
    /// Each link, its path resolved up to it, and what comes behind it.
    links: Vec<(PathBuf, PathBuf)>,
    end: PathBuf,
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

/// Follows the links of an absolute path one by one.
fn walk(path: &Path) -> Walked {
    let (mut real, mut rest, mut links) = (PathBuf::new(), path.to_owned(), Vec::new());
    loop {
        let mut parts = rest.components();
        let Some(part) = parts.next() else { return Walked { links, end: real } };
        let after = parts.as_path().to_owned();
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                real.pop();
            }
            Component::Normal(name) => {
                let here = real.join(name);
                match fs::read_link(&here) {
                    Ok(target) if links.len() < MAX_LINKS => {
                        links.push((here, after.clone()));
                        if target.is_absolute() {
                            real = PathBuf::new();
                        }
                        rest = target.join(after);
                        continue;
                    }
                    _ => real = here,
                }
            }
            part => real.push(part),
        }
        rest = after;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_way_has_every_link_on_it() {
        let home = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(home.path()).unwrap();
        let at = |path: &str| home.join(path);
        fs::create_dir_all(at("a/b/c")).unwrap();
        symlink("../a/b", at("a/second")).unwrap();
        symlink(at("a/second"), at("first")).unwrap();
        let way = Way::of(&at("first/c"));
        let paths: Vec<_> = way.paths().collect();
        assert_eq!(paths, [at("first/c"), at("a/second/c"), at("a/b/c")]);
        assert_eq!(&way, OpenFolder::open(&at("first/c")).unwrap().way());
        // What becomes a link later has the path that it had before.
        fs::rename(at("a/b"), at("moved")).unwrap();
        symlink(at("moved"), at("a/b")).unwrap();
        let way = Way::of(&at("first/c"));
        assert_eq!(way.paths().collect::<Vec<_>>(), [at("first/c"), at("a/second/c"), at("a/b/c"), at("moved/c")]);
        assert_eq!(&way, OpenFolder::open(&at("first/c")).unwrap().way());
        fs::remove_file(at("a/b")).unwrap();
        fs::rename(at("moved"), at("a/b")).unwrap();
        assert_eq!(Way::of(&at("a/b/c")), Way::straight(&at("a/b/c")));
        // What is not there is where its path says, and links that lead in a circle end.
        assert_eq!(Way::of(&at("none")), Way::straight(&at("none")));
        symlink("circle", at("circle")).unwrap();
        assert!(Way::of(&at("circle")).paths().count() <= MAX_LINKS + 2);
        // A folder to be made is where it will be.
        assert_eq!(Way::of(&at("first/new")).real(), at("a/b/new"));
    }

    #[test]
    fn an_open_folder_stays_the_same() {
        let home = tempfile::tempdir().unwrap();
        let [here, elsewhere] = ["here", "elsewhere"].map(|name| home.path().join(name));
        for folder in [&here, &elsewhere] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("a"), folder.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        let folder = OpenFolder::open(&here).unwrap();
        fs::rename(&here, home.path().join("moved")).unwrap();
        symlink(&elsewhere, &here).unwrap();
        let file = folder.open_own("a".as_ref()).unwrap().unwrap();
        assert_eq!(super::super::read_limited(&file, &here, 9).unwrap(), b"here");
        assert_eq!(folder.names().unwrap(), ["a"]);
        assert_eq!(folder.way().real(), fs::canonicalize(home.path()).unwrap().join("here"));
    }
}
