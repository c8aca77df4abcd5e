//! The opener of vaults, with the outside checks before age: nothing opens but what the key sealed, and no error quotes the file.
#![no_main]

use std::sync::LazyLock;

use cast_fuzz::{AGENT, VAULT, agent, assert_silent, master};
use cast_vault::{Anchor, UnlockKey, Vault};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<[UnlockKey; 2]> = LazyLock::new(|| [master(), UnlockKey::parse(AGENT).expect("an agent key")]);

fuzz_target!(|file: &[u8]| {
    for key in &*KEYS {
        match Vault::open(file, &agent(), key, Anchor::Own, None) {
            // age ignores nothing in a file, so a vault opens in one form.
            Ok(_) => assert!(file == VAULT, "the key opened what it did not seal"),
            Err(error) => assert_silent(&error),
        }
    }
});
