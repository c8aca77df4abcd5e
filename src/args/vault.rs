//! What the verbs of `cast vault` take.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum VaultCommand {
    Accept(AcceptArgs),
}

/// Take a vault that was restored, edited or rolled back, after a look at it
///
/// Shows why the vault is refused, its key names and times, and asks; then seals it anew above all that this machine has seen.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast vault accept my-agent
  cast vault accept my-agent --key old-master.key --yes")]
pub(crate) struct AcceptArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// The master key of a backup from before a rotation
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,

    /// Do not ask for a confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}
