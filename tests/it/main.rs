//! The binary as a user meets it. One test binary, one feature a file; what several share is in `sandbox`.

#![allow(unreachable_pub, dead_code)] // one crate, no public face

mod agent;
mod audit;
mod check;
mod completion;
mod delete;
mod doctor;
mod durability;
mod environment;
mod forge;
mod house;
mod import;
mod init;
mod key;
mod keyring;
mod keys;
mod list;
mod masking;
mod project;
mod prompt;
mod protocol;
mod readme;
mod rendered;
mod run;
mod sandbox;
mod sdk;
mod set;
mod stale;
mod supervise;
mod terminal;
mod transfer;
mod usage;
mod vault;
mod version;
mod wine;
