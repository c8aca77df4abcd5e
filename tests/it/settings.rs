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

/// A newer cast may know it.
#[test]
fn that_cast_does_not_know_are_a_warning_on_each_command() {
    let (sandbox, settings) = sandbox();
    fs::write(&settings, "mask = \"never\"\nadit = \"off\"\nhunter3 = 1\n").unwrap();
    let path = settings.display();
    let known = "cast knows 'mask', 'no_builtin', 'stale_after', 'audit', 'roots', 'proxy'";
    let line = |number, known| {
        format!("cast: warning: line {number} of the settings is not a setting that cast knows ({known}): '{path}'\n")
    };
    let warnings = line(2, "did you mean 'audit'?") + &line(3, known);
    for words in [
        &["list"][..],
        &["list", "a"],
        &["secrets", "check", "a", "--example", "/dev/null"],
        &["run", "a", "--explain"],
        &["run", "a", "true"],
        &["audit"],
        &["key", "status"],
        &["init"],
        &["-q", "set", "a", "K", "hunter2-hunter2"],
    ] {
        let outcome = sandbox.cast(words).succeeds();
        assert!(outcome.err.starts_with(&warnings), "{words:?}: {outcome:?}");
        outcome.says_nothing_of(&["hunter"]);
    }
    // The settings that are known count.
    assert_eq!(sandbox.cast(["run", "a", "printenv", "K"]).succeeds().out, "hunter2-hunter2\n");
    // Doctor finds it.
    let doctor = sandbox.cast(["doctor"]).run();
    assert!(doctor.code == 1 && doctor.out.contains("did you mean 'audit'?"), "{doctor:?}");
    // Nothing else is said where the shell asks.
    let asked = sandbox.cast(["__complete", "bash"]).input("list\0\0").succeeds();
    assert_eq!((asked.out.as_str(), asked.err.as_str()), ("words\na\n", ""));
}

#[test]
fn with_a_value_that_is_not_valid_are_an_error() {
    let (sandbox, settings) = sandbox();
    for text in ["mask = \"hunter2\"", "audit = true", "stale_after = \"hunter2\"", "no_builtin = [\"Hunter2\"]"] {
        fs::write(&settings, format!("\n{text}\n")).unwrap();
        sandbox.cast(["run", "a", "true"]).refuses(125, "line 2 of the settings is not valid", &["unter2"]);
        for words in [
            &["set", "a", "K", "hunter2"][..],
            &["list"],
            &["list", "a"],
            &["delete", "a", "K"],
            &["secrets", "check", "a", "--example", "/dev/null"],
            &["run", "a", "--explain"],
            &["mask", "a"],
            &["init"],
            &["audit"],
            &["key", "status"],
            &["vault", "accept", "a"],
        ] {
            sandbox.cast(words).refuses(2, "line 2 of the settings is not valid", &["unter2"]);
        }
        for words in [&["help"][..], &["man"], &["completions", "bash"]] {
            assert_eq!(sandbox.cast(words).succeeds().err, "", "{words:?}");
        }
        let asked = sandbox.cast(["__complete", "bash"]).input("list\0\0").succeeds();
        assert_eq!((asked.out.as_str(), asked.err.as_str()), ("words\na\n", ""));
        let doctor = sandbox.cast(["doctor"]).run();
        assert!(doctor.code == 1 && doctor.out.contains("line 2 of the settings is not valid"), "{doctor:?}");
        doctor.says_nothing_of(&["unter2"]);
    }
}

#[test]
fn all_of_them_are_in_one_place_of_the_manual() {
    let page = Sandbox::empty().cast(["man"]).succeeds().out;
    let (_, rest) = page.split_once("\n.SH SETTINGS\n").unwrap();
    let (section, _) = rest.split_once("\n.SH ").unwrap();
    for name in cast_core::settings::NAMES {
        assert!(section.contains(&format!("\n.B {name} = ")), "'{name}' is missing: {section}");
    }
    for value in ["auto", "never", "on", "required", "off"] {
        assert!(section.contains(&format!("\\(dq{value}\\(dq")), "\"{value}\" is missing: {section}");
    }
}
