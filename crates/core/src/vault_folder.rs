//! The folder of the vaults: which there are, their bytes, and their replacement under one lock. What is in them is not known here.

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use crate::advice;
use crate::disk::{self, Lock, OpenFolder, Transient, Way};
use crate::failure::{Failure, Kind, Result};
use crate::platform::files::{Entry, EntryKind};
use cast_vault::AgentName;
use cast_vault::MAX_FILE;

/// The vaults of one folder, which is opened once it is looked into.
pub(crate) struct VaultFolder {
    path: PathBuf,
    opened: OnceLock<Arc<OpenFolder>>,
}

/// The right to change vaults of the folder, from whatever home.
pub(crate) struct WriteLock(Transient);

const ENDING: &str = ".age";
const TEMPORARY_ENDING: &str = ".age.tmp";
const LOCK: &str = ".cast.lock";

impl VaultFolder {
    /// The vaults at `path`, which need not be there.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), opened: OnceLock::new() }
    }

    /// Where the vault of `agent` is, or would be, as the user knows it.
    pub(crate) fn path(&self, agent: &AgentName) -> PathBuf {
        self.path.join(file_name(agent))
    }

    /// The way to the vault of `agent`, or where it would be.
    pub(crate) fn way(&self, agent: &AgentName) -> Way {
        self.own_way().to(file_name(agent).as_ref())
    }

    /// Where the folder lies.
    pub(crate) fn real(&self) -> PathBuf {
        self.own_way().real().to_owned()
    }

    fn own_way(&self) -> Cow<'_, Way> {
        match self.opened() {
            Ok(Some(opened)) => Cow::Borrowed(opened.way()),
            _ => Cow::Owned(Way::of(&self.path)),
        }
    }

    /// Whether this is the folder that lies at `real`.
    pub(crate) fn is(&self, real: &Path) -> bool {
        self.own_way().real() == real
    }

    /// Whether the file at `real` lay in this folder, and is gone.
    pub(crate) fn has_lost(&self, real: &Path) -> bool {
        let lay_here = real.parent().is_some_and(|folder| self.is(folder));
        lay_here && real.file_name().is_some_and(|name| self.entry(name).is_none())
    }

    /// The folder, opened at the first call that finds it; `None` where there is none.
    fn opened(&self) -> Result<Option<&Arc<OpenFolder>>> {
        if let Some(opened) = self.opened.get() {
            return Ok(Some(opened));
        }
        match OpenFolder::open(&self.path) {
            Ok(opened) => Ok(Some(self.opened.get_or_init(|| Arc::new(opened)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.refuse_dangling_link()?;
                Ok(None)
            }
            Err(error) => Err(Failure::io("cannot read the folder", &self.path, &error)),
        }
    }

    fn entry(&self, name: &OsStr) -> Option<Entry> {
        self.opened().ok()??.entry(name)
    }

    /// Whether there is anything in the place of `agent`'s vault.
    pub(crate) fn exists(&self, agent: &AgentName) -> bool {
        self.entry(file_name(agent).as_ref()).is_some()
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
        let Some(opened) = self.opened()? else { return Ok(None) };
        opened.open_own(file_name(agent).as_ref())
    }

    /// The same behind a link that stays within the folder, as a `ConfigMap` of Kubernetes has them. For who only reads: a writer would replace
    /// the link.
    pub(crate) fn read_linked(&self, agent: &AgentName) -> Result<Option<Vec<u8>>> {
        let Some(opened) = self.opened()? else { return Ok(None) };
        let inside = || {
            let file = fs::canonicalize(opened.way().to(file_name(agent).as_ref()).real()).ok()?;
            file.strip_prefix(opened.way().real()).map(Path::to_owned).ok()
        };
        let Some(inside) = inside() else { return self.read(agent) };
        // From the folder on, as the way may be another one by now.
        let Some(file) = opened.open_beneath(&inside)? else { return Ok(None) };
        disk::read_limited(&file, &self.path(agent), MAX_FILE).map(Some)
    }

    /// Whether a link lies in the place of `agent`'s vault.
    pub(crate) fn is_linked(&self, agent: &AgentName) -> bool {
        self.entry(file_name(agent).as_ref()).is_some_and(|entry| entry.kind == EntryKind::Link)
    }

    /// Waits for the right to change vaults here, and clears what killed writers left. Readers never need it.
    pub(crate) fn lock(&self) -> Result<WriteLock> {
        self.refuse_dangling_link()?;
        disk::make_private_folders(&self.path)?;
        let gone = || Failure::io("cannot open the folder", &self.path, &io::ErrorKind::NotFound.into());
        let opened = self.opened()?.ok_or_else(gone)?;
        let lock = Lock::acquire_transient(opened, LOCK.as_ref())?;
        for path in self.temporary()? {
            lock.clear(&path);
        }
        Ok(WriteLock(lock))
    }

    /// Whether somebody is changing vaults here, from whatever home.
    pub(crate) fn is_locked(&self) -> bool {
        matches!(self.opened(), Ok(Some(opened)) if Lock::is_held_in(opened, LOCK.as_ref()))
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
        self.open(agent)?;
        // A name of its own, also where the folder cannot be locked and another home writes there.
        let temporary = self.path.join(format!(".{agent}.{}{TEMPORARY_ENDING}", std::process::id()));
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
        Ok(names.map(|name| self.path.join(name)).collect())
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
            let path = self.path.join(&name);
            fs::symlink_metadata(&path).is_ok_and(|data| data.is_file()).then(|| (path, of.clone()))
        };
        let mut copies: Vec<_> = self.names()?.into_iter().filter_map(copy).collect();
        copies.sort();
        Ok(copies)
    }

    fn names(&self) -> Result<Vec<String>> {
        self.opened()?.map_or_else(|| Ok(Vec::new()), |opened| opened.names())
    }

    /// A link to a folder that is not there, as of a disk that is not mounted: no reason to take it for an empty one, or to make another.
    pub(crate) fn refuse_dangling_link(&self) -> Result<()> {
        let Some((link, target)) = self.path.ancestors().find_map(|path| Some((path, fs::read_link(path).ok()?)))
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
}

fn file_name(agent: &AgentName) -> String {
    format!("{agent}{ENDING}")
}
