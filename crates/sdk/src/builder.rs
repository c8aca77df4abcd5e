//! Where a client's vaults are, and which key opens them.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use age::secrecy::{ExposeSecret, SecretString};

use cast_core::key_store::{self, Nobody, PATIENCE};
use cast_core::paths::{Places, absolute};
use cast_core::session::Session;

use crate::{Client, Error};

/// Where a key is said to come from that is neither in a variable nor in the store.
const GIVEN: &str = "Builder::key";

/// Makes a [`Client`]; what is not said, the environment says. From [`Client::builder`].
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
    /// The folder where everything is, instead of `CAST_HOME` and `CAST_VAULTS`. A program that is started does not learn of it.
    pub fn home(mut self, folder: impl Into<PathBuf>) -> Self {
        self.home = Some(folder.into());
        self
    }

    /// The folder of the vaults, instead of `CAST_VAULTS` or the one in the home.
    pub fn vaults(mut self, folder: impl Into<PathBuf>) -> Self {
        self.vaults = Some(folder.into());
        self
    }

    /// A master key or an agent key, as `cast key export` writes it, instead of `CAST_KEY` and `CAST_KEY_FILE`. No key file and no
    /// keyring is then looked at.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(SecretString::from(key.into()));
        self
    }

    /// How long the OS keyring is waited for, to answer and, where it shows a dialog to unlock it, for a person to do so; 60 s unless it is
    /// said. It never has more than 5 s to answer by itself.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The client. Looks for nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::NoKey`] if the given key is none.
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

/// For the audit log: the caller is this very process.
fn this_program() -> Option<OsString> {
    env::current_exe().ok()?.file_name().map(OsStr::to_owned)
}
