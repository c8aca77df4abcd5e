//! `config.toml`: who can write it can switch masking and the audit log off, so that is nobody but its user.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use crate::sandbox::Sandbox;

/// A home with settings that switch masking off.
fn sandbox() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::with("a", &[("K", "hunter2-hunter2")]);
    let settings = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "mask = \"never\"\n").unwrap();
    fs::set_permissions(&settings, Permissions::from_mode(0o600)).unwrap();
    (sandbox, settings)
}

#[test]
fn that_others_can_write_are_not_used() {
    let (sandbox, settings) = sandbox();
    let run = || sandbox.cast(["run", "a", "--", "printenv", "K"]);
    assert_eq!(run().succeeds().out, "hunter2-hunter2\n");
    for mode in [0o620, 0o602, 0o666] {
        fs::set_permissions(&settings, Permissions::from_mode(mode)).unwrap();
        let refused = run().refuses(125, "other users can write them", &["hunter2"]);
        assert!(refused.err.contains("cast: hint: ") && refused.err.contains("chmod"), "{refused:?}");
    }
    for mode in [0o644, 0o400] {
        fs::set_permissions(&settings, Permissions::from_mode(mode)).unwrap();
        assert_eq!(run().succeeds().out, "hunter2-hunter2\n");
    }
    // Behind a link it is the file that counts.
    let real = sandbox.home().join("real.toml");
    fs::rename(&settings, &real).unwrap();
    std::os::unix::fs::symlink(&real, &settings).unwrap();
    run().succeeds();
    fs::set_permissions(&real, Permissions::from_mode(0o622)).unwrap();
    run().refuses(125, "other users can write them", &["hunter2"]);
}

#[test]
fn of_another_user_are_not_used() {
    if !rustix::process::geteuid().is_root() {
        return crate::sandbox::skip("settings: needs root");
    }
    let (sandbox, settings) = sandbox();
    chown(&settings, Some(65534), None).unwrap();
    sandbox.cast(["run", "a", "--", "printenv", "K"]).refuses(125, "other users can write them", &["hunter2"]);
}
