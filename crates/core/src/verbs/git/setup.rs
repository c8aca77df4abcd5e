//! `cast git setup`: the attributes, which git carries along, and the programs of this clone, which it does not.

use std::path::{Path, PathBuf};

use crate::disk;
use crate::failure::{Failure, Kind, Result};
use crate::git;
use crate::platform::files;
use crate::session::Session;
use crate::vault_folder::VaultFolder;

/// What was set up.
pub struct SetUp {
    /// The attributes of the vaults, to be committed.
    pub attributes: PathBuf,
    /// Whether they were not there before.
    pub is_new: bool,
}

const ATTRIBUTES: &str = ".gitattributes";
/// Which files are vaults.
const LINE: &str = "*.age diff=cast merge=cast";
/// The most bytes of a file of attributes that is read.
const MAX_ATTRIBUTES: usize = 1 << 20;

/// Sets this clone up for the vaults of the session; `program` is cast.
pub fn set_up(session: &Session, program: &Path) -> Result<SetUp> {
    let folder = session.folder()?.real();
    if disk::git_work_tree(&folder.join(ATTRIBUTES)).is_none() {
        let what = format!("the vaults are in no git work tree: '{}'", folder.display());
        return Err(Failure::new(Kind::Usage, what)
            .hint("to keep them in one: 'export CAST_VAULTS=\"$PWD/vaults\"', in the work tree"));
    }
    disk::make_private_folders(&folder)?;
    let attributes = folder.join(ATTRIBUTES);
    let mut text = match disk::open_own(&attributes)? {
        Some(file) => disk::read_limited(&file, &attributes, MAX_ATTRIBUTES)?,
        None => Vec::new(),
    };
    let is_new = !text.split(|byte| *byte == b'\n').any(|line| line.trim_ascii() == LINE.as_bytes());
    if is_new {
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend_from_slice(LINE.as_bytes());
        text.push(b'\n');
        disk::replace_soon(&attributes, &text)?;
    }
    // git gives it to a shell.
    let program = String::from_utf8_lossy(&files::path_bytes(program)).replace('\\', "/").replace('\'', "'\\''");
    let settings = [
        ("diff.cast.textconv", format!("'{program}' git textconv")),
        // It would keep the text.
        ("diff.cast.cachetextconv", "false".to_owned()),
        ("merge.cast.name", "vaults of cast, secret by secret".to_owned()),
        ("merge.cast.driver", format!("'{program}' git merge %O %A %B %P %X %Y")),
    ];
    for (name, value) in settings {
        if !git::does(&folder, &["config", "--local", name, &value]) {
            let what = format!("git did not take the setting '{name}' of '{}'", folder.display());
            return Err(Failure::new(Kind::Other, what).hint("see what git says: 'git config --local --list'"));
        }
    }
    Ok(SetUp { attributes, is_new })
}

/// Whether git has the attributes of a folder of vaults, and this clone does not know what they name.
pub(crate) fn lacks_drivers(folder: &VaultFolder) -> bool {
    let folder = folder.real();
    let has_attributes = || {
        let attribute = git::read_line(&folder, &["check-attr", "merge", "--", "x.age"]);
        attribute.is_some_and(|line| line.ends_with(": merge: cast"))
    };
    disk::git_work_tree(&folder.join(ATTRIBUTES)).is_some()
        && has_attributes()
        && git::read_line(&folder, &["config", "--get", "merge.cast.driver"]).is_none()
}
