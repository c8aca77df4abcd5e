//! A program to start with an agent's secrets. Its own type, because std's `Command` would return the values to any
//! caller.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{self, ExitStatus, Output, Stdio};

use cast_core::failure::Failure;
use cast_core::injections::Selection;
use cast_core::paths::absolute;
use cast_core::run::{self, Request, Serving};
use cast_core::session::Session;
use cast_vault::{AgentName, SecretName};

use crate::Error;

/// A program to start once, with the secrets of an agent in its environment. Made by
/// [`Client::command`](super::Client::command).
///
/// The program gets this process's environment, then the built-in secrets, then the agent's own. Later ones win. It
/// never gets `CAST_KEY`, `CAST_KEY_FILE` or `CAST_PASSPHRASE_FILE`. No shell is involved. The client looks the program
/// up in this process's `PATH`. Arguments and streams work as in [`std::process::Command`].
///
/// A **brokered** secret it never gets: it gets a stand-in, and a proxy that this process runs puts the value in on the
/// way out, to the hosts that the owner named. So that the program cannot read the value in this process, starting one
/// with such a secret closes the memory of this process on Linux, for good: other processes of the user can neither
/// debug it nor read its `/proc` entries, and it makes no core dump.
///
/// Its output is **not masked**, because the caller controls it and may need it as it is. To mask output, start `cast
/// run`.
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
    inherit: bool,
}

/// A program that runs. It is a [`std::process::Child`] that also holds the broker, if the program has brokered secrets:
/// once this is dropped, the program's connections to the hosts of these end, and it can make no others. The program
/// itself goes on, as with `std`.
pub struct Child {
    child: process::Child,
    _serving: Option<Serving>,
}

/// Which secrets to pass, as names that are not checked yet.
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
            inherit: false,
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

    /// Sets the working folder. The default is that of this process.
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// Sets a variable in addition to those of this process. A secret of the same name wins.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Passes only `PATH HOME USER LOGNAME SHELL TERM LANG LC_* TZ TMPDIR` from this process, and what [`Command::env`]
    /// sets.
    pub fn clean_env(mut self) -> Self {
        self.clean = true;
        self
    }

    /// Passes on what an outer `cast run`, or a [`Command`], injected into this process. Without it, the program gets none
    /// of that, as long as the variables still have those values.
    pub fn inherit_secrets(mut self) -> Self {
        self.inherit = true;
        self
    }

    /// Passes only these secrets. A secret that does not exist is an error.
    pub fn only(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.choice = Choice::Only(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Passes all secrets except these. A secret that does not exist is an error.
    pub fn except(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.choice = Choice::Except(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves out the built-in secrets. An agent key always leaves them out, because it cannot open them.
    pub fn no_builtin(mut self) -> Self {
        self.builtin = false;
        self
    }

    /// Sets standard input. By default it is inherited, and empty for [`Command::output`].
    pub fn stdin(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[0] = Some(stream.into());
        self
    }

    /// Sets standard output. By default it is inherited, and a pipe for [`Command::output`].
    pub fn stdout(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[1] = Some(stream.into());
        self
    }

    /// Sets standard error. By default it is inherited, and a pipe for [`Command::output`].
    pub fn stderr(mut self, stream: impl Into<Stdio>) -> Self {
        self.streams[2] = Some(stream.into());
        self
    }

    /// Starts the program.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such agent, secret or program; [`Error::NoKey`], [`Error::Integrity`] and
    /// [`Error::Io`] if the vault cannot be opened; [`Error::Other`] if the program cannot be executed. After an error
    /// nothing was started.
    pub fn spawn(self) -> Result<Child, Error> {
        let (child, serving) = self.start(process::Command::spawn)?;
        Ok(Child { child, _serving: serving })
    }

    /// Runs the program to its end and returns its exit status.
    ///
    /// # Errors
    ///
    /// Those of [`Command::spawn`]. A program that exits with a failure is not an error.
    pub fn status(self) -> Result<ExitStatus, Error> {
        self.start_and_end(process::Command::status)
    }

    /// Runs the program to its end and returns its output, unmasked.
    ///
    /// # Errors
    ///
    /// Those of [`Command::spawn`]. A program that exits with a failure is not an error.
    pub fn output(self) -> Result<Output, Error> {
        self.start_and_end(process::Command::output)
    }

    /// The program has ended when `go` returns, and the broker ends with it.
    fn start_and_end<T>(self, go: impl FnOnce(&mut process::Command) -> io::Result<T>) -> Result<T, Error> {
        let (done, serving) = self.start(go)?;
        if let Some(serving) = serving {
            serving.end()?;
        }
        Ok(done)
    }

    fn start<T>(self, go: impl FnOnce(&mut process::Command) -> io::Result<T>) -> Result<(T, Option<Serving>), Error> {
        let agent = AgentName::typed(&self.agent)?;
        let names = |words: &[String]| words.iter().map(SecretName::typed).collect::<Result<Vec<_>, _>>();
        let selection = match &self.choice {
            Choice::All => Selection::All,
            Choice::Only(words) => Selection::Only(names(words)?),
            Choice::Except(words) => Selection::Except(names(words)?),
        };
        let folder = self.folder.as_deref().map(absolute);
        if let Some(folder) = &folder {
            // Without this check, the system's error would be the same as for a missing program.
            let is_folder = fs::metadata(folder).map(|data| data.is_dir());
            let checked = is_folder.and_then(|is| is.then_some(()).ok_or(io::ErrorKind::NotADirectory.into()));
            checked.map_err(|cause| Failure::io("cannot use the working folder", folder, &cause))?;
        }
        let request = Request {
            builtin: self.builtin,
            selection,
            command: Some((self.program, self.arguments)),
            clean: self.clean,
            inherit: self.inherit,
            variables: self.variables,
            masking: Some(false),
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

impl Child {
    /// Waits until the program has ended and collects what it writes to pipes, as [`std::process::Child::wait_with_output`]
    /// does.
    ///
    /// # Errors
    ///
    /// Those of reading and waiting.
    pub fn wait_with_output(self) -> io::Result<Output> {
        let Self { child, _serving } = self;
        child.wait_with_output()
    }
}

impl Deref for Child {
    type Target = process::Child;

    fn deref(&self) -> &process::Child {
        &self.child
    }
}

impl DerefMut for Child {
    fn deref_mut(&mut self) -> &mut process::Child {
        &mut self.child
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.child).finish()
    }
}

/// Omits arguments and variables, because they may contain secrets.
impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("program", &self.program).finish_non_exhaustive()
    }
}
