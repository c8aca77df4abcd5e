//! The life of the keys: backup, rotation, agent keys for CI, and the end of each.

mod ci;
mod export;
mod faults;
mod import;
mod noted;
mod on_keyring;
mod passphrase;
mod places;
mod relocate;
mod revoke;
mod rotate;
mod status;
mod story;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::sandbox::{Call, Sandbox};

/// A home with a key file and the agents `a` and `b`, each with a secret.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with("a", &[("K", "hunter2-of-a")]);
    sandbox.set("b", "K", "hunter2-of-b");
    sandbox
}

/// What `cast key export` writes to a pipe with these words.
fn exported(sandbox: &Sandbox, words: &[&str]) -> String {
    let outcome = sandbox.cast(["key", "export", "--output", "-"].iter().chain(words)).succeeds();
    assert_eq!(outcome.err, "");
    outcome.out
}

/// The agents whose vaults each key opens, newest key first. Every vault opens.
#[track_caller]
fn opened(status: Call<'_>) -> Vec<Vec<String>> {
    let status: serde_json::Value = serde_json::from_str(&status.succeeds().out).unwrap();
    assert_eq!(status["closed"].as_array().unwrap().len(), 0, "{status}");
    let texts = |list: &serde_json::Value| -> Vec<String> { serde_json::from_value(list.clone()).unwrap() };
    status["keys"].as_array().unwrap().iter().map(|key| texts(&key["vaults"])).collect()
}

/// The keys of a key file, newest first.
fn keys_in(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| line.starts_with("AGE-SECRET-KEY-1")).map(str::to_owned).collect()
}

/// Another home with copies of the vaults, and nothing else.
fn with_vaults_of(owner: &Sandbox) -> Sandbox {
    let other = Sandbox::empty();
    fs::create_dir_all(other.data().join("vaults")).unwrap();
    for entry in fs::read_dir(owner.data().join("vaults")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, other.data().join("vaults").join(path.file_name().unwrap())).unwrap();
    }
    other
}

/// The vaults, byte for byte.
fn vaults(sandbox: &Sandbox) -> BTreeMap<std::path::PathBuf, (u32, Vec<u8>)> {
    let mut files = sandbox.snapshot();
    files.retain(|path, _| path.starts_with(sandbox.data().join("vaults")));
    files
}
