//! Failures, in words for people. Promises: the kind alone decides the exit code, in one place, `src/report.rs`; no
//! message ever contains a value, a key or a rejected word.

mod vault;

use std::fmt;
use std::io;
use std::path::Path;

use crate::advice;

pub(crate) use vault::{agent_key, name_in_file, not_with_agent_key};

/// The class of a failure, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Anything else.
    Other,
    /// Wrong arguments, a bad name or value.
    Usage,
    /// No such agent or secret.
    NotFound,
    /// No key: missing, locked, refused, unreachable or malformed.
    NoKey,
    /// A vault that this user did not write, or that was changed since.
    Integrity,
    /// A key that does not open a vault; the exit code is that of `Integrity`.
    WrongKey,
    /// File trouble: permission, full disk, symlink, not a file.
    Io,
    /// Another `cast` held the lock for too long.
    Locked,
}

impl Kind {
    /// The name of the class in the audit log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Usage => "usage",
            Self::NotFound => "not-found",
            Self::NoKey => "no-key",
            Self::Integrity => "integrity",
            Self::WrongKey => "wrong-key",
            Self::Io => "io",
            Self::Locked => "locked",
        }
    }
}

/// A refusal or an error: what happened, where exactly if that needs lines of its own, and at most two hints about what
/// to do.
#[derive(Clone, Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
    details: Vec<String>,
    hints: Vec<String>,
    cancelled: bool,
}

/// The result type of this crate.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure of `kind`; `message` is lower case, without a full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Vec::new(), hints: Vec::new(), cancelled: false }
    }

    /// The user answered no to a question. `message` is a sentence: this is a result, not an error.
    pub fn cancelled(kind: Kind, message: &str) -> Self {
        Self { cancelled: true, ..Self::new(kind, message) }
    }

    /// A failed file operation on `path`; `what` begins the message ("cannot open").
    pub fn io(what: &str, path: &Path, cause: &io::Error) -> Self {
        let failure = Self::new(Kind::Io, format!("{what} '{}': {}", path.display(), Cause(cause)));
        let advice = match cause.kind() {
            io::ErrorKind::PermissionDenied => advice::get_access(path),
            io::ErrorKind::NotADirectory => advice::clear_the_way(path),
            _ => None,
        };
        advice.into_iter().fold(failure, Self::hint)
    }

    /// Adds a line below the message, about one of several things that are wrong.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// Adds a hint about what to type next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The class of this failure.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether this is the user's answer and not an error.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// What happened.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The lines below the message.
    pub fn details(&self) -> &[String] {
        &self.details
    }

    /// The hints, most likely first.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Displays an I/O error for people: in lower case, without Rust's `(os error 13)`.
pub struct Cause<'a>(pub &'a io::Error);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        // Windows messages end with a full stop.
        let text = text.split(" (os error").next().unwrap_or_default().trim_end_matches('.');
        let mut letters = text.chars();
        match letters.next() {
            // Lower-cases "No such file", but keeps "I/O error" and the like.
            Some(first) if !letters.as_str().starts_with(|c: char| !c.is_lowercase()) => {
                write!(f, "{}{}", first.to_lowercase(), letters.as_str())
            }
            _ => f.write_str(text),
        }
    }
}
