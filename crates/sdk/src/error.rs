//! Errors that programs can tell apart: one variant for each exit code of the command line.

use std::fmt;

use cast_core::failure::{Failure, Kind};

/// A refusal or a failure. `Display` writes what happened, in lower case and without a full stop; [`Error::hints`]
/// returns what to do. It never contains a value, a key, or a word that was rejected as a name.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// let client = cast::Client::builder().home(home.path()).open()?;
/// match client.secrets().list("my-agent") {
///     Err(cast::Error::NotFound(_)) => println!("no secrets yet"),
///     other => println!("{} secrets", other?.len()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// A name or value that is not valid, or options that cannot be combined; exit code 2.
    Usage(Details),
    /// No such agent, secret or program; exit code 3.
    NotFound(Details),
    /// No key: missing, locked, refused, unreachable or malformed; exit code 4.
    NoKey(Details),
    /// A vault that is damaged, forged, swapped, rolled back or made by a newer cast, or a key that does not open it;
    /// exit code 5.
    Integrity(Details),
    /// File trouble: permission, full disk, symlink, not a file; exit code 6.
    Io(Details),
    /// Another process held the lock for 10 s; exit code 7.
    Locked(Details),
    /// Anything else; exit code 1.
    Other(Details),
}

/// The message and hints of an [`Error`].
#[derive(Clone, Debug)]
pub struct Details {
    message: String,
    hints: Vec<String>,
}

impl Error {
    /// Returns at most two hints about what to do, most likely first. They name commands of the command line, which
    /// uses the same vaults.
    pub fn hints(&self) -> &[String] {
        &self.details().hints
    }

    fn details(&self) -> &Details {
        match self {
            Self::Usage(details)
            | Self::NotFound(details)
            | Self::NoKey(details)
            | Self::Integrity(details)
            | Self::Io(details)
            | Self::Locked(details)
            | Self::Other(details) => details,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.details().message)
    }
}

impl std::error::Error for Error {}

impl From<cast_vault::Error> for Error {
    fn from(refusal: cast_vault::Error) -> Self {
        Failure::from(refusal).into()
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let class = match failure.kind() {
            Kind::Usage => Self::Usage,
            Kind::NotFound => Self::NotFound,
            Kind::NoKey => Self::NoKey,
            Kind::Integrity | Kind::WrongKey => Self::Integrity,
            Kind::Io => Self::Io,
            Kind::Locked => Self::Locked,
            _ => Self::Other,
        };
        class(Details {
            message: failure.message().to_owned(),
            hints: failure.hints().iter().take(2).cloned().collect(),
        })
    }
}
