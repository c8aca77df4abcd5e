//! What the verbs of `cast secrets` take.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum SecretsCommand {
    Set(SetArgs),

    #[command(visible_alias = "ls")]
    List(ListArgs),

    #[command(visible_alias = "rm")]
    Delete(DeleteArgs),

    Import(ImportArgs),

    Check(CheckArgs),

    Copy(CopyArgs),

    Rename(RenameArgs),
}

/// Add or replace a secret
///
/// The value comes from VALUE, else from standard input, else from a hidden prompt. VALUE is in the shell's history and for a
/// moment in the list of processes; the other two are not.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets set my-agent OPENAI_API_KEY              asks for it, hidden
  pass show openai | cast secrets set my-agent OPENAI_API_KEY
  cast secrets set my-agent TLS_KEY < key.pem
  cast secrets set my-agent NOTE --exact < note.txt     every byte of it
  cast secrets set my-agent GREETING -- --dash-first    '--': a literal value")]
pub(crate) struct SetArgs {
    /// The agent; 'builtin' is for secrets that every agent gets
    pub(crate) agent: OsString,

    /// The name of the environment variable, as in 'OPENAI_API_KEY'
    pub(crate) key: OsString,

    /// The value, byte for byte
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: Option<OsString>,

    /// Take standard input byte for byte, line ends too
    ///
    /// Otherwise a value of one line loses its line end, and an empty input is an error.
    #[arg(long, conflicts_with = "value")]
    pub(crate) exact: bool,

    /// Accept a name such as PATH or LD_PRELOAD
    ///
    /// It makes programs load code, or changes what runs.
    #[arg(long)]
    pub(crate) allow_dangerous_name: bool,

    /// Do not mask the value: it is a plain setting
    ///
    /// It is seen in the output of 'cast run'.
    #[arg(long)]
    pub(crate) unmasked: bool,

    /// Make a new vault where this machine has seen one that is gone
    #[arg(long)]
    pub(crate) new: bool,
}

/// List secrets, never their values
///
/// Without AGENT, lists the agents; that needs no key.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets list
  cast secrets list my-agent
  cast secrets list my-agent --json | jq -r '.[].key'
  cast secrets list --stale 90d           all that is due for a change")]
pub(crate) struct ListArgs {
    /// The agent; without it, the agents are listed
    pub(crate) agent: Option<OsString>,

    /// Only secrets last set longer ago than that, as in 90d, 12w, 3m or 1y; without AGENT, those of all agents
    #[arg(long, value_name = "AGE")]
    pub(crate) stale: Option<OsString>,

    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// Remove secrets
///
/// Several names are removed together or, if one is not there, not at all.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets delete my-agent OPENAI_API_KEY
  cast secrets delete my-agent --all")]
pub(crate) struct DeleteArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// The names of the secrets; if one is not there, none is removed
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) key: Vec<OsString>,

    /// Remove the agent's vault with everything in it
    #[arg(long)]
    pub(crate) all: bool,

    /// Do not ask for a confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Add every assignment of a .env file
///
/// The file is read as the npm package dotenv reads it: quotes, comments, values of several lines; nothing is expanded. All assignments
/// are added or, if one cannot be, none. A secret that is there already is replaced.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets import my-agent .env && rm .env
  cast secrets import my-agent .env --dry-run
  sops decrypt secrets.env | cast secrets import my-agent -")]
pub(crate) struct ImportArgs {
    /// The agent; 'builtin' is for secrets that every agent gets
    pub(crate) agent: OsString,

    /// The .env file; '-' is standard input
    pub(crate) file: PathBuf,

    /// Say what would be added and replaced; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Accept names that make programs load code or change what runs, such as PATH or LD_PRELOAD
    #[arg(long)]
    pub(crate) allow_dangerous_name: bool,

    /// Make a new vault where this machine has seen one that is gone
    #[arg(long)]
    pub(crate) new: bool,
}

/// Hold an agent's secrets against .env.example
///
/// Says which are missing, which are not in the example, and which still look like placeholders. Built-in secrets count as there. Fails
/// with 1 if one is missing.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets check my-agent
  cast secrets check my-agent --example deploy/.env.sample --json")]
pub(crate) struct CheckArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// The file that names what is wanted
    #[arg(long, value_name = "FILE", default_value = ".env.example")]
    pub(crate) example: PathBuf,

    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// Copy secrets from one agent to another
///
/// All the named ones or, if one is not there, none; without a name, all there are. How they are masked goes along.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets copy my-agent builtin ANTHROPIC_API_KEY
  cast secrets copy my-agent my-other-agent")]
pub(crate) struct CopyArgs {
    /// The agent that has them
    pub(crate) from: OsString,

    /// The agent that gets them
    pub(crate) to: OsString,

    /// The names of the secrets; without any, all
    pub(crate) key: Vec<OsString>,

    /// Put them in the place of those that TO has already
    #[arg(long)]
    pub(crate) replace: bool,

    /// Make a new vault where this machine has seen one that is gone
    #[arg(long)]
    pub(crate) new: bool,
}

/// Give a secret another name
#[derive(Args)]
#[command(after_help = "\
Example:
  cast secrets rename my-agent OPENAI_KEY OPENAI_API_KEY")]
pub(crate) struct RenameArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// The name it has
    pub(crate) old: OsString,

    /// The name it gets
    pub(crate) new: OsString,

    /// Put it in the place of the one that has the new name already
    #[arg(long)]
    pub(crate) replace: bool,

    /// Accept a new name that makes programs load code or changes what runs, such as PATH or LD_PRELOAD
    #[arg(long)]
    pub(crate) allow_dangerous_name: bool,
}
