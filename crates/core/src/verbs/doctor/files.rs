//! Checks the files of cast: private, no leftovers, no key file where git could commit it.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::{Check, Finding};
use crate::advice;
use crate::disk::{self, Lock};
use crate::git;
use crate::key_store;
use crate::platform::files;
use crate::session::Session;
use crate::vault_folder::VaultFolder;
use cast_vault::AgentName;

/// The maximum number of paths that a finding shows.
const SHOWN: usize = 3;

impl Session {
    pub(super) fn look_at_files(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for path in self.key_files() {
            findings.extend(key_store::check_key_file(&path).err().map(|why| Finding::of(Check::Permissions, &why)));
            findings.extend(in_work_tree(&path));
        }
        findings.extend(self.copies());
        let ours = self.private_files();
        let which = |wanted: fn(&Metadata) -> bool| -> Vec<PathBuf> {
            ours.iter().filter(|(_, data)| wanted(data)).map(|(path, _)| path.clone()).collect()
        };
        let mut add = |check, what: &str, paths: &[PathBuf], fix: fn(&[PathBuf]) -> String| {
            if !paths.is_empty() {
                findings.push(Finding { check, message: format!("{what} {}", shown(paths)), fix: vec![fix(paths)] });
            }
        };
        add(Check::Permissions, "another user owns", &which(files::is_foreign), advice::take);
        add(Check::Permissions, "other users can access", &which(files::is_open), advice::close);
        add(Check::Leftover, "a killed cast process left behind", &self.leftovers(), advice::remove);
        findings
    }

    /// Copies beside the vaults: one of them may be the newer state, and nothing uses it where it lies.
    fn copies(&self) -> Vec<Finding> {
        let Ok(folder) = self.folder() else { return Vec::new() };
        let finding = |(path, agent): (PathBuf, AgentName)| {
            let vault = folder.path(&agent);
            let (take, own) = (advice::put_in_place(&path, &vault), path.display());
            Finding {
                check: Check::Leftover,
                message: format!("beside the vault of agent '{agent}' lies a copy of it under another name: '{own}'"),
                fix: vec![
                    format!("if you do not need it: {}", advice::remove(std::slice::from_ref(&path))),
                    format!("if it has what the vault lacks, take it: {take}, then 'cast vault accept {agent}'"),
                ],
            }
        };
        folder.copies().unwrap_or_default().into_iter().map(finding).collect()
    }

    /// The existing key files.
    pub(super) fn key_files(&self) -> impl Iterator<Item = PathBuf> {
        let files = [self.places.plain_key(), self.places.passphrase_key()];
        files.into_iter().flatten().filter(|path| path.symlink_metadata().is_ok())
    }

    /// The private folders of cast and its files in them. `check_key_file` checks key files.
    fn private_files(&self) -> Vec<(PathBuf, Metadata)> {
        let folders = self.places.private_folders();
        let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
        let files = entries.map(|entry| entry.path()).filter(|path| is_ours(path));
        let mut paths: Vec<_> = folders.iter().cloned().chain(files).collect();
        paths.sort();
        paths.dedup();
        let looked_at = paths.into_iter().filter_map(|path| Some((fs::symlink_metadata(&path).ok()?, path)));
        looked_at.filter(|(data, _)| data.is_file() || data.is_dir()).map(|(data, path)| (path, data)).collect()
    }

    /// Temporary files of killed writers. Empty while any cast process holds a lock, because that process may be
    /// writing the file.
    fn leftovers(&self) -> Vec<PathBuf> {
        let mut leftovers = self.folder().and_then(VaultFolder::temporary).unwrap_or_default();
        leftovers.extend(self.seen().map(|seen| seen.temporary()).unwrap_or_default());
        leftovers.extend(key_store::temporary(&self.places));
        // The files are listed before the locks are checked: a file that still exists while no process holds a lock is
        // not being written.
        if leftovers.is_empty() || self.is_being_written() {
            return Vec::new();
        }
        leftovers.retain(|path| path.symlink_metadata().is_ok());
        if self.is_being_written() { Vec::new() } else { leftovers }
    }

    fn is_being_written(&self) -> bool {
        let locks = self.places.state().ok().and_then(|state| fs::read_dir(state.join("locks")).ok());
        locks.into_iter().flatten().flatten().any(|lock| Lock::is_held(&lock.path()))
            || self.folder().is_ok_and(VaultFolder::is_locked)
    }
}

/// Decides by name: a vault, a lock, a log, a record of a seen version. The settings file belongs to the user.
fn is_ours(path: &Path) -> bool {
    let has = |endings: &[&str]| path.extension().is_some_and(|known| endings.iter().any(|ending| known == *ending));
    if path.parent().is_some_and(|folder| folder.ends_with("seen")) {
        // That of an owner: 16 digits.
        let is_owner =
            |ending: &OsStr| ending.len() == 16 && ending.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit);
        return path.extension().is_none_or(is_owner) || has(&["line", "names", "states"]);
    }
    has(&["age", "lock", "jsonl"]) && path.file_name() != Some("key.age".as_ref())
}

fn in_work_tree(path: &Path) -> Option<Finding> {
    let tree = disk::git_work_tree(path).filter(|_| !git::ignores(path))?;
    let message = format!("a key file is in the git work tree '{}': '{}'", tree.display(), path.display());
    let fix = vec![
        "move the key: 'cast key move keyring'".to_owned(),
        format!("or make git ignore it: {}", advice::ignore(&tree, &path.with_extension("*"))),
    ];
    Some(Finding { check: Check::Key, message, fix })
}

fn shown(paths: &[PathBuf]) -> String {
    let first: Vec<_> = paths.iter().take(SHOWN).map(|path| format!("'{}'", path.display())).collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
