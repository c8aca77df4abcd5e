//! `cast run --explain`: what CMD would get of each secret.

use std::fs;

use serde_json::{Value, json};

use super::{VALUE, text};
use crate::forge::Key;
use crate::sandbox::Sandbox;

/// What is said at the end, where something is brokered.
const END: &str = "\n\
    Brokered secrets reach only programs that use HTTPS_PROXY and trust SSL_CERT_FILE or NODE_EXTRA_CA_CERTS. Others get the\n\
    stand-in and fail: 'fetch' of Node.js before 22.21 and in 23, Java, programs that pin certificates.\n";

#[test]
fn what_is_brokered_and_what_is_given_as_it_is() {
    let sandbox = Sandbox::with("codex", &[("PLAIN", VALUE), ("REGION", "eu")]);
    let plain = sandbox.cast(["run", "codex", "--explain"]).succeeds();
    assert!(plain.out.contains("  GIVEN  ") && plain.out.contains("  as it is  "), "{plain:?}");
    assert!(!plain.out.contains("Brokered"), "{plain:?}");
    sandbox.cast(["set", "codex", "K", VALUE, "--host", "b.corp:8443", "--host", "a.corp"]).succeeds();
    sandbox.cast(["set", "builtin", "SHARED", VALUE, "--host", "a.corp"]).succeeds();
    let explained = sandbox.cast(["run", "codex", "--explain"]).succeeds();
    explained.says_nothing_of(&["hunter2"]);
    let row = |key: &str| explained.out.lines().find(|line| line.starts_with(key)).unwrap();
    let given = row("KEY").find("GIVEN").unwrap();
    for (key, text) in [
        ("K ", "brokered to a.corp, b.corp:8443  yes"),
        ("PLAIN", "as it is  "),
        ("REGION", "as it is  "),
        ("SHARED", "brokered to a.corp  "),
    ] {
        assert!(row(key)[given..].starts_with(text), "{explained:?}");
    }
    assert!(row("K ").ends_with("  brokered to a.corp, brokered to b.corp:8443"), "{explained:?}");
    assert!(explained.out.ends_with(END), "{explained:?}");
    // Only of what would go along.
    let without = sandbox.cast(["run", "codex", "--explain", "--except", "K,SHARED"]).succeeds();
    assert!(!without.out.contains("rokered"), "{without:?}");
}

#[test]
fn for_programs() {
    let sandbox = Sandbox::with("codex", &[("PLAIN", VALUE)]);
    sandbox.cast(["set", "codex", "K", VALUE, "--host", "b.corp:8443", "--host", "a.corp"]).succeeds();
    let explained = sandbox.cast(["run", "codex", "--explain", "--json"]).succeeds();
    explained.says_nothing_of(&["hunter2"]);
    let explained: Value = serde_json::from_str(&explained.out).unwrap();
    let secret = |number: usize| {
        let secret = &explained["secrets"][number];
        ["key", "given", "hosts", "masked"].map(|name| secret[name].clone())
    };
    assert_eq!(secret(0), [json!("K"), json!("brokered"), json!(["a.corp", "b.corp:8443"]), json!(true)]);
    assert_eq!(secret(1), [json!("PLAIN"), json!("as it is"), json!([]), json!(true)]);
}

/// What this cast cannot do at all is not shown as if it could.
#[test]
fn a_secret_in_a_file_is_refused() {
    let sandbox = Sandbox::with("codex", &[("PLAIN", VALUE)]);
    for flags in ["file = true\n", "hosts = [\"a.corp\"]\nfile = true\n"] {
        let newer = text(&sandbox, "codex").with("ZFILE", VALUE, flags).next();
        fs::write(sandbox.vault("codex"), newer.seal(Key::master(&sandbox))).unwrap();
        fs::write(sandbox.home().join(".env.example"), "PLAIN=\n").unwrap();
        // From here on, this machine has seen it.
        sandbox.cast(["list", "codex"]).succeeds();
        for words in [&["run", "codex", "--explain"][..], &["secrets", "check", "codex"]] {
            sandbox.cast(words).refuses(5, "'ZFILE' of agent 'codex' is delivered as a file", &["hunter2"]);
        }
        sandbox.cast(["run", "codex", "--explain", "--except", "ZFILE"]).succeeds();
        sandbox.cast(["delete", "codex", "ZFILE"]).succeeds();
    }
}
