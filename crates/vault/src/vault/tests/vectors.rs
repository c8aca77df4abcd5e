//! The test vectors of SECURITY.md, and the same once more from the primitives alone: a second implementation can be compared with these.

use ed25519_dalek::{Signature, Signer, SigningKey};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::hex::Hex;

/// The bytes 0 to 31.
const MASTER: &str = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG";
const VERIFICATION: &str = "7ac98f731b69d27e43c0209d535a982bab7fdef2fa634745572b5e9eb3a1a239";
const CARD: &str = "cast-card:age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh:7ac98f731b69d27e43c0209d535a982bab7fdef2fa634745572b5e9eb3a1a239";
const FINGERPRINT: &str = "4a68 67d1 38bf 0b0e 0377 72e7 b967 c207";
const PLAIN: &str = concat!(
    "# cast-vault 1 id=000102030405060708090a0b0c0d0e0f agent=my-agent epoch=1 owner=7ac98f731b69d27e43c0209d535a982bab7fdef2fa634745572b5e9eb3a1a239 rules=0000000a.1 bytes=328 sig=6292d55f3ae70a9d88e78c62d706db56a6b857df3c7db62991175f9310814497e1aa31f2a0d27c01f8fa243adc26e594cda326f887216361bacf20658597600b\n",
    "card = \"cast-card:age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh:7ac98f731b69d27e43c0209d535a982bab7fdef2fa634745572b5e9eb3a1a239\"\n",
    "reader = \"age19xe3p3au9t62ddrgyd5qqsmycvvqzadw4k7nz5n0qy30thgarqrs3yj2sl\"\n",
    "nonce = \"202122232425262728292a2b2c2d2e2f\"\n",
    "fp = \"101112131415161718191a1b1c1d1e1f\"\n",
    "\n",
    "[names.OPENAI_API_KEY]\n",
    "# cast-values 1 at=0000000a.1 sealer=7ac98f731b69d27e43c0209d535a982bab7fdef2fa634745572b5e9eb3a1a239 sig=da00646fb186916fb3db08788d9e93bb2bd20cd5fc795bc563e8b00d5cdd458dac5aa3c80ec3df6b055a8f76858547b014be17e2d12049015b7ec8e4e122fc0a\n",
    "\n",
    "[secrets.OPENAI_API_KEY]\n",
    "value = \"sk-1\"\n",
    "created = 2026-01-15T10:30:00Z\n",
    "updated = 2026-01-15T10:30:00Z\n",
);
const OWNER_HASH: &str = "a677bf489e71b818f82a50a8e2838d29c9ce65785237213fc702167542f82a52";
const VALUES_HASH: &str = "057f4c2be5646a51c79c9436c9792754ad2b1d02d98a445293b88ff1798b90ce";
const RECEIPT: &str = "a431e01ab544ca7893be626fe15fd80cdba27f48cb72ebf6280beeaeefab8585/f2ebc7eeb94364a59338b6b8f2ec3fce6428443cb0be44c78362f3af50d944e6";
const CARD_RECEIPT: &str = "bb2b42216e4d9152d4c717fdfb31b2511c8469a89a679dc1abf2da02bf69ad9c/1f095ecdf6a0d5b1d7c7dc8a16ca1730cf195310a0e6d18f38f7a9788c0c578f";
const LINE: &str = "cast-agent:my-agent:000102030405060708090a0b0c0d0e0f:1:0000000a.1/0000000a.1:7ac98f731b69d27e43c0209d535a982bab7fdef2fa634745572b5e9eb3a1a239:AGE-SECRET-KEY-1RS6KMR9H67G7QH5FQKDSYSYY7AQV42UX9KPFHVQF77JS9D7CGH9Q0VWEPC";

fn key() -> UnlockKey {
    UnlockKey::parse(MASTER).unwrap()
}

/// Agent `my-agent`, id 00 to 0f, nonce 20 to 2f, fp 10 to 1f, one secret, replica 0000000a.
fn vault() -> Vault {
    let bytes = |from: u8| std::array::from_fn(|index| from + u8::try_from(index).unwrap());
    let agent = AgentName::parse("my-agent").unwrap();
    let mut vault = Vault::new(agent, master(&key()), VaultId(bytes(0)), bytes(32), bytes(16));
    vault.set(name("OPENAI_API_KEY"), value("sk-1"), false, now()).unwrap();
    vault.seal(&key(), Replica::parse("0000000a").unwrap()).unwrap();
    vault
}

#[test]
fn they_are_what_this_crate_makes() {
    let (key, vault) = (key(), vault());
    let state = vault.state().unwrap();
    let card = master(&key).card();
    assert_eq!(card.verification().to_string(), VERIFICATION);
    assert_eq!(card.to_string(), CARD);
    assert_eq!(card.fingerprint().to_string(), FINGERPRINT);
    assert_eq!(str::from_utf8(text(&vault)).unwrap(), PLAIN);
    assert_eq!((state.owner_hash.to_string(), state.values_hash.to_string()), (OWNER_HASH.into(), VALUES_HASH.into()));
    assert_eq!(vault.receipt(&key).unwrap().to_string(), RECEIPT);
    let against_card = Receipt::new(master(&key), vault.id(), Anchored::Card, vault.plain.as_ref().unwrap());
    assert_eq!(against_card.to_string(), CARD_RECEIPT);
    assert_eq!(vault.grant(&key).unwrap().line().expose_secret(), LINE);
}

#[test]
fn the_agent_keys_are_derived_as_ever() {
    let bytes = |from: u8| std::array::from_fn(|index| from + u8::try_from(index).unwrap());
    for (agent, id, epoch, nonce, expected) in [
        ("my-agent", bytes(0), 1, bytes(32), "1RS6KMR9H67G7QH5FQKDSYSYY7AQV42UX9KPFHVQF77JS9D7CGH9Q0VWEPC"),
        ("my-agent", bytes(0), 2, bytes(32), "1LM6KP3H5GE2TRJSCQV3G2UF2XZFFWSXPSVCJSPYWQ793ETRR5DAS0EWMGX"),
        ("builtin", [0xff; 16], 1, [0; 16], "1JG6S32U7NNJA98MLN8X384QVYW36CP6VT0MWL57E99Q8QLCRHD7SF8R99C"),
        ("a", [0; 16], u64::MAX, [0xff; 16], "14ZWR64MP2WAJCS5ECZPZLXKVMM96MF4JSHFSLTHXQA89XXQMD83S73DF6L"),
    ] {
        let agent_key = master(&key()).agent_key(&AgentName::parse(agent).unwrap(), VaultId(id), epoch, &nonce);
        assert_eq!(agent_key.identity().to_string().expose_secret(), format!("AGE-SECRET-KEY-{expected}"));
    }
}

/// HKDF-SHA256 of the master key's 32 bytes.
fn derived(info: &[u8]) -> [u8; 32] {
    let secret: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    let mut bytes = [0; 32];
    Hkdf::<Sha256>::new(None, &secret).expand(info, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_second_implementation_makes_the_same() {
    let signing = SigningKey::from_bytes(&derived(b"cast/v1/sign\0"));
    assert_eq!(Hex(&signing.verifying_key().to_bytes()).to_string(), VERIFICATION);
    assert!(CARD.ends_with(&format!(":{VERIFICATION}")));
    let digest = Sha256::digest(CARD);
    assert_eq!(Hex(&digest[..16]).to_string(), FINGERPRINT.replace(' ', ""));
    // Split by the length that the first line states.
    let (first, rest) = PLAIN.split_once('\n').unwrap();
    let (head, sig1) = first.split_once(" sig=").unwrap();
    let length: usize = head.rsplit('=').next().unwrap().parse().unwrap();
    let (part, rest) = rest.split_at(length);
    let (second, values) = rest.split_once('\n').unwrap();
    let (second_head, sig2) = second.split_once(" sig=").unwrap();
    let owner = format!("cast/v1/owner\0{head}\n{part}");
    let seal = format!("cast/v1/seal\0{first}\n{part}{second_head}\n{values}");
    for (message, signature) in [(&owner, sig1), (&seal, sig2)] {
        let made: Signature = signing.sign(message.as_bytes());
        assert_eq!(Hex(&made.to_bytes()).to_string(), signature);
    }
    assert_eq!(Hex(&Sha256::digest(format!("{head}\n{part}"))).to_string(), OWNER_HASH);
    let at = second_head.split_once(" sealer=").unwrap().0.strip_prefix("# cast-values 1").unwrap();
    assert_eq!(Hex(&Sha256::digest(format!("{at}\n{values}"))).to_string(), VALUES_HASH);
    for (anchor, receipt) in [(0, RECEIPT), (1, CARD_RECEIPT)] {
        let info: Vec<u8> = b"cast/v1/receipt\0".iter().copied().chain(0..16).chain([anchor]).collect();
        let mut mac = Hmac::<Sha256>::new_from_slice(&derived(&info)).unwrap();
        let mut ownership = mac.clone();
        mac.update(PLAIN.as_bytes());
        let three: String = part.split_inclusive('\n').take(3).collect();
        ownership.update(format!("cast/v1/ownership\0{}{three}", head.split_once(" rules=").unwrap().0).as_bytes());
        let made = [mac, ownership].map(|mac| Hex(&mac.finalize().into_bytes()).to_string());
        assert_eq!(made.join("/"), receipt);
    }
    let fields: Vec<_> = LINE.split(':').collect();
    assert_eq!(
        fields[..5],
        ["cast-agent", "my-agent", "000102030405060708090a0b0c0d0e0f", "1", "0000000a.1/0000000a.1"]
    );
    assert_eq!(fields[5], VERIFICATION);
    // It is TOML, and stock tools read it.
    let table: toml::Table = PLAIN.parse().unwrap();
    assert_eq!(table["secrets"]["OPENAI_API_KEY"]["value"].as_str(), Some("sk-1"));
    assert_eq!(table["card"].as_str(), Some(CARD));
}
