//! The arguments of `cast doctor`.

use std::path::PathBuf;

use clap::Args;

/// Check the keyring, key, vaults and files, and suggest fixes
///
/// Changes nothing. Exits with 1 if it finds a problem.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast doctor
  cast doctor --backup master.key     proves that a backup opens every vault
  cast doctor --json | jq -r '.findings[].message'")]
pub(crate) struct DoctorArgs {
    /// Check only that this backup of the master key opens every vault; needs no other key
    #[arg(long, value_name = "FILE")]
    pub(crate) backup: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
