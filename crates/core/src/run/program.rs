//! CMD's program: finding it, and why it was not started.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use cast_vault::{AgentName, NameFault};

use crate::failure::{Cause, Failure, Kind};
use crate::injections::without_assignment;
use crate::platform::exec::{self, Image};

/// How many variables the message names if the environment is too long.
pub(super) const LONGEST: usize = 3;

/// Why CMD was not started.
#[derive(Debug)]
pub enum NotStarted {
    /// There is no such program.
    NotFound,
    /// The program exists but cannot be executed.
    CannotExecute(String),
    /// cast or the system lacks something that the start needs.
    Failed(String),
    /// The arguments and environment are too long for the system; with the longest variables and their lengths in
    /// bytes.
    TooLong(Vec<(String, usize)>),
    /// Its secrets cannot be brokered.
    NoBroker(String),
}

impl NotStarted {
    /// Why an existing program could not be started.
    pub(super) fn of(error: &io::Error) -> Self {
        Self::of_longest(error, Vec::new())
    }

    /// The same for this image.
    pub(super) fn of_image(error: &io::Error, image: &Image) -> Self {
        let longest = if exec::is_too_long(error) { image.longest_variables(LONGEST) } else { Vec::new() };
        Self::of_longest(error, longest)
    }

    /// The same with its longest variables.
    pub(super) fn of_longest(error: &io::Error, longest: Vec<(String, usize)>) -> Self {
        if exec::is_too_long(error) {
            return Self::TooLong(longest);
        }
        if exec::is_own_failure(error) {
            return Self::Failed(Cause(error).to_string());
        }
        match error.kind() {
            // The program exists, but its interpreter does not.
            io::ErrorKind::NotFound => Self::CannotExecute("its interpreter was not found".to_owned()),
            _ => Self::CannotExecute(Cause(error).to_string()),
        }
    }

    /// The class of this failure.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotFound => Kind::NotFound,
            Self::CannotExecute(_) | Self::Failed(_) | Self::TooLong(_) | Self::NoBroker(_) => Kind::Other,
        }
    }

    /// The failure to show.
    pub fn into_failure(self, program: &OsStr) -> Failure {
        let is_token = AgentName::typed(program) == Err(cast_vault::Error::AgentName(NameFault::Token));
        let program = shown(program);
        match self {
            // Perhaps a secret in the wrong place: nothing shows it.
            Self::NotFound if is_token => {
                Failure::new(Kind::NotFound, "CMD was not found; it looks like a token, so cast does not show it")
                    .hint("CMD is the program to start; a secret gets its value with 'cast secrets set AGENT KEY'")
            }
            Self::NotFound => Failure::new(Kind::NotFound, format!("command {program} was not found"))
                .hint("cast looks it up in PATH and does not use a shell; for shell syntax, run 'sh -c ...'"),
            Self::Failed(cause) => Failure::new(Kind::Other, format!("cast cannot start a command: {cause}")),
            Self::NoBroker(cause) => Failure::new(Kind::Other, format!("cannot start the broker: {cause}")),
            Self::CannotExecute(cause) => {
                Failure::new(Kind::Other, format!("command {program} cannot be executed: {cause}"))
            }
            Self::TooLong(longest) => {
                let longest: Vec<_> =
                    longest.into_iter().map(|(name, length)| format!("{name} ({length} bytes)")).collect();
                let what = format!("command {program} cannot be executed: the arguments and environment are too long");
                Failure::new(Kind::Other, what)
                    .hint(format!("the longest variables: {}", longest.join(", ")))
                    .hint("leave some out with '--except', or start with a minimal environment: '--clean-env'")
            }
        }
    }
}

/// CMD's name in quotes, never its arguments.
pub fn shown(program: &OsStr) -> String {
    format!("'{}'", without_assignment(program))
}

/// Whether there is such a program, which perhaps cannot be executed.
pub fn is_command(word: &OsStr) -> bool {
    !matches!(find(word), Err(NotStarted::NotFound))
}

/// Whether there is such a program, and it can be executed.
pub fn can_execute(word: &OsStr) -> bool {
    find(word).is_ok()
}

/// Looks up a program as a shell does, in the caller's PATH, because the secrets may contain another PATH for CMD.
pub(super) fn find(word: &OsStr) -> Result<PathBuf, NotStarted> {
    let named: Vec<PathBuf> = if exec::is_path(word) {
        vec![PathBuf::from(word)]
    } else if word.is_empty() {
        return Err(NotStarted::NotFound);
    } else {
        let path = env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        // An empty entry means the working folder.
        env::split_paths(&path)
            .map(|folder| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder })
            .map(|folder| folder.join(word))
            .collect()
    };
    let candidates = named.into_iter().flat_map(exec::executables);
    let mut refusal = NotStarted::NotFound;
    for candidate in candidates {
        match exec::check_executable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(error) if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory => {}
            // Like a shell, remember the refusal and continue the search.
            Err(error) => refusal = NotStarted::CannotExecute(Cause(&error).to_string()),
        }
    }
    Err(refusal)
}
