//! The command line, as types; what the verbs take is in the files below. Their doc comments are the help. No parser here may refuse a word that could be a secret: clap quotes what
//! it refuses, so AGENT, KEY and VALUE come as they are and are checked in the verbs.

#![allow(clippy::struct_excessive_bools)] // each is a flag that a person types
#![allow(rustdoc::broken_intra_doc_links)] // "[cast:KEY]" is what a person sees
#![allow(clippy::doc_markdown)] // help texts are for terminals, which show backticks as they are

mod audit;
mod doctor;
mod key;
mod run;
mod secrets;
mod shell;
mod vault;

use clap::{ArgAction, Parser, Subcommand};

pub(super) use audit::AuditArgs;
pub(super) use doctor::DoctorArgs;
pub(super) use key::{InitArgs, KeyCommand};
pub(super) use key::{KeyExportArgs, KeyImportArgs, KeyMoveArgs, KeyRevokeArgs, KeyRotateArgs, KeyStatusArgs};
pub(super) use run::RunArgs;
pub(super) use secrets::{CheckArgs, CopyArgs, DeleteArgs, ImportArgs, ListArgs, RenameArgs, SecretsCommand, SetArgs};
pub(super) use shell::{CompletionsArgs, ManArgs, Shell};
pub(super) use vault::{AcceptArgs, VaultCommand};

/// Give agents their secrets: an encrypted vault each, the key in the OS keyring
#[derive(Parser)]
#[command(
    name = "cast",
    version,
    long_version = env!("CAST_VERSION"),
    disable_help_subcommand = true,
    disable_version_flag = true,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = START
)]
pub(super) struct Cli {
    /// Say nothing on success, and give no hints
    #[arg(short, long, global = true, display_order = 900, hide_short_help = true)]
    pub(super) quiet: bool,

    /// Print version, commit and target
    #[arg(short = 'V', long, action = ArgAction::Version, display_order = 1000, hide_short_help = true)]
    version: (),

    #[command(subcommand)]
    pub(super) command: Command,
}

const START: &str = "\
To begin:
  cast secrets set my-agent OPENAI_API_KEY     asks for the value, hidden
  cast run my-agent -- node agent.js           runs the agent with its secrets";

#[derive(Subcommand)]
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

    /// Look after a vault as a whole
    #[command(
        subcommand,
        after_help = "\
Example:
  cast vault accept my-agent"
    )]
    Vault(VaultCommand),

    Completions(CompletionsArgs),

    Man(ManArgs),

    /// Print the help of a command, as its --help does
    #[command(hide = true)]
    Help(ManArgs),
}
