//! `cast secrets copy` and `rename`: from vault to vault, from name to name; all or nothing, and no value is seen.

use std::fs;

use serde_json::Value;

use crate::forge::{Key, Text, grant_of};
use crate::sandbox::Sandbox;

const SECRETS: [(&str, &str); 3] = [("A", "sk-live-a"), ("B", "sk-live-b\r\n\"$x'\n "), ("EMPTY", "")];

fn line(sandbox: &Sandbox, agent: &str, key: &str) -> Value {
    sandbox.listing(agent).into_iter().find(|line| line["key"] == key).unwrap()
}

/// Waits until the clock of vaults, which counts seconds, shows another time than what was set last.
fn wait_for_another_second(sandbox: &Sandbox) {
    sandbox.set("clock", "K", "v");
    let first = line(sandbox, "clock", "K")["updated_at"].clone();
    while line(sandbox, "clock", "K")["updated_at"] == first {
        sandbox.set("clock", "K", "v");
    }
}

#[test]
fn copies_arrive_byte_for_byte() {
    let sandbox = Sandbox::with("from", &SECRETS);
    let outcome = sandbox.cast(["secrets", "copy", "from", "to", "B", "A", "A"]).succeeds();
    assert_eq!(
        outcome.err,
        "✓ Secret 'A' copied from agent 'from' to agent 'to'\n✓ Secret 'B' copied from agent 'from' to agent 'to'\n"
    );
    assert_eq!(outcome.out, "");
    assert_eq!(sandbox.listing("to").len(), 2);
    sandbox.cast(["secrets", "copy", "from", "builtin"]).succeeds().says_nothing_of(&["sk-live"]);
    for (key, value) in SECRETS {
        assert_eq!(sandbox.value("builtin", key), value.as_bytes());
        assert_eq!(sandbox.value("from", key), value.as_bytes());
    }
    assert_eq!(sandbox.value("to", "B"), SECRETS[1].1.as_bytes());
}

#[test]
fn a_copy_is_set_now_and_treated_as_the_original() {
    let sandbox = Sandbox::with("from", &SECRETS);
    sandbox.cast(["set", "from", "A", "--unmasked", "sk-live-a"]).succeeds();
    sandbox.cast(["set", "from", "NODE_OPTIONS", "--allow-dangerous-name", "--", "--no-warnings"]).succeeds();
    sandbox.set("to", "A", "old");
    wait_for_another_second(&sandbox);
    let old = line(&sandbox, "to", "A");
    let refused = sandbox.cast(["secrets", "copy", "from", "to"]).refuses(2, "agent 'to' already has: A", &["sk-live"]);
    assert!(refused.err.contains("--replace"), "{refused:?}");
    sandbox.cast(["secrets", "copy", "from", "to", "--replace", "--allow-dangerous-name"]).succeeds();
    let new = line(&sandbox, "to", "A");
    assert_eq!(new["created_at"], old["created_at"]);
    assert!(new["updated_at"].as_str() > old["updated_at"].as_str(), "{new} {old}");
    assert_eq!(new["masked"], false);
    let copied = line(&sandbox, "to", "B");
    assert!(copied["created_at"].as_str() > line(&sandbox, "from", "B")["created_at"].as_str(), "{copied}");
    // `run` checks the allowance again.
    assert_eq!(sandbox.value("to", "NODE_OPTIONS"), b"--no-warnings");
}

#[test]
fn a_copy_is_whole_or_not_there() {
    let sandbox = Sandbox::with("from", &SECRETS);
    sandbox.set("to", "B", "old");
    let copy = |words: &[&str]| sandbox.cast(["secrets", "copy"].iter().chain(words));
    copy(&["from", "to", "A", "MISSING"]).refuses(3, "agent 'from' has no secret 'MISSING'", &["sk-live"]);
    copy(&["from", "new", "A", "MISSING"]).refuses(3, "agent 'from' has no secret 'MISSING'", &["sk-live"]);
    copy(&["from", "to", "A", "B"]).refuses(2, "agent 'to' already has: B", &["sk-live"]);
    copy(&["form", "to"]).refuses(3, "agent 'form' has no vault", &[]);
    copy(&["from", "from"]).refuses(2, "the same agent", &[]);
    copy(&["from", "SK-LIVE"]).refuses(2, "AGENT", &["SK-LIVE"]);
    copy(&["from", "to", "sk-live"]).refuses(2, "KEY", &["sk-live"]);
    copy(&["from"]).refuses(2, "missing: <TO>", &[]);
    sandbox.cast(["delete", "to", "B"]).succeeds();
    copy(&["to", "from"]).refuses(3, "agent 'to' has no secrets", &[]);
    // A copy of nothing creates neither a key nor a vault.
    let empty = Sandbox::empty();
    empty.cast(["secrets", "copy", "a", "b"]).refuses(3, "agent 'a' has no vault", &[]);
    fs::write(sandbox.vault("to"), "damaged").unwrap();
    copy(&["from", "to"]).refuses(5, "'to'", &["sk-live"]);
    copy(&["to", "from"]).refuses(5, "'to'", &["sk-live"]);
}

/// Of each vault its owner says anew that a name may make programs load code.
#[test]
fn an_allowance_is_not_copied() {
    let sandbox = Sandbox::with("from", &SECRETS);
    sandbox.cast(["set", "from", "NODE_OPTIONS", "--allow-dangerous-name", "--", "--no-warnings"]).succeeds();
    let copy = |words: &[&str]| sandbox.cast(["secrets", "copy", "from"].iter().chain(words));
    for words in [&["to"][..], &["to", "NODE_OPTIONS"], &["builtin"], &["to", "--replace"]] {
        copy(words).refuses(2, "'NODE_OPTIONS' is refused: it makes programs load code", &["sk-live", "--no-warnings"]);
    }
    copy(&["to", "A"]).succeeds();
    copy(&["to", "NODE_OPTIONS", "--allow-dangerous-name"]).succeeds();
    assert_eq!(line(&sandbox, "to", "NODE_OPTIONS")["dangerous"], true);
    assert_eq!(sandbox.value("to", "NODE_OPTIONS"), b"--no-warnings");
    // What was allowed there once was another value.
    sandbox.cast(["set", "from", "NODE_OPTIONS", "--", "--trace-exit"]).succeeds();
    copy(&["to", "NODE_OPTIONS", "--replace"]).refuses(
        2,
        "'NODE_OPTIONS' is refused: it makes programs load code",
        &["--trace-exit"],
    );
    assert_eq!(sandbox.value("to", "NODE_OPTIONS"), b"--no-warnings");
    copy(&["to", "NODE_OPTIONS", "--replace", "--allow-dangerous-name"]).succeeds();
    assert_eq!(sandbox.value("to", "NODE_OPTIONS"), b"--trace-exit");
}

/// Out of a vault of another owner no dangerous name comes unasked, and no command at all.
#[test]
fn what_another_owner_allowed_is_not_allowed_here() {
    let (alice, owner) = (Sandbox::new(), Key::generate());
    let vault = Text::new("theirs", &"42".repeat(16), owner, &[("K", "sk-live-k")])
        .with("LD_PRELOAD", "sk-live.so", "dangerous = true\n")
        .with_name("FETCHED", "hosts = [\"a.b\"]\nfrom = [\"sh\", \"-c\", \"sk-live\"]\n")
        .with("SENT", "sk-live-sent", "hosts = [\"evil.example\"]\n")
        .with("SHOWN", "sk-live-shown", "unmasked = true\n")
        .with_person("alice", &Key::master(&alice).card(), &[]);
    fs::create_dir_all(alice.vault("theirs").parent().unwrap()).unwrap();
    fs::write(alice.vault("theirs"), vault.seal(owner)).unwrap();
    alice.cast(["vault", "accept", "theirs", "--yes"]).succeeds();
    let copy = |words: &[&str]| alice.cast(["secrets", "copy", "theirs", "mine"].iter().chain(words));
    copy(&["LD_PRELOAD"]).refuses(2, "'LD_PRELOAD' is refused: it makes programs load code", &["sk-live"]);
    copy(&["FETCHED"]).refuses(2, "comes from a command that another owner may have chosen", &["sk-live"]);
    copy(&["--allow-dangerous-name"]).refuses(
        2,
        "comes from a command that another owner may have chosen",
        &["sk-live"],
    );
    copy(&["SENT"]).refuses(2, "is for hosts that another owner may have chosen", &["sk-live"]);
    // How a value is shown is not that owner's to say here either: the next one under this name is hers.
    alice.cast(["set", "mine", "K", "--unmasked", "hunter2"]).succeeds();
    copy(&["SHOWN"]).succeeds();
    copy(&["K", "--replace"]).succeeds();
    assert_eq!(
        (&line(&alice, "mine", "SHOWN")["masked"], &line(&alice, "mine", "K")["masked"]),
        (&true.into(), &false.into())
    );
    alice.cast(["delete", "mine", "K"]).succeeds();
    copy(&["K", "LD_PRELOAD", "--allow-dangerous-name"]).succeeds();
    assert_eq!(line(&alice, "mine", "LD_PRELOAD")["dangerous"], true);
    assert_eq!(alice.value("mine", "K"), b"sk-live-k");
    // Nor over one's own that was allowed.
    copy(&["LD_PRELOAD", "--replace"]).refuses(2, "'LD_PRELOAD' is refused: it makes programs load code", &["sk-live"]);
    // One's own command is copied with the hosts that it is for.
    let master = Key::master(&alice);
    let own = Text::new("own", &"43".repeat(16), master, &[])
        .with_name("FETCHED", "hosts = [\"a.b\"]\nfrom = [\"op\", \"read\"]\n");
    fs::write(alice.vault("own"), own.seal(master)).unwrap();
    alice.cast(["secrets", "copy", "own", "mine"]).succeeds();
    let copied = line(&alice, "mine", "FETCHED");
    assert_eq!((&copied["hosts"][0], &copied["from"][0]), (&"a.b".into(), &"op".into()));
}

#[test]
fn a_new_name_keeps_the_times_and_the_treatment() {
    let sandbox = Sandbox::with("a", &SECRETS);
    sandbox.cast(["set", "a", "A", "--unmasked", "sk-live-a2"]).succeeds();
    let old = line(&sandbox, "a", "A");
    wait_for_another_second(&sandbox);
    let outcome = sandbox.cast(["secrets", "rename", "a", "A", "NEW"]).succeeds();
    assert_eq!((outcome.out.as_str(), outcome.err.as_str()), ("", "✓ Secret 'A' of agent 'a' renamed to 'NEW'\n"));
    let new = line(&sandbox, "a", "NEW");
    for field in ["created_at", "updated_at", "masked"] {
        assert_eq!(new[field], old[field], "{field}");
    }
    assert_eq!(sandbox.listing("a").len(), SECRETS.len());
    assert_eq!(sandbox.value("a", "NEW"), b"sk-live-a2");
    sandbox.cast(["secrets", "rename", "a", "NEW", "B", "--replace"]).succeeds();
    assert_eq!(sandbox.value("a", "B"), b"sk-live-a2");
    assert_eq!(sandbox.listing("a").len(), SECRETS.len() - 1);
}

#[test]
fn new_names_that_are_refused() {
    let sandbox = Sandbox::with("a", &SECRETS);
    let rename = |words: &[&str]| sandbox.cast(["secrets", "rename", "a"].iter().chain(words));
    rename(&["A", "B"]).refuses(2, "agent 'a' already has: B", &["sk-live"]);
    rename(&["MISSING", "NEW"]).refuses(3, "agent 'a' has no secret 'MISSING'", &["sk-live"]);
    rename(&["A", "A"]).refuses(2, "the same name", &["sk-live"]);
    rename(&["A", "CAST_A"]).refuses(2, "'CAST_'", &["sk-live"]);
    rename(&["A", "sk-live"]).refuses(2, "KEY", &["sk-live"]);
    rename(&["A", "PATH"]).refuses(2, "--allow-dangerous-name", &["sk-live"]);
    rename(&["A"]).refuses(2, "missing: <NEW>", &[]);
    sandbox.cast(["secrets", "rename", "b", "A", "NEW"]).refuses(3, "agent 'b' has no vault", &[]);
    // An allowance is only for the name it was given with.
    rename(&["A", "PAGER", "--allow-dangerous-name"]).succeeds();
    assert_eq!(sandbox.value("a", "PAGER"), b"sk-live-a");
    rename(&["PAGER", "LD_PRELOAD"]).refuses(2, "--allow-dangerous-name", &["sk-live"]);
    rename(&["PAGER", "A"]).succeeds();
    // A longer name leaves less room.
    let value = "v".repeat(131_071 - 2);
    sandbox.cast(["set", "a", "L"]).input(value).succeeds();
    rename(&["L", "LO"]).refuses(2, "'LO'", &["vvvv"]);
}

#[test]
fn with_an_agent_key_nothing() {
    let sandbox = Sandbox::with("a", &SECRETS);
    sandbox.set("b", "K", "sk-live-b");
    let key = grant_of(&sandbox, "a");
    let cast = |words: &[&str]| sandbox.cast(["secrets"].iter().chain(words)).env("CAST_KEY", &key);
    for words in [&["copy", "a", "b"][..], &["copy", "b", "a"], &["copy", "a", "new"], &["rename", "b", "K", "L"]] {
        cast(words).refuses(4, "agent key of 'a'", &["sk-live"]);
    }
    let own = cast(&["rename", "a", "A", "NEW"]).refuses(4, "agent key of 'a', which reads its vault", &["sk-live"]);
    assert!(own.err.contains("'cast secrets rename a A NEW'"), "{own:?}");
}
