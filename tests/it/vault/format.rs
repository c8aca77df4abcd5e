//! The format and its derivations, from SECURITY.md: other programs read vaults, cast reads the vaults of former
//! versions, and keys derive as they always did.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{sandbox, text, works};
use crate::forge::{Key, Text, encrypt, to_hex};
use crate::sandbox::{Sandbox, skip};

const MASTER: &str = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG";

/// Agent, vault id, epoch; agent key, its bytes, the MAC key. Made independently: with Python's `hmac` and RFC 5869.
const VECTORS: [(&str, &str, u64, &str, &str, &str); 4] = [
    (
        "my-agent",
        "000102030405060708090a0b0c0d0e0f",
        1,
        "AGE-SECRET-KEY-1FLUKQCVGUPRYWSY9JC6R247CZ5YA4G3DE8XW3T3QTYH80WTHM5QSU7ELP0",
        "4ff9606188e04647408596343557d81509daa22dc9cce8ae20592e77b977dd01",
        "da7ed12ed41ebba418d456c3695a261e9681bc1e336a46e888ab86e3dc8fc790",
    ),
    (
        "my-agent",
        "000102030405060708090a0b0c0d0e0f",
        2,
        "AGE-SECRET-KEY-1DJL66DQUQVANZYYULADC7WNKP2GFEWGL2EU9FEN86X2Z0UW04QXQJDPKAK",
        "6cbfad341c033b31109cff5b8f3a760a909cb91f567854e667d19427f1cfa80c",
        "a8cff950c2a5c872a3a89e66cafef956767633d1e57329880afe4267601ce8c0",
    ),
    (
        "builtin",
        "ffffffffffffffffffffffffffffffff",
        1,
        "AGE-SECRET-KEY-1785P0TUF6ARNVAYKXPL0GYMT49U4KK68WKQLGVGVVF0N2XFGS4DQLNJ36T",
        "f1e817af89d747367496307ef4136ba9795b5b477581f4310c625f351928855a",
        "2072451c5c501f1a07964677563bf864f78315acc06bc0b34b8ea113383c0f7d",
    ),
    (
        "a",
        "00000000000000000000000000000000",
        u64::MAX,
        "AGE-SECRET-KEY-10PCJ5G3N5RTL9R8E9Y85WTU4XZCNYLPFFS0N2U763A4XK84SQ9SQR9KTSU",
        "78712a2233a0d7f28cf9290f472f9530b1327c294c1f3573da8f6a6b1eb00160",
        "6b96c85d0c964993a43a0feaced0b5b64054d8eb503dc7b4e2b4bc4df2eb8d30",
    ),
];

#[test]
fn keys_derive_as_the_vectors_say() {
    let master = Key::parse(MASTER);
    assert_eq!(master.0.to_vec(), (0..32).collect::<Vec<u8>>());
    for (agent, id, epoch, identity, bytes, mac_key) in VECTORS {
        let key = master.of_agent(agent, id, epoch);
        assert_eq!((key.identity().as_str(), to_hex(&key.0).as_str()), (identity, bytes));
        assert_eq!(to_hex(&key.of_mac().0), mac_key);

        // cast agrees: it opens vaults sealed with these keys, with either key, and seals the same way.
        let sandbox = Sandbox::empty();
        fs::create_dir_all(sandbox.vault(agent).parent().unwrap()).unwrap();
        let text = Text { epoch, ..Text::new(agent, id, master, &[("K", "v")]) };
        fs::write(sandbox.vault(agent), text.seal_as_agent(key, &master.recipient())).unwrap();
        for given in [MASTER, &format!("cast-agent:{agent}:{id}:{epoch}:{identity}")] {
            let cast = |words: &[&str]| sandbox.cast(words).env("CAST_KEY", given).succeeds().out;
            assert_eq!(cast(&["run", agent, "--no-mask", "--", "printenv", "K"]), "v\n");
            cast(&["set", agent, "K", "v"]);
            for key in [key, master] {
                let back = Text::read(&sandbox.vault(agent), key);
                assert_eq!(
                    (back.epoch, back.id.as_str(), back.mac.clone()),
                    (epoch, id, back.right_mac(Key::parse(identity)))
                );
            }
        }
    }
}

#[test]
fn a_new_vault_reads_as_security_md_says() {
    let sandbox = sandbox();
    let text = text(&sandbox);
    let master = Key::master(&sandbox);
    assert_eq!((text.version.as_str(), text.epoch, text.generation), ("1", 1, 1));
    assert_eq!(text.mac, text.right_mac(master.of_agent("a", &text.id, 1)));
    let lines: Vec<_> = text.body.lines().collect();
    let head = ["agent = \"a\"", &format!("master = \"{}\"", master.recipient()), "", "[secrets.K]"];
    assert_eq!(lines[..4], head);
    assert_eq!(lines[4], "value = \"hunter2-first\"");
    assert!(lines[5].starts_with("created = 20") && lines[5].ends_with('Z'), "{}", lines[5]);
    assert_eq!(lines[6].replace("updated", "created"), lines[5]);
    assert_eq!(lines.len(), 7);
    let other = Sandbox::with("a", &[("K", "v")]);
    assert_ne!(Text::read(&other.vault("a"), Key::master(&other)).id, text.id);
}

#[test]
fn every_field_of_the_format_is_known() {
    let sandbox = sandbox();
    let mut text = text(&sandbox);
    text.generation += 1;
    text.body += "dangerous = true\nunmasked = true\n";
    fs::write(sandbox.vault("a"), text.seal("a", Key::master(&sandbox))).unwrap();
    sandbox.set("a", "OTHER", "v");
    let back = super::text(&sandbox).body;
    assert!(back.contains("unmasked = true"), "a change of another secret lost it:\n{back}");
    assert_eq!(sandbox.value("a", "K"), b"hunter2-first");
}

#[test]
fn age_and_rage_open_a_vault_with_either_key() {
    let sandbox = sandbox();
    let text = text(&sandbox);
    let agent_key = Key::master(&sandbox).of_agent("a", &text.id, 1);
    let agent_file = sandbox.home().join("agent.key");
    fs::write(&agent_file, agent_key.identity()).unwrap();
    for program in ["age".into(), "rage".into(), built_rage()] {
        if Command::new(&program).arg("--version").output().is_err() {
            skip(&format!("vault format: {} is not installed", program.display()));
            continue;
        }
        for key in [sandbox.key_file(), agent_file.clone()] {
            let output =
                sandbox.command(&program).arg("-d").arg("-i").arg(key).arg(sandbox.vault("a")).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let plain = String::from_utf8(output.stdout).unwrap();
            assert!(plain.starts_with("# cast-vault 1 id=") && plain.ends_with(&text.body), "{plain}");
        }
    }
}

/// Where `.ci/setup` builds it.
fn built_rage() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/rage")
}

#[test]
fn more_recipients_and_unknown_stanzas_are_no_harm() {
    let sandbox = sandbox();
    let text = text(&sandbox);
    let master = Key::master(&sandbox);
    let agent = master.of_agent("a", &text.id, 1).recipient();
    // With the owner's spare key, in another order, with only the master key: the MAC counts.
    let spare = Key::generate().recipient();
    let master = master.recipient();
    for recipients in [&[spare.as_str(), &agent, &master][..], &[&agent, &master], &[&master]] {
        fs::write(sandbox.vault("a"), text.encrypt(recipients)).unwrap();
        assert_eq!(sandbox.value("a", "K"), b"hunter2-first");
    }
    works(&sandbox);
    // age adds a random stanza by itself; with six recipients there are seven.
    let text = super::text(&sandbox);
    fs::write(sandbox.vault("a"), text.encrypt(&[&spare, &spare, &spare, &spare, &agent, &master])).unwrap();
    works(&sandbox);
    assert!(encrypt(b"", &[&master]).starts_with(b"age-encryption.org/v1\n"));
}
