//! The log file: private, whole under many writers and kills, rotated without loss, and no command waits for it.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;
use std::thread;

use super::{entries, told};
use crate::sandbox::{CAST, Sandbox, skip};

#[test]
fn the_file_is_private_whatever_the_umask() {
    for umask in ["umask 0", "umask 777"] {
        let sandbox = Sandbox::empty();
        sandbox.cast_after(umask, ["init", "--key-store", "file"]).succeeds();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(sandbox.state().join("audit.jsonl")), 0o600);
        assert_eq!(mode(sandbox.state()), 0o700);
    }
}

#[test]
fn parallel_writers_tear_no_line() {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    thread::scope(|scope| {
        for number in 0..24 {
            let sandbox = &sandbox;
            scope.spawn(move || match number % 3 {
                0 => sandbox.set("a", &format!("K{number}"), "hunter22"),
                1 => drop(sandbox.cast(["run", "a", "--no-mask", "--", "true"]).succeeds()),
                _ => drop(sandbox.cast(["list", &format!("none-{number}")]).run()),
            });
        }
    });
    let told = told(&sandbox);
    assert_eq!(told.len(), 2 + 24, "{told:?}");
    for number in 0..24 {
        let expected = match number % 3 {
            0 => format!("set a K{number} - ok"),
            1 => continue,
            _ => format!("list none-{number} - - not-found"),
        };
        assert!(told.contains(&expected), "{expected}: {told:?}");
    }
    assert_eq!(told.iter().filter(|line| line.starts_with("run a ")).count(), 8);
    assert!(sandbox.audit_log().lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn a_full_log_is_turned_over_once() {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    let log = sandbox.state().join("audit.jsonl");
    // Fill the log with valid lines.
    let lines = fs::read_to_string(&log).unwrap();
    let line = lines.lines().last().unwrap();
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    let count = ((1 << 20) - lines.len()) / (line.len() + 1);
    file.write_all(format!("{line}\n").repeat(count).as_bytes()).unwrap();
    thread::scope(|scope| {
        for _ in 0..12 {
            let sandbox = &sandbox;
            scope.spawn(move || sandbox.cast(["run", "a", "--no-mask", "--", "true"]).succeeds());
        }
    });
    assert_eq!(entries(&sandbox, &[]).len(), 2 + count + 12);
    let older = sandbox.state().join("audit.1.jsonl");
    let length = |path| fs::metadata(path).unwrap().len();
    assert!(length(&older) > (1 << 20) - 1024 && length(&older) < (1 << 20) + 8192);
    assert!(length(&log) < 8192);
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(sandbox.state()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.iter().filter(|name| name.to_string_lossy().ends_with(".jsonl")).count(), 2, "{names:?}");
}

#[test]
fn a_kill_at_any_point_leaves_a_log_that_works() {
    if !has_strace() {
        return skip("audit: strace is not installed");
    }
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    for call in ["openat", "lseek", "write", "close"] {
        for count in 1.. {
            let before = told(&sandbox).len();
            let inject = format!("inject={call}:signal=SIGKILL:when={count}");
            let words = ["-o", "/dev/null", "-e", &inject, CAST, "run", "a", "--no-mask", "--", "true"];
            let outcome = sandbox.other("strace", words).run();
            let noted = told(&sandbox).len() - before;
            assert!(noted <= 1);
            if outcome.code == 0 {
                assert_eq!(noted, 1);
                break;
            }
        }
    }
    let outcome = sandbox.cast(["audit"]).succeeds();
    assert_eq!(outcome.err, "", "no line is damaged");
}

#[test]
fn damaged_lines_are_passed_over_and_counted() {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    let log = sandbox.state().join("audit.jsonl");
    let mut file = OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(b"{\"time\":\"2026-01-15T10:30:0\nhunter22\n{\"time\":\"2026-").unwrap();
    sandbox.set("a", "L", "hunter22");
    let outcome = sandbox.cast(["audit"]).succeeds();
    assert_eq!(outcome.out.lines().count(), 1 + 3);
    assert_eq!(outcome.err, "cast: hint: skipped 3 damaged lines of the audit log\n");
    assert!(!outcome.out.contains("hunter22"));
    assert_eq!(told(&sandbox).last().unwrap(), "set a L - ok");
    // Foreign text in the log cannot move the cursor.
    let line = fs::read_to_string(&log).unwrap().lines().next().unwrap().to_owned();
    file.write_all((line.replace("\"init\"", "\"\\u001b[2Jinit\"") + "\n").as_bytes()).unwrap();
    assert!(!sandbox.cast(["audit"]).succeeds().out.contains('\u{1b}'));
}

#[test]
fn a_run_waits_for_no_lock_and_no_disk() {
    if !has_strace() {
        return skip("audit: strace is not installed");
    }
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    let locks: Vec<_> = ["audit.lock", "locks/key.lock"]
        .map(|name| OpenOptions::new().create(true).append(true).open(sandbox.state().join(name)).unwrap())
        .into_iter()
        .inspect(|file| file.lock().unwrap())
        .collect();
    // Full, so that cast rotates it.
    let log = sandbox.state().join("audit.jsonl");
    OpenOptions::new().append(true).open(&log).unwrap().write_all(&vec![b'\n'; 1 << 20]).unwrap();
    let trace = sandbox.home().join("trace");
    let words = ["-f", "-o", trace.to_str().unwrap(), CAST, "run", "a", "--no-mask", "--", "true"];
    sandbox.other("strace", words).succeeds();
    drop(locks);
    let trace = fs::read_to_string(trace).unwrap();
    let trace = &trace[..trace.find("execve(\"/usr/bin/true\"").or(trace.find("execve(\"/bin/true\"")).unwrap()];
    for call in ["fsync", "fdatasync", "sync_file_range", "nanosleep", "O_SYNC", "O_DSYNC", "passwd", "nscd"] {
        assert!(!trace.contains(call), "{call}: {trace}");
    }
    // One append, of one whole line.
    let writes: Vec<_> = trace.lines().filter(|line| line.contains(" write(")).collect();
    assert!(writes.len() == 1 && writes[0].contains("{\\\"time\\\""), "{writes:?}");
    assert_eq!(told(&sandbox).last().unwrap(), "run a K true started");
}

#[test]
fn what_is_no_file_is_not_written_to() {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    let (log, target) = (sandbox.state().join("audit.jsonl"), sandbox.home().join("target"));
    let runs = || {
        let outcome = sandbox.cast(["run", "a", "--no-mask", "--", "echo", "runs"]).succeeds();
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("runs\n", ""));
        sandbox.set("a", "K", "hunter22");
    };
    fs::remove_file(&log).unwrap();
    fs::write(&target, "mine").unwrap();
    symlink(&target, &log).unwrap();
    runs();
    assert_eq!(fs::read(&target).unwrap(), b"mine");
    sandbox.cast(["audit"]).refuses(6, "not a regular file", &[]);
    fs::remove_file(&log).unwrap();
    assert!(sandbox.command("mkfifo").arg(&log).status().unwrap().success());
    runs();
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    runs();
}

#[test]
fn a_log_that_cannot_be_written_disturbs_nobody() {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    let nobody = |words: &[&str]| sandbox.cast_as_nobody("", words).succeeds();
    let log = sandbox.state().join("audit.jsonl");
    nobody(&["list", "a"]);
    let undisturbed = || {
        let outcome = nobody(&["run", "a", "--no-mask", "--", "printenv", "K"]);
        assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("hunter22\n", ""));
        assert_eq!(nobody(&["set", "a", "K", "hunter22"]).err, "✓ Secret 'K' replaced for agent 'a'\n");
        assert_eq!(nobody(&["run", "a", "--", "printenv", "K"]).out, "[cast:K]\n");
    };
    fs::set_permissions(&log, Permissions::from_mode(0o400)).unwrap();
    undisturbed();
    fs::remove_file(&log).unwrap();
    fs::set_permissions(sandbox.state(), Permissions::from_mode(0o500)).unwrap();
    undisturbed();
    assert!(!log.exists());
    fs::set_permissions(sandbox.state(), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_log_that_may_not_grow_disturbs_nobody() {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    // A limit on file size, which kills a process that exceeds it.
    let limited = sandbox.cast_after("ulimit -f 0", ["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds();
    assert_eq!((limited.out.as_str(), limited.err.as_str()), ("hunter22\n", ""));
    // No home at all, with the key in a variable.
    let vaults = sandbox.data().join("vaults");
    let homeless = sandbox.cast(["run", "a", "--no-mask", "--", "printenv", "K"]).env("HOME", "/dev/null");
    let homeless = homeless.env("CAST_VAULTS", vaults).env("CAST_KEY", sandbox.key()).succeeds();
    assert_eq!((homeless.out.as_str(), homeless.err.as_str()), ("hunter22\n", ""));
}

fn has_strace() -> bool {
    std::process::Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}
