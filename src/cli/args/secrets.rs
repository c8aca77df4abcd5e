//! What the verbs of `cast secrets` take.

use std::ffi::OsString;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum SecretsCommand {
    Set(SetArgs),

    #[command(visible_alias = "ls")]
    List(ListArgs),

    #[command(visible_alias = "rm")]
    Delete(DeleteArgs),
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
  cast secrets set my-agent NOTE --exact < note.txt        every byte, a final line end too
  cast secrets set my-agent GREETING -- --dash-first       '--' makes the value literal")]
pub(crate) struct SetArgs {
    /// The agent, as in 'my-agent'; 'builtin' is for secrets that every agent gets
    pub(crate) agent: OsString,

    /// The name of the environment variable, as in 'OPENAI_API_KEY'
    pub(crate) key: OsString,

    /// The value, byte for byte
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: Option<OsString>,

    /// Take standard input byte for byte: a final line end too, and an empty one as an empty value
    #[arg(long, conflicts_with = "value")]
    pub(crate) exact: bool,

    /// Accept a name that makes programs load code or changes what runs, such as PATH or LD_PRELOAD
    #[arg(long)]
    pub(crate) allow_dangerous_name: bool,

    /// Do not mask the value in the output of 'cast run': it is a plain setting
    #[arg(long)]
    pub(crate) unmasked: bool,
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
pub(crate) struct ListArgs {
    /// The agent; without it, the agents are listed
    pub(crate) agent: Option<OsString>,

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
