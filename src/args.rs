//! The command line as clap types, one file for each group of verbs. Their doc comments are the help texts. Clap quotes
//! every word it rejects, and such a word may be a secret: so AGENT, KEY and VALUE arrive unchecked here, and the verbs
//! validate them.

#![allow(clippy::struct_excessive_bools)] // each bool is a flag that the user types
#![allow(rustdoc::broken_intra_doc_links)] // "[cast:KEY]" is output, not a link
#![allow(clippy::doc_markdown)] // a terminal would show backticks as they are

mod audit;
mod doctor;
mod git;
mod key;
mod mask;
mod run;
mod secrets;
mod share;
mod shell;
mod vault;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand};

pub(super) use audit::AuditArgs;
pub(super) use doctor::DoctorArgs;
pub(super) use git::{GitCommand, GitMergeArgs, GitTextconvArgs};
pub(super) use key::{InitArgs, KeyCommand};
pub(super) use key::{
    KeyCardArgs, KeyExportArgs, KeyImportArgs, KeyMoveArgs, KeyRevokeArgs, KeyRotateArgs, KeyStatusArgs,
};
pub(super) use mask::{Marker, MaskArgs};
pub(super) use run::RunArgs;
pub(super) use secrets::{CheckArgs, CopyArgs, DeleteArgs, ImportArgs, ListArgs, RenameArgs, SecretsCommand, SetArgs};
pub(super) use share::{ShareArgs, UnshareArgs};
pub(super) use shell::{CompletionsArgs, ManArgs, Shell};
pub(super) use vault::{AcceptArgs, MergeArgs, VaultCommand};

/// Give agents their secrets: one encrypted vault each, the key in the OS keyring
#[derive(Parser)]
#[command(
    name = "cast",
    version,
    long_version = env!("CAST_VERSION"),
    disable_help_subcommand = true,
    disable_version_flag = true,
    max_term_width = 100,
    arg_required_else_help = true,
    help_template = COMPACT,
    after_help = START
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: GlobalOptions,

    #[command(subcommand)]
    pub(super) command: Command,
}

/// The options of all commands.
#[derive(Args)]
pub(super) struct GlobalOptions {
    /// Print no success messages and no hints
    #[arg(short, long, global = true, display_order = 900, hide_short_help = true)]
    pub(super) quiet: bool,

    /// Print the version, commit and target
    #[arg(short = 'V', long, action = ArgAction::Version, display_order = 1000, hide_short_help = true)]
    version: (),
}

/// The whole command line. `Cli::command` describes a subcommand only once it is asked for.
pub(super) fn all() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// The command line of `cast run`, so that a run pays for no other command.
pub(super) fn run() -> clap::Command {
    let run = RunArgs::augment_args(clap::Command::new("run"));
    let cast = clap::Command::new("cast").version("").disable_version_flag(true);
    GlobalOptions::augment_args(cast).subcommand_required(true).subcommand(run)
}

/// Three lines less than clap's own, so that the short help fits on a terminal of 24 lines.
const COMPACT: &str = "\
{before-help}{about-with-newline}{usage-heading} {usage}
Commands:
{subcommands}
Options:
{options}{after-help}";

const START: &str = "\
Get started: cast secrets set my-agent OPENAI_API_KEY    prompts for the value
             cast run my-agent -- node agent.js          gives it to the agent";

#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum Command {
    /// Store, list, import, check, copy and delete secrets
    #[command(
        subcommand,
        after_help = "\
Examples:
  cast secrets set my-agent OPENAI_API_KEY
  cast secrets list my-agent"
    )]
    Secrets(SecretsCommand),

    Set(SetArgs),

    #[command(visible_alias = "ls")]
    List(ListArgs),

    #[command(visible_alias = "rm")]
    Delete(DeleteArgs),

    Run(RunArgs),

    Mask(MaskArgs),

    Share(ShareArgs),

    Unshare(UnshareArgs),

    Init(InitArgs),

    Audit(AuditArgs),

    Doctor(DoctorArgs),

    /// Back up, restore, rotate and move the key; hand out agent keys
    #[command(
        subcommand,
        after_help = "\
Examples:
  cast key status
  cast key export --output /media/usb/cast-master.key"
    )]
    Key(KeyCommand),

    /// Manage a vault as a whole
    #[command(
        subcommand,
        after_help = "\
Example:
  cast vault accept my-agent"
    )]
    Vault(VaultCommand),

    /// Show and merge vaults in git, secret by secret
    #[command(
        subcommand,
        after_help = "\
Example:
  cast git setup"
    )]
    Git(GitCommand),

    Completions(CompletionsArgs),

    Man(ManArgs),

    /// Print the help of a command, like its --help
    #[command(hide = true)]
    Help(ManArgs),
}
