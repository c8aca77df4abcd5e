//! The format and its derivations, from SECURITY.md: other programs read vaults, cast reads what others write, and keys
//! derive as they always did.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{sandbox, text, works};
use crate::forge::{Key, Text, encrypt, fingerprint, string, to_hex};
use crate::sandbox::{Sandbox, skip};

const MASTER: &str = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG";

/// Agent, vault id, epoch; agent key, its bytes. Made independently: with Python's `hmac` and RFC 5869.
/// Agent, id, epoch, nonce, agent key, its bytes.
const VECTORS: [(&str, &str, u64, &str, &str, &str); 4] = [
    (
        "my-agent",
        "000102030405060708090a0b0c0d0e0f",
        1,
        "202122232425262728292a2b2c2d2e2f",
        "AGE-SECRET-KEY-1RS6KMR9H67G7QH5FQKDSYSYY7AQV42UX9KPFHVQF77JS9D7CGH9Q0VWEPC",
        "1c356d8cb7d791e05e89059b024084f740caab862d829bb009f7a502b7d845ca",
    ),
    (
        "my-agent",
        "000102030405060708090a0b0c0d0e0f",
        2,
        "202122232425262728292a2b2c2d2e2f",
        "AGE-SECRET-KEY-1LM6KP3H5GE2TRJSCQV3G2UF2XZFFWSXPSVCJSPYWQ793ETRR5DAS0EWMGX",
        "fef560c6f44654b1ca18032285712a30929740c1833128048e078b1cac63a37b",
    ),
    (
        "builtin",
        "ffffffffffffffffffffffffffffffff",
        1,
        "00000000000000000000000000000000",
        "AGE-SECRET-KEY-1JG6S32U7NNJA98MLN8X384QVYW36CP6VT0MWL57E99Q8QLCRHD7SF8R99C",
        "923508ab9e9ce5d29f7f99cd13d40c23a3ac074c5bf6efd3d92940707f03bb7d",
    ),
    (
        "a",
        "00000000000000000000000000000000",
        u64::MAX,
        "ffffffffffffffffffffffffffffffff",
        "AGE-SECRET-KEY-14ZWR64MP2WAJCS5ECZPZLXKVMM96MF4JSHFSLTHXQA89XXQMD83S73DF6L",
        "a89c3d576153bb2c4299c0822f9accdecbada6b285d30faee6074e53181b69e3",
    ),
];

/// The largest counter that a vault has.
const MOST: u64 = (1 << 53) - 1;

#[test]
fn keys_derive_as_the_vectors_say() {
    let master = Key::parse(MASTER);
    assert_eq!(master.0.to_vec(), (0..32).collect::<Vec<u8>>());
    for (agent, id, epoch, nonce, identity, bytes) in VECTORS {
        let key = master.of_agent(agent, id, epoch, nonce);
        assert_eq!((key.identity().as_str(), to_hex(&key.0).as_str()), (identity, bytes));
    }
}

#[test]
fn cast_opens_what_another_program_seals_with_these_keys() {
    let master = Key::parse(MASTER);
    for (agent, id, epoch, nonce, ..) in VECTORS {
        let epoch = epoch.min(MOST);
        let sandbox = Sandbox::empty();
        fs::create_dir_all(sandbox.vault(agent).parent().unwrap()).unwrap();
        let text = Text::new(agent, id, master, &[("K", "v")]).with_nonce(nonce).in_epoch(epoch, master);
        fs::write(sandbox.vault(agent), text.seal(master)).unwrap();
        let cast = |words: &[&str], given: &str| sandbox.cast(words).env("CAST_KEY", given).succeeds().out;
        let print = ["run", agent, "--no-mask", "--", "printenv", "K"];
        assert_eq!(cast(&print, MASTER), "v\n");
        if agent != "builtin" {
            assert_eq!(cast(&print, &text.grant(master)), "v\n");
        }
        // And seals the same way, in the same epoch.
        cast(&["set", agent, "K", "w"], MASTER);
        for key in [master.of_agent(agent, id, epoch, nonce), master] {
            let back = Text::read(&sandbox.vault(agent), key);
            assert_eq!((back.epoch, back.id.as_str(), back.verifies()), (epoch, id, true));
            let begin = "\n[secrets.K]\nvalue = \"w\"\ncreated = 2026-01-15T10:30:00Z\nupdated = ";
            assert!(back.values.starts_with(begin) && back.part == text.part, "{back:?}");
        }
    }
}

/// SECURITY.md itself.
fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md")).unwrap()
}

#[test]
fn the_page_has_vectors_that_a_second_implementation_makes() {
    let master = Key::parse(MASTER);
    let page = page();
    let row = |name: &str| {
        let line = page.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
        line.split('`').nth(1).unwrap().to_owned()
    };
    assert_eq!(row("verification key"), master.verification());
    assert_eq!(row("card"), master.card());
    assert_eq!(row("fingerprint"), fingerprint(&master.card()));
    for (agent, id, epoch, nonce, identity, _) in VECTORS {
        assert!(page.contains(identity), "{agent} {id} {epoch} {nonce}");
    }
    // The whole plaintext, made here.
    let begin = page.find("# cast-vault 1 id=0001").unwrap();
    let plain = page[begin..].split("```").next().unwrap();
    let text = Text::parse(plain);
    assert!(text.verifies());
    let fp = to_hex(&(0x10..0x20).collect::<Vec<u8>>());
    let (agent, id, _, nonce, ..) = VECTORS[0];
    let made = Text::new(agent, id, master, &[("OPENAI_API_KEY", "sk-1")]).with_nonce(nonce).in_epoch(1, master);
    assert_eq!(made.edited(&"5f".repeat(16), &fp).signed(master).plain(), plain);
    let (owner_hash, values_hash) = text.hashes();
    assert_eq!((row("H(O)"), row("H(V)")), (owner_hash, values_hash));
    assert_eq!(row("receipt, own vault"), master.receipt(&text.id, 0, plain));
    assert_eq!(row("receipt, against a card"), master.receipt(&text.id, 1, plain));
    assert_eq!(row("agent line"), text.grant(master));
    // The same, shared with a person, who has set the value.
    let alice = Key((0x20..0x40).collect::<Vec<u8>>().try_into().unwrap());
    assert_eq!(row("card of alice"), alice.card());
    assert_eq!(row("its fingerprint"), fingerprint(&alice.card()));
    let shared = text.with_person("alice", &alice.card(), &["OPENAI_API_KEY"]);
    let shared = Text { rules: "0000000a.2".into(), ..shared }.signed(master);
    let set = Text { at: "0000000a.1,0000000b.1".into(), ..shared.edited("sk-1", "sk-2") }.sealed_by(alice);
    let second = begin + plain.len() + page[begin + plain.len()..].find("# cast-vault 1 id=0001").unwrap();
    assert_eq!(page[second..].split("```").next().unwrap(), set.plain());
    let (owner_hash, values_hash) = set.hashes();
    assert_eq!((row("H(O), shared"), row("H(V), set by alice")), (owner_hash, values_hash));
    assert_eq!(set.recipients(), [master.recipient(), set.agent_key(master).recipient(), alice.recipient()]);
}

#[test]
fn a_new_vault_reads_as_security_md_says() {
    let sandbox = sandbox();
    let text = text(&sandbox);
    let master = Key::master(&sandbox);
    assert!(text.verifies());
    assert_eq!((text.version.as_str(), text.agent.as_str(), text.epoch), ("1", "a", 1));
    assert_eq!((text.owner.clone(), text.sealer.clone()), (master.verification(), master.verification()));
    // One replica, which has changed both halves once.
    let replica = fs::read_to_string(sandbox.state().join("replica")).unwrap();
    assert_eq!((text.rules.clone(), text.at.clone()), (format!("{}.1", replica.trim_end()), text.rules.clone()));
    let reader = text.agent_key(master).recipient();
    let random = |text: &Text| text.part.lines().skip(2).take(2).map(str::to_owned).collect::<Vec<_>>();
    let drawn = random(&text);
    assert_eq!((drawn[0].len(), drawn[1].len()), ("nonce = \"\"".len() + 32, "fp = \"\"".len() + 32));
    let drawn_lines = drawn.join("\n");
    let part = format!("card = \"{}\"\nreader = \"{reader}\"\n{drawn_lines}\n\n[names.K]\n", master.card());
    assert_eq!(text.part, part);
    let time = text.values.lines().nth(3).unwrap().strip_prefix("created = ").unwrap();
    assert!(time.starts_with("20") && time.len() == 20 && time.ends_with('Z'), "{time}");
    let values = format!("\n[secrets.K]\nvalue = \"hunter2-first\"\ncreated = {time}\nupdated = {time}\n");
    assert_eq!(text.values, values);
    assert_eq!(text.recipients(), [master.recipient(), reader]);
    let other = Sandbox::with("a", &[("K", "v")]);
    let other = Text::read(&other.vault("a"), Key::master(&other));
    assert!(
        other.id != text.id
            && random(&other).iter().zip(&drawn).all(|(one, two)| one != two)
            && other.rules != text.rules
    );
}

#[test]
fn every_value_has_the_form_of_the_page() {
    let sandbox = Sandbox::new();
    let odd = [
        "",
        " ",
        "\"",
        "\\",
        "a\"\"\"b",
        "\n",
        "\"\n\"\"\"\n\"",
        "\r\n\t\u{8}\u{c}\u{1b}\u{1f}\u{7f}",
        "é 漢字 🦀",
        "# cast-values 1 at=\n",
    ];
    for (number, value) in odd.iter().enumerate() {
        sandbox.set("a", &format!("K{number}"), value);
    }
    let text = text(&sandbox);
    for (number, value) in odd.iter().enumerate() {
        let expected = format!("\n[secrets.K{number}]\nvalue = {}\ncreated = ", string(value));
        assert!(text.values.contains(&expected), "{value:?} in {}", text.values);
        assert_eq!(sandbox.value("a", &format!("K{number}")), value.as_bytes());
    }
    // cast reads what this page's writer makes of them.
    let master = Key::master(&sandbox);
    let secrets: Vec<_> = odd.iter().map(|value| ("K", *value)).collect();
    for secret in secrets {
        let made = Text::new("b", &"42".repeat(16), master, &[secret]);
        fs::write(sandbox.vault("b"), made.seal(master)).unwrap();
        assert_eq!(sandbox.value("b", "K"), secret.1.as_bytes());
        fs::remove_dir_all(sandbox.state()).unwrap();
    }
}

#[test]
fn every_field_of_the_format_is_known() {
    let sandbox = sandbox();
    let master = Key::master(&sandbox);
    let flags = "dangerous = true\nunmasked = true\nhosts = [\"api.example.com\", \"eu.example.com:8443\"]\n\
                 in = [\"form:api key\", \"header:X-Key\", \"json:/a/b\", \"query:key\"]\nprefix = \"sk-\"\nfile = true\n";
    let (alice, bob) = (Key::generate().card(), Key::generate().card());
    let edited = text(&sandbox)
        .with("NODE_OPTIONS", "--no-warnings", flags)
        .with_name("Z", "from = [\"pass\", \"show\", \"a b\"]\n")
        .with_person("alice", &alice, &["K", "NODE_OPTIONS"])
        .with_person("bob", &bob, &[])
        .next();
    fs::write(sandbox.vault("a"), edited.seal(master)).unwrap();
    sandbox.set("a", "OTHER", "v");
    let back = text(&sandbox);
    assert!(back.verifies());
    let other = edited.clone().with_name("OTHER", "");
    assert_eq!(back.part, other.part, "a change of another secret lost something");
    assert_eq!(back.recipients().len(), 4);
    let only = ["run", "a", "--only", "K", "--no-mask", "--", "printenv", "K"];
    assert_eq!(sandbox.cast(only).succeeds().out, "hunter2-first\n");
}

#[test]
fn age_and_rage_open_a_vault_with_either_key() {
    let sandbox = sandbox();
    let text = text(&sandbox);
    let agent_key = text.agent_key(Key::master(&sandbox));
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
            assert!(plain.starts_with("# cast-vault 1 id=") && plain.ends_with(&text.values), "{plain}");
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
    let agent = text.agent_key(master).recipient();
    // With the owner's spare key, in another order, with only the master key: the signatures count.
    let spare = Key::generate().recipient();
    let master = master.recipient();
    for recipients in [&[spare.as_str(), &agent, &master][..], &[&agent, &master], &[&master]] {
        fs::write(sandbox.vault("a"), text.encrypt(recipients)).unwrap();
        assert_eq!(sandbox.value("a", "K"), b"hunter2-first");
    }
    works(&sandbox);
    // age adds a random stanza by itself; with 39 recipients there are 40, the most that a reader looks at.
    let text = super::text(&sandbox);
    let mut many = vec![spare.as_str(); 37];
    many.extend([agent.as_str(), &master]);
    fs::write(sandbox.vault("a"), text.encrypt(&many)).unwrap();
    works(&sandbox);
    many.insert(0, &spare);
    fs::write(sandbox.vault("a"), super::text(&sandbox).encrypt(&many)).unwrap();
    super::refused(&sandbox, "is damaged");
    assert!(encrypt(b"", &[&master]).starts_with(b"age-encryption.org/v1\n"));
}
