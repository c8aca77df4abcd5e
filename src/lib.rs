//! `cast` gives local agents their secrets: an encrypted vault per agent, the key in the OS keyring.
//!
//! The house, from the ground up. A room imports only from floors below its own; `tests/it/house.rs` holds that.
//!
//! | floor | rooms |
//! |---|---|
//! | 5 | [`cli`]: the command line; alone prints, asks and knows exit codes |
//! | 4 | `client`: the one path that every verb takes, and the SDK |
//! | 3 | `key_store`, `vault_file`, `seen`, `audit_log`, `process`, `git`: keys, files and programs; what a secret means is not known there |
//! | 2 | `vault`: a vault, authenticated and sealed; `disk`: files that are whole or not there |
//! | 1 | `keys`, `age_file`, `document`, `environment`, `needles`, `masker`, `dotenv`, `placeholder`: cryptography and text, which never see a path |
//! | 0 | `names`, `secret`, `failure`, `paths`, `settings`, `timestamp`, `suggestion`, `platform` |
//!
//! Absent on purpose: the network, logging of values, plaintext on disk, `unsafe` but for one `pre_exec`, and any way to print a stored value.

mod age_file;
mod audit_log;
pub mod cli;
mod client;
mod disk;
mod document;
mod dotenv;
mod environment;
mod failure;
mod git;
mod key_store;
mod keys;
#[doc(hidden)] // for the benchmark and the fuzz target
pub mod masker;
mod names;
#[doc(hidden)]
pub mod needles;
mod paths;
mod placeholder;
mod platform;
mod process;
mod secret;
mod seen;
mod settings;
mod suggestion;
#[cfg(test)]
mod testing;
mod timestamp;
mod vault;
mod vault_file;

#[doc(hidden)] // for the binary
pub use platform::{HEAP, Heap};
