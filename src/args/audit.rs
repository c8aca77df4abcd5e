//! The arguments of `cast audit`.

use std::ffi::OsString;

use clap::Args;

/// Show who used which secrets and when, by name only
///
/// cast logs every set, delete, import, copy, rename, run, mask and key operation, and every refusal. 'started' means
/// that CMD, or the masking, was started; the log does not know how it ended.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast audit
  cast audit my-agent --since 7d
  cast audit -n 20
  cast audit --json | jq '.[] | select(.result | IN(\"ok\", \"started\") | not)'")]
pub(crate) struct AuditArgs {
    /// The agent; if omitted, all agents
    pub(crate) agent: Option<OsString>,

    /// Show only entries no older than this, such as 24h, 7d, 2w or 3m (months)
    #[arg(long, value_name = "AGE")]
    pub(crate) since: Option<OsString>,

    /// Show only the last N entries
    #[arg(short = 'n', long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) lines: Option<OsString>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
