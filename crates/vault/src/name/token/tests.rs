//! Tokens are told from names.

use proptest::prelude::*;

use super::*;

#[test]
fn published_prefixes() {
    for word in [
        "sk-ant-api03-abc",
        "sk-proj-x1y2z3abcd",
        "sk-abcdef1234567890abcdef",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0abcdefghijkl",
        "glpat-x1y2z3x1y2z3",
        "xoxb-1234-5678",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln",
        "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
        "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG",
    ] {
        assert!(looks_like_token(word), "{word}");
    }
}

#[test]
fn names_that_begin_like_tokens() {
    for word in [
        "sk-learn",
        "sk-learn-feature-store",
        "sk-ant-agent",
        "hf_token",
        "npm_config_registry",
        "npm_config_registry_auth_token",
        "gho_agent",
        "ghp_runner",
        "secret_service_account_name",
        "pypi-upload-and-release-agent",
        "AKIA",
    ] {
        assert!(!looks_like_token(word), "{word}");
    }
}

#[test]
fn names_in_use() {
    for word in
        ["github-mcp-production-eu1", "AWS_SECRET_ACCESS_KEY", "my-agent-2026-01-15", "claude-3-5-sonnet-20241022"]
    {
        assert!(!looks_like_token(word), "{word}");
    }
    // A thousand published packages whose names speak of agents or servers, and a thousand environment variables that published programs read.
    let refused: Vec<_> = include_str!("names.txt").lines().filter(|word| looks_like_token(word)).collect();
    assert_eq!(refused, [""; 0]);
    assert_eq!(include_str!("names.txt").lines().count(), 2000);
}

#[test]
fn random_words() {
    // A generator of its own, so that the share is the same in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let base62 = format!("{letters}0123456789");
    let base64url = format!("{base62}-_");
    for (what, alphabet) in [("base62", &*base62), ("hex", "0123456789abcdef"), ("base64url", &base64url)] {
        let mut word = || -> String {
            let length = 20 + random(30);
            (0..length).map(|_| char::from(alphabet.as_bytes()[random(alphabet.len())])).collect()
        };
        let found = (0..10_000).filter(|_| looks_like_token(&word())).count();
        assert!(found >= 9_900, "{what}: {found} of 10,000");
    }
}

proptest! {
    #[test]
    fn any_word_gets_an_answer(word in ".{0,80}") {
        looks_like_token(&word);
    }
}
