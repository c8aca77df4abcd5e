//! `cast doctor`: what a broker could not work with.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::settings::{with, write};
use super::{SHORT, VALUE, text};
use crate::advice::{told, typed};
use crate::doctor::{checks, diagnosed};
use crate::forge::Key;
use crate::sandbox::{CAST, Outcome, Sandbox, skip};

/// A root that nobody has, as PEM.
const ROOT: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

/// A home where a secret is brokered.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.cast(["set", "codex", "K", VALUE, "--host", "api.openai.com"]).succeeds();
    sandbox
}

/// What doctor finds: the one finding, of this kind.
#[track_caller]
fn found(sandbox: &Sandbox) -> Outcome {
    let (outcome, json) = diagnosed(sandbox.cast(["doctor", "--json"]));
    assert_eq!(checks(&json), ["broker"], "{json}");
    outcome.says_nothing_of(&["hunter2"]);
    let outcome = sandbox.cast(["doctor"]).run();
    assert_eq!(outcome.code, 1, "{outcome:?}");
    outcome
}

fn root(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join("root.pem")
}

#[test]
fn nothing_is_wrong() {
    let sandbox = sandbox();
    sandbox.cast(["doctor"]).succeeds();
    // That a well-known key is given as it is, is its owner's choice.
    sandbox.set("codex", "OPENAI_API_KEY", VALUE);
    sandbox.cast(["doctor"]).succeeds();
    write(&sandbox, &format!("proxy = \"http://me:hunter2@proxy.corp:3128\"\nroots = [{:?}]\n", root(&sandbox)));
    fs::write(root(&sandbox), ROOT).unwrap();
    sandbox.cast(["doctor"]).succeeds().says_nothing_of(&["hunter2"]);
}

/// As after a change by an older cast, or by another tool.
#[test]
fn a_value_that_cannot_be_brokered() {
    let unfit = || {
        let sandbox = sandbox();
        let forged = text(&sandbox, "codex").edited(VALUE, SHORT).next();
        fs::write(sandbox.vault("codex"), forged.seal(Key::master(&sandbox))).unwrap();
        sandbox
    };
    let one = unfit();
    let what =
        "secret 'K' of agent 'codex' cannot be brokered: it has 7 letters and digits beyond its prefix, and 16 are";
    let outcome = found(&one);
    assert!(outcome.out.contains(what), "{outcome:?}");
    let advice = told(&outcome, "set the right value: 'cast secrets set {agent} {name}'");
    typed(&one, &advice.command("cast secrets set")).input(VALUE).succeeds();
    one.cast(["doctor"]).succeeds();
    let other = unfit();
    let advice = told(&found(&other), "or give it as it is: 'cast secrets set {agent} {name} --keep --host '''");
    typed(&other, &format!("{}''", advice.command("cast secrets set"))).succeeds();
    other.cast(["doctor"]).succeeds();
    assert_eq!(other.value("codex", "K"), SHORT.as_bytes());
}

#[test]
fn files_of_roots() {
    let sandbox = with("");
    let path = root(&sandbox);
    let named = format!("roots = [{path:?}]\n");
    write(&sandbox, &named);
    told(&found(&sandbox), "put the file there, or take it out of 'roots' in the settings");
    fs::write(&path, ROOT).unwrap();
    sandbox.cast(["doctor"]).succeeds();
    // Behind a link it is the file that counts.
    for mode in [0o666, 0o620, 0o602] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let link = sandbox.home().join("link.pem");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&sandbox, &format!("roots = [{link:?}]\n"));
        assert!(found(&sandbox).out.contains("other users can write them"));
        fs::remove_file(&link).unwrap();
        write(&sandbox, &named);
        typed(&sandbox, told(&found(&sandbox), "if they are the right ones, run: {}").hole(0)).succeeds();
        sandbox.cast(["doctor"]).succeeds();
    }
    if rustix::process::geteuid().is_root() {
        let link = sandbox.home().join("link.pem");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(65534), None).unwrap();
        write(&sandbox, &format!("roots = [{link:?}]\n"));
        let outcome = found(&sandbox);
        assert!(outcome.out.contains("other users chose the link that leads to them"), "{outcome:?}");
        told(&outcome, "name the file itself in 'roots' in the settings");
        write(&sandbox, &named);
        sandbox.cast(["doctor"]).succeeds();
    }
    fs::write(&path, vec![b'\n'; (4 << 20) + 1]).unwrap();
    told(&found(&sandbox), "take the file out of 'roots' in the settings");
    for other in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"] {
        fs::write(&path, other).unwrap();
        let advice = "put certificates in PEM there, or take it out of 'roots' in the settings";
        let outcome = found(&sandbox);
        told(&outcome, advice);
        assert!(outcome.out.contains(&format!("not certificates in PEM: '{}'", path.display())), "{outcome:?}");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(sandbox.cast(["doctor"]).run().out.contains("not a regular file"));
    write(&sandbox, "roots = []\n");
    sandbox.cast(["doctor"]).succeeds();
}

#[test]
fn a_proxy_that_cast_cannot_use() {
    let advice = "name another in the settings: proxy = \"http://HOST:PORT\", or \"none\" for a direct connection";
    let sandbox = sandbox();
    for (name, address, why) in [
        ("HTTPS_PROXY", "https://me:hunter2@proxy.corp", "only 'http://' is supported"),
        ("https_proxy", "socks5://hunter2:1080", "only 'http://' is supported"),
        ("HTTPS_PROXY", "http://hunter2/path", "it is not the address of one"),
    ] {
        let doctor = || sandbox.cast(["doctor"]).env(name, address);
        let outcome = doctor().run();
        assert_eq!(outcome.code, 1, "{outcome:?}");
        assert!(outcome.out.contains(&format!("cast cannot use the proxy in '{name}': {why}")), "{outcome:?}");
        outcome.says_nothing_of(&["hunter2"]);
        told(&outcome, advice);
        for other in ["proxy = \"http://proxy.corp:3128\"\n", "proxy = \"none\"\n"] {
            write(&sandbox, other);
            doctor().succeeds();
        }
        write(&sandbox, "");
    }
    sandbox.cast(["doctor"]).env("HTTPS_PROXY", "http://me:hunter2@proxy.corp:3128").succeeds();
    // Who brokers nothing is none of its concern.
    let other = Sandbox::with("a", &[("K", VALUE)]);
    other.cast(["doctor"]).env("HTTPS_PROXY", "https://proxy.corp").succeeds();
}

/// A system without a bundle of roots, as a bare container is.
#[test]
fn no_roots_in_the_system() {
    let sandbox = sandbox();
    let hide = "for folder in /etc/ssl /etc/pki /usr/local/share/certs; do \
                test ! -d $folder || mount -t tmpfs none $folder || exit 99; done; exec \"$@\"";
    let without = |sandbox: &Sandbox, program: &str, word: &str| {
        sandbox.other("unshare", ["--mount", "sh", "-c", hide, "sh", program, word]).run()
    };
    if without(&sandbox, "true", "").code != 0 {
        return skip("broker: this system mounts nothing for the test");
    }
    let outcome = without(&sandbox, CAST, "doctor");
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.out.contains("brokered secrets reach no host: this system has no bundle of root"), "{outcome:?}");
    let advice = "install 'ca-certificates', or name a file: roots = [\"/etc/corp/root.pem\"] in the settings";
    told(&outcome, advice);
    fs::write(root(&sandbox), ROOT).unwrap();
    write(&sandbox, &format!("roots = [{:?}]\n", root(&sandbox)));
    assert_eq!(without(&sandbox, CAST, "doctor").code, 0);
    // Who brokers nothing needs none.
    assert_eq!(without(&Sandbox::with("a", &[("K", VALUE)]), CAST, "doctor").code, 0);
}
