//! Words that are names, and words that are not.

use super::*;

fn check_agent(word: &str, valid: bool) {
    assert_eq!(AgentName::parse(word).is_ok(), valid, "{word:?}");
}

fn check_secret(word: &str, valid: bool) {
    assert_eq!(SecretName::parse(word).is_ok(), valid, "{word:?}");
}

#[test]
fn agents() {
    for word in ["a", "0", "my-agent", "a.b_c-d", "builtin", "com", "com10", "console", "nul-x", &"a".repeat(63)] {
        check_agent(word, true);
    }
    for word in [
        "",
        ".",
        "..",
        ".a",
        "-a",
        "_a",
        "a.",
        "a..b",
        "A",
        "my agent",
        "a/b",
        "a\\b",
        "é",
        "a\n",
        "a\0",
        "con",
        "nul",
        "aux",
        "prn",
        "com1",
        "lpt9",
        "com0",
        "nul.txt",
        "con.a.b",
        &"a".repeat(64),
    ] {
        check_agent(word, false);
    }
}

#[test]
fn secrets() {
    for word in ["A", "_", "a", "OPENAI_API_KEY", "_1", "CAST", "CASTLE", &"A".repeat(255)] {
        check_secret(word, true);
    }
    for word in ["", "1A", "A-B", "A B", "A=b", "É", "A\n", "CAST_KEY", "CAST_", "cast_key", &"A".repeat(256)] {
        check_secret(word, false);
    }
}

#[test]
fn a_refusal_says_what_is_wrong_with_a_secret_name() {
    for (word, fault) in [
        ("sk-live-abc", NameFault::Shape),
        ("K=sk-live-abc", NameFault::Assignment),
        ("CAST_SK_LIVE", NameFault::Reserved),
    ] {
        assert_eq!(SecretName::parse(word), Err(Error::SecretName(fault)));
    }
}

#[test]
fn dangerous_names() {
    let dangerous = |word| SecretName::parse(word).unwrap().is_dangerous();
    for word in ["PATH", "LD_PRELOAD", "LD_ANYTHING", "NODE_OPTIONS", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "Path"] {
        assert!(dangerous(word), "{word}");
    }
    for word in ["OPENAI_API_KEY", "MY_PATH", "LDAP", "GITHUB_TOKEN", "PATHS"] {
        assert!(!dangerous(word), "{word}");
    }
}

#[test]
fn people_are_called_as_agents_are() {
    assert_eq!(PersonName::parse("alice.laptop-2").unwrap().to_string(), "alice.laptop-2");
    for word in ["owner", "", "Alice", "a b", "a..b", "nul", "\u{e9}", "-a"] {
        assert_eq!(PersonName::parse(word), Err(Error::PersonName), "{word:?}");
    }
}
