//! What only doctor says.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use super::{told, typed};
use crate::sandbox::{Call, Outcome, Sandbox, skip};

const SECRET: &str = "hunter2-hunter2";

fn sandbox() -> Sandbox {
    Sandbox::with("a", &[("K", SECRET)])
}

#[track_caller]
fn found(call: Call<'_>) -> Outcome {
    let outcome = call.run();
    assert_eq!(outcome.code, 1, "{outcome:?}");
    outcome.says_nothing_of(&[SECRET]);
    outcome
}

#[test]
fn modes_and_owners() {
    let sandbox = sandbox();
    let doctor = || sandbox.cast(["doctor"]);
    for path in [sandbox.vault("a"), sandbox.state()] {
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let paths = told(&found(doctor()), "chmod go={}").hole(0).to_owned();
        typed(&sandbox, &format!("chmod go={paths}")).succeeds();
        doctor().succeeds();
    }
    if !rustix::process::geteuid().is_root() {
        return skip("advice: only root can give a file away");
    }
    chown(sandbox.vault("a"), Some(65534), None).unwrap();
    let paths = told(&found(doctor()), "sudo chown \"$(id -u)\"{}").hole(0).to_owned();
    typed(&sandbox, &format!("chown \"$(id -u)\"{paths}")).succeeds();
    doctor().succeeds();
}

#[test]
fn a_folder_of_vaults_that_is_missing() {
    let sandbox = sandbox();
    let missing = sandbox.home().join("typo");
    let doctor = || sandbox.cast(["doctor"]).env("CAST_VAULTS", &missing);
    let form = "fix CAST_VAULTS, or let the first 'cast secrets set AGENT KEY' make the folder";
    let command = told(&found(doctor()), form).command("cast secrets set").replace("AGENT KEY", "b K");
    sandbox.cast(["doctor"]).succeeds();
    typed(&sandbox, &command).env("CAST_VAULTS", &missing).input(SECRET).succeeds();
    doctor().succeeds();
}

#[test]
fn variables_that_are_ignored() {
    let sandbox = sandbox();
    let set = |line: &str| typed(&sandbox, line).env("XDG_DATA_HOME", "data").env("XDG_STATE_HOME", "state");
    let names = told(&found(set("cast doctor")), "set it to a whole path, or run: unset {}").hole(0).to_owned();
    set(&format!("unset {names} && cast doctor")).succeeds();
    let home = sandbox.home().display();
    set(&format!("XDG_DATA_HOME={home}/.local/share XDG_STATE_HOME={home}/.local/state cast doctor")).succeeds();
}

#[test]
fn a_dangerous_name() {
    let sandbox = sandbox();
    sandbox.cast(["set", "a", "NODE_OPTIONS", "--no-warnings", "--allow-dangerous-name"]).run();
    sandbox.cast(["set", "--allow-dangerous-name", "a", "NODE_OPTIONS", "--", "x"]).succeeds();
    let advice =
        told(&found(sandbox.cast(["doctor"])), "if you do not want one: 'cast secrets delete {agent} {first}'");
    typed(&sandbox, &advice.command("cast secrets delete")).succeeds();
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn an_old_secret() {
    let sandbox = sandbox();
    let settings = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "stale_after = \"0d\"\n").unwrap();
    let old = || sandbox.cast(["doctor"]).run();
    while old().code == 0 {
        std::thread::yield_now();
    }
    let advice = told(&old(), "change each at its source, then here: 'cast secrets set {agent} {first}'");
    // It counts as new for as long as the settings say.
    fs::write(&settings, "stale_after = \"1d\"\n").unwrap();
    typed(&sandbox, &advice.command("cast secrets set")).input("hunter3-hunter3").succeeds();
    assert_eq!(sandbox.value("a", "K"), b"hunter3-hunter3");
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn a_vault_of_a_former_key_and_its_backup() {
    let sandbox = sandbox();
    let elsewhere = sandbox.home().join("repository");
    sandbox.cast(["set", "c", "K", SECRET]).env("CAST_VAULTS", &elsewhere).succeeds();
    sandbox.cast(["key", "export", "--output", "old.key"]).succeeds();
    sandbox.cast(["key", "rotate"]).succeeds();
    let doctor = || sandbox.cast(["doctor"]).env("CAST_VAULTS", &elsewhere);
    let advice = told(&found(doctor()), "seal it to the current key: 'cast key rotate'");
    typed(&sandbox, &advice.command("cast key rotate")).env("CAST_VAULTS", &elsewhere).succeeds();
    doctor().succeeds();
    let form = "if 'cast doctor' finds that vault in order, make a new backup: 'cast key export --output FILE'";
    let advice = told(&found(sandbox.cast(["doctor", "--backup", "old.key"])), form);
    typed(&sandbox, &advice.command("cast doctor")).succeeds();
    typed(&sandbox, &advice.command("cast key export").replace("FILE", "new.key")).succeeds();
    sandbox.cast(["doctor", "--backup", "new.key"]).succeeds();
}

/// One finding, however many vaults there are.
#[test]
fn a_backup_from_before_a_rotation() {
    let sandbox = sandbox();
    sandbox.set("other", "K", SECRET);
    sandbox.cast(["key", "export", "--output", "old.key"]).succeeds();
    sandbox.cast(["key", "rotate"]).succeeds();
    let outcome = found(sandbox.cast(["doctor", "--backup", "old.key"]));
    let said = "1. the backup opens none of the 2 vaults: it is probably older than the last 'cast key rotate'\n";
    assert!(outcome.out.contains(said) && outcome.err.contains("1 problem found"), "{outcome:?}");
    let form = "if 'cast doctor' finds them in order, make a new backup: 'cast key export --output FILE'";
    let advice = told(&outcome, form);
    typed(&sandbox, &advice.command("cast doctor")).succeeds();
    typed(&sandbox, &advice.command("cast key export").replace("FILE", "new.key")).succeeds();
    sandbox.cast(["doctor", "--backup", "new.key"]).succeeds();
}

#[test]
fn a_backup_that_is_none() {
    let sandbox = sandbox();
    sandbox.cast(["key", "export", "--agent", "a", "--output", "agent.key"]).succeeds();
    let refused = sandbox.cast(["doctor", "--backup", "agent.key"]).refuses(4, "is not a backup of", &[SECRET]);
    let advice = told(&refused, "make one: 'cast key export --output FILE'");
    typed(&sandbox, &advice.command("cast key export").replace("FILE", "master.key")).succeeds();
    sandbox.cast(["doctor", "--backup", "master.key"]).succeeds();
}

#[test]
fn no_backup_and_nothing_else() {
    let sandbox = sandbox();
    let works = sandbox.cast(["doctor"]).succeeds();
    assert_eq!(works.err, "✓ Everything works, but the key has no backup\n");
    let (_, command) = works.out.split_once("the key was never exported: '").unwrap();
    let command = command.split('\'').next().unwrap().replace("FILE", "backup.key");
    typed(&sandbox, &command).succeeds();
    assert_eq!(sandbox.cast(["doctor"]).succeeds().err, "✓ Everything is in order\n");
}
