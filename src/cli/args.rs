//! The command line, as types. Their doc comments are the help. No parser here may refuse a word that could be a secret: clap quotes what
//! it refuses, so AGENT, KEY and VALUE come as they are and are checked in the verbs.

#![allow(clippy::struct_excessive_bools)] // each is a flag that a person types
#![allow(rustdoc::broken_intra_doc_links)] // "[cast:KEY]" is what a person sees
#![allow(clippy::doc_markdown)] // help texts are for terminals, which show backticks as they are

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::key_store::KeyPlace;

/// Give local agents their secrets: an encrypted vault per agent, the key in the OS keyring
#[derive(Parser)]
#[command(name = "cast", version, max_term_width = 100, arg_required_else_help = true, after_help = START)]
pub(super) struct Cli {
    /// Say nothing on success, and give no hints
    #[arg(short, long, global = true, display_order = 900)]
    pub(super) quiet: bool,

    #[command(subcommand)]
    pub(super) command: Command,
}

const START: &str = "\
Example:
  cast secrets set my-agent OPENAI_API_KEY     asks for the value, hidden
  cast run my-agent -- node agent.js           runs the agent with its secrets in its environment";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Store, list and delete secrets
    #[command(subcommand)]
    Secrets(SecretsCommand),

    Set(SetArgs),

    #[command(visible_alias = "ls")]
    List(ListArgs),

    #[command(visible_alias = "rm")]
    Delete(DeleteArgs),

    Run(RunArgs),

    Init(InitArgs),

    /// Look after a vault as a whole
    #[command(subcommand)]
    Vault(VaultCommand),
}

#[derive(Subcommand)]
pub(super) enum SecretsCommand {
    Set(SetArgs),

    #[command(visible_alias = "ls")]
    List(ListArgs),

    #[command(visible_alias = "rm")]
    Delete(DeleteArgs),
}

#[derive(Subcommand)]
pub(super) enum VaultCommand {
    Accept(AcceptArgs),
}

/// Add or replace a secret
///
/// The value comes from VALUE, else from standard input, else from a hidden prompt. VALUE is in the shell's history and for a
/// moment in the list of processes; the other two are not.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets set my-agent OPENAI_API_KEY                 asks for the value, hidden
  pass show openai | cast secrets set my-agent OPENAI_API_KEY
  cast secrets set my-agent TLS_KEY < key.pem
  cast secrets set my-agent GREETING -- --dash-first       '--' makes the value literal")]
pub(super) struct SetArgs {
    /// The agent, as in 'my-agent'; 'builtin' is for secrets that every agent gets
    pub(super) agent: OsString,

    /// The name of the environment variable, as in 'OPENAI_API_KEY'
    pub(super) key: OsString,

    /// The value, byte for byte
    #[arg(allow_hyphen_values = true)]
    pub(super) value: Option<OsString>,

    /// Accept a name that makes programs load code or changes what runs, such as PATH or LD_PRELOAD
    #[arg(long)]
    pub(super) allow_dangerous_name: bool,

    /// Do not mask the value in the output of 'cast run': it is a plain setting
    #[arg(long)]
    pub(super) unmasked: bool,
}

/// List secrets, never their values
///
/// Without AGENT, lists the agents; that needs no key.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets list
  cast secrets list my-agent
  cast secrets list my-agent --json | jq -r '.[].key'")]
pub(super) struct ListArgs {
    /// The agent; without it, the agents are listed
    pub(super) agent: Option<OsString>,

    /// Print JSON, for programs
    #[arg(long)]
    pub(super) json: bool,
}

/// Remove secrets
///
/// Several names are removed together or, if one is not there, not at all.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets delete my-agent OPENAI_API_KEY
  cast secrets delete my-agent --all")]
pub(super) struct DeleteArgs {
    /// The agent
    pub(super) agent: OsString,

    /// The names of the secrets; if one is not there, none is removed
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(super) key: Vec<OsString>,

    /// Remove the agent's vault with everything in it
    #[arg(long)]
    pub(super) all: bool,

    /// Do not ask for a confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
}

/// Run a command with an agent's secrets in its environment
///
/// CMD gets this environment, then the built-in secrets, then the agent's own; the later wins. Its output to a terminal is left alone; in
/// output to a file, pipe or socket, secrets show as [cast:KEY]. Its exit code or signal becomes that of cast. 125: cast itself failed; 126: CMD cannot be executed; 127: CMD was not found.
#[derive(Args)]
#[command(
    override_usage = "cast run [OPTIONS] <AGENT> -- <CMD> [ARG]...",
    after_help = "\
Examples:
  cast run my-agent -- node agent.js
  cast run my-agent --only OPENAI_API_KEY --clean-env -- ./tool
  cast run my-agent --explain"
)]
pub(super) struct RunArgs {
    /// The agent
    pub(super) agent: OsString,

    /// Inject these secrets alone
    #[arg(long, value_name = "KEY,...", value_delimiter = ',', conflicts_with = "except")]
    pub(super) only: Vec<OsString>,

    /// Inject all secrets but these
    #[arg(long, value_name = "KEY,...", value_delimiter = ',')]
    pub(super) except: Vec<OsString>,

    /// Leave the built-in secrets out
    #[arg(long)]
    pub(super) no_builtin: bool,

    /// Start from PATH HOME USER LOGNAME SHELL TERM LANG LC_* TZ TMPDIR alone
    #[arg(long)]
    pub(super) clean_env: bool,

    /// Let secrets through in the output, too
    #[arg(long)]
    pub(super) no_mask: bool,

    /// Say what would be injected, overridden and masked, without values; run nothing
    #[arg(long)]
    pub(super) explain: bool,

    /// The command and its arguments; no shell in between
    #[arg(last = true, value_name = "CMD")]
    pub(super) command: Vec<OsString>,
}

/// Make the master key, if there is none yet
///
/// Harmless when there is a key: says where it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast init
  cast init --key-store passphrase")]
pub(super) struct InitArgs {
    /// Where to keep the key; 'auto' takes the OS keyring, else asks, else a plain file
    #[arg(long, value_enum, default_value_t = KeyStoreChoice::Auto)]
    pub(super) key_store: KeyStoreChoice,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum KeyStoreChoice {
    /// The OS keyring; where there is none, as a terminal's user says, else a plain file
    Auto,
    /// The OS keyring
    Keyring,
    /// A file that a passphrase opens
    Passphrase,
    /// A file that only its mode protects
    File,
}

impl KeyStoreChoice {
    pub(super) fn place(self) -> Option<KeyPlace> {
        match self {
            Self::Auto => None,
            Self::Keyring => Some(KeyPlace::Keyring),
            Self::Passphrase => Some(KeyPlace::Passphrase),
            Self::File => Some(KeyPlace::File),
        }
    }
}

/// Take a vault that was restored, edited or rolled back, after a look at it
///
/// Shows why the vault is refused, its key names and times, and asks; then seals it anew above all that this machine has seen.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast vault accept my-agent
  cast vault accept my-agent --key old-master.key --yes")]
pub(super) struct AcceptArgs {
    /// The agent
    pub(super) agent: OsString,

    /// The master key of a backup from before a rotation
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,

    /// Do not ask for a confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
}
