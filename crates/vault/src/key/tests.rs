//! Keys against mistyped, cut and foreign ones, and as SECURITY.md derives them.

use age::secrecy::ExposeSecret;

use super::*;
use crate::name::AgentName;
use crate::vector::Vector;

/// The bytes 0 to 31: the master key of all test vectors.
pub(crate) const MASTER: &str = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG";

fn master(text: &str) -> MasterKey {
    let UnlockKey::Master(mut keys) = UnlockKey::parse(text).unwrap() else { panic!("a master key") };
    keys.remove(0)
}

fn grant(agent: &str, id: u8, epoch: u64, nonce: u8) -> String {
    let (agent, id) = (AgentName::parse(agent).unwrap(), VaultId([id; 16]));
    let key = master(MASTER).agent_key(&agent, id, epoch, &[nonce; 16]);
    let rules = Vector::parse("0000000a.1").unwrap();
    let at = Vector::parse("0000000a.2,0000000b.1").unwrap();
    let owner = master(MASTER).verification();
    AgentGrant { agent, id, epoch, rules, at, owner, key }.line().expose_secret().to_owned()
}

#[test]
fn an_agent_key_depends_on_agent_vault_epoch_and_nonce() {
    let lines = [("a", 1, 1, 1), ("b", 1, 1, 1), ("a", 2, 1, 1), ("a", 1, 2, 1), ("a", 1, 1, 2)];
    let lines = lines.map(|(agent, id, epoch, nonce)| grant(agent, id, epoch, nonce));
    for (index, line) in lines.iter().enumerate() {
        let key = line.rsplit(':').next().unwrap();
        assert!(lines[index + 1..].iter().all(|other| !other.ends_with(key)));
    }
}

#[test]
fn an_agent_key_survives_its_line() {
    let line = grant("my-agent", 7, 3, 9);
    let UnlockKey::Agent(back) = UnlockKey::parse(&format!(" {line}\r\n")).unwrap() else { panic!("an agent key") };
    assert_eq!(back.line().expose_secret(), line);
    assert_eq!((back.agent.as_str(), back.id, back.epoch), ("my-agent", VaultId([7; 16]), 3));
    assert_eq!(back.owner, master(MASTER).verification());
    assert_eq!((back.rules.to_string(), back.at.sum()), ("0000000a.1".to_owned(), 3));
}

/// SECURITY.md has the same, computed from the primitives alone.
#[test]
fn a_stand_in_key_depends_on_the_holder_and_the_vault() {
    let hex = |key: &UnlockKey, id: [u8; 16]| crate::hex::Hex(&*key.stand_in_key(&VaultId(id))).to_string();
    let id = std::array::from_fn(|index| u8::try_from(index).unwrap());
    let owner = UnlockKey::parse(&format!("{MASTER}\n{}", other_master())).unwrap();
    let agent = AgentName::parse("my-agent").unwrap();
    let vectors = Vector::parse("0000000a.1").unwrap();
    let (rules, at, verification) = (vectors.clone(), vectors, master(MASTER).verification());
    let key = master(MASTER).agent_key(
        &agent,
        VaultId(id),
        1,
        &std::array::from_fn(|index| 32 + u8::try_from(index).unwrap()),
    );
    let grant = AgentGrant { agent, id: VaultId(id), epoch: 1, rules, at, owner: verification, key };
    let runner = UnlockKey::Agent(Box::new(grant));
    let expected = [
        (hex(&owner, id), "3c784f34ebb2127ed2c3f2f9a38c6c35772f95560d38853617140da2792fe72f"),
        (hex(&runner, id), "86e373637aaebe2742501357e01b48675884bf4b48dfc7d5973ecc6a92032474"),
    ];
    for (key, expected) in &expected {
        assert_eq!(key, expected);
        assert!(include_str!("../../../../SECURITY.md").contains(&format!("`{expected}`")));
    }
    assert_ne!(hex(&owner, [7; 16]), expected[0].0);
    assert_ne!(hex(&UnlockKey::parse(&other_master()).unwrap(), id), expected[0].0);
}

fn other_master() -> String {
    let other = MasterKey::generate(Timestamp::EPOCH);
    other.identity().to_string().expose_secret().to_owned()
}

#[test]
fn a_card_survives_its_line_and_its_fingerprint_covers_both_halves() {
    let (one, two) = (master(MASTER).card(), MasterKey::generate(Timestamp::EPOCH).card());
    assert!(Card::parse(&one.to_string()).unwrap() == one && one != two);
    let mixed = Card::new(two.recipient(), one.verification());
    assert!(mixed != one && mixed.fingerprint() != one.fingerprint());
    let mixed = Card::new(one.recipient(), two.verification());
    assert!(mixed != one && mixed.fingerprint() != one.fingerprint());
}

#[test]
fn refuses_what_is_no_card_without_quoting_it() {
    let card = master(MASTER).card().to_string();
    let small = format!("{}{}", &card[..card.len() - 64], "00".repeat(32));
    let upper = card.replace("age1", "AGE1");
    for text in ["", "hunter2", &card[1..], &card[..card.len() - 1], &format!("{card} "), &small, &upper] {
        let failure = Card::parse(text).unwrap_err();
        assert_eq!(failure, Error::Key(KeyFault::NotCard), "{text}");
    }
}

#[test]
fn reads_identity_files() {
    let two = format!("# created: 2026-01-15T11:30:00+01:00\n# mine\n\n  {MASTER}  \n# created: today\n{MASTER}\n");
    let UnlockKey::Master(keys) = UnlockKey::parse(&two).unwrap() else { panic!("master keys") };
    let created: Vec<_> = keys.iter().map(|key| key.created().map(|time| time.to_string())).collect();
    assert_eq!(created, [Some("2026-01-15T10:30:00Z".to_owned()), None]);
    // What is written is read again as it was.
    let all: Vec<_> = keys.iter().collect();
    let written = MasterKey::identity_file(&all);
    let UnlockKey::Master(again) = UnlockKey::parse(written.expose_secret()).unwrap() else { panic!("master keys") };
    assert!(MasterKey::same(&again, &all) && again[0].created() == keys[0].created());
    assert!(again[0].is_among(&keys) && !MasterKey::generate(Timestamp::EPOCH).is_among(&keys));
}

#[test]
fn refuses_what_is_no_key_without_quoting_it() {
    let line = grant("a", 1, 1, 9);
    let owner = master(MASTER).verification().to_string();
    let cases = [
        String::new(),
        "# nothing\n".into(),
        MASTER[..MASTER.len() - 1].into(),
        MASTER.replace('Y', "Z"),
        "hunter2".into(),
        line[..line.len() - 1].into(),
        line.replace("cast-agent:a:", "cast-agent:A:"),
        line.replace("cast-agent:a:", "cast-agent:builtin:"),
        line.replace(":1:0000000a", ":0:0000000a"),
        line.replace("0000000a.1/", "/"),
        line.replace('/', ":"),
        line.replace(&owner, &"00".repeat(32)),
        line.replace(&format!("{owner}:"), ""),
        // What a development build exported.
        line.replace(&format!("0000000a.1/0000000a.2,0000000b.1:{owner}:"), ""),
        format!("{line}\n{MASTER}"),
        "AGE-PLUGIN-YUBIKEY-1HUNTER2".into(),
    ];
    for case in cases {
        let failure = UnlockKey::parse(&case).err().expect("refused");
        let text = format!("{failure:?}");
        assert!(matches!(failure, Error::Key(_)), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("HUNTER2") && !text.contains("QQQSYQC"), "{text}");
    }
}
