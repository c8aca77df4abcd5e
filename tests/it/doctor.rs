//! `cast doctor`: reports nothing if all is in order, the exact problem if not, and never changes anything. With a
//! keyring: `keyring/doctor.rs`.

mod backup;
mod exported;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::advice::told;
use crate::sandbox::{Call, Outcome, Sandbox, skip};

/// The exit code and output of a call of `cast doctor --json`, which may change nothing, not even the audit log.
#[track_caller]
pub fn diagnosed(call: Call) -> (Outcome, Value) {
    let sandbox = call.sandbox();
    let (before, log) = (sandbox.snapshot(), sandbox.audit_log());
    let outcome = call.run();
    assert!(sandbox.snapshot() == before, "doctor changed something: {outcome:?}");
    assert_eq!(sandbox.audit_log(), log);
    let json: Value = serde_json::from_str(&outcome.out).unwrap_or_else(|_| panic!("no JSON: {outcome:?}"));
    assert_eq!(json["healthy"], outcome.code == 0, "{outcome:?}");
    assert_eq!(outcome.err.contains("cast: error: "), outcome.code != 0, "{outcome:?}");
    for finding in json["findings"].as_array().unwrap() {
        let is_systems = finding["message"].as_str().unwrap().contains("no space left on device");
        assert!(is_systems || !finding["fix"].as_array().unwrap().is_empty(), "no advice: {finding}");
    }
    (outcome, json)
}

/// The checks that found something.
pub fn checks(json: &Value) -> Vec<&str> {
    json["findings"].as_array().unwrap().iter().map(|finding| finding["check"].as_str().unwrap()).collect()
}

/// The one finding: its message and what to do.
#[track_caller]
fn only(json: &Value, check: &str) -> (String, Vec<String>) {
    assert_eq!(checks(json), [check], "{json}");
    let finding = &json["findings"][0];
    let fix = finding["fix"].as_array().unwrap().iter().map(|fix| fix.as_str().unwrap().to_owned()).collect();
    (finding["message"].as_str().unwrap().to_owned(), fix)
}

fn doctor(sandbox: &Sandbox) -> Value {
    diagnosed(sandbox.cast(["doctor", "--json"])).1
}

/// Runs what doctor says to type in a shell.
fn typed(sandbox: &Sandbox, fix: &str) {
    sandbox.other("sh", ["-c", fix]).succeeds();
}

#[test]
fn all_is_in_order() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    sandbox.set("builtin", "B", "hunter2");
    let outcome = sandbox.cast(["doctor"]).succeeds();
    assert!(outcome.out.starts_with("CHECK      STATE\nkeyring    no D-Bus session is reachable: "), "{outcome:?}");
    let key = format!(
        "key        in the key file '{}'\nbackup     the key was never exported: 'cast key export --output FILE'\nvaults     all 2 open\n",
        sandbox.key_file().display()
    );
    assert!(outcome.out.contains(&key), "{outcome:?}");
    assert_eq!(outcome.err, "✓ Everything works, but the key has no backup\n");
    assert_eq!(sandbox.cast(["doctor", "-q"]).succeeds().err, "");
    let json = doctor(&sandbox);
    let fields: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["backup", "findings", "healthy", "key", "keyring", "vaults"]);
    assert_eq!(json["keyring"]["state"], "absent");
    assert_eq!(json["vaults"][1], serde_json::json!({"agent": "builtin", "opens": true}));
}

#[test]
fn an_empty_home_stays_empty() {
    let sandbox = Sandbox::empty();
    let (message, fix) = only(&doctor(&sandbox), "key");
    assert!(message.starts_with("no key, and no OS keyring here: "), "{message}");
    assert!(fix[0].contains("cast init --key-store file"), "{fix:?}");
    assert_eq!(fs::read_dir(sandbox.home()).unwrap().count(), 0);
}

#[test]
fn vaults_that_do_not_open() {
    let sandbox = Sandbox::with("good", &[("K", "sk-live-1")]);
    for agent in ["damaged", "old", "other"] {
        sandbox.set(agent, "K", "sk-live-2");
    }
    let old = fs::read(sandbox.vault("old")).unwrap();
    sandbox.set("old", "K", "sk-live-3");
    fs::write(sandbox.vault("old"), old).unwrap();
    let mut bytes = fs::read(sandbox.vault("damaged")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(sandbox.vault("damaged"), bytes).unwrap();
    let stranger = Sandbox::with("other", &[("K", "sk-live-4")]);
    fs::copy(stranger.vault("other"), sandbox.vault("other")).unwrap();
    let (outcome, json) = diagnosed(sandbox.cast(["doctor", "--json"]));
    assert_eq!(checks(&json), ["vault", "vault", "vault"], "{json}");
    let message = |number: usize| json["findings"][number]["message"].as_str().unwrap();
    assert!(message(0).contains("'damaged'") && message(1).contains("'old' is older"), "{json}");
    assert!(message(2).contains("'other'"), "{json}");
    assert_eq!(
        json["findings"][1]["fix"][0],
        "review it and, if it is as it should be, accept it: 'cast vault accept old'"
    );
    let opens: Vec<_> = json["vaults"].as_array().unwrap().iter().map(|vault| vault["opens"] == true).collect();
    assert_eq!(opens, [false, true, false, false]);
    outcome.says_nothing_of(&["sk-live", &sandbox.key()]);
    // For people: numbered, each with what to type.
    let told = sandbox.cast(["doctor"]).run();
    assert_eq!((told.code, told.err.as_str()), (1, "cast: error: 3 problems found\n"));
    assert!(told.out.contains("vaults     1 of 4 opens\n"), "{told:?}");
    assert!(told.out.contains("\n2. the vault of agent 'old' is older"), "{told:?}");
    assert!(
        told.out.contains("\n   review it and, if it is as it should be, accept it: 'cast vault accept old'\n"),
        "{told:?}"
    );
}

#[test]
fn news_are_not_noted() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    fs::remove_dir_all(sandbox.state()).unwrap();
    doctor(&sandbox);
    assert!(!sandbox.state().exists());
}

#[test]
fn modes_and_what_to_type() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let open = |path: &std::path::Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    open(&sandbox.state(), 0o755);
    open(&sandbox.vault("a"), 0o640);
    open(&sandbox.state().join("audit.jsonl"), 0o604);
    let (message, fix) = only(&doctor(&sandbox), "permissions");
    assert!(message.starts_with("other users can access '"), "{message}");
    for path in [sandbox.state(), sandbox.vault("a"), sandbox.state().join("audit.jsonl")] {
        assert!(message.contains(&format!("'{}'", path.display())), "{message}");
    }
    typed(&sandbox, &fix[0]);
    assert_eq!(fs::metadata(sandbox.vault("a")).unwrap().permissions().mode() & 0o777, 0o600);
    sandbox.cast(["doctor"]).succeeds();
    // cast refuses the key file before that.
    open(&sandbox.key_file(), 0o644);
    let (outcome, json) = diagnosed(sandbox.cast(["doctor", "--json"]));
    assert_eq!((outcome.code, checks(&json)), (1, vec!["key"]));
    assert!(json["findings"][0]["message"].as_str().unwrap().contains("other users can read it"), "{json}");
    // Also where it is not needed.
    fs::copy(sandbox.key_file(), sandbox.home().join("master.key")).unwrap();
    let (_, json) = diagnosed(sandbox.cast(["doctor", "--json"]).env("CAST_KEY_FILE", "master.key"));
    assert_eq!(checks(&json), ["permissions"]);
    // The modes of a settings file and of vaults in a repository are up to the user.
    open(&sandbox.key_file(), 0o600);
    let vaults = sandbox.home().join("repository");
    fs::create_dir(&vaults).unwrap();
    fs::copy(sandbox.vault("a"), vaults.join("a.age")).unwrap();
    open(&vaults, 0o755);
    open(&vaults.join("a.age"), 0o644);
    diagnosed(sandbox.cast(["doctor", "--json"]).env("CAST_VAULTS", &vaults));
    sandbox.cast(["doctor"]).env("CAST_VAULTS", &vaults).succeeds();
}

#[test]
fn files_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return skip("doctor: only root can give a file away");
    }
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    sandbox.cast_as_nobody("", ["list", "a"]).succeeds();
    // As after `sudo cast set`.
    std::os::unix::fs::chown(sandbox.vault("a"), Some(0), Some(0)).unwrap();
    let outcome = sandbox.cast_as_nobody("", ["list"]).run();
    assert_eq!(outcome.code, 0);
    std::os::unix::fs::chown(sandbox.vault("a"), Some(0), Some(0)).unwrap();
    let told = sandbox.command("setpriv");
    let mut told = told;
    told.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(sandbox.home().join("cast")).arg("doctor");
    let output = told.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains(&format!("another user owns '{}'", sandbox.vault("a").display())), "{out}");
    assert!(out.contains("   sudo chown \"$(id -u)\" '"), "{out}");
    assert!(out.contains("permission denied"), "{out}");
}

#[test]
fn leftovers_of_the_killed() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let left = [
        sandbox.data().join("vaults/.a.age.tmp"),
        sandbox.data().join("key.tmp"),
        sandbox.state().join("seen/0123456789abcdef0123456789abcdef.tmp"),
    ];
    for path in &left {
        fs::write(path, "half of it").unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }
    // Not while another cast may be writing them.
    let lock = fs::read_dir(sandbox.state().join("locks")).unwrap().next().unwrap().unwrap().path();
    let lock = fs::File::open(lock).unwrap();
    lock.lock().unwrap();
    sandbox.cast(["doctor"]).succeeds();
    lock.unlock().unwrap();
    let (message, fix) = only(&doctor(&sandbox), "leftover");
    for path in &left {
        assert!(message.contains(&format!("'{}'", path.display())), "{message}");
    }
    typed(&sandbox, &fix[0]);
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn writers_at_work_are_no_fault() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            (0..40).for_each(|number| sandbox.set("a", "K", &format!("hunter2-{number}")));
        });
        while !writer.is_finished() {
            sandbox.cast(["doctor"]).succeeds();
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_key_file_in_a_work_tree() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    fs::create_dir(sandbox.data().join(".git")).unwrap();
    let (message, fix) = only(&doctor(&sandbox), "key");
    assert!(message.contains("is in the git work tree") && message.contains("key.txt"), "{message}");
    assert_eq!(fix.len(), 2);
    assert!(fix[1].starts_with("or make git ignore it: echo "), "{fix:?}");
}

#[test]
fn a_log_that_cannot_be_written() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let nobody = |words: &[&str]| sandbox.cast_as_nobody("", words);
    nobody(&["doctor"]).succeeds();
    let log = sandbox.state().join("audit.jsonl");
    fs::set_permissions(&log, Permissions::from_mode(0o400)).unwrap();
    let (message, _) = only(&diagnosed(nobody(&["doctor", "--json"])).1, "audit-log");
    assert!(message.contains("cannot write the audit log") && message.contains("permission denied"), "{message}");
    fs::remove_file(&log).unwrap();
    fs::set_permissions(sandbox.state(), Permissions::from_mode(0o500)).unwrap();
    let (_, json) = diagnosed(nobody(&["doctor", "--json"]));
    assert_eq!(checks(&json), ["audit-log"]);
    fs::set_permissions(sandbox.state(), Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(&log).unwrap();
    fs::set_permissions(&log, Permissions::from_mode(0o700)).unwrap();
    let (message, _) = only(&diagnosed(nobody(&["doctor", "--json"])).1, "audit-log");
    assert!(message.contains("not a regular file"), "{message}");
    // With the log switched off, doctor reports that and nothing else about it.
    let settings = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "audit = \"off\"").unwrap();
    let (message, _) = only(&diagnosed(nobody(&["doctor", "--json"])).1, "settings");
    assert!(message.contains("audit log"), "{message}");
}

#[test]
fn a_full_disk() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let disk = sandbox.home().join("disk");
    let Some(_disk) = crate::audit::Disk::mount(&disk) else {
        return skip("doctor: a full disk: no file system may be mounted here");
    };
    let cast = |words: &[&str]| sandbox.cast(words).env("XDG_STATE_HOME", &disk);
    cast(&["list", "a"]).succeeds();
    cast(&["doctor"]).succeeds();
    while fs::write(disk.join(format!("junk{}", fs::read_dir(&disk).unwrap().count())), [1; 4096]).is_ok() {}
    let (message, _) = only(&diagnosed(cast(&["doctor", "--json"])).1, "audit-log");
    assert!(message.contains("no space left on device"), "{message}");
}

#[test]
fn settings_that_are_not_understood() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let settings = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "hunter2 = 1").unwrap();
    let (outcome, json) = diagnosed(sandbox.cast(["doctor", "--json"]));
    assert!(only(&json, "settings").0.contains("line 1"), "{json}");
    outcome.says_nothing_of(&["hunter2"]);
}

#[test]
fn secrets_that_are_due_for_a_change() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2"), ("L", "hunter2")]);
    let settings = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "stale_after = \"90d\"").unwrap();
    sandbox.cast(["doctor"]).succeeds();
    // Everything is older than no time at all, as soon as the second in which it was set is over.
    fs::write(&settings, "stale_after = \"0d\"").unwrap();
    let updated = sandbox.listing("a")[1]["updated_at"].as_str().unwrap().to_owned();
    let now = || String::from_utf8(sandbox.command("date").args(["-u", "+%FT%TZ"]).output().unwrap().stdout).unwrap();
    while now().trim() <= updated.as_str() {
        std::thread::yield_now();
    }
    let (message, fix) = only(&doctor(&sandbox), "stale");
    assert_eq!(message, "agent 'a' has secrets older than 'stale_after': K, L");
    assert!(fix[0].contains("cast secrets set a K"), "{fix:?}");
}

#[test]
fn an_agent_key_is_asked_for_its_own_vault_alone() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    sandbox.set("b", "K", "hunter2");
    let key = sandbox.cast(["key", "export", "--agent", "a"]).succeeds().out;
    fs::remove_file(sandbox.key_file()).unwrap();
    let (_, json) = diagnosed(sandbox.cast(["doctor", "--json"]).env("CAST_KEY", key.trim()));
    assert_eq!(checks(&json), [""; 0]);
    assert_eq!(json["vaults"][0], serde_json::json!({"agent": "a", "opens": true}));
    assert_eq!(json["vaults"][1], serde_json::json!({"agent": "b", "opens": false}));
    let told = sandbox.cast(["doctor"]).env("CAST_KEY", key.trim()).succeeds();
    assert!(told.out.contains("vaults     1 of 2 opens: this is an agent key\n"), "{told:?}");
}

#[test]
fn a_passphrase_that_nobody_can_be_asked_for() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    fs::rename(sandbox.key_file(), sandbox.data().join("key.age")).unwrap();
    let json = doctor(&sandbox);
    assert_eq!(json["key"], Value::Null);
    let (message, fix) = only(&json, "key");
    assert!(message.contains("needs its passphrase, and cast cannot ask for it here"), "{message}");
    assert_eq!(fix.len(), 2);
    // Without a vault the passphrase would open nothing.
    fs::remove_dir_all(sandbox.data().join("vaults")).unwrap();
    let path = sandbox.data().join("key.age");
    let place = serde_json::json!({"place": "file", "variable": null, "path": path.to_str().unwrap()});
    assert_eq!(doctor(&sandbox)["key"], place);
}

#[test]
fn copies_beside_a_vault_and_what_to_type() {
    for name in [
        "a.sync-conflict-20260115-103000-ABCDEF7.age",
        "a (conflicted copy 2026-01-15).age",
        "a 2.age",
        "a.age.orig",
        "a.age~",
    ] {
        let sandbox = Sandbox::with("a", &[("K", "hunter2-older")]);
        let copy = sandbox.vault("a").with_file_name(name);
        fs::copy(sandbox.vault("a"), &copy).unwrap();
        sandbox.set("a", "K", "hunter2-newer");
        let (message, _) = only(&doctor(&sandbox), "leftover");
        assert!(message.contains(&format!("'{}'", copy.display())), "{message}");
        let found = sandbox.cast(["doctor"]).run();
        // The one advice.
        let kept = fs::read(&copy).unwrap();
        typed(&sandbox, told(&found, "if you do not need it: {}").hole(0));
        sandbox.cast(["doctor"]).succeeds();
        // And the other.
        fs::write(&copy, kept).unwrap();
        let advice = told(&found, "if it has what the vault lacks, take it: {take}, then 'cast vault accept {agent}'");
        typed(&sandbox, advice.hole(0));
        assert_eq!(advice.hole(1), "a");
        sandbox.cast(["vault", "accept", "a", "--yes"]).succeeds();
        assert_eq!(sandbox.value("a", "K"), b"hunter2-older");
        sandbox.cast(["doctor"]).succeeds();
    }
    // Other files are nobody's copies.
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    for name in ["README.md", ".gitattributes", "b.txt"] {
        fs::write(sandbox.vault("a").with_file_name(name), "").unwrap();
    }
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn a_wrong_key_and_a_damaged_vault_say_what_to_type() {
    let sandbox = Sandbox::with("a", &[("K", "hunter2")]);
    let stranger = Sandbox::with("a", &[("K", "hunter3")]);
    let own = fs::read(sandbox.vault("a")).unwrap();
    fs::copy(stranger.vault("a"), sandbox.vault("a")).unwrap();
    let (message, fix) = only(&doctor(&sandbox), "vault");
    assert!(message.contains("wrong key, or damaged"), "{message}");
    assert!(fix[0].contains("CAST_KEY_FILE=master.key") && fix[1].contains("restore it"), "{fix:?}");
    // With the key that it was made with, as the advice says, it opens; and so does the vault that is restored.
    fs::copy(stranger.key_file(), sandbox.home().join("master.key")).unwrap();
    sandbox.cast(["doctor", "--backup", "master.key"]).succeeds();
    fs::write(sandbox.vault("a"), own).unwrap();
    sandbox.cast(["doctor"]).succeeds();
}
