//! Vaults in git: what this clone needs for them, and what git calls: a text of a vault for `git diff`, and the merge of two states.

mod driver;
mod setup;
mod text;

pub use driver::MergeFiles;
pub(crate) use setup::lacks_drivers;
pub use setup::{SetUp, set_up};
pub use text::text;
