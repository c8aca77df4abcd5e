//! `cast` gives local agents their secrets: an encrypted vault per agent, the key in the OS keyring.
//!
//! This library is for programs that store secrets and start agents themselves; the `cast` binary works on the same vaults. It begins at [`Client`]:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let key = std::fs::read_to_string("../../tests/golden/v1/key.txt")?;
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
//

#![deny(missing_docs)]

mod builder;
mod client;
mod command;
mod error;

pub use builder::Builder;
pub use client::{AgentInfo, Client, SecretInfo, Secrets};
pub use command::Command;
pub use error::{Details, Error};
