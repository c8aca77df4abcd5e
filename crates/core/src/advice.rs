//! Commands for hints, written for this system's shell.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use crate::platform::{FAMILY, Family, files};

/// How to provide a key to one call of cast. The Windows text applies to both Command Prompt and PowerShell.
pub const GIVE_KEY: &str = match FAMILY {
    Family::Unix => "'CAST_KEY_FILE=master.key cast ...'",
    Family::Windows => "set the environment variable CAST_KEY_FILE to 'master.key'",
};

/// How to provide the passphrase of the key file to one call of cast.
pub const GIVE_PASSPHRASE: &str = match FAMILY {
    Family::Unix => "'CAST_PASSPHRASE_FILE=passphrase.txt cast ...'",
    Family::Windows => "set the environment variable CAST_PASSPHRASE_FILE to 'passphrase.txt'",
};

/// Makes this user the owner of the files again.
pub(crate) fn take(paths: &[PathBuf]) -> String {
    match FAMILY {
        Family::Unix => format!("sudo chown \"$(id -u)\"{}", quoted(paths)),
        Family::Windows => format!("takeown{}", listed(" /F", paths)),
    }
}

/// What to do where the system forbids this user the use of `path`: about the nearest folder or file that can be looked at, which is what forbids it.
pub(crate) fn get_access(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let (barrier, data) = path.ancestors().find_map(|path| Some((path, fs::metadata(path).ok()?)))?;
    let is_own = |data: &Metadata| !files::is_foreign(data);
    let paths = [barrier.to_owned()];
    if is_own(&data) {
        return Some(format!("allow it: {}", open(&paths)));
    }
    // As after sudo, below a folder of this user; not what is the system's or another user's.
    let is_below_own = barrier.ancestors().skip(1).any(|folder| fs::metadata(folder).is_ok_and(|data| is_own(&data)));
    Some(if is_below_own {
        format!("take it back, if it is yours: {}", take(&paths))
    } else {
        format!("another user owns '{}': ask for access, or use another folder", barrier.display())
    })
}

/// What to do about a file where a folder on the way to `path` is to be.
pub(crate) fn clear_the_way(path: &Path) -> Option<String> {
    let file = path.ancestors().find(|folder| fs::metadata(folder).is_ok_and(|data| !data.is_dir()))?;
    Some(format!("move it away: {}", move_away(file)))
}

/// Lets this user use files and folders of its own.
fn open(paths: &[PathBuf]) -> String {
    match FAMILY {
        Family::Unix => format!("chmod u+rwX{}", quoted(paths)),
        Family::Windows => {
            let grant = |path: &PathBuf| format!("icacls \"{}\" /grant \"%USERNAME%:F\"", path.display());
            paths.iter().map(grant).collect::<Vec<_>>().join(" && ")
        }
    }
}

/// Removes other users' access to the files.
pub(crate) fn close(paths: &[PathBuf]) -> String {
    match FAMILY {
        Family::Unix => format!("chmod go={}", quoted(paths)),
        Family::Windows => paths.iter().map(|path| own_and_close(path)).collect::<Vec<_>>().join(" && "),
    }
}

/// Makes git ignore a file of a work tree.
pub(crate) fn ignore(tree: &Path, path: &Path) -> String {
    // Both by their real folders: the one may be reached through a link.
    let folder = path.ancestors().skip(1).find_map(|folder| fs::canonicalize(folder).ok());
    let rest =
        path.ancestors().skip(1).find(|folder| folder.exists()).and_then(|folder| path.strip_prefix(folder).ok());
    let real = folder.zip(rest).map(|(folder, rest)| folder.join(rest));
    let below = real.as_deref().and_then(|real| real.strip_prefix(tree).ok()).unwrap_or(path);
    let line = format!("/{}", below.display().to_string().replace('\\', "/"));
    let list = [tree.join(".gitignore")];
    match FAMILY {
        Family::Unix => format!("echo{} >>{}", quoted(&[PathBuf::from(line)]), quoted(&list)),
        Family::Windows => format!("echo {line}>>{}", listed("", &list)),
    }
}

/// Puts a file in the place of another one, or of a link to it.
pub(crate) fn put_in_place(file: &Path, path: &Path) -> String {
    let both = [file.to_owned(), path.to_owned()];
    match FAMILY {
        Family::Unix => format!("mv -f{}", quoted(&both)),
        Family::Windows => format!("move /Y{}", listed("", &both)),
    }
}

/// Gives a file or folder another name.
pub(crate) fn move_away(path: &Path) -> String {
    let mut lost = path.as_os_str().to_owned();
    lost.push(".lost");
    let both = [path.to_owned(), PathBuf::from(lost)];
    match FAMILY {
        Family::Unix => format!("mv{}", quoted(&both)),
        Family::Windows => format!("move{}", listed("", &both)),
    }
}

/// Removes the files.
pub(crate) fn remove(paths: &[PathBuf]) -> String {
    match FAMILY {
        Family::Unix => format!("rm{}", quoted(paths)),
        Family::Windows => format!("del{}", listed("", paths)),
    }
}

/// Makes this user the owner of a file and removes other users' access.
pub(crate) fn own_and_close(path: &Path) -> String {
    match FAMILY {
        Family::Unix => {
            let path = quoted(&[path.to_owned()]);
            format!("chown \"$(id -u)\"{path} && chmod 600{path}")
        }
        Family::Windows => format!("icacls \"{}\" /inheritance:r /grant:r \"%USERNAME%:F\"", path.display()),
    }
}

/// Shows which process has a file open; `None` where the system comes with no tool for that.
pub(crate) fn who_holds(path: &Path) -> Option<String> {
    match FAMILY {
        Family::Unix => Some(format!("fuser{}", quoted(&[path.to_owned()]))),
        Family::Windows => None,
    }
}

fn quoted(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .flat_map(|path| [" '".to_owned(), path.display().to_string().replace('\'', "'\\''"), "'".to_owned()])
        .collect()
}

fn listed(option: &str, paths: &[PathBuf]) -> String {
    paths.iter().flat_map(|path| [option.to_owned(), format!(" \"{}\"", path.display())]).collect()
}
