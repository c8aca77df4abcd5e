//! What to type, in the words of this system's shell.

use std::path::{Path, PathBuf};

use crate::platform::{FAMILY, Family};

/// How to give a key to one call of cast. On Windows the same words in Command Prompt and in PowerShell.
pub const GIVE_KEY: &str = match FAMILY {
    Family::Unix => "'CAST_KEY_FILE=master.key cast ...'",
    Family::Windows => "set the environment variable CAST_KEY_FILE to 'master.key'",
};

/// To own these files again.
pub(crate) fn take(paths: &[PathBuf]) -> String {
    match FAMILY {
        Family::Unix => format!("sudo chown \"$(id -u)\"{}", quoted(paths)),
        Family::Windows => format!("takeown{}", listed(" /F", paths)),
    }
}

/// To close these files to others.
pub(crate) fn close(paths: &[PathBuf]) -> String {
    match FAMILY {
        Family::Unix => format!("chmod go={}", quoted(paths)),
        Family::Windows => paths.iter().map(|path| own_and_close(path)).collect::<Vec<_>>().join(" && "),
    }
}

/// To remove these files.
pub(crate) fn remove(paths: &[PathBuf]) -> String {
    match FAMILY {
        Family::Unix => format!("rm{}", quoted(paths)),
        Family::Windows => format!("del{}", listed("", paths)),
    }
}

/// To own a file and close it to others.
pub(crate) fn own_and_close(path: &Path) -> String {
    let path = path.display();
    match FAMILY {
        Family::Unix => format!("chown \"$(id -u)\" '{path}' && chmod 600 '{path}'"),
        Family::Windows => format!("icacls \"{path}\" /inheritance:r /grant:r \"%USERNAME%:F\""),
    }
}

/// To see which process has a file open; `None` where nothing that comes with the system shows it.
pub(crate) fn who_holds(path: &Path) -> Option<String> {
    match FAMILY {
        Family::Unix => Some(format!("fuser {}", path.display())),
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
