//! The folder of the vaults: which there are, their bytes, and their replacement under one lock. What is in them is not known here.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::advice;
use crate::disk::{self, Lock, Transient};
use crate::failure::{Failure, Kind, Result};
use crate::paths::Places;
use cast_vault::AgentName;
use cast_vault::MAX_FILE;

/// The vaults of one folder.
pub(crate) struct VaultFolder<'a> {
    folder: &'a Path,
}

/// The right to change vaults of the folder, from whatever home.
pub(crate) struct WriteLock(Transient);

const ENDING: &str = ".age";
const TEMPORARY_ENDING: &str = ".age.tmp";
const LOCK: &str = ".cast.lock";

impl<'a> VaultFolder<'a> {
    pub(crate) fn new(places: &'a Places) -> Result<Self> {
        Ok(Self { folder: places.vaults()? })
    }

    /// That of another folder, to look at.
    pub(crate) fn elsewhere(folder: &'a Path) -> Self {
        Self { folder }
    }

    /// Where the vault of `agent` is, or would be.
    pub(crate) fn path(&self, agent: &AgentName) -> PathBuf {
        self.folder.join(format!("{agent}{ENDING}"))
    }

    /// Whether this is that folder, by whatever way it is reached.
    pub(crate) fn is(&self, folder: &Path) -> bool {
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        real(self.folder) == real(folder)
    }

    /// Whether there is anything in the place of `agent`'s vault.
    pub(crate) fn exists(&self, agent: &AgentName) -> bool {
        fs::symlink_metadata(self.path(agent)).is_ok()
    }

    /// Whether there is a vault of `agent`, or something else in its place, which is a failure. Reads nothing of it.
    pub(crate) fn is_there(&self, agent: &AgentName) -> Result<bool> {
        Ok(self.open(agent)?.is_some())
    }

    /// The bytes of `agent`'s vault; `None` where there is none. One that is too large comes as far as shows that.
    pub(crate) fn read(&self, agent: &AgentName) -> Result<Option<Vec<u8>>> {
        self.open(agent)?.map(|file| disk::read_limited(&file, &self.path(agent), MAX_FILE)).transpose()
    }

    fn open(&self, agent: &AgentName) -> Result<Option<File>> {
        let file = disk::open_own(&self.path(agent))?;
        if file.is_none() {
            self.refuse_dangling_link()?;
        }
        Ok(file)
    }

    /// The same behind a link that stays within the folder, as a `ConfigMap` of Kubernetes has them. For who only reads: a writer would replace
    /// the link.
    pub(crate) fn read_linked(&self, agent: &AgentName) -> Result<Option<Vec<u8>>> {
        let path = self.path(agent);
        let inside = || {
            let (file, folder) = (fs::canonicalize(&path).ok()?, fs::canonicalize(self.folder).ok()?);
            file.strip_prefix(folder).map(Path::to_owned).ok()
        };
        let Some(inside) = inside() else { return self.read(agent) };
        // From the folder on, as the way may be another one by now.
        let Some(file) = disk::open_beneath(self.folder, &inside)? else { return Ok(None) };
        disk::read_limited(&file, &path, MAX_FILE).map(Some)
    }

    /// Whether a link lies in the place of `agent`'s vault.
    pub(crate) fn is_linked(&self, agent: &AgentName) -> bool {
        fs::symlink_metadata(self.path(agent)).is_ok_and(|data| data.is_symlink())
    }

    /// Waits for the right to change vaults here, and clears what killed writers left. Readers never need it.
    pub(crate) fn lock(&self) -> Result<WriteLock> {
        self.refuse_dangling_link()?;
        disk::make_private_folders(self.folder)?;
        let lock = Lock::acquire_transient(&self.lock_path())?;
        for path in self.temporary()? {
            lock.clear(&path);
        }
        Ok(WriteLock(lock))
    }

    /// Whether somebody is changing vaults here, from whatever home.
    pub(crate) fn is_locked(&self) -> bool {
        Lock::is_held(&self.lock_path())
    }

    /// Puts `bytes` in the place of `agent`'s vault once `check` has approved of them as read back from the disk. `is_whole` says, also after a
    /// failure, whether there was a file with all of them.
    pub(crate) fn replace(
        &self,
        lock: &WriteLock,
        agent: &AgentName,
        bytes: &[u8],
        is_whole: &Cell<bool>,
        check: impl FnOnce(&[u8]) -> Result<()>,
    ) -> Result<()> {
        // Not over a symlink or a folder, which a rename might replace.
        disk::open_own(&self.path(agent))?;
        // A name of its own, also where the folder cannot be locked and another home writes there.
        let temporary = self.folder.join(format!(".{agent}.{}{TEMPORARY_ENDING}", std::process::id()));
        lock.0.replace(&self.path(agent), &temporary, bytes, is_whole, check)
    }

    /// Removes `agent`'s vault.
    pub(crate) fn remove(&self, lock: &WriteLock, agent: &AgentName) -> Result<()> {
        lock.0.remove(&self.path(agent))
    }

    /// The agents that have a vault here, by name.
    pub(crate) fn agents(&self) -> Result<Vec<AgentName>> {
        let mut agents: Vec<_> =
            self.names()?.iter().filter_map(|name| AgentName::parse(name.strip_suffix(ENDING)?).ok()).collect();
        agents.sort();
        Ok(agents)
    }

    /// When the file of `agent`'s vault was last written.
    pub(crate) fn modified(&self, agent: &AgentName) -> Option<SystemTime> {
        fs::symlink_metadata(self.path(agent)).ok()?.modified().ok()
    }

    /// What is being written, or was, by those who were killed.
    pub(crate) fn temporary(&self) -> Result<Vec<PathBuf>> {
        let names = self.names()?.into_iter();
        let names = names.filter(|name| name.starts_with('.') && name.ends_with(TEMPORARY_ENDING));
        Ok(names.map(|name| self.folder.join(name)).collect())
    }

    /// Copies of vaults under names that are no agent's, as synchronisation and editors leave them (`a (conflicted copy).age`, `a.age.orig`),
    /// with the agent whose vault each seems to be.
    pub(crate) fn copies(&self) -> Result<Vec<(PathBuf, AgentName)>> {
        let agents = self.agents()?;
        let copy = |name: String| {
            let is_vault = name.strip_suffix(ENDING).is_some_and(|agent| AgentName::parse(agent).is_ok());
            if is_vault || name.starts_with('.') || !name.contains(ENDING) {
                return None;
            }
            let of = agents
                .iter()
                .filter(|agent| name.starts_with(agent.as_str()))
                .max_by_key(|agent| agent.as_str().len())?;
            let path = self.folder.join(&name);
            fs::symlink_metadata(&path).is_ok_and(|data| data.is_file()).then(|| (path, of.clone()))
        };
        let mut copies: Vec<_> = self.names()?.into_iter().filter_map(copy).collect();
        copies.sort();
        Ok(copies)
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.refuse_dangling_link()?;
                return Ok(Vec::new());
            }
            Err(error) => return Err(Failure::io("cannot read the folder", self.folder, &error)),
        };
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    /// A link to a folder that is not there, as of a disk that is not mounted: no reason to take it for an empty one, or to make another.
    pub(crate) fn refuse_dangling_link(&self) -> Result<()> {
        let Some((link, target)) = self.folder.ancestors().find_map(|path| Some((path, fs::read_link(path).ok()?)))
        else {
            return Ok(());
        };
        let target = link.parent().unwrap_or(link).join(target);
        if target.exists() {
            return Ok(());
        }
        let what = format!("the vault folder is behind a link to '{}', which is not there", target.display());
        Err(Failure::new(Kind::Io, format!("{what}: '{}'", link.display()))
            .hint("mount or restore what it leads to")
            .hint(format!("or, to begin with an empty folder, run: {}", advice::remove(&[link.to_owned()]))))
    }

    /// The one lock of this folder, whatever home a writer comes from; it is there only while it is held.
    pub(crate) fn lock_path(&self) -> PathBuf {
        self.folder.join(LOCK)
    }
}
