//! The client for Rust programs. It runs the same verbs of cast-core as the command line, but never prompts or prints,
//! and offers no way to read a value back.

use std::time::SystemTime;

use cast_core::brokered::Brokering;
use cast_core::change::Missing;
use cast_core::clock;
use cast_core::session::Session;
use cast_core::verbs::{delete, list, set};
use cast_vault::{AgentName, SecretName, SecretValue};

use crate::{Builder, Command, Error};

/// The vaults of one user, the same that the `cast` binary uses.
///
/// Opening a client is cheap: it looks up the key when it first needs it, and then keeps it. Threads can share a
/// client. Changes are made one after the other, also across processes. Calls block, so in asynchronous code make them
/// where blocking is allowed.
///
/// ```
/// use cast::Client;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let key = std::fs::read_to_string("../../tests/golden/v1/key.txt")?;
/// # let client = Client::builder().home(home.path()).key(key).open()?;
/// # if false {
/// let client = Client::open()?;
/// # }
/// client.secrets().set("my-agent", "OPENAI_API_KEY", "sk-abc123...")?;
/// let agents = client.agents()?;
/// assert_eq!(agents[0].agent, "my-agent");
/// # Ok(())
/// # }
/// ```
pub struct Client {
    pub(crate) session: Session,
}

/// The secrets in the vaults of a [`Client`]. Returned by [`Client::secrets`].
#[derive(Clone, Copy)]
pub struct Secrets<'a> {
    session: &'a Session,
    dangerous: bool,
    unmasked: bool,
}

/// Information about a secret, never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretInfo {
    /// The name of the environment variable.
    pub key: String,
    /// When this secret was first set, to the second.
    pub created_at: SystemTime,
    /// When its value was last set, to the second.
    pub updated_at: SystemTime,
    /// Whether it comes from the built-in secrets, which go into every agent.
    pub builtin: bool,
    /// Whether `cast run` masks it in output.
    pub masked: bool,
}

/// Information about an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentInfo {
    /// The agent's name.
    pub agent: String,
    /// When its vault was last written, to the second. `None` if the file system does not record it.
    pub modified_at: Option<SystemTime>,
}

impl Client {
    /// Opens the vaults with the key that the environment names, like the `cast` binary: `CAST_HOME`, `CAST_VAULTS`,
    /// `CAST_KEY`, `CAST_KEY_FILE` and `CAST_PASSPHRASE_FILE`, otherwise the user's own. [`Client::builder`] sets these in
    /// code.
    ///
    /// # Errors
    ///
    /// None today: a missing key is reported by the first call that needs it.
    pub fn open() -> Result<Self, Error> {
        Self::builder().open()
    }

    /// Returns a builder that sets where the vaults are and which key opens them.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the secrets, to set, list and delete them.
    pub fn secrets(&self) -> Secrets<'_> {
        Secrets { session: &self.session, dangerous: false, unmasked: false }
    }

    /// Lists the agents that have a vault, by name. Needs no key.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder of the vaults cannot be read.
    pub fn agents(&self) -> Result<Vec<AgentInfo>, Error> {
        let info = |info: list::AgentInfo| AgentInfo {
            agent: info.name.to_string(),
            modified_at: info.modified.map(clock::to_system),
        };
        let agents = list::agents(&self.session).map_err(Error::from)?;
        Ok(agents.into_iter().map(info).collect())
    }

    /// Returns a program to start with the secrets of `agent` in its environment, as `cast run` does.
    pub fn command(&self, agent: &str, program: impl Into<std::ffi::OsString>) -> Command<'_> {
        Command::new(&self.session, agent, program.into())
    }
}

impl Secrets<'_> {
    /// Adds or replaces one secret. Creates the agent's vault if needed, and on first use the key in the OS keyring.
    /// Every agent gets the secrets of the agent `builtin`.
    ///
    /// The value is stored byte for byte. It may be empty but must not contain NUL. `KEY=value` must fit into 131,071
    /// bytes, the limit for one environment string on Linux.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the name or value is not valid, or if the name makes programs load code or changes what runs
    /// (see [`Secrets::allow_dangerous_name`]); [`Error::NoKey`], [`Error::Integrity`], [`Error::Io`] and
    /// [`Error::Locked`]. After an error the vault is unchanged.
    pub fn set(&self, agent: &str, key: &str, value: &str) -> Result<(), Error> {
        let (agent, name) = (AgentName::typed(agent)?, SecretName::typed(key)?);
        let value = SecretValue::from_text(value.to_owned())?;
        value.check_fits(&name)?;
        let unmasked = self.unmasked.then_some(true);
        let (dangerous, missing) = (self.dangerous, Missing::Create);
        let (value, brokering) = (Some(value), Brokering::default());
        self.session.perform(set::Set { agent: &agent, name, value, dangerous, unmasked, brokering, missing })?;
        Ok(())
    }

    /// Lists the agent's secrets, including the built-in ones that it gets, by name.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// # let key = std::fs::read_to_string("../../tests/golden/v1/key.txt")?;
    /// # let client = cast::Client::builder().home(home.path()).key(key).open()?;
    /// client.secrets().set("builtin", "ANTHROPIC_API_KEY", "sk-ant-...")?;
    /// client.secrets().set("my-agent", "OPENAI_API_KEY", "sk-abc123...")?;
    /// let secrets = client.secrets().list("my-agent")?;
    /// assert_eq!((secrets[0].key.as_str(), secrets[0].builtin), ("ANTHROPIC_API_KEY", true));
    /// assert_eq!((secrets[1].key.as_str(), secrets[1].builtin), ("OPENAI_API_KEY", false));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if `agent` is not a valid name; [`Error::NotFound`] if there is no such agent;
    /// [`Error::NoKey`], [`Error::Integrity`] and [`Error::Io`] if the vault cannot be opened.
    pub fn list(&self, agent: &str) -> Result<Vec<SecretInfo>, Error> {
        let info = |info: list::SecretInfo| SecretInfo {
            key: info.name.to_string(),
            created_at: info.created.map_or(SystemTime::UNIX_EPOCH, clock::to_system),
            updated_at: info.updated.map_or(SystemTime::UNIX_EPOCH, clock::to_system),
            builtin: info.builtin,
            masked: info.masked,
        };
        let secrets = self.session.perform(list::List { agent: &AgentName::typed(agent)? })?;
        Ok(secrets.into_iter().map(info).collect())
    }

    /// Removes one secret.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// # let key = std::fs::read_to_string("../../tests/golden/v1/key.txt")?;
    /// # let client = cast::Client::builder().home(home.path()).key(key).open()?;
    /// client.secrets().set("my-agent", "OPENAI_API_KEY", "sk-abc123...")?;
    /// client.secrets().delete("my-agent", "OPENAI_API_KEY")?;
    /// let error = client.secrets().delete("my-agent", "OPENAI_API_KEY").unwrap_err();
    /// assert_eq!(error.to_string(), "agent 'my-agent' has no secret 'OPENAI_API_KEY'");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if a name is not valid; [`Error::NotFound`] if there is no such agent or secret;
    /// [`Error::NoKey`], [`Error::Integrity`], [`Error::Io`] and [`Error::Locked`]. After an error the vault is
    /// unchanged.
    pub fn delete(&self, agent: &str, key: &str) -> Result<(), Error> {
        let (agent, name) = (AgentName::typed(agent)?, SecretName::typed(key)?);
        self.session.perform(delete::Delete { agent: &agent, names: &[name] })?;
        Ok(())
    }

    /// Marks secrets set through the result as plain settings, which `cast run` does not mask.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// # let key = std::fs::read_to_string("../../tests/golden/v1/key.txt")?;
    /// # let client = cast::Client::builder().home(home.path()).key(key).open()?;
    /// client.secrets().unmasked().set("my-agent", "API_URL", "https://api.example.com")?;
    /// assert!(!client.secrets().list("my-agent")?[0].masked);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn unmasked(mut self) -> Self {
        self.unmasked = true;
        self
    }

    /// Allows names that make programs load code or change what runs, such as `PATH` or `LD_PRELOAD`.
    #[must_use]
    pub fn allow_dangerous_name(mut self) -> Self {
        self.dangerous = true;
        self
    }
}

/// Does not reveal the key.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client(..)")
    }
}
