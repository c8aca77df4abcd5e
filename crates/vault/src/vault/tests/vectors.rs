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
    "# cast-vault 1 id=000102030405060708090a0b0c0d0e0f agent=my-agent epoch=1 owner=7ac98f731b69d27e43c0209d535a982bab7fdef2fa634745572b5e9eb3a1a239 rules=0000000a.1 bytes=285 sig=e32eb9cd0157db9131c014f93d14662a206042084ae905bdd84d4754d2edfef433da2be21d296d4a40baf8a581e5f63b1598deb0fe82f7edb973977239e49400\n",
    "card = \"cast-card:age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh:7ac98f731b69d27e43c0209d535a982bab7fdef2fa634745572b5e9eb3a1a239\"\n",
    "reader = \"age1welk8ld96jlttxllarylmpnsdwlkd3nw4pflafzps5ydxenh2vhqa2633l\"\n",
    "fp = \"101112131415161718191a1b1c1d1e1f\"\n",
    "\n",
    "[names.OPENAI_API_KEY]\n",
    "# cast-values 1 at=0000000a.1 sealer=7ac98f731b69d27e43c0209d535a982bab7fdef2fa634745572b5e9eb3a1a239 sig=293c4aba9ee278c34d06925fb0b9e21bbb5043ba8bf28d555389bf70959e0f7aae9206df27f270a6a31664c1daf1384b8299a60778f7de780014721ffa3d6707\n",
    "\n",
    "[secrets.OPENAI_API_KEY]\n",
    "value = \"sk-1\"\n",
    "created = 2026-01-15T10:30:00Z\n",
    "updated = 2026-01-15T10:30:00Z\n",
);
const OWNER_HASH: &str = "bc196adfb3d51525dfa721404c2fa4bd5d7c8de89de960e07fff7eada8112317";
const VALUES_HASH: &str = "057f4c2be5646a51c79c9436c9792754ad2b1d02d98a445293b88ff1798b90ce";
const RECEIPT: &str = "beae9084cafb063e4eba413ada29af89e311bcad9a80971bf715d204cb7a1c57/dae5f5342aabfb842c82889324276e6ec53f663e6558e42a436994c5f52b128c";
const CARD_RECEIPT: &str = "c6e6fd958b779d71f29842edbbd6e77fada5f94b354f4d3c9b07698785f21e7f/546826ed62b6db07d5b88ce5290cd7bdde4c954bfc6ff013bfb8c10dcd2754f9";
const LINE: &str = "cast-agent:my-agent:000102030405060708090a0b0c0d0e0f:1:0000000a.1/0000000a.1:7ac98f731b69d27e43c0209d535a982bab7fdef2fa634745572b5e9eb3a1a239:AGE-SECRET-KEY-1FLUKQCVGUPRYWSY9JC6R247CZ5YA4G3DE8XW3T3QTYH80WTHM5QSU7ELP0";

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
    let against_card = Receipt::new(master(&key), vault.id(), Anchored::Card, vault.plain.as_ref().unwrap());
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
        let mut ownership = mac.clone();
        mac.update(PLAIN.as_bytes());
        let two: String = part.split_inclusive('\n').take(2).collect();
        ownership.update(format!("cast/v1/ownership\0{}{two}", head.split_once(" rules=").unwrap().0).as_bytes());
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
