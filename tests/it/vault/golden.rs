//! The vaults in `tests/golden/v1`, which cast 0.1.0 wrote: every later version opens them with either key and finds
//! exactly these values.

use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1");
const WRITTEN: &str = "2026-11-23T21:56:19Z";

fn check(agent: &str, expected: &[(&str, &str)]) {
    let vault = format!("{agent}.age");
    for key_file in ["key.txt", &format!("{agent}.agent-key")] {
        let sandbox = Sandbox::empty();
        for name in [key_file, &vault] {
            fs::copy(Path::new(GOLDEN).join(name), sandbox.home().join(name)).unwrap();
        }
        let cast = |words: &[&str]| {
            let call = sandbox.cast(words).env("CAST_VAULTS", sandbox.home()).env("CAST_KEY_FILE", key_file);
            call.succeeds().out
        };
        let list: Vec<serde_json::Value> = serde_json::from_str(&cast(&["list", agent, "--json"])).unwrap();
        assert_eq!(list.len(), expected.len());
        for (secret, (key, value)) in list.iter().zip(expected) {
            assert_eq!(secret["key"], *key);
            assert_eq!((secret["created_at"].as_str(), secret["updated_at"].as_str()), (Some(WRITTEN), Some(WRITTEN)));
            let out = cast(&["run", agent, "--no-mask", "--", "printenv", "-0", key]);
            assert_eq!(out.strip_suffix('\0').unwrap(), *value, "{agent} {key}");
        }
        // Read without a change; then changed like any vault.
        assert_eq!(fs::read(sandbox.home().join(&vault)).unwrap(), fs::read(Path::new(GOLDEN).join(&vault)).unwrap());
        cast(&["set", agent, "NEW", "v"]);
        assert_eq!(cast(&["run", agent, "--no-mask", "--", "printenv", "NEW"]), "v\n");
    }
}

#[test]
fn an_ordinary_vault() {
    check("my-agent", &[("GREETING", "hello"), ("OPENAI_API_KEY", "sk-golden-0123456789")]);
}

#[test]
fn an_empty_vault() {
    check("empty", &[]);
}

#[test]
fn odd_values() {
    check(
        "odd",
        &[
            ("BLANKS", "  x \t "),
            ("CONTROLS", "\u{1}\u{7f}\u{1b}[0m"),
            ("CRLF", "a\r\nb\r\n"),
            ("DOLLAR", "$HOME `id` %s"),
            ("EMPTY", ""),
            // Longer than one chunk of age.
            ("LONG", &"0123456789".repeat(7000)),
            ("MULTI", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            ("NEWLINE", "\n"),
            // Allowed by its owner; the vault stores the allowance.
            ("NODE_OPTIONS", "--max-old-space-size=64"),
            ("QUOTES", "\"\"\"'''\\\"\\\\"),
            ("UNICODE", "é 漢字 🦀 \u{feff}\u{2028}"),
            ("lower_case", "ok"),
        ],
    );
}
