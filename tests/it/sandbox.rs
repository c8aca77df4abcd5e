//! A home for each test. Tests neither see nor touch anything of the machine's user: no bus, no keyring, no terminal.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub use cast_testing::{Tries, skip, tried};
use tempfile::TempDir;

use crate::forge::Key;
use crate::signals;

/// The binary under test.
pub const CAST: &str = env!("CARGO_BIN_EXE_cast");

/// The variables that tell of a coding agent, listed apart from the product's own list.
pub const CODING_AGENTS: [&str; 8] =
    ["CLAUDECODE", "AI_AGENT", "AGENT", "GEMINI_CLI", "CODEX_THREAD_ID", "CODEX_SESSION_ID", "CODEX_CI", "OPENCODE"];

/// An empty home with a clean environment.
pub struct Sandbox {
    home: TempDir,
}

/// A call of `cast`, not yet run.
pub struct Call<'a> {
    sandbox: &'a Sandbox,
    command: Command,
    input: Vec<u8>,
    /// How often a start that failed without a word is tried again.
    retries: usize,
}

/// Refusals that are their own advice, and those of the system, for which there is nothing to type.
const SAYS_IT: [&str; 7] = [
    "no space left on device",
    "file too large",
    "input/output error",
    "sharing violation",
    "differs from what cast wrote",
    // A file that the caller named.
    "no such file or directory",
    "is a directory",
];

/// What a call left behind.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code, or 128 and the signal.
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Sandbox {
    /// An empty home, with no key.
    pub fn empty() -> Self {
        Self { home: TempDir::with_prefix("cast-test-").unwrap() }
    }

    /// A home with a plain key file.
    pub fn new() -> Self {
        let sandbox = Self::empty();
        sandbox.cast(["init", "--key-store", "file"]).succeeds();
        sandbox
    }

    /// A home with a key and these secrets.
    pub fn with(agent: &str, secrets: &[(&str, &str)]) -> Self {
        let sandbox = Self::new();
        for (key, value) in secrets {
            sandbox.set(agent, key, value);
        }
        sandbox
    }

    pub fn set(&self, agent: &str, key: &str, value: &str) {
        self.cast(["set", agent, key, "--", value]).succeeds();
    }

    /// The value that a program run by cast finds in its environment, byte for byte. It writes them to a file,
    /// so that no stream is involved.
    pub fn value(&self, agent: &str, key: &str) -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let words = ["run", agent, "--", "sh", "-c", "printenv -0 \"$1\" >\"$2\"", "sh", key].map(OsStr::new);
        let output = self.cast(words.into_iter().chain([file.path().as_os_str()])).output();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        fs::read(file.path()).unwrap().strip_suffix(b"\0").expect("printenv -0 ends with a NUL").to_vec()
    }

    /// What `cast list AGENT --json` prints.
    pub fn listing(&self, agent: &str) -> Vec<serde_json::Value> {
        serde_json::from_str(&self.cast(["list", agent, "--json"]).succeeds().out).unwrap()
    }

    /// `$HOME`, which holds everything that cast may know.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn data(&self) -> PathBuf {
        self.home().join(".local/share/cast")
    }

    pub fn vault(&self, agent: &str) -> PathBuf {
        self.data().join("vaults").join(format!("{agent}.age"))
    }

    pub fn key_file(&self) -> PathBuf {
        self.data().join("key.txt")
    }

    /// The master key itself, `AGE-SECRET-KEY-1...`.
    pub fn key(&self) -> String {
        let text = fs::read_to_string(self.key_file()).unwrap();
        text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap().to_owned()
    }

    /// Leaves the key store as a `key rotate` does that is killed before it seals a vault. Returns the new key.
    pub fn begin_rotation(&self) -> String {
        let (newest, former) = (Key::generate(), Key::master(self));
        let record = self.state().join("exports");
        let known = fs::read_to_string(&record).unwrap_or_default();
        fs::write(record, format!("{known}{} made {}\n", newest.recipient(), former.recipient())).unwrap();
        fs::write(self.key_file(), format!("{}\n{}\n", newest.identity(), self.key())).unwrap();
        newest.identity()
    }

    /// What this sandbox remembers of vaults and holds locks in.
    pub fn state(&self) -> PathBuf {
        self.home().join(".local/state/cast")
    }

    /// Any command in the environment of this sandbox.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        signals::as_usual();
        let mut command = Command::new(program);
        command
            .current_dir(self.home())
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", std::env::var_os("PATH").unwrap())
            // Never the bus, and so never the keyring, of the user who runs the tests.
            .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            // A crash should print its backtrace.
            .env("RUST_BACKTRACE", "1");
        command
    }

    /// A call of `cast` with these words, standard input empty.
    pub fn cast<W: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = W>) -> Call<'_> {
        let mut command = self.command(CAST);
        command.args(words);
        Call { sandbox: self, command, input: Vec::new(), retries: 0 }
    }

    /// A call of `cast` from a shell that changes itself first: `umask 0`, `ulimit -f 0`.
    pub fn cast_after<W: AsRef<OsStr>>(&self, first: &str, words: impl IntoIterator<Item = W>) -> Call<'_> {
        let mut call = self.other("sh", ["-c", &format!("{first}\nexec \"$0\" \"$@\""), CAST]);
        call.command.args(words);
        call
    }

    /// A call of any program with these words.
    pub fn other<W: AsRef<OsStr>>(&self, program: &str, words: impl IntoIterator<Item = W>) -> Call<'_> {
        let mut command = self.command(program);
        command.args(words);
        Call { sandbox: self, command, input: Vec::new(), retries: 0 }
    }

    /// A call of `cast` that obeys permission bits: if the tests run as root, it runs as the user `nobody`, who gets
    /// the home.
    pub fn cast_as_nobody<W: AsRef<OsStr>>(&self, first: &str, words: impl IntoIterator<Item = W>) -> Call<'_> {
        if !rustix::process::geteuid().is_root() {
            return self.cast_after(first, words);
        }
        // The binary's folder may be closed to the user `nobody`.
        let copy = self.home().join("cast");
        if !copy.exists() {
            // Not by this process: a child that another test starts meanwhile would hold the copy open for writing, and
            // nothing could run it.
            assert!(Command::new("install").args(["-m", "755", CAST]).arg(&copy).status().unwrap().success());
        }
        let owned = Command::new("chown").args(["-hR", "65534:65534"]).arg(self.home()).status().unwrap();
        assert!(owned.success());
        let mut command = self.command("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c"]);
        command.arg(format!("{first}\nexec \"$0\" \"$@\"")).arg(copy).args(words);
        Call { sandbox: self, command, input: Vec::new(), retries: 0 }
    }

    /// The audit log, older lines first.
    pub fn audit_log(&self) -> String {
        let read = |name| fs::read_to_string(self.state().join(name)).unwrap_or_default();
        read("audit.1.jsonl") + &read("audit.jsonl")
    }

    /// Every file and folder with its mode and contents, except locks, the audit log, and folders that hold nothing
    /// else.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut files = BTreeMap::new();
        collect(self.home(), &mut files);
        files
    }
}

impl<'a> Call<'a> {
    /// The home it is for.
    pub fn sandbox(&self) -> &'a Sandbox {
        self.sandbox
    }

    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = bytes.as_ref().to_vec();
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub fn dir(mut self, path: impl AsRef<Path>) -> Self {
        self.command.current_dir(path);
        self
    }

    /// The command itself, for a test that starts it in its own way.
    pub fn command(self) -> Command {
        self.command
    }

    /// For a loader that now and then fails to start a program, as wine does on a busy machine: exit code 1, and not a
    /// word, which cast never does.
    pub fn with_retries(mut self, retries: usize) -> Self {
        self.retries = retries;
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Outcome {
        let output = self.output();
        Outcome {
            code: output.status.code().or_else(|| output.status.signal().map(|signal| 128 + signal)).unwrap(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it to its end; returns its streams byte for byte.
    pub fn output(mut self) -> Output {
        loop {
            let output = self.output_once();
            let is_mute = output.stdout.is_empty() && output.stderr.is_empty();
            if self.retries == 0 || output.status.code() != Some(1) || !is_mute {
                return output;
            }
            self.retries -= 1;
        }
    }

    fn output_once(&mut self) -> Output {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = loop {
            match self.command.spawn() {
                // A script of this test, which a process that another thread has forked still has open for writing.
                Err(busy) if busy.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
                spawned => break spawned.unwrap(),
            }
        };
        let (mut stdin, input) = (child.stdin.take().unwrap(), self.input.clone());
        let writer = std::thread::spawn(move || {
            // A child that does not read its input closes the pipe.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// Runs it; it must end with 0.
    #[track_caller]
    pub fn succeeds(self) -> Outcome {
        let words = self.words();
        let outcome = self.run();
        assert_eq!(outcome.code, 0, "cast {words:?}: {outcome:?}");
        outcome
    }

    /// Runs it; it must end with `code`, print `message` but no data, change no file, and keep `secrets` and the key
    /// out of both streams.
    #[track_caller]
    pub fn refuses(self, code: i32, message: &str, secrets: &[&str]) -> Outcome {
        let (sandbox, words) = (self.sandbox, self.words());
        let before = sandbox.snapshot();
        let outcome = self.run();
        assert_eq!(outcome.code, code, "cast {words:?}: {outcome:?}");
        assert!(outcome.err.starts_with("cast: error: "), "cast {words:?}: {outcome:?}");
        assert!(outcome.err.contains(message), "cast {words:?}: no '{message}' in: {outcome:?}");
        assert_eq!(outcome.out, "", "cast {words:?}");
        outcome.says_nothing_of(secrets);
        // A message may name the form of a key, but not hold a key.
        let begun = |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_alphanumeric());
        assert!(!outcome.err.split("AGE-SECRET-KEY-1").skip(1).any(begun), "a key is in {outcome:?}");
        assert!(outcome.err.lines().filter(|line| line.starts_with("cast: hint: ")).count() <= 2, "{outcome:?}");
        // What is refused for the sake of a file or a key says what to do about it.
        let says = outcome.err.contains("\ncast: hint: ") || SAYS_IT.iter().any(|said| outcome.err.contains(said));
        assert!(says || ![4, 5, 6].contains(&code), "cast {words:?} says nothing of what to type: {outcome:?}");
        assert!(
            !outcome.err.lines().any(|line| line.ends_with('.') && !line.ends_with("...")),
            "cast {words:?} ends in a full stop: {outcome:?}"
        );
        let after = sandbox.snapshot();
        let changed: Vec<_> =
            after.keys().chain(before.keys()).filter(|path| after.get(*path) != before.get(*path)).collect();
        assert!(changed.is_empty(), "cast {words:?} changed {changed:?}");
        let log = sandbox.audit_log();
        assert!(secrets.iter().all(|secret| !log.contains(secret)), "cast {words:?}: a secret is in {log}");
        assert!(!log.contains("AGE-SECRET-KEY-"), "cast {words:?}: a key is in {log}");
        outcome
    }

    fn words(&self) -> Vec<OsString> {
        self.command.get_args().map(OsStr::to_owned).collect()
    }
}

impl Outcome {
    #[track_caller]
    pub fn says_nothing_of(&self, secrets: &[&str]) {
        for secret in secrets {
            let silent = !self.out.contains(secret) && !self.err.contains(secret);
            assert!(silent, "'{secret}' is in the output: {self:?}");
        }
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::symlink_metadata(&path).unwrap();
        if data.is_dir() {
            collect(&path, files);
        } else if path.extension().is_none_or(|ending| ending != "lock" && ending != "jsonl") {
            // A sparse gigabyte need not be read to see that it is the same.
            let contents = if data.is_file() && data.len() < 1 << 24 { fs::read(&path).unwrap() } else { Vec::new() };
            files.insert(path, (data.permissions().mode(), contents));
        }
    }
}

/// Whether a program that a test needs is not installed; reports that the test did not run.
pub fn lacks(program: &str, test: &str) -> bool {
    let missing = Command::new(program).arg("--version").output().is_err();
    if missing {
        skip(&format!("{test}: {program} is not installed"));
    }
    missing
}
