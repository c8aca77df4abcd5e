//! Writes the seeds that depend on the vault format: a vault sealed to the test key, the agent key that opens it, and what stands in a vault.
//! `cargo run --manifest-path fuzz/Cargo.toml --example seal`

use std::io::Read;

use age::secrecy::ExposeSecret;
use cast_fuzz::{ID, agent, master, master_key};
use cast_vault::{Replica, SecretName, SecretValue, Timestamp, Vault, VaultId};

fn main() -> std::io::Result<()> {
    let fuzz = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = fuzz.join("seeds");
    let key = master();
    let now = Timestamp::parse("2026-01-15T10:30:00Z").expect("a time");

    let mut vault = Vault::create(agent(), master_key(&key)).expect("random numbers");
    let value = SecretValue::from_text("hunter2".into()).expect("a value");
    vault.set(SecretName::parse("KEY").expect("a name"), value, false, now).expect("it fits");
    std::fs::write(seeds.join("vault/whole"), vault.seal(&key, Replica::new([7; 4])).expect("it is small"))?;
    let grant = vault.grant(&key).expect("the owner's");
    std::fs::write(seeds.join("keys/agent"), grant.line().expose_secret().to_owned() + "\n")?;

    // The golden vaults are of the same key; in a vault with the fuzzer's number their reader would be another.
    let nonce = [0x5a; 16];
    let reader = master_key(&key).agent_key(&agent(), VaultId::parse(ID).expect("a number"), 1, &nonce).recipient();
    for name in ["empty", "odd", "shared"] {
        let file = std::fs::read(fuzz.join(format!("../tests/golden/v1/{name}.age")))?;
        let decryptor = age::Decryptor::new(&file[..]).expect("an age file");
        let identity = master_key(&key).identity() as &dyn age::Identity;
        let mut text = String::new();
        decryptor.decrypt(std::iter::once(identity)).expect("of this key").read_to_string(&mut text)?;

        let (first, rest) = text.split_once('\n').expect("the first line");
        let length = first.split_once(" bytes=").and_then(|(_, rest)| rest.split_once(' ')?.0.parse().ok());
        let (part, rest) = rest.split_at(length.expect("the length of the owner's part"));
        let (_, values) = rest.split_once('\n').expect("the second line");
        let line = part.lines().find(|line| line.starts_with("reader = ")).expect("the reader");
        let old = part.lines().find(|line| line.starts_with("nonce = ")).expect("the nonce");
        let part = part.replace(line, &format!("reader = \"{reader}\""));
        let part = part.replace(old, &format!("nonce = \"{}\"", "5a".repeat(16)));
        std::fs::write(seeds.join("document").join(name), format!("{part}\0{values}"))?;
    }
    std::fs::remove_file(seeds.join("document/two")).or(Ok(()))
}
