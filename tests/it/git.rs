//! Vaults in git: two homes, one bare repository, and the installed git, which calls cast to show and to merge them.

mod conflict;
mod diff;
mod foreign;
mod kills;
mod merge;
mod setup;

use std::fs;
use std::path::{Path, PathBuf};

use crate::sandbox::{Call, Outcome, Sandbox, lacks};

/// What must be seen nowhere.
const SECRETS: [&str; 3] = ["hunter2-one", "hunter2-two", "hunter2-here"];

/// A machine with a clone of the repository.
pub struct Machine {
    pub sandbox: Sandbox,
}

impl Machine {
    fn at(sandbox: Sandbox) -> Self {
        Self { sandbox }
    }

    pub fn tree(&self) -> PathBuf {
        self.sandbox.home().join("clone")
    }

    pub fn vaults(&self) -> PathBuf {
        self.tree().join("vaults")
    }

    pub fn file(&self) -> PathBuf {
        self.vaults().join("a.age")
    }

    pub fn cast(&self, words: &[&str]) -> Call<'_> {
        self.sandbox.cast(words).env("CAST_VAULTS", self.vaults())
    }

    pub fn set(&self, key: &str, value: &str) {
        self.cast(&["set", "a", key, "--", value]).succeeds();
    }

    /// A git that nobody has set up but this test.
    pub fn git(&self, words: &[&str]) -> Call<'_> {
        let name = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
        let call = self.sandbox.other("git", name.iter().chain(words)).dir(self.tree());
        call.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_EDITOR", "true").env("CAST_VAULTS", self.vaults())
    }

    #[track_caller]
    pub fn gits(&self, words: &[&str]) -> Outcome {
        let outcome = self.git(words).run();
        assert_eq!(outcome.code, 0, "git {words:?}: {outcome:?}");
        outcome.says_nothing_of(&SECRETS);
        outcome
    }

    #[track_caller]
    pub fn commit(&self, message: &str) {
        self.gits(&["add", "-A"]);
        self.gits(&["commit", "-qm", message]);
    }

    #[track_caller]
    pub fn commit_and_push(&self, message: &str) {
        self.commit(message);
        self.gits(&["push", "-q", "origin", "HEAD:main"]);
    }

    /// What a program gets, as KEY=VALUE without the marks of the line.
    #[track_caller]
    pub fn values(&self) -> String {
        let words =
            ["run", "a", "--no-mask", "--clean-env", "--", "sh", "-c", "env | grep '^T_' | sort | tr '\\n' ' '"];
        self.cast(&words).succeeds().out.trim_end().to_owned()
    }
}

/// Two machines of one user, each with a clone where both know the vault `a` with `T_ONE` and `T_TWO`. `None` without
/// git.
pub fn two_machines() -> Option<[Machine; 2]> {
    if lacks("git", "git") {
        return None;
    }
    let (here, there) = (Machine::at(Sandbox::new()), Machine::at(Sandbox::empty()));
    let bare = here.sandbox.home().join("bare.git");
    fs::create_dir(here.tree()).unwrap();
    here.gits(&["init", "-q", "--bare", bare.to_str().unwrap()]);
    here.gits(&["init", "-q", "."]);
    here.gits(&["remote", "add", "origin", bare.to_str().unwrap()]);
    here.set("T_ONE", "hunter2-one");
    here.set("T_TWO", "hunter2-two");
    here.cast(&["git", "setup"]).succeeds();
    here.commit_and_push("base");
    fs::create_dir(there.tree()).unwrap();
    there.gits(&["clone", "-q", "-b", "main", bare.to_str().unwrap(), "."]);
    let key = here.sandbox.cast(["key", "export", "--output", "-"]).succeeds().out;
    there.sandbox.cast(["key", "import", "-q", "-"]).input(key).succeeds();
    there.cast(&["git", "setup"]).succeeds();
    there.cast(&["list", "a"]).succeeds();
    here.cast(&["list", "a"]).succeeds();
    Some([here, there])
}

/// The same, after each has changed another secret; the second one has both commits, and has to merge.
pub fn two_branches() -> Option<[Machine; 2]> {
    let [here, there] = two_machines()?;
    here.set("T_ONE", "hunter2-here");
    here.commit_and_push("here");
    there.set("T_TWO", "hunter2-there");
    there.commit("there");
    there.gits(&["fetch", "-q", "origin"]);
    Some([here, there])
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}
