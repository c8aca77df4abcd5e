//! Writes the seeds that depend on the vault format: a vault sealed to the test key, and the agent key that opens it.
//! `cargo run --manifest-path fuzz/Cargo.toml --example seal`

use age::secrecy::ExposeSecret;
use cast_vault::{AgentGrant, AgentName, SecretName, SecretValue, Timestamp, Treatment, UnlockKey, Vault};

fn main() -> std::io::Result<()> {
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let key = UnlockKey::parse(&std::fs::read_to_string(seeds.join("keys/master"))?).expect("a master key");
    let UnlockKey::Master(keys) = &key else { panic!("a master key") };
    let agent = AgentName::parse("a").expect("a name");
    let now = Timestamp::parse("2026-01-15T10:30:00Z").expect("a time");

    let mut vault = Vault::create(agent.clone(), &keys[0]).expect("random numbers");
    let value = SecretValue::from_text("hunter2".into()).expect("a value");
    let name = SecretName::parse("KEY").expect("a name");
    vault.set(name, value, Treatment::default(), now).expect("it fits");
    std::fs::write(seeds.join("vault/whole"), vault.seal(&key).expect("it is small"))?;

    let (id, epoch) = (vault.mark().id, vault.mark().epoch);
    let grant = AgentGrant { key: keys[0].agent_key(&agent, id, epoch), agent, id, epoch };
    std::fs::write(seeds.join("keys/agent"), grant.line().expose_secret().to_owned() + "\n")
}
