//! The text of keys: what is read is written and read again to the same, and no error quotes the text.
#![no_main]

use age::secrecy::ExposeSecret;
use cast_fuzz::assert_silent;
use cast_vault::{MasterKey, UnlockKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match UnlockKey::parse(text) {
        Ok(key) => {
            let written = written(&key);
            let again = UnlockKey::parse(&written).expect("what is written can be read");
            assert!(self::written(&again) == written, "what is written is read again to the same");
            assert!(same(&key, &again), "the same keys");
        }
        Err(error) => assert_silent(&error),
    }
});

fn written(key: &UnlockKey) -> String {
    let text = match key {
        UnlockKey::Master(keys) => MasterKey::identity_file(&keys.iter().collect::<Vec<_>>()),
        UnlockKey::Agent(grant) => grant.line(),
    };
    text.expose_secret().to_owned()
}

fn same(one: &UnlockKey, other: &UnlockKey) -> bool {
    match (one, other) {
        (UnlockKey::Master(one), UnlockKey::Master(other)) => {
            let created = |keys: &[MasterKey]| keys.iter().map(MasterKey::created).collect::<Vec<_>>();
            MasterKey::same(one, &other.iter().collect::<Vec<_>>()) && created(one) == created(other)
        }
        (UnlockKey::Agent(one), UnlockKey::Agent(other)) => {
            (&one.agent, one.id, one.epoch) == (&other.agent, other.id, other.epoch)
                && one.key.recipient() == other.key.recipient()
        }
        _ => false,
    }
}
