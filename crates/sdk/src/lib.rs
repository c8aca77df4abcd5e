//! `cast` gives local agents their secrets: an encrypted vault per agent, the key in the OS keyring.
//!
//! This library is for programs that store secrets and start agents themselves. The `cast` binary uses the same vaults.
//! Start with [`Client`]:
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
//! # What the binary does and a library cannot
//!
//! - **Masking.** What a started program writes is not masked. For that, start `cast run`.
//! - **A broker of its own.** The proxy that puts brokered secrets into requests runs in your program. It ends with the
//!   [`Child`], or with your program.
//! - **Wiped memory.** Decrypted data passes through buffers of other crates. The binary's allocator wipes every freed
//!   block, but a library cannot choose the allocator. A program can use
//!   [`zeroizing-alloc`](https://docs.rs/zeroizing-alloc) for the same effect.
//! - **Other processes of the same user.** The binary makes itself undumpable (`prctl(PR_SET_DUMPABLE, 0)` on Linux),
//!   so that only root can read its memory and environment. This affects a whole process, so your program must decide
//!   and do it at its start.
//! - **Its own environment.** A key in `CAST_KEY` stays in the environment of your program, and every child that it
//!   starts without [`Client::command`] inherits it. [`Builder::key`] avoids that.
//! - **Prompts.** The library never prompts: if it needs a passphrase, it returns [`Error::NoKey`]. A locked keyring
//!   may show its own dialog; [`Builder::timeout`] limits the wait for it.
//!
//! On Unix the first change to a vault installs a handler for `SIGXFSZ` if there is none, so that a write beyond
//! `ulimit -f` returns an error.

#![deny(missing_docs)]

mod builder;
mod client;
mod command;
mod error;

pub use builder::Builder;
pub use client::{AgentInfo, Client, SecretInfo, Secrets};
pub use command::{Child, Command};
pub use error::{Details, Error};
