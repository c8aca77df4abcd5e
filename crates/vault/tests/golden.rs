//! The files in `tests/golden/v1` at the root of the repository: vaults of format 1, written once. Every later cast opens them, with each kind
//! of key, and finds exactly what `expected.toml` states. `CAST_WRITE_GOLDEN=1` wrote them; it refuses where there are some.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use age::secrecy::ExposeSecret;
use cast_vault::{
    AgentName, Anchor, Card, Flags, MasterKey, PersonName, Replica, Role, Sealer, SecretName, SecretValue, Timestamp,
    UnlockKey, Vault,
};
use sha2::{Digest, Sha256};

/// The bytes 0 to 31, and 32 to 63, and 64 to 95.
const KEYS: [(&str, &str); 3] = [
    ("key.txt", "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG"),
    ("alice.txt", "AGE-SECRET-KEY-1YQSJYGEYY5NZW2PF9G4JCTFW9UCRZV3NXS6NVDEC8YARK0PA8CLSWXGG7Q"),
    ("bob.txt", "AGE-SECRET-KEY-1GPQ5YS6YG4RYWJZFFF95CN2WFAG9Z5JN2324V46CT9D9KHZATE0S5FAZ64"),
];
const WRITTEN: &str = "2026-11-23T21:56:19Z";
const LATER: &str = "2026-11-24T08:00:00Z";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/v1").join(name)
}

fn read(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn key(name: &str) -> UnlockKey {
    UnlockKey::parse(str::from_utf8(&read(name)).unwrap()).unwrap()
}

fn master(key: &UnlockKey) -> &MasterKey {
    let UnlockKey::Master(keys) = key else { panic!("a master key") };
    &keys[0]
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn agent(word: &str) -> AgentName {
    AgentName::parse(word).unwrap()
}

fn name(word: &str) -> SecretName {
    SecretName::parse(word).unwrap()
}

fn person(word: &str) -> PersonName {
    PersonName::parse(word).unwrap()
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

/// What is asked of a vault: `expected.toml` states the same words.
fn content(vault: &Vault) -> String {
    let mut text = format!("[{}]\n", vault.agent());
    let mut line = |name: &str, value: &str| writeln!(text, "{name} = {}", toml::Value::from(value)).unwrap();
    line("owner", &vault.part().card.to_string());
    line("reader", &vault.part().reader.to_string());
    line("state", &vault.state().unwrap().to_string());
    line(
        "sealer",
        match vault.sealer() {
            Sealer::Owner => "the owner",
            Sealer::Person(name) => name.as_str(),
        },
    );
    for (name, person) in vault.people() {
        let may_set: Vec<_> = person.may_set.iter().map(SecretName::as_str).collect();
        let listed = format!("{} may set {:?} since {}", person.card, may_set, person.since);
        line(&format!("people.\"{name}\""), &listed);
    }
    for (name, flags) in vault.names() {
        line(&format!("flags.{name}"), &treatment(flags));
    }
    for (name, secret) in vault.values() {
        let value = secret.value.expose();
        let digest = || format!("{} bytes, SHA-256 {:x}", value.len(), Sha256::digest(value));
        line(&format!("values.{name}"), &if value.len() > 1000 { digest() } else { value.to_owned() });
        line(&format!("times.{name}"), &format!("{} {}", secret.created, secret.updated));
    }
    text
}

/// The flags that are set.
fn treatment(flags: &Flags) -> String {
    let mut set = Vec::new();
    for (name, is_set) in [("dangerous", flags.dangerous), ("unmasked", flags.unmasked), ("file", flags.file)] {
        set.extend(is_set.then(|| name.to_owned()));
    }
    for (name, list) in [("hosts", &flags.hosts), ("in", &flags.places)] {
        set.extend((!list.is_empty()).then(|| format!("{name} {list:?}")));
    }
    set.extend(flags.prefix.as_ref().map(|prefix| format!("prefix {prefix:?}")));
    set.extend(flags.from.as_ref().map(|words| format!("from {words:?}")));
    set.join(", ")
}

#[track_caller]
fn check(agent_name: &str, keys: &[(&str, &Role)]) {
    let file = read(&format!("{agent_name}.age"));
    let expected: toml::Table = str::from_utf8(&read("expected.toml")).unwrap().parse().unwrap();
    let owner = key("key.txt");
    let card = Card::parse(str::from_utf8(&read("card.txt")).unwrap().trim_end()).unwrap();
    assert_eq!(card, master(&owner).card());
    for (key_name, role) in keys {
        let key = key(key_name);
        let anchor = if matches!(role, Role::Person(_)) { Anchor::Card(&card) } else { Anchor::Own };
        let vault = Vault::open(&file, &agent(agent_name), &key, anchor, None).unwrap();
        assert_eq!(vault.role(), *role);
        let content: toml::Table = content(&vault).parse().unwrap();
        assert_eq!(content[agent_name], expected[agent_name], "{agent_name} with {key_name}");
    }
    // A run finds the same, and the vault can be changed as any other.
    let mut vault = Vault::open(&file, &agent(agent_name), &owner, Anchor::Own, None).unwrap();
    let names: BTreeSet<_> = vault.names().keys().cloned().collect();
    vault.set(name("NEW"), SecretValue::from_text("v".into()).unwrap(), false, time(LATER)).unwrap();
    let next = vault.seal(&owner, Replica::new([9; 4])).unwrap();
    let back = Vault::open(&next, &agent(agent_name), &owner, Anchor::Own, None).unwrap();
    let environment = back.into_environment().unwrap();
    assert!(environment.len() == names.len() + 1 && names.iter().all(|name| environment.contains_key(name)));
}

#[test]
fn an_ordinary_vault() {
    check("my-agent", &[("key.txt", &Role::Owner), ("my-agent.agent-key", &Role::Reader)]);
}

#[test]
fn an_empty_vault() {
    check("empty", &[("key.txt", &Role::Owner), ("empty.agent-key", &Role::Reader)]);
}

#[test]
fn odd_values() {
    check("odd", &[("key.txt", &Role::Owner), ("odd.agent-key", &Role::Reader)]);
}

#[test]
fn every_flag_people_and_a_persons_seal() {
    check(
        "shared",
        &[
            ("key.txt", &Role::Owner),
            ("alice.txt", &Role::Person(person("alice"))),
            ("bob.txt", &Role::Person(person("bob.laptop"))),
            ("shared.agent-key", &Role::Reader),
        ],
    );
}

#[test]
fn written_once() {
    if std::env::var_os("CAST_WRITE_GOLDEN").is_none() {
        return;
    }
    assert!(!path("").exists(), "golden files are never written twice");
    fs::create_dir_all(path("")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(path(name), bytes).unwrap();
    for (name, text) in KEYS {
        let key = UnlockKey::parse(text).unwrap();
        write(name, MasterKey::identity_file(&[master(&key)]).expose_secret().as_bytes());
    }
    let owner = key("key.txt");
    write("card.txt", format!("{}\n", master(&owner).card()).as_bytes());
    let replica = Replica::parse("601d0001").unwrap();
    let mut expected = String::from("# What the vaults here hold. Written with them, and never changed.\n");
    let mut finish = |vault: &Vault, file: &[u8]| {
        let agent = vault.agent();
        fs::write(path(&format!("{agent}.age")), file).unwrap();
        write!(expected, "\n{}", content(vault)).unwrap();
        fs::write(path("expected.toml"), &expected).unwrap();
    };
    let grant = |vault: &Vault| {
        let line = vault.grant(&owner).unwrap().line();
        write(&format!("{}.agent-key", vault.agent()), format!("{}\n", line.expose_secret()).as_bytes());
    };
    let long = "0123456789".repeat(7000);
    let odd = [
        ("BLANKS", "  x \t "),
        ("CONTROLS", "\u{1}\u{7f}\u{1b}[0m"),
        ("CRLF", "a\r\nb\r\n"),
        ("DOLLAR", "$HOME `id` %s"),
        ("EMPTY", ""),
        ("LONG", &long),
        ("MULTI", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("NEWLINE", "\n"),
        ("NODE_OPTIONS", "--max-old-space-size=64"),
        ("QUOTES", "\"\"\"'''\\\"\\\\"),
        ("UNICODE", "é 漢字 🦀 \u{feff}\u{2028}"),
        ("lower_case", "ok"),
    ];
    let ordinary = [("GREETING", "hello"), ("OPENAI_API_KEY", "sk-golden-0123456789")];
    for (agent_name, values) in [("my-agent", &ordinary[..]), ("empty", &[]), ("odd", &odd)] {
        let mut vault = Vault::create(agent(agent_name), master(&owner)).unwrap();
        for (word, text) in values {
            vault.set(name(word), SecretValue::from_text((*text).into()).unwrap(), true, time(WRITTEN)).unwrap();
        }
        let file = vault.seal(&owner, replica).unwrap();
        finish(&vault, &file);
        grant(&vault);
    }
    let mut vault = Vault::create(agent("shared"), master(&owner)).unwrap();
    let value = |text: &str| SecretValue::from_text(text.into()).unwrap();
    for word in ["API_KEY", "CERTIFICATE", "DATABASE_URL", "LD_PRELOAD", "REGION"] {
        vault.set(name(word), value(&format!("golden-{word}")), true, time(WRITTEN)).unwrap();
    }
    let hosts = words(&["api.example.com", "eu.example.com:8443"]);
    let places = words(&["form:api key", "header:X-Api-Key", "json:/auth/key", "query:key"]);
    let brokered = Flags { hosts, places, prefix: Some("golden-".into()), ..Flags::default() };
    vault.set_flags(&name("API_KEY"), brokered).unwrap();
    vault.set_flags(&name("CERTIFICATE"), Flags { file: true, ..Flags::default() }).unwrap();
    vault.set_flags(&name("REGION"), Flags { unmasked: true, ..Flags::default() }).unwrap();
    let lines = "x\n# cast-values 1 at=601d0001.9 sealer=00 sig=00\n\n[secrets.X]\n\"\"\"\"";
    vault.set(name("LINES"), value(lines), false, time(WRITTEN)).unwrap();
    vault.set_command(&name("SESSION"), words(&["op", "read", "op://vault/it em/\"x\"", ""]), false).unwrap();
    let may_set = [name("DATABASE_URL"), name("REGION")].into();
    let card = |name: &str| master(&key(name)).card();
    vault.share(person("alice"), card("alice.txt"), may_set, time(WRITTEN)).unwrap();
    vault.share(person("bob.laptop"), card("bob.txt"), [].into(), time(WRITTEN)).unwrap();
    vault.seal(&owner, replica).unwrap();
    vault.start_epoch().unwrap();
    let file = vault.seal(&owner, replica).unwrap();
    grant(&vault);
    let owners = master(&owner).card();
    let alice = key("alice.txt");
    let mut hers = Vault::open(&file, &agent("shared"), &alice, Anchor::Card(&owners), None).unwrap();
    hers.set(name("DATABASE_URL"), value("postgres://alice:pa@ss@db/x"), false, time(LATER)).unwrap();
    let file = hers.seal(&alice, Replica::parse("a11ce001").unwrap()).unwrap();
    finish(&hers, &file);
    write(
        "README.md",
        b"Vaults of format 1, written before the first release and never again: every later cast opens them (`crates/vault/tests/golden.rs`,\n\
          `tests/it/vault/golden.rs`). `expected.toml` states what they hold. `key.txt` is the owner's master key, the bytes 0 to 31, and that of\n\
          the test vectors; `card.txt` is its card; `alice.txt` and `bob.txt` are those of the people in `shared.age`, which alice sealed last;\n\
          `*.agent-key` are the agent keys.\n",
    );
}
