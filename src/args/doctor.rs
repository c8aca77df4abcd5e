//! What `cast doctor` takes.

use std::path::PathBuf;

use clap::Args;

/// Check keyring, key, every vault and the files, and say what to do
///
/// Changes nothing. Fails with 1 if it finds something.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast doctor
  cast doctor --backup master.key     proves that a backup opens every vault
  cast doctor --json | jq -r '.findings[].message'")]
pub(crate) struct DoctorArgs {
    /// Check that this backup of the master key opens every vault, and nothing else; needs no other key
    #[arg(long, value_name = "FILE")]
    pub(crate) backup: Option<PathBuf>,

    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}
