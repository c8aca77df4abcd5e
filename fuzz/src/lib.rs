//! What the targets share: the test keys, what holds of every error, and responses with values in them.

pub mod response;

use std::fmt::Debug;

use cast_vault::{AgentName, MasterKey, UnlockKey};

/// A sealed vault of the agent `a`, made by `examples/seal.rs`.
pub const VAULT: &[u8] = include_bytes!("../seeds/vault/whole");

/// The master key of the tests. No vault outside of this folder is sealed to it.
pub const MASTER: &str = include_str!("../seeds/keys/master");

/// Its 32 bytes: 0 to 31.
pub const KEY_BYTES: [u8; 32] = {
    let mut bytes = [0; 32];
    let mut index: u8 = 0;
    while index < 32 {
        bytes[index as usize] = index;
        index += 1;
    }
    bytes
};

/// The number of the vault that `document` builds.
pub const ID: &str = "07070707070707070707070707070707";

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
