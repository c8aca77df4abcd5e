//! Everything that cast does, without a command line. `pub` for the binary and the SDK, no promise to others.
//!
//! # The house
//!
//! From the ground up. A room imports only from floors below its own; between crates Cargo holds that, within this one
//! `tests/it/house.rs`, which reads this table.
//!
//! | floor | rooms |
//! |---|---|
//! | 5 | `verbs`, `run`: what a user or a program can ask for |
//! | 4 | `door`, `first_key`, `read`, `change`, `survey`: the ways that the verbs take |
//! | 3 | `session`: what every verb works with; the key of this process |
//! | 2 | `key_store`, `vault_folder`, `seen`, `audit_log`, `settings`, `git`: keys, files and programs; what a secret means is not known there |
//! | 1 | `disk`, `dotenv`, `injections`, `listing`, `example`, `masking`, `supervisor`: files that are whole or not there, text, an environment, a child |
//! | 0 | `failure`, `advice`, `paths`, `clock`, `suggestion`, `platform` |
//!
//! Below them all, as crates of their own: `cast-vault`, `cast-mask`, `cast-keyring`.
//!
//! Absent on purpose: the network, logging of values, plaintext on disk, and any way to print a stored value.

pub mod advice;
pub mod audit_log;
pub mod change;
pub mod clock;
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
