//! Tests of the built binary, as a user runs it. One test binary, one file for each feature; `sandbox` has what they
//! share.

#![allow(unreachable_pub, dead_code)] // one crate without a public interface

mod advice;
mod agent;
mod asking;
mod audit;
mod broker;
mod check;
mod command;
mod completion;
mod delete;
mod dice;
mod doctor;
mod durability;
mod environment;
mod forge;
pub mod git;
mod house;
mod import;
mod init;
mod key;
mod keyring;
mod keys;
mod leaks;
mod list;
mod mask;
mod masking;
mod messages;
mod model;
mod nested;
mod pictures;
mod places;
mod project;
mod prompt;
mod protocol;
mod readme;
mod rendered;
mod run;
mod sandbox;
mod scripts;
mod sdk;
mod set;
mod settings;
mod share;
mod signals;
mod stale;
mod supervise;
mod terminal;
mod transfer;
mod usage;
mod vault;
mod version;
mod wine;
mod words;
