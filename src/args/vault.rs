//! The arguments of `cast vault`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
#[command(defer = true)]
pub(crate) enum VaultCommand {
    Accept(AcceptArgs),
    Merge(MergeArgs),
}

/// Review and accept a vault that was restored, edited or rolled back
///
/// Shows why cast refuses the vault, its key names and times, and asks. Then cast seals the vault again, as newer
/// than
/// every state that this machine has seen.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast vault accept my-agent
  cast vault accept my-agent --key old-master.key --yes")]
pub(crate) struct AcceptArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// The former master key, for a backup made before a rotation
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,

    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Merge a vault that git has left in conflict
///
/// Merges the two sides that git keeps, secret by secret, and puts the result in the place of the vault. If both sides
/// changed the same secret, cast lists it, and changes nothing until you name each such KEY.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast vault merge my-agent
  cast vault merge my-agent --theirs API_TOKEN,DATABASE_URL")]
pub(crate) struct MergeArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// Take the secret of the commit that is merged
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub(crate) theirs: Vec<OsString>,

    /// Keep the secret of HEAD
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub(crate) ours: Vec<OsString>,
}
