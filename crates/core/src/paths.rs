//! The folders and files of cast. Only computes paths; reads and creates nothing.

use std::env;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind, Result};

/// The folders of one user, or of one `CAST_HOME`.
#[derive(Clone, Debug)]
pub struct Places {
    vaults: Option<PathBuf>,
    data: Option<PathBuf>,
    state: Option<PathBuf>,
    config: Option<PathBuf>,
    runtime: Option<PathBuf>,
    /// The user set `CAST_VAULTS`; the folder may be in a repository.
    shared: bool,
    /// Everything is below one folder, and the user may have other homes.
    apart: bool,
    /// A variable that names no usable folder: then there are no folders at all, and nothing is written.
    refused: Option<Refused>,
}

/// A variable whose value is not an absolute path.
#[derive(Clone, Debug)]
struct Refused {
    variable: &'static str,
    value: PathBuf,
}

impl Places {
    /// From the environment: `CAST_VAULTS`, then `CAST_HOME`, then the folders of the platform. An empty variable
    /// counts as unset.
    pub fn from_environment() -> Self {
        if let Some(refused) = Refused::find() {
            return Self::refused(refused);
        }
        let vaults = variable("CAST_VAULTS");
        let places = match variable("CAST_HOME") {
            Some(home) => Self::under(&home),
            None => Self {
                // The local folder, not the one that Windows copies to every machine this user logs in to: a key stays
                // on its machine.
                vaults: dirs::data_local_dir().map(|data| data.join("cast").join("vaults")),
                data: dirs::data_local_dir().map(|data| data.join("cast")),
                config: dirs::config_dir().map(|config| config.join("cast")),
                // Windows and macOS have no state folder. State belongs to one machine, so it goes into the local data
                // folder.
                state: dirs::state_dir().or_else(dirs::data_local_dir).map(|state| {
                    let folder = state.join("cast");
                    if dirs::state_dir().is_some() { folder } else { folder.join("state") }
                }),
                runtime: session(),
                shared: false,
                apart: false,
                refused: None,
            },
        };
        let shared = vaults.is_some();
        Self { vaults: vaults.or(places.vaults), shared, ..places }
    }

    /// Everything below one folder, as with `CAST_HOME`.
    pub fn under(home: &Path) -> Self {
        Self {
            vaults: Some(home.join("vaults")),
            data: Some(home.to_owned()),
            state: Some(home.join("state")),
            config: Some(home.to_owned()),
            runtime: session(),
            shared: false,
            apart: true,
            refused: None,
        }
    }

    fn refused(refused: Refused) -> Self {
        Self {
            vaults: None,
            data: None,
            state: None,
            config: None,
            runtime: None,
            shared: false,
            apart: false,
            refused: Some(refused),
        }
    }

    /// The same, with the vaults in another folder, as with `CAST_VAULTS`.
    #[must_use]
    pub fn with_vaults(self, vaults: &Path) -> Self {
        Self { vaults: Some(vaults.to_owned()), ..self }
    }

    /// The folder of the vaults, `<agent>.age`.
    pub fn vaults(&self) -> Result<&Path> {
        self.vaults.as_deref().ok_or_else(|| self.no_home())
    }

    /// The key file that only its mode protects: an age identity file.
    pub fn plain_key(&self) -> Result<PathBuf> {
        self.data.as_deref().map(|data| data.join("key.txt")).ok_or_else(|| self.no_home())
    }

    /// The key file that a passphrase protects: an age scrypt file that contains an identity file.
    pub fn passphrase_key(&self) -> Result<PathBuf> {
        self.data.as_deref().map(|data| data.join("key.age")).ok_or_else(|| self.no_home())
    }

    fn no_home(&self) -> Failure {
        match &self.refused {
            Some(refused) => refused.failure(),
            None => Failure::new(Kind::Io, "this user has no home folder")
                .hint("set CAST_HOME to the folder where cast may keep its files"),
        }
    }

    /// The settings file; `None` if the user has no home.
    pub fn settings(&self) -> Option<PathBuf> {
        self.config.as_deref().map(|config| config.join("config.toml"))
    }

    /// The folder for state of this machine: locks, the audit log, and the newest version seen of each vault.
    pub fn state(&self) -> Result<&Path> {
        self.state.as_deref().ok_or_else(|| self.no_home())
    }

    /// The folders that cast creates and that only this user may access.
    pub fn private_folders(&self) -> Vec<PathBuf> {
        let vaults = self.vaults.clone().filter(|_| !self.shared);
        let state = |name: &str| self.state.as_ref().map(|state| state.join(name));
        [self.data.clone(), vaults, self.state.clone(), state("seen"), state("locks"), state("broker")]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Whether the user set `CAST_VAULTS`.
    pub(crate) fn has_named_vaults(&self) -> bool {
        self.shared
    }

    /// Whether this user may have other homes, which share the keyring but know nothing of each other.
    pub fn is_apart(&self) -> bool {
        self.apart
    }

    /// The session folder of this user. Like the keyring, it does not depend on `CAST_HOME`. `None` if the system has
    /// none.
    pub fn session(&self) -> Option<&Path> {
        self.runtime.as_deref()
    }
}

fn session() -> Option<PathBuf> {
    dirs::runtime_dir().map(|run| run.join("cast"))
}

fn variable(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os(name).filter(|value| !value.is_empty())?);
    Some(absolute(&path))
}

/// The absolute path, which does not depend on the working folder.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// That `value` of `variable` is a path that only a shell can complete, if it is: `~` reaches cast where no shell replaces it, as in the JSON
/// settings of an MCP client.
pub(crate) fn refuse_tilde(kind: Kind, variable: &str, value: &Path) -> Result<()> {
    if !value.as_os_str().as_encoded_bytes().starts_with(b"~") {
        return Ok(());
    }
    let failure = Failure::new(kind, format!("{variable} begins with '~', which only a shell replaces"));
    Err(match whole(value) {
        Some(path) => failure.hint(format!("write the whole path: '{}'", path.display())),
        None => failure.hint("write the whole path"),
    })
}

/// The absolute form of a path that is relative or begins with `~`, as far as that can be told.
fn whole(value: &Path) -> Option<PathBuf> {
    let home = || dirs::home_dir().filter(|home| home.is_absolute());
    match value.strip_prefix("~") {
        Ok(rest) => Some(home()?.join(rest)),
        // Another user's home.
        Err(_) if value.as_os_str().as_encoded_bytes().starts_with(b"~") => None,
        Err(_) => Some(absolute(value)),
    }
}

impl Refused {
    fn find() -> Option<Self> {
        let given = |variable: &'static str| {
            let value = PathBuf::from(env::var_os(variable).filter(|value| !value.is_empty())?);
            Some(Self { variable, value })
        };
        let is_relative = |refused: &Self| refused.value.is_relative();
        let home = || {
            // What the platform's folders are made of, unless each has a variable of its own.
            let folders = [dirs::data_local_dir(), dirs::config_dir(), dirs::state_dir()];
            given("HOME").filter(|_| folders.iter().flatten().any(|folder| folder.is_relative()))
        };
        let own = given("CAST_HOME");
        let has_own = own.is_some();
        let own = own.filter(is_relative).or_else(|| given("CAST_VAULTS").filter(is_relative));
        own.or_else(|| if has_own { None } else { home() })
    }

    fn failure(&self) -> Failure {
        let Self { variable, value } = self;
        let what = format!("{variable} is not an absolute path: '{}'", value.display());
        let failure = Failure::new(Kind::Io, what);
        match whole(value).filter(|_| *variable != "HOME") {
            Some(path) => failure.hint(format!("write the whole path: '{}'", path.display())),
            None => failure.hint(format!("set {variable} to the whole path of a folder")),
        }
    }
}

/// The variables of the XDG base directory specification that hold a relative path: it says that they are to be ignored.
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
pub(crate) fn ignored_variables() -> Vec<&'static str> {
    let is_relative =
        |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty() && Path::new(&value).is_relative());
    ["XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"].into_iter().filter(is_relative).collect()
}
