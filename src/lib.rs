//! `cast` gives local agents their secrets: an encrypted vault per agent, the key in the OS keyring.
//!
//! This library is for programs that store secrets and start agents themselves; the `cast` binary is made of it, and both work on the same
//! vaults. It begins at [`Client`]:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let key = std::fs::read_to_string("tests/golden/v1/key.txt")?;
//! # let client = cast::Client::builder().home(home.path()).key(key).open()?;
//! # if false {
//! let client = cast::Client::open()?;
//! # }
//! client.secrets().set("my-agent", "OPENAI_API_KEY", "sk-abc123...")?;
//! let ended = client.command("my-agent", "sh").args(["-c", "test -n \"$OPENAI_API_KEY\""]).status()?;
//! assert!(ended.success());
//! # Ok(())
//! # }
//! ```
//!
//! # What the binary does for itself, and a library cannot
//!
//! - **Wiped memory.** What is decrypted passes through buffers of other crates. The binary's allocator wipes every block that is freed; a
//!   library does not choose the allocator. [`zeroizing-alloc`](https://docs.rs/zeroizing-alloc) does the same for a program.
//! - **Other processes of the same user.** The binary makes itself undumpable (`prctl(PR_SET_DUMPABLE, 0)` on Linux), so that nobody but
//!   root reads its memory and its environment. That is a whole process's business: a program does it at its start, or not.
//! - **Its own environment.** A key in `CAST_KEY` stays in the environment of the program, and reaches every child that it starts by other means
//!   than [`Client::command`]. [`Builder::key`] keeps it out.
//! - **Asking.** Nobody is asked for anything: where a passphrase would be needed, there is an [`Error::NoKey`]. A locked keyring may show its
//!   own dialog, which [`Builder::timeout`] bounds.
//!
//! On Unix the first change to a vault installs a handler for `SIGXFSZ` where there is none, so that a write beyond `ulimit -f` is an error.
//!
//! # The house
//!
//! From the ground up. A room imports only from floors below its own; `tests/it/house.rs` holds that.
//!
//! | floor | rooms |
//! |---|---|
//! | 5 | `cli`: the command line; alone prints, asks and knows exit codes; `sdk`: the library's public face |
//! | 4 | `client`: the one path that every verb and the SDK take |
//! | 3 | `key_store`, `vault_file`, `seen`, `audit_log`, `process`, `git`: keys, files and programs; what a secret means is not known there |
//! | 2 | `vault`: a vault, authenticated and sealed; `disk`: files that are whole or not there |
//! | 1 | `keys`, `age_file`, `document`, `environment`, `needles`, `masker`, `dotenv`, `placeholder`: cryptography and text, which never see a path |
//! | 0 | `names`, `secret`, `failure`, `paths`, `settings`, `timestamp`, `suggestion`, `platform` |
//!
//! Absent on purpose: the network, logging of values, plaintext on disk, `unsafe` but for one `pre_exec`, and any way to print a stored value.

#![deny(missing_docs)]

mod age_file;
mod audit_log;
#[doc(hidden)] // for the binary
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
mod sdk;
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
pub use sdk::{AgentInfo, Builder, Client, Command, Details, Error, SecretInfo, Secrets};
