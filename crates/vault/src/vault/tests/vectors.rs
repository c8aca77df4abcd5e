//! The test vectors of SECURITY.md, and the same once more from the primitives alone: a second implementation can be compared with these.

use ed25519_dalek::{Signature, Signer, SigningKey};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::hex::Hex;

/// The bytes 0 to 31.
const MASTER: &str = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG";
const VERIFICATION: &str = "@@VERIFICATION";
const CARD: &str = "@@CARD";
const FINGERPRINT: &str = "@@FINGERPRINT";
const PLAIN: &str = "@@PLAIN";
const OWNER_HASH: &str = "@@OWNER_HASH";
const VALUES_HASH: &str = "@@VALUES_HASH";
const RECEIPT: &str = "@@RECEIPT";
const CARD_RECEIPT: &str = "@@CARD_RECEIPT";
const LINE: &str = "@@LINE";

fn key() -> UnlockKey {
    UnlockKey::parse(MASTER).unwrap()
}

/// Agent `my-agent`, id 00 to 0f, fp 10 to 1f, one secret, replica 0000000a.
fn vault() -> Vault {
    let bytes = |from: u8| std::array::from_fn(|index| from + u8::try_from(index).unwrap());
    let agent = AgentName::parse("my-agent").unwrap();
    let mut vault = Vault::new(agent, master(&key()), VaultId(bytes(0)), bytes(16));
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
    let against_card = Receipt::new(master(&key), vault.id(), Anchored::Card, text(&vault));
    assert_eq!(against_card.to_string(), CARD_RECEIPT);
    assert_eq!(vault.grant(&key).unwrap().line().expose_secret(), LINE);
}

#[test]
fn the_agent_keys_are_derived_as_ever() {
    for (agent, id, epoch, expected) in [
        (
            "my-agent",
            std::array::from_fn(|index| u8::try_from(index).unwrap()),
            1,
            "1FLUKQCVGUPRYWSY9JC6R247CZ5YA4G3DE8XW3T3QTYH80WTHM5QSU7ELP0",
        ),
        (
            "my-agent",
            std::array::from_fn(|index| u8::try_from(index).unwrap()),
            2,
            "1DJL66DQUQVANZYYULADC7WNKP2GFEWGL2EU9FEN86X2Z0UW04QXQJDPKAK",
        ),
        ("builtin", [0xff; 16], 1, "1785P0TUF6ARNVAYKXPL0GYMT49U4KK68WKQLGVGVVF0N2XFGS4DQLNJ36T"),
        ("a", [0; 16], u64::MAX, "10PCJ5G3N5RTL9R8E9Y85WTU4XZCNYLPFFS0N2U763A4XK84SQ9SQR9KTSU"),
    ] {
        let agent_key = master(&key()).agent_key(&AgentName::parse(agent).unwrap(), VaultId(id), epoch);
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
        mac.update(PLAIN.as_bytes());
        assert_eq!(Hex(&mac.finalize().into_bytes()).to_string(), receipt);
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
