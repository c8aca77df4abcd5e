//! `audit = "required"`: cast does nothing that it cannot log. `audit = "off"`: cast logs nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::told;
use crate::sandbox::{Sandbox, skip};

/// A home with one secret and these settings.
fn with_settings(text: &str) -> Sandbox {
    let sandbox = Sandbox::with("a", &[("K", "hunter22")]);
    let settings = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(settings, text).unwrap();
    sandbox
}

#[test]
fn what_begins_is_noted_before_it_does() {
    let sandbox = with_settings("audit = \"required\"\n");
    sandbox.set("a", "L", "hunter22");
    sandbox.cast(["run", "a", "--no-mask", "--", "true"]).succeeds();
    sandbox.cast(["delete", "a", "NONE"]).refuses(3, "NONE", &["hunter22"]);
    assert_eq!(
        told(&sandbox)[2..],
        [
            "set a L - started",
            "set a L - ok",
            "run a K,L true started",
            "delete a NONE - started",
            "delete a NONE - not-found"
        ]
    );
}

#[test]
fn what_cannot_be_noted_is_not_done() {
    let sandbox = with_settings("audit = \"required\"\n");
    let log = sandbox.state().join("audit.jsonl");
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    let accept = ["vault", "accept", "a", "--yes"];
    for words in
        [&["set", "a", "K", "hunter22"][..], &["set", "new", "K", "hunter22"], &["delete", "a", "K"], &["init"]]
    {
        let refused = sandbox.cast(words).refuses(6, "audit log", &["hunter22"]);
        assert!(refused.err.contains("cast: hint: your settings contain: audit = \"required\""), "{refused:?}");
    }
    sandbox.cast(["delete", "a", "--all", "--yes"]).refuses(6, "audit log", &["hunter22"]);
    sandbox.cast(["run", "a", "--", "touch", "started"]).refuses(125, "audit log", &["hunter22"]);
    sandbox.cast(["run", "a", "--no-mask", "--", "touch", "started"]).refuses(125, "audit log", &["hunter22"]);
    // cast does not log reading, and so does not refuse it.
    sandbox.cast(["list", "a"]).succeeds();
    sandbox.cast(["run", "a", "--explain"]).succeeds();
    sandbox.cast(accept).succeeds();
    fs::remove_dir(&log).unwrap();
    sandbox.set("a", "K", "hunter22");
    // Before cast asks for a passphrase or anything else.
    fs::rename(sandbox.key_file(), sandbox.home().join("key")).unwrap();
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    sandbox.cast(["run", "a", "--", "true"]).refuses(125, "audit log", &[]);
    sandbox.cast(["set", "a", "K", "v"]).refuses(6, "audit log", &[]);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let sandbox = with_settings("audit = \"required\"\n");
    let nobody = |words: &[&str]| sandbox.cast_as_nobody("", words);
    nobody(&["list", "a"]).succeeds();
    fs::remove_file(sandbox.state().join("audit.jsonl")).unwrap();
    fs::set_permissions(sandbox.state(), Permissions::from_mode(0o500)).unwrap();
    nobody(&["run", "a", "--", "touch", "started"]).refuses(125, "permission denied", &["hunter22"]);
    nobody(&["set", "a", "K", "hunter22"]).refuses(6, "permission denied", &["hunter22"]);
    fs::set_permissions(sandbox.state(), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_full_disk() {
    for required in [true, false] {
        let sandbox = with_settings(if required { "audit = \"required\"\n" } else { "" });
        // Only the log is on it.
        let disk = sandbox.state().join("disk");
        let Some(_disk) = Disk::mount(&disk) else {
            return skip("audit: a full disk: no file system may be mounted here");
        };
        let cast = |words: &[&str]| {
            let home = disk.clone();
            let call = sandbox.cast(words).env("XDG_STATE_HOME", home);
            call.env("CAST_VAULTS", sandbox.data().join("vaults"))
        };
        // The record of the vault and the log fit; then the disk is full.
        cast(&["set", "a", "K", "hunter22"]).succeeds();
        while fs::write(disk.join(format!("junk{}", fs::read_dir(&disk).unwrap().count())), [1; 4096]).is_ok() {}
        let log = disk.join("cast/audit.jsonl");
        let length = fs::metadata(&log).unwrap().len();
        let mut page = fs::read(&log).unwrap();
        page.resize(4096, b'\n');
        fs::write(&log, &page).unwrap();
        assert!(length < 4096);
        let run = |program: &str| cast(&["run", "a", "--no-mask", "--", program]);
        if required {
            run("env").refuses(125, "no space left on device", &["hunter22"]);
            let set = cast(&["set", "a", "K", "hunter22"]).refuses(6, "no space left on device", &["hunter22"]);
            assert!(set.err.contains("audit log"), "{set:?}");
        } else {
            let outcome = run("true").succeeds();
            assert_eq!(outcome.err, "");
        }
    }
}

#[test]
fn off_is_off() {
    let sandbox = with_settings("audit = \"off\"\n");
    let before = sandbox.audit_log();
    sandbox.set("a", "L", "hunter22");
    sandbox.cast(["run", "a", "--", "true"]).succeeds();
    sandbox.cast(["list", "nobody"]).refuses(3, "no vault", &[]);
    assert_eq!(sandbox.audit_log(), before);
}

#[test]
fn settings_that_are_not_understood_allow_nothing() {
    let sandbox = with_settings("audit = \"hunter2\"\n");
    for words in [&["set", "a", "K", "v"][..], &["delete", "a", "K"], &["init"], &["list", "a"]] {
        sandbox.cast(words).refuses(2, "line 1 of the settings", &["hunter2"]);
    }
    sandbox.cast(["run", "a", "--no-mask", "--", "true"]).refuses(125, "line 1 of the settings", &["hunter2"]);
}

/// A file system of 32 KiB.
pub struct Disk(PathBuf);

impl Disk {
    pub fn mount(at: &PathBuf) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=32k", "tmpfs"]).arg(at).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(at.clone()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
