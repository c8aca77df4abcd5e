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
        let sandbox = with_files(&[key_file, &vault]);
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
        // Read without a change; then its owner changes it like any vault, and a runner does not.
        assert_eq!(fs::read(sandbox.home().join(&vault)).unwrap(), fs::read(Path::new(GOLDEN).join(&vault)).unwrap());
        if key_file == "key.txt" {
            cast(&["set", agent, "NEW", "v"]);
            assert_eq!(cast(&["run", agent, "--no-mask", "--", "printenv", "NEW"]), "v\n");
        } else {
            let set = sandbox.cast(["set", agent, "NEW", "v"]).env("CAST_VAULTS", sandbox.home());
            set.env("CAST_KEY_FILE", key_file).refuses(4, "agent key", &[]);
        }
    }
}

/// A home with these of the golden files in it.
fn with_files(names: &[&str]) -> Sandbox {
    let sandbox = Sandbox::empty();
    for name in names {
        fs::copy(Path::new(GOLDEN).join(name), sandbox.home().join(name)).unwrap();
    }
    sandbox
}

#[test]
fn one_with_every_flag_and_people_that_a_person_sealed() {
    let listed = |sandbox: &Sandbox, key: &str| {
        let call = sandbox.cast(["list", "shared", "--json"]).env("CAST_VAULTS", sandbox.home());
        let list: Vec<serde_json::Value> =
            serde_json::from_str(&call.env("CAST_KEY_FILE", key).succeeds().out).unwrap();
        assert!(list.iter().all(|secret| secret["sealer"] == "alice"), "{list:?}");
        list
    };
    // The owner and a runner open it as it is.
    let owner = with_files(&["key.txt", "shared.age", "shared.agent-key"]);
    let expected = listed(&owner, "key.txt");
    let of = |key: &str| expected.iter().find(|secret| secret["key"] == key).unwrap();
    assert_eq!(of("API_KEY")["hosts"], serde_json::json!(["api.example.com", "eu.example.com:8443"]));
    assert_eq!(
        of("API_KEY")["in"],
        serde_json::json!(["form:api key", "header:X-Api-Key", "json:/auth/key", "query:key"])
    );
    assert_eq!((&of("API_KEY")["prefix"], &of("CERTIFICATE")["file"]), (&"golden-".into(), &true.into()));
    assert_eq!((&of("LD_PRELOAD")["dangerous"], &of("REGION")["unmasked"]), (&true.into(), &true.into()));
    assert_eq!(of("SESSION")["from"], serde_json::json!(["op", "read", "op://vault/it em/\"x\"", ""]));
    assert_eq!(listed(&with_files(&["shared.age", "shared.agent-key"]), "shared.agent-key"), expected);
    // A secret that this cast cannot give as its owner wants is not given in another way.
    let run = owner.cast(["run", "shared", "--", "touch", "started"]).env("CAST_VAULTS", owner.home());
    run.env("CAST_KEY_FILE", "key.txt").refuses(
        125,
        "cannot be brokered: its value has 6 letters and digits",
        &["golden-"],
    );
    // People accept its owner first, by the fingerprint of the card.
    let card = fs::read_to_string(Path::new(GOLDEN).join("card.txt")).unwrap();
    let card = card.lines().find(|line| line.starts_with("cast-card:")).unwrap();
    for key in ["alice.txt", "bob.txt"] {
        let person = with_files(&[key, "shared.age"]);
        let cast = |words: &[&str]| person.cast(words).env("CAST_VAULTS", person.home()).env("CAST_KEY_FILE", key);
        cast(&["list", "shared"]).refuses(5, "has another owner", &["golden-"]);
        let asked = cast(&["vault", "accept", "shared"]).run();
        assert!(asked.code == 2 && asked.err.contains(&crate::forge::fingerprint(card)), "{asked:?}");
        let before = fs::read(person.home().join("shared.age")).unwrap();
        cast(&["vault", "accept", "shared", "--yes"]).succeeds();
        assert_eq!(fs::read(person.home().join("shared.age")).unwrap(), before, "only what {key} expects is changed");
        assert_eq!(listed(&person, key), expected);
    }
    // Its owner removes what this cast does not support, and the rest is given.
    let cast = |words: &[&str]| owner.cast(words).env("CAST_VAULTS", owner.home()).env("CAST_KEY_FILE", "key.txt");
    let region = cast(&["run", "shared", "--only", "REGION", "--no-mask", "--", "printenv", "REGION"]).run();
    assert!(region.code == 0 && region.out.lines().count() == 1, "{region:?}");
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
