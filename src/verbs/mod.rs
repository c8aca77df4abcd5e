//! One verb a file, under the name that the user types. A verb turns words into a request to cast-core, and prints the
//! result.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod copy;
pub(crate) mod delete;
pub(crate) mod doctor;
pub(crate) mod git;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod mask;
pub(crate) mod rename;
pub(crate) mod run;
pub(crate) mod set;
pub(crate) mod share;
pub(crate) mod unshare;
pub(crate) mod vault;
