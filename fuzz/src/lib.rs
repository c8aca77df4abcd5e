//! What the targets share: the test keys, and what holds of every error.

use std::fmt::Debug;

use cast_vault::{AgentName, MasterKey, UnlockKey};

/// A sealed vault of the agent `a`, made by `examples/seal.rs`.
pub const VAULT: &[u8] = include_bytes!("../seeds/vault/whole");

/// The master key of the tests. No vault outside of this folder is sealed to it.
pub const MASTER: &str = include_str!("../seeds/keys/master");

/// The agent key of `VAULT`.
pub const AGENT: &str = include_str!("../seeds/keys/agent");

/// The agent of the tests.
pub fn agent() -> AgentName {
    AgentName::parse("a").expect("a name")
}

/// The master key, to open and seal with.
pub fn master() -> UnlockKey {
    UnlockKey::parse(MASTER).expect("a master key")
}

/// The master key itself.
pub fn master_key(key: &UnlockKey) -> &MasterKey {
    match key {
        UnlockKey::Master(keys) => &keys[0],
        UnlockKey::Agent(_) => panic!("a master key"),
    }
}

/// Checks that an error is only its variant, line numbers and the agent's name. The fuzzer would soon bring a byte of another kind into
/// an error that quotes its input.
pub fn assert_silent(error: &impl Debug) {
    let text = format!("{error:?}");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" (){}:,_\"".contains(&byte);
    assert!(text.len() < 160 && text.bytes().all(plain), "the error quotes its input: {text}");
}
