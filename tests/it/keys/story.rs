//! Three machines and one user. Each has an empty home; they exchange only files.

use std::fs;
use std::path::Path;

use super::with_vaults_of;
use crate::keyring::Session;
use crate::sandbox::Sandbox;

const TOKEN: &str = "sk-live-0123456789abcdef";

/// Carries the vaults from one machine to another, as git or a synchronised folder would.
fn carry_vaults(from: &Sandbox, to: &Sandbox) {
    let folder = to.data().join("vaults");
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(from.data().join("vaults")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_laptop_a_runner_and_a_new_laptop() {
    // A laptop with a keyring. The first secret makes the key there.
    let Some(laptop) = Session::unlocked() else { return };
    laptop.cast(["secrets", "set", "my-agent", "API_TOKEN", TOKEN]).succeeds();
    laptop.cast(["run", "my-agent", "--", "printenv", "API_TOKEN"]).succeeds();

    // A backup of the key, and an agent key for the runner.
    let drawer = tempfile::tempdir().unwrap();
    let backup = drawer.path().join("master.key");
    laptop.cast(["key", "export", "--output", backup.to_str().unwrap()]).succeeds();
    let agent_key = laptop.cast(["key", "export", "--agent", "my-agent"]).succeeds().out;

    // The runner: no keyring, no terminal; the vault as it was committed, the agent key in a variable.
    let runner = with_vaults_of(&laptop.sandbox);
    let on_runner = |words: &[&str]| runner.cast(words).env("CAST_KEY", agent_key.trim());
    let log = on_runner(&["run", "my-agent", "--", "sh", "-c", "echo token: $API_TOKEN"]).succeeds();
    assert_eq!((log.out.as_str(), log.err.as_str()), ("token: [cast:API_TOKEN]\n", ""));

    // The laptop dies. The new one has an empty keyring, the vaults and the backup.
    let Some(new) = Session::unlocked() else { return };
    carry_vaults(&laptop.sandbox, &new.sandbox);
    new.cast(["key", "import", backup.to_str().unwrap()]).succeeds();
    assert_eq!(new.items(), 1);
    assert!(!new.sandbox.key_file().exists());
    let run = new.cast(["run", "my-agent", "--no-mask", "--", "printenv", "API_TOKEN"]).succeeds();
    assert_eq!(run.out, format!("{TOKEN}\n"));

    // The runner was broken into. The user revokes its key and copies the vault to it as before.
    new.cast(["key", "revoke", "--agent", "my-agent"]).succeeds();
    carry_vaults(&new.sandbox, &runner);
    let closed = on_runner(&["run", "my-agent", "--", "sh", "-c", "echo token: $API_TOKEN"]);
    let closed = closed.refuses(125, "wrong key", &[TOKEN]);
    assert!(closed.err.contains("CAST_KEY") && closed.err.contains("revoked"), "{closed:?}");

    // The user gives the runner a new key.
    new.cast(["run", "my-agent", "--", "true"]).succeeds();
    let next = new.cast(["key", "export", "--agent", "my-agent"]).succeeds().out;
    runner.cast(["run", "my-agent", "--", "true"]).env("CAST_KEY", next.trim()).succeeds();
    assert!(!crate::keyring::somewhere(Path::new(runner.home()), b"AGE-SECRET-KEY-"));
}
