//! What `cast run` takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

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
  cast run my-agent --check -- node agent.js     only with all of .env.example
  cast run my-agent --explain"
)]
pub(crate) struct RunArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// Inject these secrets alone
    #[arg(long, value_name = "KEY,...", value_delimiter = ',', conflicts_with = "except")]
    pub(crate) only: Vec<OsString>,

    /// Inject all secrets but these
    #[arg(long, value_name = "KEY,...", value_delimiter = ',')]
    pub(crate) except: Vec<OsString>,

    /// Leave the built-in secrets out
    #[arg(long)]
    pub(crate) no_builtin: bool,

    /// Start from PATH, HOME, TERM and the like alone
    ///
    /// These are PATH HOME USER LOGNAME SHELL TERM LANG LC_* TZ TMPDIR.
    #[arg(long)]
    pub(crate) clean_env: bool,

    /// Start CMD only if all that .env.example names is there
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = ".env.example")]
    pub(crate) check: Option<PathBuf>,

    /// Let secrets through in the output, too
    #[arg(long)]
    pub(crate) no_mask: bool,

    /// Use an older state of a vault for this one run
    ///
    /// It has to be authentic. Nothing is written, and later runs refuse it again.
    #[arg(long)]
    pub(crate) older: bool,

    /// Say what CMD would get, without values; run nothing
    ///
    /// That is what would be injected, overridden and masked, and how.
    #[arg(long)]
    pub(crate) explain: bool,

    /// The command and its arguments; no shell in between
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}
