//! Key commands that are killed or fail at any of their calls to the file system and the keyring (strace injects this):
//! a key in the store opens each vault, a second run finishes the job, and no key is left where it should not be.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::thread;

use super::{exported, keys_in, opened, sandbox, with_vaults_of};
use crate::durability::faults::{Call, FAILING, KILLED, NO_BUS, injected_on, traced_on};
use crate::keyring::Session;
use crate::sandbox::{Outcome, Sandbox, skip, tried};

/// A command, the state before it, and what must be true after an interruption and after the next run.
struct Scene {
    begin: fn() -> Sandbox,
    words: &'static [&'static str],
    /// Returns how many keys there must be at the end.
    after: fn(&Stage) -> usize,
    end: fn(&Stage),
}

/// The setting of a scene: a home and perhaps a keyring.
struct Stage<'a> {
    home: &'a Sandbox,
    bus: &'a str,
}

impl Stage<'_> {
    fn cast<'b>(&'b self, words: &[&str]) -> crate::sandbox::Call<'b> {
        self.home.cast(words).env("DBUS_SESSION_BUS_ADDRESS", self.bus)
    }

    /// Which vaults open with which key; all of them open.
    fn opened(&self) -> Vec<Vec<String>> {
        opened(self.cast(&["key", "status", "--json"]))
    }
}

const BOTH: [&str; 2] = ["a", "b"];

/// Every vault opens, with whichever key.
fn all_open(stage: &Stage) -> usize {
    let mut agents = stage.opened().concat();
    agents.sort();
    assert_eq!(agents, BOTH);
    1
}

/// Every vault opens; the second run finished what the first began, or repeated what was done.
fn all_open_and_rotated(stage: &Stage) -> usize {
    all_open(stage);
    match &stage.opened()[..] {
        [newest, former] if former.is_empty() && newest == &BOTH => 3,
        _ => 2,
    }
}

/// Every vault opens with the newest key.
fn all_open_with_the_newest(stage: &Stage) {
    assert_eq!(stage.opened()[0], BOTH);
}

/// Every file below `folder` that holds a key.
fn files_with_keys(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files_with_keys(&path, found);
        } else if std::fs::read(&path).is_ok_and(|text| text.windows(15).any(|part| part == b"AGE-SECRET-KEY-")) {
            found.push(path);
        }
    }
}

fn only_in(stage: &Stage, places: &[&str]) {
    let mut found = Vec::new();
    files_with_keys(stage.home.home(), &mut found);
    found.sort();
    let expected: Vec<_> = places.iter().map(|place| stage.home.home().join(place)).collect();
    assert_eq!(found, expected);
}

const KEY_FILE: &str = ".local/share/cast/key.txt";

fn rotated_once() -> Sandbox {
    let sandbox = sandbox();
    sandbox.cast(["key", "rotate"]).succeeds();
    // Of a home that is copied, the vaults of the first one are vaults in another folder, which keep their key.
    std::fs::remove_dir_all(sandbox.state().join("seen/at")).unwrap();
    sandbox
}

fn with_backup(owner: &Sandbox, sandbox: Sandbox) -> Sandbox {
    std::fs::write(sandbox.home().join("master.key"), exported(owner, &[])).unwrap();
    sandbox
}

fn is_imported_or_not(stage: &Stage) -> usize {
    if stage.home.key_file().exists() {
        all_open(stage);
    } else {
        assert_eq!(stage.cast(&["list", "a"]).run().code, 4);
    }
    1
}

const SCENES: [Scene; 5] = [
    Scene {
        begin: sandbox,
        words: &["key", "rotate"],
        after: all_open_and_rotated,
        end: |stage| {
            all_open_with_the_newest(stage);
            only_in(stage, &[KEY_FILE]);
        },
    },
    Scene {
        begin: rotated_once,
        words: &["key", "rotate", "--retire"],
        after: all_open,
        end: |stage| {
            assert_eq!(stage.opened(), [BOTH]);
            only_in(stage, &[KEY_FILE]);
        },
    },
    Scene {
        begin: || {
            let sandbox = sandbox();
            let key = exported(&sandbox, &["--agent", "a"]);
            std::fs::write(sandbox.home().join("agent.key"), key).unwrap();
            sandbox
        },
        words: &["key", "revoke", "--agent", "a"],
        after: all_open,
        end: |stage| {
            all_open_with_the_newest(stage);
            let old = stage.cast(&["list", "a"]).env("CAST_KEY_FILE", "agent.key").run();
            assert!(old.code == 5 && old.err.contains("wrong key"), "{old:?}");
        },
    },
    Scene {
        begin: || {
            let owner = sandbox();
            let new = with_vaults_of(&owner);
            with_backup(&owner, new)
        },
        words: &["key", "import", "master.key"],
        after: is_imported_or_not,
        end: |stage| {
            assert_eq!(stage.opened(), [BOTH]);
            only_in(stage, &[KEY_FILE, "master.key"]);
        },
    },
    Scene {
        // `a` is sealed to the key in the backup, `b` to the one in the store.
        begin: || {
            let (one, other) = (sandbox(), sandbox());
            std::fs::copy(other.vault("a"), one.vault("a")).unwrap();
            with_backup(&other, one)
        },
        words: &["key", "import", "master.key", "--replace"],
        after: |stage| {
            let b = stage.cast(&["list", "b"]).run();
            assert_eq!(b.code, 0, "{b:?}");
            2
        },
        end: |stage| {
            assert_eq!(stage.opened(), [["a"], ["b"]]);
            only_in(stage, &[KEY_FILE, "master.key"]);
        },
    },
];

/// A copy of a home.
fn copy_of(home: &Sandbox) -> Sandbox {
    let copy = Sandbox::empty();
    copy_into(home.home(), copy.home());
    let has_former = || keys_in(&home.key_file()).len() > 1 || home.home().join("master.key").exists();
    if home.key_file().exists() && has_former() {
        // Its vaults are known where they lie now, as far as the key opens them.
        for agent in BOTH {
            copy.cast(["list", agent]).run();
        }
    }
    copy
}

fn copy_into(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(status.success());
}

/// Plays `scene` for each call and fault; reports all failures.
fn for_every_call(kind: &str, faults: fn(&Call) -> Vec<&'static str>, check: fn(&Outcome)) {
    let (mut points, mut tries, failed) = (0, 0, Mutex::new(0));
    for scene in &SCENES {
        let home = (scene.begin)();
        let Some(calls) = traced_on(&copy_of(&home), NO_BUS, scene.words) else {
            return skip("faults of keys: strace does not work here");
        };
        assert!(calls.len() > 50, "{:?}: only {} calls", scene.words, calls.len());
        points += calls.len();
        tries += calls.iter().map(|call| faults(call).len()).sum::<usize>();
        let cases = Mutex::new(calls.iter().flat_map(|call| faults(call).into_iter().map(move |fault| (call, fault))));
        let next = || cases.lock().unwrap().next();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some((call, fault)) = next() {
                        let end = std::panic::catch_unwind(|| {
                            let copy = copy_of(&home);
                            one(&Stage { home: &copy, bus: NO_BUS }, scene, call, fault, check);
                        });
                        *failed.lock().unwrap() += usize::from(end.is_err());
                    }
                });
            }
        });
    }
    let failed = failed.into_inner().unwrap();
    tried(kind, points, tries, tries - failed);
    assert_eq!(failed, 0, "cases failed");
}

fn one(stage: &Stage, scene: &Scene, call: &Call, fault: &str, check: fn(&Outcome)) {
    let outcome = injected_on(stage.home, stage.bus, scene.words, call, fault);
    let place = format!("{:?}, {fault} at {} {}: {outcome:?}", scene.words, call.number, call.line);
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        outcome.says_nothing_of(&["AGE-SECRET-KEY", "hunter2"]);
        check(&outcome);
        let keys = (scene.after)(stage);
        let again = stage.cast(scene.words).run();
        assert_eq!(again.code, 0, "the second run: {again:?}");
        assert_eq!(stage.opened().len(), keys, "keys at the end");
        (scene.end)(stage);
        let leftovers: Vec<_> =
            stage.home.snapshot().into_keys().filter(|path| path.to_string_lossy().contains(".tmp")).collect();
        assert_eq!(leftovers, Vec::<PathBuf>::new());
    }));
    assert!(told.is_ok(), "{place}");
}

fn kills(_: &Call) -> Vec<&'static str> {
    vec!["signal=SIGKILL"]
}

fn killed(outcome: &Outcome) {
    assert!(outcome.code == 128 + 9 || outcome.code == 0, "{outcome:?}");
}

fn errors(call: &Call) -> Vec<&'static str> {
    match call.name.as_str() {
        "write" | "pwrite64" | "ftruncate" | "rename" | "mkdir" => vec!["error=ENOSPC"],
        "fsync" | "unlink" | "read" => vec!["error=EIO"],
        "openat" | "flock" => vec!["error=EMFILE"],
        _ => vec![],
    }
}

fn failed(outcome: &Outcome) {
    assert!(outcome.code == 0 || outcome.err.contains("cast: error: "), "{outcome:?}");
}

#[test]
fn killed_at_any_call() {
    for_every_call(KILLED, kills, killed);
}

#[test]
fn failing_in_any_call() {
    for_every_call(FAILING, errors, failed);
}

/// The scenes with a keyring: what it holds and whether there is a key file, before.
fn on_a_keyring(words: &'static [&'static str], in_keyring: bool, after: fn(&Stage) -> usize, end: fn(&Stage)) {
    static TEMPLATE: OnceLock<Sandbox> = OnceLock::new();
    let Some(session) = Session::unlocked() else { return };
    let sandbox = &session.sandbox;
    let stage = Stage { home: sandbox, bus: &session.address };
    // The template: a home with vaults and a key file, whose key goes into the keyring for each case.
    let template = TEMPLATE.get_or_init(super::sandbox);
    let key = std::fs::read_to_string(template.key_file()).unwrap();
    let reset = || {
        let _ = std::fs::remove_dir_all(sandbox.home().join(".local"));
        copy_into(&template.home().join(".local"), &sandbox.home().join(".local"));
        session.clear();
        if in_keyring {
            std::fs::remove_file(sandbox.key_file()).unwrap();
            session.store(&[], key.as_bytes());
        }
    };
    reset();
    let Some(calls) = traced_on(sandbox, &session.address, words) else {
        return skip("faults of the keyring: strace does not work here");
    };
    let talk = calls.iter().filter(|call| call.name.starts_with("send") || call.name.starts_with("recv")).count();
    assert!(talk > 10, "only {talk} calls are about the keyring");
    let scene = Scene { begin: super::sandbox, words, after, end };
    let mut bad = 0;
    for call in &calls {
        reset();
        let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            one(&stage, &scene, call, "signal=SIGKILL", killed);
        }));
        bad += usize::from(end.is_err());
        assert!(session.items() <= 1);
    }
    tried(KILLED, calls.len(), calls.len(), calls.len() - bad);
    assert_eq!(bad, 0, "cases failed");
}

#[test]
fn a_move_into_the_keyring_killed_at_any_call() {
    on_a_keyring(&["key", "move", "keyring"], false, all_open, |stage| {
        all_open_with_the_newest(stage);
        only_in(stage, &[]);
    });
}

#[test]
fn a_move_out_of_the_keyring_killed_at_any_call() {
    on_a_keyring(&["key", "move", "file"], true, all_open, |stage| {
        all_open_with_the_newest(stage);
        only_in(stage, &[KEY_FILE]);
        assert_eq!(keys_in(&stage.home.key_file()).len(), 1);
        // Nothing is left in the keyring: without the file there is no key.
        std::fs::remove_file(stage.home.key_file()).unwrap();
        let without = stage.cast(&["list", "a"]).run();
        assert!(without.code == 4 && without.err.contains("the OS keyring has none"), "{without:?}");
    });
}

#[test]
fn a_rotation_in_the_keyring_killed_at_any_call() {
    on_a_keyring(&["key", "rotate"], true, all_open_and_rotated, |stage| {
        all_open_with_the_newest(stage);
        only_in(stage, &[]);
    });
}
