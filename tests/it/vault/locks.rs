//! Who may keep the owner from writing: another writer, for a moment, from whatever home; not somebody who only reads.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;

use super::{sandbox, works};
use crate::sandbox::{Sandbox, skip};

#[test]
fn a_reader_of_the_folder_does_not() {
    let runs = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !rustix::process::geteuid().is_root() || !runs("setpriv") || !runs("flock") {
        return skip("vault locks: needs root, setpriv and flock");
    }
    let sandbox = sandbox();
    for folder in sandbox.vault("a").ancestors().skip(1).take_while(|folder| folder.starts_with(sandbox.home())) {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(sandbox.vault("a"), fs::Permissions::from_mode(0o644)).unwrap();
    // Locks on all that somebody else can open there.
    let folder = sandbox.vault("a").parent().unwrap().to_owned();
    let script = "for each in \"$0\" \"$0\"/* \"$0\"/.cast.lock; do \
                  if exec 9<\"$each\"; then flock -xn 9 && echo \"held $each\"; eval 'exec 7<&9'; fi 2>/dev/null; done; \
                  exec 8<\"$0\"; flock -x 8 2>/dev/null & exec 6<\"$0/a.age\"; flock -xn 6; echo ready; cat";
    let mut reader = sandbox
        .command("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", script])
        .arg(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(reader.stdout.take().unwrap()).lines();
    let said: Vec<_> = lines.by_ref().map(Result::unwrap).take_while(|line| line != "ready").collect();
    assert!(said.iter().any(|line| line.starts_with("held ")), "{said:?}");
    works(&sandbox);
    drop(reader.stdin.take());
    drop(lines);
    let _ = reader.kill();
    reader.wait().unwrap();
}

#[test]
fn two_homes_on_one_folder_exclude_each_other() {
    let (one, two) = (Sandbox::new(), Sandbox::empty());
    fs::create_dir_all(two.data()).unwrap();
    fs::write(two.key_file(), fs::read(one.key_file()).unwrap()).unwrap();
    fs::set_permissions(two.key_file(), fs::Permissions::from_mode(0o600)).unwrap();
    let folder = one.home().join("shared");
    one.cast(["set", "a", "FIRST", "hunter2"]).env("CAST_VAULTS", &folder).succeeds();
    thread::scope(|scope| {
        for (home, name) in [(&one, "ONE"), (&two, "TWO")] {
            for thread in 0..2 {
                let folder = &folder;
                scope.spawn(move || {
                    for number in 0..8 {
                        let key = format!("{name}_{thread}_{number}");
                        home.cast(["set", "a", &key, "hunter2"]).env("CAST_VAULTS", folder).succeeds();
                    }
                });
            }
        }
    });
    // No change is lost, and the lock is gone.
    for home in [&one, &two] {
        let list = home.cast(["list", "a", "--json"]).env("CAST_VAULTS", &folder).succeeds().out;
        let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
        assert_eq!(list.len(), 33);
    }
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.age"]);
}

#[test]
fn a_leftover_lock_is_taken_over_and_no_link_is_followed() {
    let sandbox = sandbox();
    let lock = sandbox.vault("a").with_file_name(".cast.lock");
    fs::File::create(&lock).unwrap().write_all(b"left by one that was killed").unwrap();
    works(&sandbox);
    assert!(!lock.exists());
    let elsewhere = sandbox.home().join("elsewhere");
    for there in [false, true] {
        if there {
            fs::write(&elsewhere, "precious").unwrap();
        }
        std::os::unix::fs::symlink(&elsewhere, &lock).unwrap();
        // The link is cleared away, and what it leads to is neither made nor locked.
        works(&sandbox);
        assert!(elsewhere.exists() == there && lock.symlink_metadata().is_err());
    }
    assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
    works(&sandbox);
}

/// Of many readers at once, each remembers what is newer, whoever else is writing down something.
#[test]
fn readers_wait_to_remember_what_is_newer() {
    let (here, there) = (Sandbox::new(), Sandbox::empty());
    fs::create_dir_all(there.data()).unwrap();
    fs::copy(here.key_file(), there.key_file()).unwrap();
    let agents: Vec<_> = (0..6).map(|number| format!("agent-{number}")).collect();
    let folder = here.vault("a").parent().unwrap().to_owned();
    let read = |agent: &str| there.cast(["list", agent]).env("CAST_VAULTS", &folder).succeeds();
    let each = |set: &(dyn Fn(&str) + Sync)| {
        thread::scope(|scope| {
            for agent in &agents {
                scope.spawn(move || set(agent));
            }
        });
    };
    each(&|agent| {
        here.set(agent, "K", "hunter2-old");
        read(agent);
    });
    let old: Vec<_> = agents.iter().map(|agent| fs::read(here.vault(agent)).unwrap()).collect();
    each(&|agent| here.set(agent, "K", "hunter2-new"));
    let new = fs::read(here.vault("agent-0")).unwrap();
    each(&|agent| assert_eq!(read(agent).err, ""));
    let is_refused = |agent: &str| {
        let list = there.cast(["list", agent]).env("CAST_VAULTS", &folder);
        list.refuses(5, "older than this machine has seen", &["hunter2"]);
    };
    for (agent, old) in agents.iter().zip(&old) {
        fs::write(here.vault(agent), old).unwrap();
        is_refused(agent);
    }
    // Whoever waited in vain says so; what is known already needs no lock.
    fs::write(here.vault("agent-0"), new).unwrap();
    here.set("agent-0", "K", "hunter2-newest");
    let lock = fs::File::open(there.state().join("locks/seen.lock")).unwrap();
    lock.lock().unwrap();
    let said = read("agent-0").err;
    assert!(
        said.contains("could not be remembered") && said.contains("another cast process has held the lock"),
        "{said}"
    );
    lock.unlock().unwrap();
    assert_eq!(read("agent-0").err, "");
    lock.lock().unwrap();
    assert_eq!(read("agent-0").err, "");
}
