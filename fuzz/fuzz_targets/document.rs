//! The document in a vault: the fuzzer's text, sealed and authenticated by the test key as a vault would be. What opens is sealed and
//! opened again to the same, and no error quotes the text.
#![no_main]

use std::io::Write;
use std::sync::LazyLock;

use age::Encryptor;
use cast_fuzz::{agent, assert_silent, master, master_key};
use cast_vault::{UnlockKey, Vault, VaultId};
use hmac::Mac;
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<UnlockKey> = LazyLock::new(master);

fuzz_target!(|text: &[u8]| {
    let mut vault = match Vault::open(&sealed(text), &agent(), &KEY) {
        Ok(vault) => vault,
        Err(error) => return assert_silent(&error),
    };
    let file = vault.seal(&KEY).expect("a small vault of this key");
    let again = Vault::open(&file, &agent(), &KEY).expect("what is sealed opens");
    assert!(again.agent() == vault.agent() && again.master() == vault.master() && again.mark() == vault.mark());
    assert_eq!(again.secrets().len(), vault.secrets().len());
    for ((name, secret), (same_name, same)) in vault.secrets().iter().zip(again.secrets()) {
        assert!(name == same_name && secret.value.is(&same.value));
        assert!((secret.created, secret.updated) == (same.created, same.updated));
        assert!((secret.dangerous, secret.unmasked) == (same.dangerous, same.unmasked));
    }
});

/// A vault's file with `text` as its document: the vault format a second time.
fn sealed(text: &[u8]) -> Vec<u8> {
    let key = master_key(&KEY);
    let id = VaultId([7; 16]);
    let signed = format!("# cast-vault 1 id={id} epoch=1 generation=1");
    let mac = key.agent_key(&agent(), id, 1).mac().chain_update(&signed).chain_update("\n").chain_update(text);
    let mac: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let plaintext = [format!("{signed} mac={mac}\n").as_bytes(), text].concat();

    let recipient = key.recipient();
    let mut file = Vec::new();
    let encryptor =
        Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).expect("one recipient");
    let mut writer = encryptor.wrap_output(&mut file).expect("memory");
    writer.write_all(&plaintext).expect("memory");
    writer.finish().expect("memory");
    file
}
