//! What stands in a vault: the fuzzer's owner's part and, after a NUL, its values, signed and sealed by the test key as a vault would be.
//! What opens is sealed and opened again to the same, and no error quotes the text.
#![no_main]

use std::io::Write;
use std::sync::LazyLock;

use age::Encryptor;
use cast_fuzz::{ID, KEY_BYTES, agent, assert_silent, master, master_key};
use cast_vault::{Anchor, Replica, UnlockKey, Vault};
use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use libfuzzer_sys::fuzz_target;
use sha2::Sha256;

static KEY: LazyLock<UnlockKey> = LazyLock::new(master);
static SIGNING: LazyLock<SigningKey> = LazyLock::new(|| {
    let mut bytes = [0; 32];
    Hkdf::<Sha256>::new(None, &KEY_BYTES).expand(b"cast/v1/sign\0", &mut bytes).expect("32 bytes");
    SigningKey::from_bytes(&bytes)
});

fuzz_target!(|text: &[u8]| {
    let (part, values) = text.split_at(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
    let file = sealed(part, values.get(1..).unwrap_or_default());
    let mut vault = match Vault::open(&file, &agent(), &KEY, Anchor::Own, None) {
        Ok(vault) => vault,
        Err(error) => return assert_silent(&error),
    };
    let file = vault.seal(&KEY, Replica::new([7; 4])).expect("a small vault of this key");
    let again = Vault::open(&file, &agent(), &KEY, Anchor::Own, None).expect("what is sealed opens");
    assert!(again.part().card == vault.part().card && again.state() == vault.state());
    assert!(again.names() == vault.names() && again.people() == vault.people());
    assert_eq!(again.values().len(), vault.values().len());
    for ((name, secret), (same_name, same)) in vault.values().iter().zip(again.values()) {
        assert!(name == same_name && secret.value.is(&same.value));
        assert!((secret.created, secret.updated) == (same.created, same.updated));
    }
});

/// A vault's file with these as its parts: the vault format a second time.
fn sealed(part: &[u8], values: &[u8]) -> Vec<u8> {
    let owner = hex(SIGNING.verifying_key().as_bytes());
    let first = format!("# cast-vault 1 id={ID} agent=a epoch=1 owner={owner} rules=07070707.1 bytes={}", part.len());
    let signature = sign(&[b"cast/v1/owner\0", first.as_bytes(), b"\n", part]);
    let above = [first.as_bytes(), b" sig=", signature.as_bytes(), b"\n", part].concat();
    let second = format!("# cast-values 1 at=07070707.1 sealer={owner}");
    let signature = sign(&[b"cast/v1/seal\0", &above, second.as_bytes(), b"\n", values]);
    let plaintext = [&above, second.as_bytes(), b" sig=", signature.as_bytes(), b"\n", values].concat();

    let recipient = master_key(&KEY).recipient();
    let mut file = Vec::new();
    let encryptor =
        Encryptor::with_recipients(std::iter::once(recipient as &dyn age::Recipient)).expect("one recipient");
    let mut writer = encryptor.wrap_output(&mut file).expect("memory");
    writer.write_all(&plaintext).expect("memory");
    writer.finish().expect("memory");
    file
}

fn sign(message: &[&[u8]]) -> String {
    hex(&SIGNING.sign(&message.concat()).to_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
