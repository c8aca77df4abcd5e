//! A program to be started with an agent's secrets. A type of our own, as that of std would give the values back to whoever asks.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ExitStatus, Output, Stdio};

use cast_core::failure::Failure;
use cast_core::injections::Selection;
use cast_core::paths::absolute;
use cast_core::run::{self, Request};
use cast_core::session::Session;
use cast_vault::{AgentName, SecretName};

use crate::Error;

/// A program, to be started once with the secrets of an agent in its environment. From [`Client::command`](super::Client::command).
///
/// It gets this process's environment, then the built-in secrets, then the agent's own; the later wins. `CAST_KEY` and `CAST_KEY_FILE` never go
/// along. There is no shell in between. The program is looked up in this process's `PATH`; its arguments and streams are as with
/// [`std::process::Command`].
///
/// What it writes is **not masked**: it is in the caller's hands, who may have asked for it. To have output masked, start `cast run`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let key = std::fs::read_to_string("../../tests/golden/v1/key.txt")?;
/// # let client = cast::Client::builder().home(home.path()).key(key).open()?;
/// client.secrets().set("my-agent", "OPENAI_API_KEY", "sk-abc123...")?;
/// let length = client.command("my-agent", "sh").args(["-c", "printf %s ${#OPENAI_API_KEY}"]).output()?;
/// assert_eq!(length.stdout, b"12");
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is started yet"]
pub struct Command<'a> {
    session: &'a Session,
    agent: String,
    program: OsString,
    arguments: Vec<OsString>,
    folder: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
    streams: [Option<Stdio>; 3],
    choice: Choice,
    builtin: bool,
    clean: bool,
}

/// Which secrets go along, in words that are not looked at yet.
enum Choice {
    All,
    Only(Vec<String>),
    Except(Vec<String>),
}

impl<'a> Command<'a> {
    pub(super) fn new(session: &'a Session, agent: &str, program: OsString) -> Self {
        Self {
            session,
            agent: agent.to_owned(),
            program,
            arguments: Vec::new(),
            folder: None,
            variables: Vec::new(),
            streams: [None, None, None],
            choice: Choice::All,
            builtin: true,
            clean: false,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// The working folder; that of this process unless it is said.
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Sets a variable beside those of this process; a secret of that name wins.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Starts from `PATH HOME USER LOGNAME SHELL TERM LANG LC_* TZ TMPDIR` alone, and what [`Command::env`] sets.
    pub fn clean_env(mut self) -> Self {
        self.clean = true;
        self
    }

    /// Gives these secrets alone. One that is not there is an error.
    pub fn only(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.choice = Choice::Only(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Gives all secrets but these. One that is not there is an error.
    pub fn except(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.choice = Choice::Except(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves the built-in secrets out. With the key of one agent they always are: it does not open them.
    pub fn no_builtin(mut self) -> Self {
        self.builtin = false;
        self
    }

    /// Standard input; inherited unless it is said, and nothing for [`Command::output`].
    pub fn stdin(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[0] = Some(stream.into());
        self
    }

    /// Standard output; inherited unless it is said, and a pipe for [`Command::output`].
    pub fn stdout(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[1] = Some(stream.into());
        self
    }

    /// Standard error; inherited unless it is said, and a pipe for [`Command::output`].
    pub fn stderr(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[2] = Some(stream.into());
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] where there is no such agent, secret or program; [`Error::NoKey`], [`Error::Integrity`] and [`Error::Io`] where the vault
    /// cannot be opened; [`Error::Other`] for a program that cannot be executed. Nothing is started then.
    pub fn spawn(self) -> Result<Child, Error> {
        self.start(process::Command::spawn)
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// Those of [`Command::spawn`]. How the program ended is no error.
    pub fn status(self) -> Result<ExitStatus, Error> {
        self.start(process::Command::status)
    }

    /// Runs it to its end; gives what it wrote, unmasked.
    ///
    /// # Errors
    ///
    /// Those of [`Command::spawn`]. How the program ended is no error.
    pub fn output(self) -> Result<Output, Error> {
        self.start(process::Command::output)
    }

    fn start<T>(self, go: impl FnOnce(&mut process::Command) -> io::Result<T>) -> Result<T, Error> {
        let agent = AgentName::parse(&self.agent)?;
        let names = |words: &[String]| words.iter().map(SecretName::parse).collect::<Result<Vec<_>, _>>();
        let selection = match &self.choice {
            Choice::All => Selection::All,
            Choice::Only(words) => Selection::Only(names(words)?),
            Choice::Except(words) => Selection::Except(names(words)?),
        };
        let folder = self.folder.as_deref().map(absolute);
        if let Some(folder) = &folder {
            // The system would say the same of it as of a program that is not there.
            let is_folder = fs::metadata(folder).map(|data| data.is_dir());
            let checked = is_folder.and_then(|is| is.then_some(()).ok_or(io::ErrorKind::NotADirectory.into()));
            checked.map_err(|cause| Failure::io("cannot use the working folder", folder, &cause))?;
        }
        let request = Request {
            builtin: self.builtin,
            selection,
            command: Some((self.program, self.arguments)),
            clean: self.clean,
            variables: self.variables,
            no_mask: true,
            ..Request::default()
        };
        let [stdin, stdout, stderr] = self.streams;
        let done = run::prepare(self.session, &agent, request)?.run_by(self.session, |command| {
            if let Some(folder) = folder {
                command.current_dir(folder);
            }
            stdin.map(|stream| command.stdin(stream));
            stdout.map(|stream| command.stdout(stream));
            stderr.map(|stream| command.stderr(stream));
            go(command)
        })?;
        Ok(done)
    }
}

/// Neither arguments nor variables: they may be anybody's secrets.
impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("program", &self.program).finish_non_exhaustive()
    }
}
