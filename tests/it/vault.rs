//! Every verb refuses a vault that its owner did not write, within limits of time and memory, and leaves it as it is.

mod accept;
mod announced;
mod beside;
mod branches;
mod damage;
mod development;
mod elsewhere;
mod forged;
mod forgeries;
mod format;
mod golden;
mod gone;
mod locks;
mod owners;
mod people;
mod seen;
mod shown;
mod spellings;
mod two_keys;

use std::fs;
use std::path::PathBuf;

use crate::forge::{Key, Text};
use crate::sandbox::{Call, Sandbox};

/// Each value in these tests contains it.
const SECRET: &str = "hunter2";
/// The id of a vault that a test forges.
const ID: &str = "42424242424242424242424242424242";

/// Limits: 100 MB of address space and a second of CPU time. A cast that exceeds them dies with another exit code.
const LIMITS: &str = "ulimit -v 102400; ulimit -t 1";

/// A home where agent `a` has the secret `K`.
fn sandbox() -> Sandbox {
    Sandbox::with("a", &[("K", "hunter2-first")])
}

/// The vault of `a`, taken apart.
fn text(sandbox: &Sandbox) -> Text {
    Text::read(&sandbox.vault("a"), Key::master(sandbox))
}

/// A second machine of the same user, with the vaults as they are on the first.
fn second_machine(first: &Sandbox) -> Sandbox {
    let second = Sandbox::empty();
    fs::create_dir_all(second.data().parent().unwrap()).unwrap();
    let status = std::process::Command::new("cp").arg("-a").args([first.data(), second.data()]).status().unwrap();
    assert!(status.success());
    second
}

/// Another folder of vaults of the same user.
fn elsewhere(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.home().join("elsewhere");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn there<'a>(sandbox: &'a Sandbox, words: &[&str]) -> Call<'a> {
    sandbox.cast(words).env("CAST_VAULTS", elsewhere(sandbox))
}

/// No verb works on the vault of `a`: exit 5 and `why`, or 125 from `run`, whose CMD is not started.
#[track_caller]
fn refused(sandbox: &Sandbox, why: &str) {
    refused_with(sandbox, None, why);
}

/// The same with a key in `CAST_KEY`. An agent key changes nothing, whatever the vault is like.
#[track_caller]
fn refused_with(sandbox: &Sandbox, key: Option<&str>, why: &str) {
    for file in [".env", ".env.example"] {
        fs::write(sandbox.home().join(file), "K=hunter2-next\n").unwrap();
    }
    let reads: [(i32, &[&str]); 8] = [
        (5, &["list", "a"]),
        (5, &["list", "a", "--json"]),
        (5, &["list", "a", "--stale", "90d"]),
        (5, &["secrets", "check", "a"]),
        (5, &["secrets", "import", "a", ".env", "--dry-run"]),
        (5, &["run", "a", "--explain"]),
        (125, &["run", "a", "--", "touch", "started"]),
        (125, &["run", "a", "--only", "K", "--clean-env", "--", "touch", "started"]),
    ];
    let changes: [&[&str]; 7] = [
        &["set", "a", "K", "hunter2-next"],
        &["set", "a", "OTHER", "hunter2-next"],
        &["delete", "a", "K"],
        &["delete", "a", "--all", "--yes"],
        &["secrets", "import", "a", ".env"],
        &["secrets", "copy", "a", "new"],
        &["secrets", "rename", "a", "K", "L"],
    ];
    let reads_only = key.is_some_and(|key| key.starts_with("cast-agent:"));
    let changes = changes.map(|words| if reads_only { (4, words, "agent key") } else { (5, words, why) });
    for (code, words, why) in reads.map(|(code, words)| (code, words, why)).into_iter().chain(changes) {
        let call = sandbox.cast_after(LIMITS, words);
        let call = if let Some(key) = key { call.env("CAST_KEY", key) } else { call };
        call.refuses(code, why, &[SECRET]);
    }
}

/// The vault of `a` is in order again, or still, and writable.
#[track_caller]
fn works(sandbox: &Sandbox) {
    assert!(sandbox.value("a", "K").starts_with(b"hunter2"));
    sandbox.set("a", "K", "hunter2-works");
    assert_eq!(sandbox.value("a", "K"), b"hunter2-works");
}
