//! The vault format of cast: names, values, keys, and the sealed document that holds an agent's secrets. Bytes in, bytes out: nothing here
//! knows a path, reads a clock, prints or asks.
//!
//! | file | what it holds |
//! |---|---|
//! | `name` | what an agent and a secret may be called |
//! | `value` | a secret's value, which cannot be printed |
//! | `placeholder` | whether a value still has to be filled in |
//! | `time` | a moment, to the second |
//! | `vector` | how often each replica has changed a vault |
//! | `key` | the master key, agent keys, cards, and the text they travel in |
//! | `age_file` | bytes sealed into an age file and opened again |
//! | `text` | the few shapes of TOML that a vault is made of |
//! | `hex` | numbers and bytes in the one form of the lines that are signed |
//! | `part` | the owner's part: names, flags, people |
//! | `values` | the values, and when they were set |
//! | `vault` | a vault: its signatures, the order of checks when it is opened, its changes |
//! | `error` | every refusal, as variants |
//!
//! cast-core is its only user; no promise is made to others.

mod age_file;
mod error;
mod hex;
mod key;
mod name;
mod part;
mod placeholder;
mod text;
mod time;
mod value;
mod values;
mod vault;
mod vector;

pub use age_file::{Closed, MAX_FILE, open_with_keys, open_with_passphrase, seal_to_card, seal_with_passphrase};
pub use error::{Error, FlagFault, KeyFault, NameFault, Refusal, Result, ValueFault};
pub use key::{AgentGrant, AgentKey, Card, Fingerprint, MasterKey, UnlockKey, VaultId, VerificationKey};
pub use name::{AgentName, BUILTIN, OWNER, PersonName, SecretName};
pub use part::{Flags, MAX_PEOPLE, Part, Person};
pub use time::Timestamp;
pub use value::{MAX_ENVIRONMENT_STRING, MAX_FILE_VALUE, Oddity, SecretValue};
pub use values::Secret;
pub use vault::{Anchor, Change, Comparison, Digest, Entry, Inspected, Noted, Receipt, Role, Sealer, State, Vault};
pub use vault::{Choices, Clash, Merged, Side, Sides};
pub use vector::{MAX_REPLICAS, Order, Replica, Vector, VectorFault};
