//! The vault format of cast: names, values, keys, and the sealed document that holds an agent's secrets. Bytes in, bytes out: nothing here
//! knows a path, reads a clock, prints or asks.
//!
//! | file | what it holds |
//! |---|---|
//! | `name` | what an agent and a secret may be called |
//! | `value` | a secret's value, which cannot be printed |
//! | `placeholder` | whether a value still has to be filled in |
//! | `time` | a moment, to the second |
//! | `key` | the master key, agent keys, and the text they travel in |
//! | `age_file` | bytes sealed into an age file and opened again |
//! | `document` | the TOML inside a vault |
//! | `vault` | a vault: its seal, and the order of checks when it is opened |
//! | `error` | every refusal, as variants |
//!
//! cast-core is its only user; no promise is made to others.

mod age_file;
mod document;
mod error;
mod key;
mod name;
mod placeholder;
mod time;
mod value;
mod vault;

pub use age_file::{Closed, MAX_FILE, open_with_passphrase, seal_with_passphrase};
pub use document::{Document, Secret};
pub use error::{Error, KeyFault, NameFault, Refusal, Result, ValueFault};
pub use key::{AgentGrant, AgentKey, MasterKey, UnlockKey, VaultId};
pub use name::{AgentName, BUILTIN, SecretName};
pub use time::Timestamp;
pub use value::{MAX_ENVIRONMENT_STRING, SecretValue};
pub use vault::{Change, Mark, Treatment, Vault};
