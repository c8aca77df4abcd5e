//! A writer that is killed or fails at any of its calls to the file system (strace injects this): the vault is the old
//! or the new one, the next writer succeeds, there are no leftovers, and what cast reported is true.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::thread;

use super::leftovers;
use crate::sandbox::{CAST, Outcome, Sandbox, skip, tried};

/// One call to the system.
pub struct Call {
    pub name: String,
    /// Its number among the calls of this name, from 1, as strace counts.
    pub number: usize,
    pub line: String,
}

/// The two kinds of fault, for the table of `.ci/prove`.
pub const KILLED: &str = "killed at a system call";
pub const FAILING: &str = "a system call that fails";

/// An address without a bus.
pub const NO_BUS: &str = "disabled:";

/// Calls that touch files, and calls that talk to a keyring. Reading changes nothing, but a process can also end there.
const CALLS: &str = "openat,open,creat,read,pread64,write,pwrite64,close,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,\
    mkdir,mkdirat,rmdir,flock,fchmod,chmod,fchmodat,ftruncate,getdents64,readlink,readlinkat,statx,fstat,newfstatat,lseek,\
    socket,connect,sendto,sendmsg,recvfrom,recvmsg,poll,ppoll";

/// The calls of `cast WORDS`, from the first that touches this home. `None` if strace does not work.
pub fn traced(sandbox: &Sandbox, words: &[&str]) -> Option<Vec<Call>> {
    traced_on(sandbox, NO_BUS, words)
}

/// The same, with a session bus.
pub fn traced_on(sandbox: &Sandbox, bus: &str, words: &[&str]) -> Option<Vec<Call>> {
    let log = sandbox.home().join("trace.log");
    let mut command = sandbox.command("strace");
    command.env("DBUS_SESSION_BUS_ADDRESS", bus);
    let known = CALLS.split(',').map(|call| format!("?{}", call.trim())).collect::<Vec<_>>().join(",");
    command.args(["-f", "-qq", "-s", "256", "-e", &format!("trace={known}"), "-o"]).arg(&log).arg(CAST).args(words);
    command.output().ok().filter(|output| output.status.success())?;
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    let mut counts = BTreeMap::new();
    let calls = text.lines().filter_map(|line| {
        let (_, line) = line.split_once(' ')?;
        let name = line.trim_start().split_once('(')?.0;
        let number = counts.entry(name.to_owned()).or_insert(0);
        *number += 1;
        Some(Call { name: name.to_owned(), number: *number, line: line.trim_start().to_owned() })
    });
    let home = sandbox.home().to_str().unwrap().to_owned();
    // Before that, the system loads the program.
    let calls: Vec<_> = calls.skip_while(move |call| !call.line.contains(&home)).collect();
    (!calls.is_empty()).then_some(calls)
}

/// Runs `cast WORDS` with something injected into one call.
pub fn injected(sandbox: &Sandbox, words: &[&str], call: &Call, what: &str) -> Outcome {
    injected_on(sandbox, NO_BUS, words, call, what)
}

/// The same, with a session bus.
pub fn injected_on(sandbox: &Sandbox, bus: &str, words: &[&str], call: &Call, what: &str) -> Outcome {
    let inject = format!("inject={}:{what}:when={}", call.name, call.number);
    let mut strace: Vec<&str> = vec!["-f", "-qq", "-o", "/dev/null", "-e"];
    let trace = format!("trace={}", call.name);
    strace.extend([trace.as_str(), "-e", &inject, CAST]);
    strace.extend(words);
    sandbox.other("strace", strace).env("DBUS_SESSION_BUS_ADDRESS", bus).run()
}

/// A change, and how to see whether it was made.
struct Scene {
    /// The state before.
    begin: fn() -> Sandbox,
    words: &'static [&'static str],
    /// The visible result.
    look: fn(&Sandbox) -> String,
    old: &'static str,
    new: &'static str,
}

fn value_of_a(sandbox: &Sandbox) -> String {
    let outcome = sandbox.cast(["run", "a", "--no-mask", "--", "sh", "-c", "echo $K,$L"]).run();
    assert!(outcome.code == 0 || outcome.code == 125, "{outcome:?}");
    if outcome.code == 125 {
        let refused = outcome.err.contains("older than this machine has seen");
        assert!(refused || outcome.err.contains("has no vault"), "{outcome:?}");
        return if refused { "refused" } else { "none" }.into();
    }
    outcome.out.trim_end().to_owned()
}

const SCENES: [Scene; 9] = [
    Scene { begin: with_vault, words: &["set", "a", "K", "new"], look: value_of_a, old: "old,l", new: "new,l" },
    Scene { begin: Sandbox::new, words: &["set", "a", "K", "new"], look: value_of_a, old: "none", new: "new," },
    Scene { begin: with_vault, words: &["delete", "a", "K"], look: value_of_a, old: "old,l", new: ",l" },
    Scene {
        begin: || {
            let sandbox = with_vault();
            fs::write(sandbox.home().join(".env"), "K=new\nL=new\n").unwrap();
            sandbox
        },
        words: &["secrets", "import", "a", ".env", "--remove"],
        look: |sandbox| {
            let values = value_of_a(sandbox);
            let is_there = sandbox.home().join(".env").exists();
            assert!(is_there || values == "new,new", "the file is gone, and the vault has {values}");
            values
        },
        old: "old,l",
        new: "new,new",
    },
    Scene {
        begin: || {
            let sandbox = with_vault();
            sandbox.set("b", "K", "new");
            sandbox.set("b", "L", "new");
            sandbox
        },
        words: &["secrets", "copy", "b", "a", "--replace"],
        look: value_of_a,
        old: "old,l",
        new: "new,new",
    },
    Scene {
        begin: with_vault,
        words: &["secrets", "rename", "a", "L", "K", "--replace"],
        look: value_of_a,
        old: "old,l",
        new: "l,",
    },
    Scene { begin: with_vault, words: &["delete", "a", "--all", "--yes"], look: value_of_a, old: "old,l", new: "none" },
    Scene {
        begin: || {
            let sandbox = with_vault();
            let old = fs::read(sandbox.vault("a")).unwrap();
            sandbox.set("a", "K", "newer");
            fs::write(sandbox.vault("a"), old).unwrap();
            sandbox
        },
        words: &["vault", "accept", "a", "--yes"],
        look: value_of_a,
        old: "refused",
        new: "old,l",
    },
    Scene {
        begin: Sandbox::empty,
        words: &["init", "--key-store", "file"],
        look: |sandbox| {
            if sandbox.key_file().exists() { sandbox.key().split('-').next().unwrap().into() } else { "none".into() }
        },
        old: "none",
        new: "AGE",
    },
];

fn with_vault() -> Sandbox {
    Sandbox::with("a", &[("K", "old"), ("L", "l")])
}

/// Runs every scene once for each of its calls and each fault that `faults` returns for it; `check` gets the outcome
/// and the state.
fn for_every_call(kind: &str, faults: fn(&Call) -> Vec<&'static str>, check: fn(&Scene, &Call, &str, &Outcome, &str)) {
    let (mut points, mut tries, failed) = (0, 0, Mutex::new(0));
    for scene in &SCENES {
        let Some(calls) = traced(&(scene.begin)(), scene.words) else {
            return skip("faults: strace does not work here");
        };
        points += calls.len();
        tries += calls.iter().map(|call| faults(call).len()).sum::<usize>();
        let cases = calls.iter().flat_map(|call| faults(call).into_iter().map(move |fault| (call, fault)));
        let cases = Mutex::new(cases);
        let next = || cases.lock().unwrap().next();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // Report all failures, not only the first.
                    while let Some((call, fault)) = next() {
                        let end = std::panic::catch_unwind(|| one(scene, call, fault, check));
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

fn one(scene: &Scene, call: &Call, fault: &str, check: fn(&Scene, &Call, &str, &Outcome, &str)) {
    let sandbox = (scene.begin)();
    let outcome = injected(&sandbox, scene.words, call, fault);
    let place = format!("{:?}, {fault} at {} {}: {outcome:?}", scene.words, call.number, call.line);
    let state = (scene.look)(&sandbox);
    assert!(state == scene.old || state == scene.new, "neither old nor new but '{state}': {place}");
    check(scene, call, &state, &outcome, &place);
    // The next writer succeeds and cleans up.
    sandbox.cast(["init", "--key-store", "file"]).succeeds();
    if state == "refused" {
        sandbox.cast(["vault", "accept", "a", "--yes"]).succeeds();
    }
    let next = sandbox.cast(["set", "a", "K", "next"]).run();
    assert_eq!(next.code, 0, "{next:?} after {place}");
    assert_eq!(sandbox.value("a", "K"), b"next", "{place}");
    assert_eq!(leftovers(&sandbox), Vec::<String>::new(), "{place}");
}

#[test]
fn killed_at_any_call() {
    for_every_call(
        KILLED,
        |_| vec!["signal=SIGKILL"],
        |scene, _, state, outcome, place| {
            assert!(outcome.code == 128 + 9 || outcome.code == 0, "{place}");
            if outcome.err.contains('✓') {
                assert_eq!(state, scene.new, "it was said: {place}");
            }
        },
    );
}

#[test]
fn failing_in_any_call() {
    for_every_call(
        FAILING,
        |call| match call.name.as_str() {
            "openat" | "open" | "creat" => vec!["error=EACCES", "error=EMFILE", "error=EROFS", "error=ENOSPC"],
            "write" | "pwrite64" => vec!["error=ENOSPC", "error=EDQUOT", "error=EIO"],
            "fsync" | "fdatasync" => vec!["error=EIO", "error=ENOSPC"],
            // std ignores a failing close of a file, but panics at that of a folder.
            "close" => vec![],
            "rename" | "renameat" | "renameat2" => vec!["error=EIO", "error=EACCES", "error=EROFS", "error=ENOSPC"],
            "mkdir" | "mkdirat" => vec!["error=EACCES", "error=EROFS", "error=EDQUOT"],
            "unlink" | "unlinkat" => vec!["error=EACCES", "error=EROFS", "error=EIO"],
            "statx" | "fstat" | "newfstatat" | "lseek" => vec!["error=EACCES"],
            _ => vec!["error=EIO"],
        },
        |scene, _, state, outcome, place| {
            outcome.says_nothing_of(&["AGE-SECRET-KEY"]);
            if outcome.code == 0 {
                // The failed call did not matter: it read a file's size, or printed the success message.
                assert_eq!(state, scene.new, "{place}");
                return;
            }
            assert_eq!(outcome.code, 6, "{place}");
            assert!(outcome.err.contains("cast: error: ") && outcome.err.contains('\''), "{place}");
            // cast did not report a key that it could not read back; the key stays, and the next command finds it.
            if state == scene.new && scene.words[0] != "init" {
                let said = ["written", "removed", "imported"].iter().any(|word| outcome.err.contains(word));
                assert!(said, "it was done, and only the error is said: {place}");
            }
        },
    );
}
