//! What a user or a program can ask for, one verb a file, under the name that the user types. `run` has a room of its own.

pub mod accept;
pub mod audit;
pub mod complete;
pub mod copy;
pub mod delete;
pub mod doctor;
pub mod import;
pub mod init;
pub mod key;
pub mod list;
pub mod rename;
pub mod set;
