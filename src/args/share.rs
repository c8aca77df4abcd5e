//! The arguments of `cast share` and `cast unshare`.

use std::ffi::OsString;

use clap::Args;

/// Show who can open a vault, or share it with a person
///
/// Without --with, lists the owner, the people with whom the vault is shared, what each may set, and the agent keys
/// that this machine exported. With --with, that person can open the vault with their own key, from the next commit or
/// copy of it on. What they can read, they can keep.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cast share deploy                                    who can open it
  cast share deploy --with alice=cast-card:age1...     what she printed
  cast share deploy --with alice --may-set API_TOKEN   she may set this value
  cast share deploy --with alice --may-set ''          no longer")]
pub(crate) struct ShareArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// The person, by a name of your choice and their card
    ///
    /// NAME alone is one with whom the vault is shared already.
    #[arg(long, value_name = "NAME=CARD")]
    pub(crate) with: Option<OsString>,

    /// The secrets whose values they may set; '' is none
    #[arg(long, value_name = "KEY,...", value_delimiter = ',', requires = "with")]
    pub(crate) may_set: Vec<OsString>,

    /// Do not ask about the fingerprint, or about addresses that they may set
    #[arg(short, long, requires = "with")]
    pub(crate) yes: bool,

    /// Print JSON
    #[arg(long, conflicts_with = "with")]
    pub(crate) json: bool,
}

/// Stop sharing a vault with a person
///
/// What is stored from now on is closed to them. Old copies of the vault, as in git, are not: cast prints the names of
/// the secrets that they could read, a line each, to be changed at their source.
#[derive(Args)]
#[command(after_help = "\
Example:
  cast unshare deploy alice")]
pub(crate) struct UnshareArgs {
    /// The agent
    pub(crate) agent: OsString,

    /// The name under which the person is listed
    #[arg(value_name = "NAME")]
    pub(crate) person: OsString,
}
