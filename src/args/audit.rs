//! What `cast audit` takes.

use std::ffi::OsString;

use clap::Args;

/// Show who used which secrets, when: names only
///
/// Every set, delete, import, copy, rename, run and key operation is noted, and every refusal. 'started' means that CMD was started; how it
/// ended is not known to the log.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast audit
  cast audit my-agent --since 7d
  cast audit --json | jq '.[] | select(.result | IN(\"ok\", \"started\") | not)'")]
pub(crate) struct AuditArgs {
    /// The agent; without it, all are shown
    pub(crate) agent: Option<OsString>,

    /// Only what is not older than this, as in 24h, 7d, 2w or 3m (months)
    #[arg(long, value_name = "AGE")]
    pub(crate) since: Option<OsString>,

    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}
