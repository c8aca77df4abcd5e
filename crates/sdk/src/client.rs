//! The SDK: what programs in Rust call. The same operations as the command line, by the same ways, those of cast-core; with nobody to ask,
//! nothing printed, and no way to read a value back.

use std::time::SystemTime;

use cast_core::change::Missing;
use cast_core::clock;
use cast_core::session::Session;
use cast_core::verbs::{delete, list, set};
use cast_vault::{AgentName, SecretName, SecretValue};

use crate::{Builder, Command, Error};

/// The vaults of one user: those that the `cast` binary works on.
///
/// Opening one is cheap; the key is looked for when it is first needed, and kept. It can be shared between threads: changes are made
/// one after the other, also among processes. Calls block: in asynchronous code, make them where blocking is allowed.
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

/// The secrets in the vaults of a [`Client`]; what [`Client::secrets`] gives.
#[derive(Clone, Copy)]
pub struct Secrets<'a> {
    session: &'a Session,
    dangerous: bool,
    unmasked: bool,
}

/// What is known of a secret; never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretInfo {
    /// The name of the environment variable.
    pub key: String,
    /// When this name was first set; to the second.
    pub created_at: SystemTime,
    /// When the value was last set; to the second.
    pub updated_at: SystemTime,
    /// Whether it comes from the built-in secrets, which go into every agent.
    pub builtin: bool,
    /// Whether `cast run` masks it in output.
    pub masked: bool,
}

/// What is known of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentInfo {
    /// The agent's name.
    pub agent: String,
    /// When its vault was last written; to the second. `None` where the file system does not say.
    pub modified_at: Option<SystemTime>,
}

impl Client {
    /// The vaults and the key that the environment names, as for the `cast` binary: `CAST_HOME`, `CAST_VAULTS`, `CAST_KEY`,
    /// `CAST_KEY_FILE`, else the user's own. [`Client::builder`] says it in code.
    pub fn open() -> Result<Self, Error> {
        Self::builder().open()
    }

    /// Says where the vaults are, and with which key to open them.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The secrets, to set, list and delete.
    pub fn secrets(&self) -> Secrets<'_> {
        Secrets { session: &self.session, dangerous: false, unmasked: false }
    }

    /// The agents that have a vault, by name. Needs no key.
    pub fn agents(&self) -> Result<Vec<AgentInfo>, Error> {
        let info = |info: list::AgentInfo| AgentInfo {
            agent: info.name.to_string(),
            modified_at: info.modified.map(clock::to_system),
        };
        let agents = list::agents(&self.session).map_err(Error::from)?;
        Ok(agents.into_iter().map(info).collect())
    }

    /// A program, to be started with the secrets of `agent` in its environment, as by `cast run`.
    pub fn command(&self, agent: &str, program: impl Into<std::ffi::OsString>) -> Command<'_> {
        Command::new(&self.session, agent, program.into())
    }
}

impl Secrets<'_> {
    /// Adds or replaces one secret; makes the agent's vault, and on first use the key in the OS keyring. The agent `builtin` is for
    /// secrets that every agent gets.
    ///
    /// The value arrives byte for byte. It may be empty and may not contain NUL; `KEY=value` has to fit 131,071 bytes, one environment
    /// string of Linux.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for a name or value that is not valid, or a name that makes programs load code or changes what runs (see
    /// [`Secrets::allow_dangerous_name`]); [`Error::NoKey`], [`Error::Integrity`], [`Error::Io`] and [`Error::Locked`]. The vault is then what
    /// it was.
    pub fn set(&self, agent: &str, key: &str, value: &str) -> Result<(), Error> {
        let (agent, name) = (AgentName::parse(agent)?, SecretName::parse(key)?);
        let value = SecretValue::from_text(value.to_owned())?;
        value.check_fits(&name)?;
        let unmasked = self.unmasked.then_some(true);
        let (dangerous, missing) = (self.dangerous, Missing::Create);
        self.session.perform(set::Set { agent: &agent, name, value, dangerous, unmasked, missing })?;
        Ok(())
    }

    /// The agent's secrets, and the built-in ones that it gets too, by name.
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
    pub fn list(&self, agent: &str) -> Result<Vec<SecretInfo>, Error> {
        let info = |info: list::SecretInfo| SecretInfo {
            key: info.name.to_string(),
            created_at: info.created.map_or(SystemTime::UNIX_EPOCH, clock::to_system),
            updated_at: info.updated.map_or(SystemTime::UNIX_EPOCH, clock::to_system),
            builtin: info.builtin,
            masked: info.masked,
        };
        let secrets = self.session.perform(list::List { agent: &AgentName::parse(agent)? })?;
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
    pub fn delete(&self, agent: &str, key: &str) -> Result<(), Error> {
        let (agent, name) = (AgentName::parse(agent)?, SecretName::parse(key)?);
        self.session.perform(delete::Delete { agent: &agent, names: &[name] })?;
        Ok(())
    }

    /// What is set through this is a plain setting, which `cast run` does not mask.
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

    /// Names that make programs load code or change what runs, such as `PATH` or `LD_PRELOAD`, can be set through this.
    #[must_use]
    pub fn allow_dangerous_name(mut self) -> Self {
        self.dangerous = true;
        self
    }
}

/// Which key it has, nobody learns.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client(..)")
    }
}
