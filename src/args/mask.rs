//! The arguments of `cast mask`, and the form of a marker.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

/// Mask an agent's secrets in what is piped through
///
/// Copies standard input to standard output. A secret of one of the agents, or a built-in one, appears as [cast:KEY],
/// as in the output of 'cast run'. Before the first byte, all vaults are open.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast mask my-agent < session.log > masked.log
  journalctl -u my-service | cast mask my-agent my-other-agent")]
pub(crate) struct MaskArgs {
    /// The agents
    #[arg(required = true)]
    pub(crate) agent: Vec<OsString>,

    /// Leave out the built-in secrets
    #[arg(long)]
    pub(crate) no_builtin: bool,

    /// The form of a marker
    #[arg(long, value_enum, value_name = "FORM", default_value = "name", hide_default_value = true)]
    pub(crate) marker: Marker,
}

/// What stands in the place of a secret.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Marker {
    /// [cast:KEY]
    #[default]
    Name,
    /// Cut or filled to the number of bytes that it replaces, for readers that count
    Fixed,
}
