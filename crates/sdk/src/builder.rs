//! Configures where a client's vaults are and which key opens them.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use age::secrecy::{ExposeSecret, SecretString};

use cast_core::key_store::{self, Nobody, PATIENCE};
use cast_core::paths::{Places, absolute};
use cast_core::session::Session;

use crate::{Client, Error};

/// The source that messages name for a key that the program passed in.
const GIVEN: &str = "Builder::key";

/// Builds a [`Client`]. Anything not set here comes from the environment. Made by [`Client::builder`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let folder = home.path();
/// # let key = std::fs::read_to_string("../../tests/golden/v1/key.txt")?;
/// let client = cast::Client::builder().home(folder).key(key).open()?;
/// client.secrets().set("my-agent", "OPENAI_API_KEY", "sk-abc123...")?;
/// assert!(folder.join("vaults/my-agent.age").exists());
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use]
pub struct Builder {
    home: Option<PathBuf>,
    vaults: Option<PathBuf>,
    key: Option<SecretString>,
    timeout: Option<Duration>,
}

impl Builder {
    /// Sets the folder for all files, instead of `CAST_HOME` and `CAST_VAULTS`. Programs that the client starts are not
    /// told about it.
    pub fn home(mut self, folder: impl Into<PathBuf>) -> Self {
        self.home = Some(folder.into());
        self
    }

    /// Sets the folder of the vaults, instead of `CAST_VAULTS` or the one in the home.
    pub fn vaults(mut self, folder: impl Into<PathBuf>) -> Self {
        self.vaults = Some(folder.into());
        self
    }

    /// Sets a master key or an agent key, as `cast key export` writes it, instead of `CAST_KEY` and `CAST_KEY_FILE`.
    /// The client then uses no key file and no keyring.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(SecretString::from(key.into()));
        self
    }

    /// Sets how long to wait for the OS keyring to answer and, if it shows an unlock dialog, for the user. The default
    /// is 60 s. The limit for an answer without a dialog is never more than 5 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Builds the client. Does not look up a key yet.
    ///
    /// # Errors
    ///
    /// [`Error::NoKey`] if the key that was set is not valid.
    pub fn open(self) -> Result<Client, Error> {
        let places = match &self.home {
            Some(home) => Places::under(&absolute(home)),
            None => Places::from_environment(),
        };
        let places = match &self.vaults {
            Some(vaults) => places.with_vaults(&absolute(vaults)),
            None => places,
        };
        let key = self.key.map(|key| key_store::parse_key(key.expose_secret().as_bytes(), GIVEN)).transpose()?;
        let attendant = Nobody { patience: self.timeout.unwrap_or(PATIENCE) };
        let session = Session::new(places, Box::new(attendant)).called_by(this_program);
        Ok(Client { session: if let Some(key) = key { session.with_key(key, GIVEN) } else { session } })
    }
}

/// The caller for the audit log: this process itself.
fn this_program() -> Option<OsString> {
    env::current_exe().ok()?.file_name().map(OsStr::to_owned)
}
