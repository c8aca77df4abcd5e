//! The vault against those who hold no key, an old key, or another's.

use super::*;

fn agent(name: &str) -> AgentName {
    AgentName::parse(name).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-01-15T10:30:00Z").unwrap()
}

fn master() -> UnlockKey {
    UnlockKey::Master(vec![MasterKey::generate(now())])
}

fn keys(key: &UnlockKey) -> &[MasterKey] {
    let UnlockKey::Master(keys) = key else { panic!("a master key") };
    keys
}

/// A vault of agent `a` with one secret, and its file.
fn sealed(key: &UnlockKey) -> (Vault, Vec<u8>) {
    let mut vault = Vault::create(agent("a"), &keys(key)[0]).unwrap();
    let value = SecretValue::from_text("hunter2".into()).unwrap();
    vault.set(SecretName::parse("K").unwrap(), value, Treatment::default(), now()).unwrap();
    let file = vault.seal(key).unwrap();
    (vault, file)
}

/// The plaintext changed by `edit`, sealed to the same recipients again, as anybody could who knows it and them.
fn edited(key: &UnlockKey, edit: impl FnOnce(String) -> String) -> Vec<u8> {
    let (vault, file) = sealed(key);
    let master = &keys(key)[0];
    let text = age_file::open(&file, master.identity()).unwrap();
    let text = edit(String::from_utf8(text.to_vec()).unwrap());
    let agent_key = master.agent_key(&agent("a"), vault.mark.id, vault.mark.epoch);
    age_file::seal(text.as_bytes(), &[master.recipient(), agent_key.recipient()])
}

#[track_caller]
fn refused(file: &[u8], name: &str, key: &UnlockKey, why: Refusal) {
    let refusal = Vault::open(file, &agent(name), key).err().expect("refused");
    assert_eq!(refusal, why.of(&agent(name)));
}

#[test]
fn opens_for_both_holders_and_counts_generations() {
    let key = master();
    let (mut vault, first) = sealed(&key);
    assert_eq!(Vault::open(&first, &agent("a"), &key).unwrap().mark().generation, 1);
    let second = vault.seal(&key).unwrap();
    let grant = |id, epoch| {
        let key = keys(&key)[0].agent_key(&agent("a"), id, epoch);
        UnlockKey::Agent(Box::new(crate::key::AgentGrant { agent: agent("a"), id, epoch, key }))
    };
    let holder = grant(vault.mark.id, 1);
    let mut theirs = Vault::open(&second, &agent("a"), &holder).unwrap();
    assert_eq!(theirs.mark().generation, 2);
    let third = theirs.seal(&holder).unwrap();
    assert_eq!(Vault::open(&third, &agent("a"), &key).unwrap().mark().generation, 3);
    refused(&third, "a", &grant(vault.mark.id, 2), Refusal::WrongAgentKey);
    refused(&third, "b", &holder, Refusal::KeyOfOtherAgent(agent("a")));
}

#[test]
fn any_change_without_a_key_is_noticed() {
    let key = master();
    refused(&edited(&key, |text| text.replace("hunter2", "hunter3")), "a", &key, Refusal::NotAuthentic);
    refused(&edited(&key, |text| text.replace("generation=1", "generation=9")), "a", &key, Refusal::NotAuthentic);
    refused(&edited(&key, |text| text.replace("epoch=1", "epoch=2")), "a", &key, Refusal::NotAuthentic);
    refused(&edited(&key, |text| text + "\n"), "a", &key, Refusal::NotAuthentic);
    refused(&edited(&key, |text| text.replace("agent =", "agent  =")), "a", &key, Refusal::NotAuthentic);
    refused(&edited(&key, |text| text.replace("cast-vault 1 ", "cast-vault 2 ")), "a", &key, Refusal::Newer);
    refused(&edited(&key, |text| text.replacen("# ", "#", 1)), "a", &key, Refusal::Damaged);
    refused(&edited(&key, |text| text.replace(" mac=", " x=1 mac=")), "a", &key, Refusal::Damaged);
    refused(&edited(&key, |_| String::new()), "a", &key, Refusal::Damaged);
}

#[test]
fn a_byte_cannot_move_between_the_first_line_and_the_rest() {
    // `generation=1` and a body beginning with `7` must not authenticate as `generation=17`.
    let derived = keys(&master())[0].agent_key(&agent("a"), VaultId([0; 16]), 1);
    let one = mac(&derived, "generation=1", "7 = 1").finalize().into_bytes();
    let other = mac(&derived, "generation=17", " = 1").finalize().into_bytes();
    assert_ne!(one, other);
}

#[test]
fn another_agents_vault_and_another_users_key_are_noticed() {
    let key = master();
    let (_, file) = sealed(&key);
    refused(&file, "b", &key, Refusal::NotAuthentic);
    refused(&file, "a", &master(), Refusal::WrongKey);
}

#[test]
fn a_foreign_master_in_the_document_is_refused() {
    // The holder of the agent key seals for the owner, but names somebody else to seal to from then on.
    let key = master();
    let (mut vault, _) = sealed(&key);
    let derived = keys(&key)[0].agent_key(&agent("a"), vault.mark.id, 1);
    vault.document.master = MasterKey::generate(now()).recipient().to_string();
    let body = vault.document.to_toml();
    vault.mark.mac = mac(&derived, &vault.mark.signed(), &body).finalize().into_bytes().into();
    let text = format!("{}\n{body}", vault.mark);
    let file = age_file::seal(text.as_bytes(), &[keys(&key)[0].recipient(), derived.recipient()]);
    refused(&file, "a", &key, Refusal::OtherMaster);
}

#[test]
fn former_keys_open_and_the_newest_seals() {
    let old = MasterKey::generate(now());
    let new = MasterKey::generate(now());
    let (newest, oldest) = (new.recipient().to_string(), old.recipient().to_string());
    let (_, file) = {
        let key = UnlockKey::Master(vec![old]);
        let sealed = sealed(&key);
        let UnlockKey::Master(mut keys) = key else { unreachable!() };
        let both = UnlockKey::Master(vec![new, keys.remove(0)]);
        let mut vault = Vault::open(&sealed.1, &agent("a"), &both).unwrap();
        assert_eq!(vault.document.master, oldest);
        let file = vault.seal(&both).unwrap();
        assert_eq!(Vault::open(&file, &agent("a"), &both).unwrap().document.master, newest);
        (both, file)
    };
    assert!(file.len() < 2048);
}

#[test]
fn dangerous_names_need_their_word_twice() {
    let key = master();
    let (mut vault, _) = sealed(&key);
    let value = || SecretValue::from_text("x".into()).unwrap();
    let name = || SecretName::parse("LD_PRELOAD").unwrap();
    let allowed = Treatment { dangerous: true, unmasked: false };
    assert!(vault.set(name(), value(), Treatment::default(), now()).is_err());
    vault.set(name(), value(), allowed, now()).unwrap();
    vault.document.secrets.get_mut("LD_PRELOAD").unwrap().dangerous = false;
    assert_eq!(vault.into_environment().err(), Some(Error::UnallowedName { agent: agent("a"), name: name() }));
}

#[test]
fn marks_have_one_form() {
    let line = format!("# cast-vault 1 id={} epoch=1 generation=2 mac={}", "a0".repeat(16), "b1".repeat(32));
    let (_, mark) = Mark::parse(&line).unwrap();
    assert_eq!(mark.to_string(), line);
    for other in [
        line.replace("epoch=1", "epoch=01"),
        line.replace("epoch=1", "epoch=+1"),
        line.replace(" epoch", "  epoch"),
        line.replace("a0", "A0"),
        line[..line.len() - 1].to_owned(),
        format!("{line} "),
        format!("{line}\r"),
    ] {
        assert!(Mark::parse(&other).is_none(), "{other:?}");
    }
}
