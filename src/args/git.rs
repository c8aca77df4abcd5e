//! The arguments of `cast git`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
#[command(defer = true)]
pub(crate) enum GitCommand {
    /// Set up this clone of a repository to show and merge its vaults
    ///
    /// Writes '.gitattributes' beside the vaults, to be committed, and the programs of this clone into its settings.
    /// From then on 'git diff' and 'git log -p' show which secrets changed, never a value, and 'git merge' merges
    /// vaults secret by secret.
    #[command(after_help = "\
Example:
  cast git setup")]
    Setup,

    /// Print a vault for 'git diff', which calls this
    #[command(hide = true)]
    Textconv(GitTextconvArgs),

    /// Merge two states of a vault for 'git merge', which calls this
    #[command(hide = true)]
    Merge(GitMergeArgs),
}

/// What git gives to a textconv program.
#[derive(Args)]
pub(crate) struct GitTextconvArgs {
    /// The file
    pub(crate) file: PathBuf,
}

/// What git gives to a merge driver.
#[derive(Args)]
pub(crate) struct GitMergeArgs {
    /// The state that both grew from; an empty file if there is none
    pub(crate) base: PathBuf,

    /// The state that is merged into, and the result
    pub(crate) ours: PathBuf,

    /// The state that is merged
    pub(crate) theirs: PathBuf,

    /// The vault's path in the repository
    pub(crate) path: PathBuf,

    /// What git calls the two
    pub(crate) names: Vec<OsString>,
}
