//! The arguments of `cast secrets`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
#[command(defer = true)]
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
/// The value comes from VALUE, or else from standard input, or else from a hidden prompt. VALUE ends up in the shell's
/// history and, for a moment, in the process list; the other two do not.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets set my-agent OPENAI_API_KEY              prompts for it
  pass show openai | cast secrets set my-agent OPENAI_API_KEY
  cast secrets set my-agent TLS_KEY < key.pem
  cast secrets set my-agent SESSION_KEY --generate      a random value
  cast secrets set my-agent API_KEY --host api.corp.com the agent never holds it
  cast secrets set my-agent GREETING -- --dash-first    '--': a literal value")]
pub(crate) struct SetArgs {
    /// The agent; 'builtin' is for secrets that every agent gets
    pub(crate) agent: OsString,

    /// The name of the environment variable, such as 'OPENAI_API_KEY'
    pub(crate) key: OsString,

    /// The value, byte for byte
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: Option<OsString>,

    /// Store standard input byte for byte
    ///
    /// Otherwise a one-line value loses its line ending, and an empty input is an error.
    #[arg(long, conflicts_with = "value")]
    pub(crate) exact: bool,

    /// Store N random letters and digits, 32 without N
    ///
    /// Nobody has seen the value, and nobody is shown it. N may also be the next word, in VALUE's place. Standard input
    /// is left to others.
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with = "exact"
    )]
    pub(crate) generate: Option<OsString>,

    /// Accept a name such as PATH or LD_PRELOAD
    ///
    /// Such names make programs load code or change what runs.
    #[arg(long)]
    pub(crate) allow_dangerous_name: bool,

    /// Do not mask the value: it is a plain setting
    ///
    /// The output of 'cast run' will show it.
    #[arg(long)]
    pub(crate) unmasked: bool,

    /// Broker it: HOST gets the value, CMD a stand-in
    ///
    /// cast puts the value in on the way out, over verified TLS, to this host and port (443 if not given) and to no
    /// other.
    /// Give the option once for each host. '' takes it back: CMD gets the value as it is.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<OsString>,

    /// Put the value in at PLACE of a request, too
    ///
    /// PLACE is 'header:NAME', 'query:NAME', 'form:FIELD' or 'json:/POINTER'. The value always goes into
    /// 'Authorization' and the usual headers of HOST. Give the option once for each place; '' takes it back.
    #[arg(long = "in", value_name = "PLACE", hide_short_help = true)]
    pub(crate) places: Vec<OsString>,

    /// The public beginning of the value, which the stand-in has, too
    ///
    /// cast knows the usual ones, such as 'sk-ant-' and 'ghp_'. '' takes it back.
    #[arg(long, value_name = "PREFIX", hide_short_help = true)]
    pub(crate) prefix: Option<OsString>,

    /// Leave the value as it is, and change how it is treated
    #[arg(long, conflicts_with_all = ["value", "exact", "generate", "allow_dangerous_name", "new"], hide_short_help = true)]
    pub(crate) keep: bool,

    /// Make a new vault where this machine has seen one that is gone
    #[arg(long, hide_short_help = true)]
    pub(crate) new: bool,
}

/// List secrets, never their values
///
/// Without AGENT, lists the agents; this needs no key.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets list
  cast secrets list my-agent
  cast secrets list my-agent --json | jq -r '.[].key'
  cast secrets list --stale 90d           secrets due for a change")]
pub(crate) struct ListArgs {
    /// The agent; if omitted, list the agents
    pub(crate) agent: Option<OsString>,

    /// List only secrets last set longer ago than this, such as 90d, 12w, 3m or 1y; without AGENT, of all agents
    #[arg(long, value_name = "AGE")]
    pub(crate) stale: Option<OsString>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Delete secrets
///
/// Deletes all the named secrets or, if one does not exist, none of them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets delete my-agent OPENAI_API_KEY
  cast secrets delete my-agent --all")]
pub(crate) struct DeleteArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// The secrets to delete; if one does not exist, none is deleted
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) key: Vec<OsString>,

    /// Delete the agent's vault with everything in it
    #[arg(long)]
    pub(crate) all: bool,

    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Import every assignment in a .env file
///
/// cast reads the file as the npm package dotenv does: quotes, comments, multi-line values; it expands nothing. If
/// dotenv would pass over a line or cut a value, or if cast refuses one, it reports each such line, stores nothing and
/// exits with 1 (2 if it refuses one). It replaces a secret that already exists.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets import my-agent .env --remove      deletes .env afterwards
  cast secrets import my-agent .env --dry-run
  cast secrets import my-agent .env --except STRIPE-KEY,my.dotted.name
  sops decrypt secrets.env | cast secrets import my-agent -")]
pub(crate) struct ImportArgs {
    /// The agent; 'builtin' is for secrets that every agent gets
    pub(crate) agent: OsString,

    /// The .env file; '-' is standard input
    pub(crate) file: PathBuf,

    /// Delete FILE once all of it is in the vault
    ///
    /// cast reads the vault back first. FILE stays if anything was not stored, or if it has changed meanwhile. Comments
    /// go with it.
    #[arg(long, conflicts_with_all = ["lenient", "leave_out"])]
    pub(crate) remove: bool,

    /// Store what can be stored, and report the rest
    ///
    /// A value that dotenv would cut is stored as it is cut; names and values that cast refuses are left out.
    #[arg(long)]
    pub(crate) lenient: bool,

    /// Leave out these names, as the file has them
    #[arg(long = "except", value_name = "KEY,...", value_delimiter = ',')]
    pub(crate) leave_out: Vec<OsString>,

    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Accept names such as PATH or LD_PRELOAD
    ///
    /// Such names make programs load code or change what runs.
    #[arg(long)]
    pub(crate) allow_dangerous_name: bool,

    /// Make a new vault in the place of one that is gone
    #[arg(long)]
    pub(crate) new: bool,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Compare an agent's secrets with .env.example
///
/// Shows which secrets are missing, which are not in the example, and which still look like placeholders. Built-in
/// secrets count as present. Exits with 1 if a secret is missing.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets check my-agent
  cast secrets check my-agent --example deploy/.env.sample --json")]
pub(crate) struct CheckArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// The file that names the expected secrets
    #[arg(long, value_name = "FILE", default_value = ".env.example")]
    pub(crate) example: PathBuf,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Copy secrets from one agent to another
///
/// Copies all the named secrets or, if one does not exist, none of them; without names, every secret. A copy is masked,
/// and brokered, as its original is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast secrets copy my-agent builtin ANTHROPIC_API_KEY
  cast secrets copy my-agent my-other-agent")]
pub(crate) struct CopyArgs {
    /// The agent to copy from
    pub(crate) from: OsString,

    /// The agent to copy to
    pub(crate) to: OsString,

    /// The secrets to copy; if omitted, all
    pub(crate) key: Vec<OsString>,

    /// Replace secrets that TO already has
    #[arg(long)]
    pub(crate) replace: bool,

    /// Accept names that make programs load code or change what runs, such as PATH or LD_PRELOAD
    #[arg(long)]
    pub(crate) allow_dangerous_name: bool,

    /// Make a new vault where this machine has seen one that is gone
    #[arg(long)]
    pub(crate) new: bool,
}

/// Rename a secret
#[derive(Args)]
#[command(after_help = "\
Example:
  cast secrets rename my-agent OPENAI_KEY OPENAI_API_KEY")]
pub(crate) struct RenameArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// The current name
    pub(crate) old: OsString,

    /// The new name
    pub(crate) new: OsString,

    /// Replace the secret that already has the new name
    #[arg(long)]
    pub(crate) replace: bool,

    /// Accept a new name that makes programs load code or changes what runs, such as PATH or LD_PRELOAD
    #[arg(long)]
    pub(crate) allow_dangerous_name: bool,
}
