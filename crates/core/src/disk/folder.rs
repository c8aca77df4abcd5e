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

/// All paths that lead to a file or folder: the one by which it was reached, what each link on the way leads to, and, last, where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way(Vec<PathBuf>);

/// As many links as the system follows.
const MAX_LINKS: usize = 40;

impl OpenFolder {
    /// Opens the folder at `path`, behind links.
    pub fn open(path: &Path) -> io::Result<Self> {
        let folder = Folder::open(path)?;
        let way = Way::new(path, folder.path());
        Ok(Self { folder, path: path.to_owned(), way })
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
        Self::new(path, None)
    }

    /// The way to a path that has no link in it.
    pub fn straight(real: &Path) -> Self {
        Self(vec![real.to_owned()])
    }

    fn new(path: &Path, real: Option<PathBuf>) -> Self {
        let reached = absolute(path);
        let real = real.or_else(|| fs::canonicalize(path).ok()).unwrap_or_else(|| reached.clone());
        // As it comes back from a record.
        let real = files::path_of(&files::path_bytes(&real));
        if reached == real {
            return Self(vec![real]);
        }
        let mut way = links(&reached);
        way.insert(0, reached);
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
    pub fn paths(&self) -> impl DoubleEndedIterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }
}

/// What `path` becomes as its links are followed, one by one.
fn links(path: &Path) -> Vec<PathBuf> {
    let (mut real, mut rest, mut passed) = (PathBuf::new(), path.to_owned(), Vec::new());
    while passed.len() < MAX_LINKS {
        let mut parts = rest.components();
        let Some(part) = parts.next() else { break };
        let after = parts.as_path().to_owned();
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                real.pop();
            }
            Component::Normal(name) => match fs::read_link(real.join(name)) {
                Ok(target) => {
                    rest = real.join(target).join(after);
                    passed.push(rest.clone());
                    real = PathBuf::new();
                    continue;
                }
                Err(_) => real.push(name),
            },
            part => real.push(part),
        }
        rest = after;
    }
    passed
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
        assert_eq!(paths, [at("first/c"), at("a/second/c"), at("a/../a/b/c"), at("a/b/c")]);
        assert_eq!(way.real(), OpenFolder::open(&at("first/c")).unwrap().way().real());
        assert_eq!(Way::of(&at("a/b/c")), Way::straight(&at("a/b/c")));
        // What is not there is where its path says, and links that lead in a circle end.
        assert_eq!(Way::of(&at("none")), Way::straight(&at("none")));
        symlink("circle", at("circle")).unwrap();
        assert!(Way::of(&at("circle")).paths().count() <= MAX_LINKS + 2);
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
