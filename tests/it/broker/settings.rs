//! `roots` and `proxy` in `config.toml`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::sandbox::Sandbox;

const SECRET: &str = "hunter2-hunter2";

/// A home with these settings.
pub fn with(settings: &str) -> Sandbox {
    let sandbox = Sandbox::with("a", &[("K", SECRET)]);
    write(&sandbox, settings);
    sandbox
}

pub fn write(sandbox: &Sandbox, settings: &str) {
    let path = sandbox.home().join(".config/cast/config.toml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, settings).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn that_are_valid_change_nothing_for_others() {
    for settings in [
        "roots = []\n",
        "roots = [\"/no/such/root.pem\", \"/nor/this\"]\n",
        "proxy = \"none\"\n",
        "proxy = \"http://proxy.corp:3128\"\n",
        "proxy = \"http://me:p%40ss@proxy.corp:3128/\"\n",
        "proxy = \"proxy.corp\"\n",
    ] {
        let sandbox = with(settings);
        let run = sandbox.cast(["run", "a", "--no-mask", "--", "printenv", "K"]).succeeds();
        assert_eq!((run.out.as_str(), run.err.as_str()), ("hunter2-hunter2\n", ""), "{settings}");
    }
}

#[test]
fn that_are_not_valid_are_refused_and_not_shown() {
    let relative = "line 2 of the settings has a path in 'roots' that is not absolute";
    let scheme = "line 2 of the settings has a proxy that cast cannot use: only 'http://' is supported";
    let form = "line 2 of the settings has a proxy that cast cannot use: it is not the address of one";
    let other = "line 2 of the settings is not valid";
    for (setting, message) in [
        ("roots = [\"unter2.pem\"]", relative),
        ("roots = [\"/etc/root.pem\", \"~/unter2.pem\"]", relative),
        ("roots = \"/etc/unter2.pem\"", other),
        ("roots = [1]", other),
        ("proxy = \"https://me:unter2@proxy.corp\"", scheme),
        ("proxy = \"socks5://unter2:1080\"", scheme),
        ("proxy = \"http://unter2/path\"", form),
        ("proxy = \"\"", form),
        ("proxy = \"http://me:%unter2@h:1\"", form),
        ("proxy = false", other),
    ] {
        let sandbox = with(&format!("\n{setting}\n"));
        let refused = sandbox.cast(["run", "a", "true"]).refuses(125, message, &["unter2"]);
        let hint = if message == relative || setting.starts_with("roots") {
            "roots = ["
        } else {
            "proxy = \"http://HOST:PORT"
        };
        assert!(refused.err.lines().any(|line| line.starts_with("cast: hint: ") && line.contains(hint)), "{refused:?}");
        sandbox.cast(["set", "a", "K", SECRET]).refuses(2, message, &["unter2"]);
        let doctor = sandbox.cast(["doctor"]).run();
        assert!(doctor.code == 1 && doctor.out.contains(message), "{doctor:?}");
        doctor.says_nothing_of(&["unter2"]);
    }
}

#[test]
fn that_are_nearly_called_so_are_pointed_out() {
    let sandbox = with("root = []\nproxi = \"none\"\n");
    let listed = sandbox.cast(["list", "a"]).succeeds();
    for name in ["roots", "proxy"] {
        assert!(listed.err.contains(&format!("did you mean '{name}'?")), "{listed:?}");
    }
}
