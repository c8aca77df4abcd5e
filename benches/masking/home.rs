//! The real binary in a temporary home, with secrets in real vaults.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const CAST: &str = env!("CARGO_BIN_EXE_cast");

pub struct Home(TempDir);

impl Home {
    /// A home with a plain key file.
    pub fn new() -> io::Result<Self> {
        let home = Self(TempDir::with_prefix("cast-bench-")?);
        home.succeeds(&["init", "--key-store", "file"], "")?;
        Ok(home)
    }

    pub fn set(&self, agent: &str, secrets: &[(String, String)]) -> io::Result<()> {
        secrets.iter().try_for_each(|(name, value)| self.succeeds(&["set", agent, name], value))
    }

    /// CMD under cast, with the secrets of `agent`.
    pub fn masked(&self, agent: &str, command: &[&str]) -> Command {
        let mut cast = self.cast();
        cast.args(["run", agent, "--"]).args(command);
        cast
    }

    /// CMD under cast, with its terminal masked.
    pub fn on_a_terminal(&self, agent: &str, command: &[&str]) -> Command {
        let mut cast = self.cast();
        cast.args(["run", "--mask", agent, "--"]).args(command);
        cast
    }

    pub fn file(&self, name: &str, text: &[u8]) -> io::Result<PathBuf> {
        let path = self.0.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    fn cast(&self) -> Command {
        let mut cast = Command::new(CAST);
        cast.env("CAST_HOME", self.0.path())
            .env_remove("CAST_VAULTS")
            .env_remove("CAST_KEY")
            .env_remove("CAST_KEY_FILE");
        cast
    }

    pub fn succeeds(&self, words: &[&str], input: &str) -> io::Result<()> {
        let mut cast = self.cast();
        let mut child = cast.args(words).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().expect("a pipe").write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}
