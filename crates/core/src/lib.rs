//! Everything that cast does, without the command line. Items are `pub` for the binary and the SDK; other users get no
//! stability promise.
//!
//! # The house
//!
//! This table is the one place that lists the floors. A room imports only from floors below its own. Cargo enforces
//! that between crates; `tests/it/house.rs`, which reads this table, enforces it within this one.
//!
//! | floor | rooms |
//! |---|---|
//! | 5 | `verbs`, `run`: what a user or a program can ask for |
//! | 4 | `door`, `first_key`, `read`, `change`, `merging`, `survey`: the ways that the verbs take |
//! | 3 | `session`: what every verb works with, and the key of this process |
//! | 2 | `key_store`, `vault_folder`, `seen`, `audit_log`, `settings`, `git`, `broker_folder`: keys, files, programs |
//! | 1 | `brokered`, `disk`, `dotenv`, `injections`, `listing`, `example`, `masking`, `supervisor`: atomic files, text, a child process |
//! | 0 | `failure`, `advice`, `paths`, `clock`, `suggestion`, `coding_agent`, `platform` |
//!
//! Below all floors, in their own crates: `cast-vault`, `cast-mask`, `cast-broker`, `cast-keyring`.
//!
//! Absent on purpose: the network, but for the connections of a brokered program; logging of values, plaintext on disk,
//! and any way to print a stored value.

pub mod advice;
pub mod audit_log;
mod broker_folder;
pub mod brokered;
pub mod change;
pub mod clock;
pub mod coding_agent;
pub mod disk;
pub mod door;
pub mod dotenv;
pub mod example;
pub mod failure;
mod first_key;
pub mod git;
pub mod injections;
pub mod key_store;
pub mod listing;
pub mod masking;
mod merging;
pub mod paths;
pub mod platform;
pub mod read;
pub mod run;
mod seen;
pub mod session;
pub mod settings;
pub mod suggestion;
pub mod supervisor;
pub mod survey;
mod vault_folder;
pub mod verbs;
