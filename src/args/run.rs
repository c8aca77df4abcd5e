//! The arguments of `cast run`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::Marker;

/// Run a command with an agent's secrets in its environment
///
/// CMD gets the current environment, the built-in secrets and the agent's own; the later ones win. In output to
/// a file, pipe or socket, a secret appears as [cast:KEY]; on a terminal that a person reads alone, it stays. cast ends
/// with the exit code or signal of CMD. 125: cast itself failed; 126: CMD cannot be executed; 127: CMD was not found.
///
/// CMD begins at the first word after AGENT that is not an option; all words from there on belong to it. After '--',
/// any word is CMD; without it, CMD has to be in PATH or a path to a file.
#[derive(Args)]
#[command(
    override_usage = "cast run [OPTIONS] <AGENT> [OPTIONS] [--] <CMD> [ARG]...",
    after_help = "\
Examples:
  cast run my-agent node agent.js
  cast run my-agent --only OPENAI_API_KEY --clean-env ./tool
  cast run my-agent --check -- node agent.js     if no secret is missing
  cast run my-agent --explain"
)]
pub(crate) struct RunArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// Inject only these secrets
    #[arg(long, value_name = "KEY,...", value_delimiter = ',', conflicts_with = "except")]
    pub(crate) only: Vec<OsString>,

    /// Inject all secrets except these
    #[arg(long, value_name = "KEY,...", value_delimiter = ',')]
    pub(crate) except: Vec<OsString>,

    /// Leave out the built-in secrets
    #[arg(long)]
    pub(crate) no_builtin: bool,

    /// Start with only PATH, HOME, TERM and the like
    ///
    /// The full list: PATH HOME USER LOGNAME SHELL TERM LANG LC_* TZ TMPDIR.
    #[arg(long)]
    pub(crate) clean_env: bool,

    /// Keep what an outer 'cast run' injected
    ///
    /// Otherwise CMD gets none of the outer run's secrets. Those that are kept are masked.
    #[arg(long, hide_short_help = true)]
    pub(crate) inherit_secrets: bool,

    /// Run CMD only if no secret in .env.example is missing
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = ".env.example")]
    pub(crate) check: Option<PathBuf>,

    /// Mask secrets on a terminal, too
    ///
    /// CMD gets a terminal of cast's own, with the size, colours and keys of the other. Below a coding agent and in CI
    /// ('CI' is set), cast does this by itself, unless the settings say 'mask = \"never\"'.
    #[arg(long, conflicts_with = "no_mask")]
    pub(crate) mask: bool,

    /// Do not mask secrets in the output
    #[arg(long)]
    pub(crate) no_mask: bool,

    /// The form of a marker
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        default_value = "name",
        hide_default_value = true,
        hide_short_help = true
    )]
    pub(crate) marker: Marker,

    /// Use an older state of a vault for this one run
    ///
    /// It has to be authentic. Nothing is written, and later runs refuse it again.
    #[arg(long, hide_short_help = true)]
    pub(crate) older: bool,

    /// Show what CMD would get, without values; run nothing
    ///
    /// It shows what would be injected, overridden and masked, and how.
    #[arg(long)]
    pub(crate) explain: bool,

    /// Print JSON
    #[arg(long, requires = "explain")]
    pub(crate) json: bool,

    /// The command and its arguments, run without a shell
    #[arg(trailing_var_arg = true, value_name = "CMD", hide_short_help = true)]
    pub(crate) command: Vec<OsString>,
}
