//! The Secret Service client against a bus that sends whatever it likes. The first byte chooses what is asked for. No wait is left open,
//! what is taken for a key was sent in one piece, and no error brings control characters to a terminal.
#![no_main]

use std::time::{Duration, Instant};

use age::secrecy::{ExposeSecret, SecretString};
use cast_keyring::{KeyringError, fuzz};
use libfuzzer_sys::fuzz_target;

const KEY: &str = "AGE-SECRET-KEY-1STORED";

fuzz_target!(|data: &[u8]| {
    let Some((verb, stream)) = data.split_first() else { return };
    let begun = Instant::now();
    let error = match verb % 4 {
        0 => fuzz::load(stream).map(|key| assert!(key.is_none_or(|key| is_in(stream, &key)))).err(),
        1 => fuzz::save(stream, &SecretString::from(KEY.to_owned())).err(),
        2 => fuzz::delete(stream).err(),
        _ => fuzz::look(stream).err(),
    };
    assert!(begun.elapsed() < Duration::from_secs(1), "the client waits for a connection that has ended");
    if let Some(error) = error {
        check(&error);
    }
});

fn is_in(stream: &[u8], key: &SecretString) -> bool {
    let key = key.expose_secret().as_bytes();
    key.is_empty() || stream.windows(key.len()).any(|bytes| bytes == key)
}

fn check(error: &KeyringError) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(text.len() < 512 && !text.contains(|letter: char| letter.is_control() || !letter.is_ascii()), "{text}");
        assert!(!text.contains(KEY), "an error quotes the key");
    }
}
