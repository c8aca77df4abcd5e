//! The verbs: what a user or a program can ask for. One verb per file, named as the user types it. `run` is in a module
//! of its own.
//!
//! Verbs that change or refuse something go through the door (`door.rs`). The plain functions are what the audit log does not record: the
//! list of agents, previews, completion, the log itself, and `doctor`.

pub mod accept;
pub mod audit;
pub mod complete;
pub mod copy;
pub mod delete;
pub mod doctor;
pub mod git;
pub mod import;
pub mod init;
pub mod key;
pub mod list;
pub mod merge;
pub mod rename;
pub mod set;
pub mod share;
