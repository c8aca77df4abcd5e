//! The settings file.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{told, typed};
use crate::sandbox::{Outcome, Sandbox};

const SECRET: &str = "hunter2-hunter2";

/// A home with these settings.
fn with(settings: &[u8]) -> Sandbox {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    fs::create_dir_all(path(&sandbox).parent().unwrap()).unwrap();
    write(&sandbox, settings);
    sandbox
}

fn path(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.home().join(".config/cast/config.toml")
}

fn write(sandbox: &Sandbox, settings: impl AsRef<[u8]>) {
    fs::write(path(sandbox), settings).unwrap();
    fs::set_permissions(path(sandbox), Permissions::from_mode(0o600)).unwrap();
}

#[track_caller]
fn found(sandbox: &Sandbox) -> Outcome {
    let outcome = sandbox.cast(["doctor"]).run();
    assert_eq!(outcome.code, 1, "{outcome:?}");
    outcome
}

#[track_caller]
fn is_well(sandbox: &Sandbox) {
    sandbox.cast(["run", "a", "--", "true"]).succeeds();
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn that_cannot_be_read() {
    let sandbox = with(&vec![b'#'; 70 << 10]);
    sandbox.cast(["run", "a", "--", "true"]).refuses(125, "larger than 64 KiB", &[]);
    typed(&sandbox, told(&found(&sandbox), "if the file is something else, move it away: {}").hole(0)).succeeds();
    is_well(&sandbox);
    write(&sandbox, b"# caf\xe9\n");
    told(&found(&sandbox), "save them as UTF-8");
    write(&sandbox, "# caf\u{e9}\n");
    is_well(&sandbox);
    fs::remove_file(path(&sandbox)).unwrap();
    fs::create_dir(path(&sandbox)).unwrap();
    fs::remove_dir_all(path(&sandbox).with_extension("toml.lost")).ok();
    fs::remove_file(path(&sandbox).with_extension("toml.lost")).ok();
    typed(&sandbox, told(&found(&sandbox), "move it away: {}").hole(0)).succeeds();
    is_well(&sandbox);
}

#[test]
fn that_others_can_write() {
    let sandbox = with(b"stale_after = \"90d\"\n");
    fs::set_permissions(path(&sandbox), Permissions::from_mode(0o666)).unwrap();
    let refused = sandbox.cast(["run", "a", "--", "true"]).refuses(125, "other users can write them", &[]);
    typed(&sandbox, told(&refused, "if they contain what you want, run: {}").hole(0)).succeeds();
    is_well(&sandbox);
}

#[test]
fn that_are_not_valid() {
    let sandbox = with(b"mask = \"perhaps\"\n");
    let refused = sandbox.cast(["run", "a", "--", "true"]).refuses(125, "is not valid", &["perhaps"]);
    told(
        &refused,
        "valid settings are: mask = \"auto\", \"always\" or \"never\"; audit = \"on\", \"required\" or \"off\"",
    );
    let form = "and: no_builtin = [\"my-agent\"], stale_after = \"90d\", roots = [\"/etc/corp/root.pem\"], proxy = \"http://HOST:PORT\"";
    told(&refused, form);
    let others = "no_builtin = [\"my-agent\"]\nstale_after = \"90d\"\nproxy = \"http://HOST:3128\"\n";
    for (mask, audit) in [("auto", "on"), ("never", "required"), ("always", "off")] {
        write(&sandbox, format!("mask = \"{mask}\"\naudit = \"{audit}\"\n{others}"));
        sandbox.cast(["run", "a", "--", "true"]).succeeds();
    }
    write(&sandbox, others);
    is_well(&sandbox);
}

#[test]
fn that_are_not_known_or_weaken_it() {
    let sandbox = with(b"maks = \"auto\"\nstale_after = \"90d\"\n");
    told(&found(&sandbox), "fix or delete that line");
    write(&sandbox, "stale_after = \"90d\"\n");
    is_well(&sandbox);
    for weak in ["mask = \"never\"", "audit = \"off\""] {
        write(&sandbox, format!("{weak}\nstale_after = \"90d\"\n"));
        let advice = told(&found(&sandbox), "remove '{what}' from the settings if you do not want that");
        let text = fs::read_to_string(path(&sandbox)).unwrap();
        let line = format!("{}\n", advice.hole(0));
        assert!(text.contains(&line), "{text}");
        write(&sandbox, text.replace(&line, ""));
        is_well(&sandbox);
    }
}
