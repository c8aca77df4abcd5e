//! A driver that is killed at any of its calls leaves our side, or the merged one; and no plain text is written.

use std::collections::BTreeSet;
use std::fs;

use super::{Machine, SECRETS, two_branches, two_machines};
use crate::durability::faults::{KILLED, injected, traced};
use crate::durability::leftovers;
use crate::sandbox::{Sandbox, Tries, lacks, skip};

/// The three files that git gives to the driver.
fn sides(here: &Machine, there: &Machine) -> [Vec<u8>; 3] {
    let base = fs::read(there.file()).unwrap();
    here.set("T_ONE", "hunter2-here");
    there.set("T_TWO", "hunter2-there");
    [base, fs::read(there.file()).unwrap(), fs::read(here.file()).unwrap()]
}

#[test]
fn a_killed_driver_leaves_one_side_or_the_merged_one() {
    let Some([here, there]) = two_machines() else { return };
    let [base, ours, theirs] = sides(&here, &there);
    let home = there.sandbox.home();
    let paths = ["base", "ours", "theirs"].map(|name| home.join(name).to_str().unwrap().to_owned());
    let lay_out = || {
        for (path, bytes) in paths.iter().zip([&base, &ours, &theirs]) {
            fs::write(path, bytes).unwrap();
        }
    };
    lay_out();
    let words = ["git", "merge", &paths[0], &paths[1], &paths[2], "vaults/a.age"];
    let Some(calls) = traced(&there.sandbox, &words) else { return skip("git: strace cannot trace here") };
    let merged = fs::read(&paths[1]).unwrap();
    assert!(merged != ours && merged != theirs);
    let writes = ["write", "pwrite64", "rename", "renameat", "renameat2", "openat", "unlink", "close", "fsync"];
    let calls: Vec<_> = calls.into_iter().filter(|call| writes.contains(&&*call.name)).collect();
    let (tries, mut seen) = (Tries::at(calls.len(), KILLED), [0, 0]);
    for call in &calls {
        tries.next();
        lay_out();
        injected(&there.sandbox, &words, call, "signal=SIGKILL");
        let now = fs::read(&paths[1]).unwrap();
        // Each seal is encrypted anew.
        let is_merged = now != ours;
        seen[usize::from(is_merged)] += 1;
        if is_merged {
            fs::write(there.file(), &now).unwrap();
            assert_eq!(there.values(), "T_ONE=hunter2-here T_TWO=hunter2-there", "{}", call.line);
        }
    }
    assert!(seen[0] > 5, "{seen:?}");
    lay_out();
    assert_eq!(there.sandbox.cast(words).succeeds().err, "");
}

/// One machine whose folder of vaults is a repository, in the middle of a merge of two branches.
fn in_conflict() -> Option<Sandbox> {
    if lacks("git", "git") {
        return None;
    }
    let sandbox = Sandbox::with("a", &[("K", "hunter2-base"), ("L", "hunter2-other")]);
    let folder = sandbox.vault("a").parent().unwrap().to_owned();
    let git = |words: &[&str]| {
        let name = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
        sandbox.other("git", name.iter().chain(words)).dir(&folder).run()
    };
    for words in [&["init", "-q"][..], &["add", "-A"], &["commit", "-qm", "base"], &["checkout", "-qb", "side"]] {
        assert_eq!(git(words).code, 0);
    }
    sandbox.set("a", "K", "hunter2-side");
    git(&["commit", "-qam", "side"]);
    git(&["checkout", "-q", "main"]);
    sandbox.set("a", "K", "hunter2-main");
    git(&["commit", "-qam", "main"]);
    assert_eq!(git(&["merge", "--no-edit", "side"]).code, 1);
    Some(sandbox)
}

#[test]
fn a_merge_that_is_killed_leaves_the_old_vault_or_the_merged_one() {
    let words = ["vault", "merge", "a", "--theirs", "K"];
    let Some(sandbox) = in_conflict() else { return };
    let Some(calls) = traced(&sandbox, &words) else { return skip("git: strace cannot trace here") };
    let value = |sandbox: &Sandbox| String::from_utf8(sandbox.value("a", "K")).unwrap();
    assert_eq!(value(&sandbox), "hunter2-side");
    let writes =
        ["write", "pwrite64", "rename", "renameat", "renameat2", "unlink", "unlinkat", "fsync", "fdatasync", "flock"];
    let calls: Vec<_> = calls.into_iter().filter(|call| writes.contains(&&*call.name)).collect();
    assert!(calls.len() > 10);
    let (tries, mut seen) = (Tries::at(calls.len(), KILLED), BTreeSet::new());
    for call in &calls {
        tries.next();
        let sandbox = in_conflict().unwrap();
        injected(&sandbox, &words, call, "signal=SIGKILL");
        let now = value(&sandbox);
        assert!(["hunter2-main", "hunter2-side"].contains(&&*now), "{}: {now}", call.line);
        if now == "hunter2-main" {
            sandbox.cast(words).succeeds();
            assert_eq!(value(&sandbox), "hunter2-side", "{}", call.line);
        }
        sandbox.set("a", "L", "hunter2-next");
        assert_eq!(sandbox.value("a", "L"), b"hunter2-next");
        assert_eq!(leftovers(&sandbox), Vec::<String>::new(), "{}", call.line);
        seen.insert(now);
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[test]
fn no_plain_text_is_written() {
    let Some([_, there]) = two_branches() else { return };
    let log = there.sandbox.home().join("trace");
    let git = "strace -f -qq -s 1000000 -e trace=write,pwrite64,writev,sendto,sendmsg -o ../trace \
               git -c user.name=T -c user.email=t@example.com";
    let script = format!("cd clone && {git} merge -q --no-edit origin/main && {git} log -p -2 >/dev/null");
    let traced = there.sandbox.other("sh", ["-c", &script]).env("CAST_VAULTS", there.vaults()).run();
    if traced.code != 0 && traced.err.contains("ptrace") {
        return skip("git: strace cannot trace here");
    }
    assert_eq!(traced.code, 0, "{traced:?}");
    let written = fs::read_to_string(log).unwrap();
    assert!(written.contains("T_ONE  20"), "the log has what was shown");
    for secret in SECRETS.iter().chain(&["hunter2-there", "AGE-SECRET-KEY"]) {
        assert!(!written.contains(secret), "'{secret}' was written");
    }
    assert_eq!(there.values(), "T_ONE=hunter2-here T_TWO=hunter2-there");
}
