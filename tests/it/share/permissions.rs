//! What a person may set, and how permissions come and go.

use std::fs;

use super::{SECRET, access, card, carry, fingerprint, owner, share, shared, user};
use crate::advice::{told, typed};
use crate::forge::Key;
use crate::sandbox::Sandbox;

fn may_set(owner: &Sandbox) -> serde_json::Value {
    access(owner)["people"][0]["may_set"].clone()
}

#[test]
fn permissions_are_replaced_kept_and_taken_away() {
    let (owner, alice) = shared(&[]);
    carry(&owner, &alice);
    alice.cast(["list", "a"]).succeeds();
    alice.cast(["set", "a", "K", "evil"]).refuses(4, "its owner does not let you set 'K'", &[SECRET]);
    owner.cast(["share", "a", "--with", "alice", "--may-set", "K,L"]).succeeds();
    assert_eq!(may_set(&owner), serde_json::json!(["K", "L"]));
    // Listed again, she keeps them.
    let since = access(&owner)["people"][0]["since"].clone();
    owner.cast(["share", "a", "--with", "alice"]).succeeds();
    assert_eq!(may_set(&owner), serde_json::json!(["K", "L"]));
    assert!(access(&owner)["people"][0]["since"].as_str() >= since.as_str());
    carry(&owner, &alice);
    alice.set("a", "K", "hunter2-hers");
    carry(&alice, &owner);
    assert_eq!(owner.value("a", "K"), b"hunter2-hers");
    assert_eq!(access(&owner)["sealer"], "alice");
    owner.cast(["share", "a", "--with", "alice", "--may-set", "L"]).succeeds();
    carry(&owner, &alice);
    alice.cast(["list", "a"]).succeeds();
    alice.cast(["set", "a", "K", "evil"]).refuses(4, "its owner does not let you set 'K'", &["hunter2"]);
    owner.cast(["share", "a", "--with", "alice", "--may-set", ""]).succeeds();
    assert_eq!(may_set(&owner), serde_json::json!([]));
    carry(&owner, &alice);
    alice.cast(["list", "a"]).succeeds();
    alice.cast(["set", "a", "L", "evil"]).refuses(4, "its owner does not let you set 'L'", &["hunter2"]);
}

#[test]
fn a_permission_follows_its_secret_and_ends_with_it() {
    let (owner, _alice) = shared(&["K", "L"]);
    owner.cast(["secrets", "rename", "a", "K", "M"]).succeeds();
    assert_eq!(may_set(&owner), serde_json::json!(["L", "M"]));
    owner.cast(["secrets", "rename", "a", "M", "NODE_OPTIONS", "--allow-dangerous-name"]).succeeds();
    assert_eq!(may_set(&owner), serde_json::json!(["L"]));
    owner.cast(["delete", "a", "L"]).succeeds();
    owner.set("a", "L", "hunter2-again");
    assert_eq!(may_set(&owner), serde_json::json!([]));
    // Renamed to an address, it decides where keys go.
    owner.cast(["share", "a", "--with", "alice", "--may-set", "L"]).succeeds();
    owner.cast(["secrets", "rename", "a", "L", "OPENAI_BASE_URL"]).succeeds();
    assert_eq!(may_set(&owner), serde_json::json!([]));
    owner.cast(["share", "a", "--yes", "--with", "alice", "--may-set", "OPENAI_BASE_URL"]).succeeds();
    owner.cast(["secrets", "rename", "a", "OPENAI_BASE_URL", "KUBECONFIG"]).succeeds();
    assert_eq!(may_set(&owner), serde_json::json!([]));
    owner.cast(["secrets", "rename", "a", "KUBECONFIG", "L"]).succeeds();
    // A secret of a new name is nobody's but the owner's.
    owner.cast(["share", "a", "--with", "alice", "--may-set", "L"]).succeeds();
    owner.set("a", "N", "hunter2-n");
    assert_eq!(may_set(&owner), serde_json::json!(["L"]));
}

#[test]
fn an_address_is_asked_about() {
    let (owner, alice) = (owner(), user());
    for name in ["OLLAMA_HOST", "DB_URI", "apiBaseUrl", "SENTRY_DSN", "REDIS_ADDR_2", "KUBECONFIG"] {
        owner.set("a", name, "hunter2");
    }
    share(&owner, "alice", &alice, &["K"]);
    for name in ["API_BASE_URL", "OLLAMA_HOST", "DB_URI", "apiBaseUrl", "SENTRY_DSN", "REDIS_ADDR_2", "KUBECONFIG"] {
        let before = owner.snapshot();
        let asked = owner.cast(["share", "a", "--with", "alice", "--may-set", &format!("K,{name}")]).run();
        assert_eq!(asked.code, 2, "{asked:?}");
        assert!(asked.err.contains(&format!("the keys beside it are sent: {name}\n")), "{asked:?}");
        assert!(owner.snapshot() == before);
    }
    owner.cast(["share", "a", "--with", "alice", "--may-set", "K,L"]).succeeds();
}

#[test]
fn a_new_card_under_a_known_name_shows_both() {
    let (owner, alice) = shared(&["API_BASE_URL", "K"]);
    let (old, other) = (fingerprint(&alice), Key::generate().card());
    let with = format!("alice={other}");
    let asked = owner.cast(["share", "a", "--with", &with]).run();
    assert_eq!(asked.code, 2, "{asked:?}");
    let may = "With the new one, 'alice' may set: API_BASE_URL, K".to_owned();
    for part in [format!("so far has the fingerprint: {old}"), crate::forge::fingerprint(&other), may] {
        assert!(asked.err.contains(&part), "no '{part}': {asked:?}");
    }
    // She rotated: her old card goes, and what she may set is asked about as for a new person.
    alice.cast(["key", "rotate"]).succeeds();
    let with = format!("alice={}", card(&alice));
    let done = owner.cast(["share", "a", "--with", &with, "--yes"]).succeeds();
    assert!(done.err.contains("sent: API_BASE_URL"), "{done:?}");
    assert_eq!(access(&owner)["people"].as_array().unwrap().len(), 1);
    carry(&owner, &alice);
    assert_eq!(alice.value("a", "K"), SECRET.as_bytes());
    alice.set("a", "K", "hunter2-with-the-new-key");
    carry(&alice, &owner);
    assert_eq!(owner.value("a", "K"), b"hunter2-with-the-new-key");
}

#[test]
fn a_person_who_was_listed_long_ago_is_a_finding() {
    let (owner, alice) = shared(&[]);
    owner.cast(["doctor"]).succeeds();
    let key = Key::master(&owner);
    let text = crate::forge::Text::read(&owner.vault("a"), key);
    let since = text.part.lines().find(|line| line.starts_with("since = ")).unwrap().to_owned();
    let old = text.edited(&since, "since = 2020-01-15T10:30:00Z").next().seal(key);
    let make_old = || fs::write(owner.vault("a"), &old).unwrap();
    make_old();
    owner.cast(["list", "a"]).succeeds();
    let found = owner.cast(["doctor"]).run();
    assert_eq!(found.code, 1, "{found:?}");
    assert!(found.out.contains("the vault of agent 'a' was shared more than a year ago with: alice"), "{found:?}");
    let json = owner.cast(["doctor", "--json"]).run();
    assert!(json.out.contains("\"check\": \"people\""), "{json:?}");
    let look = told(&found, "see who can open it: 'cast share {agent}'");
    typed(&owner, &look.command("cast share")).succeeds();
    // Her own doctor has nothing to say of it.
    make_old();
    carry(&owner, &alice);
    alice.cast(["doctor"]).succeeds();
    let again = told(&found, "who still needs it, list again: 'cast share {agent} --with {first}'");
    typed(&owner, &again.command("cast share")).succeeds();
    owner.cast(["doctor"]).succeeds();
    assert_eq!(super::people(&owner), ["alice"]);
    let away = told(&found, "who does not: 'cast unshare {agent} {first}'");
    typed(&owner, &away.command("cast unshare")).succeeds();
    owner.cast(["doctor"]).succeeds();
    assert!(super::people(&owner).is_empty());
}
