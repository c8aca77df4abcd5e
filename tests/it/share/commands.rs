//! The card, sharing after a look, and the review.

use super::{SECRET, access, answered, card, carry, fingerprint, owner, people, share, shared, user};
use crate::advice::{told, typed};
use crate::forge::{self, Key};
use crate::sandbox::Sandbox;

#[test]
fn a_card_is_that_of_the_newest_key() {
    let user = user();
    let shown = user.cast(["key", "card"]).succeeds();
    let key = Key::master(&user);
    assert_eq!(shown.out, format!("{}\n", key.card()));
    assert!(shown.err.contains(&forge::fingerprint(&key.card())), "{shown:?}");
    assert_eq!(fingerprint(&user), forge::fingerprint(&key.card()));
    // Nothing of it is a secret, nor is the secret half in it.
    assert!(!shown.out.contains("SECRET") && user.cast(["-q", "key", "card"]).succeeds().err.is_empty());
    user.cast(["key", "rotate"]).succeeds();
    let newest = card(&user);
    assert!(newest != key.card() && newest == Key::master(&user).card());
    // An agent key has none, and no key has none.
    let owner = owner();
    let grant = owner.cast(["key", "export", "--agent", "a"]).succeeds().out;
    owner.cast(["key", "card"]).env("CAST_KEY", grant.trim()).refuses(4, "agent key of 'a'", &[SECRET]);
    Sandbox::empty().cast(["key", "card"]).refuses(4, "no key", &[]);
}

#[test]
fn shares_with_the_holder_of_a_card() {
    let (owner, alice) = (owner(), user());
    let before = owner.snapshot();
    let with = format!("alice={}", card(&alice));
    // Nobody can be asked, and nobody has answered.
    let asked = owner.cast(["share", "a", "--with", &with]).run();
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(asked.err.contains(&fingerprint(&alice)) && asked.err.contains("pass '--yes'"), "{asked:?}");
    assert!(owner.snapshot() == before && asked.out.is_empty());
    let done = owner.cast(["share", "a", "--with", &with, "--yes"]).succeeds();
    assert!(done.err.contains("✓ 'alice' can read the vault of agent 'a'\n"), "{done:?}");
    assert!(done.err.contains(&fingerprint(&owner)), "{done:?}");
    done.says_nothing_of(&[SECRET]);
    // Owner, agent key, alice; and the file is an age file that she opens.
    assert_eq!(forge::Text::read(&owner.vault("a"), Key::master(&alice)).recipients().len(), 3);
    carry(&owner, &alice);
    let refused = alice.cast(["run", "a", "--", "touch", "started"]).refuses(125, "has another owner", &[SECRET]);
    let advice = told(
        &refused,
        "if it is shared with you, compare the fingerprint of its owner and accept it: 'cast vault accept {agent}'",
    );
    assert_eq!(advice.command("cast vault accept"), "cast vault accept a");
    let looked = alice.cast(["vault", "accept", "a"]).run();
    assert!(looked.code == 2 && looked.err.contains(&fingerprint(&owner)), "{looked:?}");
    assert!(
        looked.err.contains("person 'alice' (you), fingerprint ") && looked.err.contains(": may set nothing\n"),
        "{looked:?}"
    );
    alice.cast(["vault", "accept", "a", "--yes"]).succeeds();
    assert_eq!(alice.value("a", "K"), SECRET.as_bytes());
    for words in [
        &["share", "a", "--with", &with, "--yes"][..],
        &["unshare", "a", "alice"],
        &["set", "a", "K", "evil"],
        &["key", "revoke", "--agent", "a"],
    ] {
        alice.cast(words).refuses(4, "the vault of agent 'a' is not yours", &[SECRET]);
    }
    let log = owner.audit_log();
    assert!(log.contains(r#""action":"share","agent":"a","from":null,"person":"alice""#), "{log}");
}

#[test]
fn asks_on_a_terminal() {
    let (owner, alice) = (owner(), user());
    let with = format!("alice={}", card(&alice));
    let call = || owner.cast(["share", "a", "--with", &with, "--may-set", "API_BASE_URL,K"]);
    let question = "Does 'alice' see the same with 'cast key card'? Share the vault? [y/N] ";
    let before = owner.snapshot();
    let (code, text) = answered(call(), &[(question, "n")]);
    assert!(code == 1 && text.contains("Cancelled."), "{text}");
    let address = "Let 'alice' set that? [y/N] ";
    let (code, text) = answered(call(), &[(question, "y"), (address, "n")]);
    assert!(code == 1 && text.contains("the keys beside it are sent: API_BASE_URL"), "{text}");
    assert!(owner.snapshot() == before);
    let (code, text) = answered(call(), &[(question, "y"), (address, "y")]);
    assert!(code == 0 && text.contains("and set API_BASE_URL, K"), "{text}");
    // What was answered once is not asked again.
    owner.cast(["share", "a", "--with", "alice", "--may-set", "API_BASE_URL"]).succeeds();
    assert_eq!(access(&owner)["people"][0]["may_set"], serde_json::json!(["API_BASE_URL"]));
}

#[test]
fn what_is_not_shared() {
    let (owner, alice, bob) = (owner(), user(), user());
    owner.set("builtin", "B", "hunter2-builtin");
    owner.cast(["set", "a", "--allow-dangerous-name", "LD_PRELOAD", "hunter2.so"]).succeeds();
    share(&owner, "alice", &alice, &["K"]);
    let (own, hers, his) = (card(&owner), card(&alice), card(&bob));
    let half = format!("{}:{}", hers.rsplit_once(':').unwrap().0, his.rsplit_once(':').unwrap().1);
    let refuse = |code, message, agent: &str, with: &str, more: &[&str]| {
        let mut words = vec!["share", agent, "--yes", "--with", with];
        words.extend(more);
        owner.cast(words).refuses(code, message, &["hunter2", "AGE-SECRET-KEY-1"]);
    };
    let of_bob = format!("bob={his}");
    refuse(3, "agent 'nobody' has no vault", "nobody", &of_bob, &[]);
    refuse(2, "the built-in secrets are not shared", "builtin", &of_bob, &[]);
    refuse(3, "is not shared with 'bob'", "a", "bob", &[]);
    refuse(3, "agent 'a' has no secret 'MISSING'", "a", &of_bob, &["--may-set", "MISSING"]);
    refuse(2, "only the owner can set 'LD_PRELOAD'", "a", &of_bob, &["--may-set", "K,LD_PRELOAD"]);
    refuse(2, "only the owner can set 'LD_PRELOAD'", "a", "alice", &["--may-set", "LD_PRELOAD"]);
    let with = format!("me={own}");
    let refused = owner.cast(["share", "a", "--with", &with]).refuses(2, "that card is the owner's", &["hunter2"]);
    let review = typed(&owner, &told(&refused, "see whose it is: 'cast share {agent}'").command("cast share"));
    assert!(review.succeeds().out.contains(&fingerprint(&owner)));
    refuse(2, "that card is the owner's, or it is listed under another name", "a", &format!("bob={hers}"), &[]);
    refuse(2, "that card is the owner's, or it is listed under another name", "a", &format!("bob={half}"), &[]);
    refuse(2, "NAME is not a valid name of a person", "a", &format!("owner={his}"), &[]);
    refuse(2, "NAME is not a valid name of a person", "a", &his, &[]);
    refuse(2, "KEY is not a valid secret name", "a", &of_bob, &["--may-set", "K,no-name"]);
    for card in ["", "nonsense", "cast-card:age1x:00", &his.to_uppercase(), &format!("{his}0"), &owner.key()] {
        refuse(2, "CARD is not a whole card", "a", &format!("bob={card}"), &[]);
    }
    let refused = owner.cast(["share", "a", "--with", "bob=x"]).refuses(2, "CARD is not a whole card", &[]);
    let advice = told(&refused, "a card is what this prints on the other side: 'cast key card'");
    assert_eq!(typed(&bob, &advice.command("cast key card")).succeeds().out, format!("{his}\n"));
    let words = ["share", "a", "--with", "alice", "--may-set", "LD_PRELOAD"];
    let refused = owner.cast(words).refuses(2, "only the owner can set 'LD_PRELOAD'", &["hunter2"]);
    assert_eq!(told(&refused, "leave it out of '--may-set'").command("--may-set"), words[4]);
    owner.cast(["share", "a", "--may-set", "K"]).refuses(2, "", &[]);
    owner.cast(["share", "a", "--yes"]).refuses(2, "", &[]);
    owner.cast(["unshare", "a", "bob"]).refuses(3, "is not shared with 'bob'", &[SECRET]);
    let misspelt = owner.cast(["unshare", "a", "alicf"]).refuses(3, "is not shared with 'alicf'", &[SECRET]);
    assert!(misspelt.err.contains("did you mean 'alice'?"), "{misspelt:?}");
    let grant = owner.cast(["key", "export", "--agent", "a"]).succeeds().out;
    for words in [&["share", "a", "--yes", "--with", &of_bob][..], &["unshare", "a", "alice"]] {
        let refused = owner.cast(words).env("CAST_KEY", grant.trim()).refuses(4, "agent key", &[SECRET]);
        assert!(refused.err.contains("the owner of the vault can: 'cast "), "{refused:?}");
    }
    // Half of a card is nobody's: who carried it gets nothing, and bob's cast does not take it for his.
    let halves = format!("{}:{}", his.rsplit_once(':').unwrap().0, Key::generate().verification());
    owner.cast(["share", "a", "--yes", "--with", &format!("bob={halves}")]).succeeds();
    carry(&owner, &bob);
    bob.cast(["list", "a"]).refuses(5, "the vault of agent 'a'", &[SECRET]);
    let looked = bob.cast(["vault", "accept", "a", "--yes"]).run();
    assert!(looked.code == 5 && looked.err.contains("its owner does not list it"), "{looked:?}");
}

#[test]
fn as_many_people_as_there_is_room_for() {
    let owner = owner();
    for number in 0..32 {
        let with = format!("p{number}={}", Key::generate().card());
        owner.cast(["share", "a", "--yes", "--with", &with]).succeeds();
    }
    let with = format!("one-more={}", Key::generate().card());
    owner.cast(["share", "a", "--yes", "--with", &with]).refuses(2, "as many people as a vault can have", &[SECRET]);
    assert_eq!(people(&owner).len(), 32);
    assert_eq!(owner.value("a", "K"), SECRET.as_bytes());
}

#[test]
fn unshare_names_what_is_to_be_changed_and_says_why() {
    let (owner, alice) = shared(&["K"]);
    let bob = user();
    share(&owner, "bob", &bob, &[]);
    let done = owner.cast(["unshare", "a", "alice"]).succeeds();
    assert_eq!(done.out, "API_BASE_URL\nK\nL\n");
    assert!(done.err.contains("✓ 'alice' cannot open what you store for agent 'a' from now on"), "{done:?}");
    assert!(done.err.contains("old copies of the vault stay open to 'alice'"), "{done:?}");
    done.says_nothing_of(&["hunter2"]);
    assert_eq!(people(&owner), ["bob"]);
    carry(&owner, &alice);
    alice.cast(["run", "a", "--", "touch", "started"]).refuses(125, "wrong key", &[SECRET]);
    carry(&owner, &bob);
    bob.cast(["vault", "accept", "a", "--yes"]).succeeds();
    assert_eq!(bob.value("a", "K"), SECRET.as_bytes());
    // The agent key that there was stays good: no person ever has it.
    let log = owner.audit_log();
    assert!(log.contains(r#""action":"unshare","agent":"a","from":null,"person":"alice""#), "{log}");
}

#[test]
fn the_review_of_who_can_open_a_vault() {
    let (owner, alice) = shared(&["K"]);
    let empty = Sandbox::with("a", &[("K", SECRET)]);
    assert_eq!(access(&empty)["people"], serde_json::json!([]));
    let (shown, json) = (owner.cast(["share", "a"]).succeeds(), access(&owner));
    shown.says_nothing_of(&["hunter2"]);
    assert!(shown.out.starts_with("WHO          SINCE"), "{shown:?}");
    for part in ["owner (you)", "everything", "alice", "read, set K", &fingerprint(&alice), &fingerprint(&owner)] {
        assert!(shown.out.contains(part), "no '{part}': {shown:?}");
    }
    assert_eq!(json["agent"], "a");
    assert_eq!(json["owner"]["card"], card(&owner));
    assert_eq!(json["owner"]["you"], true);
    let person = &json["people"][0];
    assert_eq!((&person["name"], &person["you"]), (&"alice".into(), &false.into()));
    assert_eq!(person["card"], card(&alice));
    assert_eq!(person["fingerprint"], fingerprint(&alice));
    assert_eq!(person["may_set"], serde_json::json!(["K"]));
    assert!(person["since"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&json["agent_keys"], &json["sealer"]), (&serde_json::json!([]), &"owner".into()));
    // The person sees the same, from the other side.
    let json = access(&alice);
    assert_eq!((&json["owner"]["you"], &json["people"][0]["you"]), (&false.into(), &true.into()));
    assert!(alice.cast(["share", "a"]).succeeds().out.contains("alice (you)"));
    // So does a runner.
    let grant = owner.cast(["key", "export", "--agent", "a"]).succeeds().out;
    alice.cast(["share", "a"]).env("CAST_KEY", grant.trim()).succeeds();
    // Agent keys, until they are revoked.
    owner.cast(["key", "export", "--agent", "a"]).succeeds();
    let shown = owner.cast(["share", "a"]).succeeds();
    assert_eq!(shown.out.matches("agent key").count(), 2, "{shown:?}");
    assert!(shown.err.contains("'cast key revoke --agent a'"), "{shown:?}");
    assert_eq!(access(&owner)["agent_keys"].as_array().unwrap().len(), 2);
    owner.set("b", "K", "hunter2-b");
    owner.cast(["key", "export", "--agent", "b"]).succeeds();
    owner.cast(["key", "revoke", "--agent", "a"]).succeeds();
    assert_eq!(access(&owner)["agent_keys"], serde_json::json!([]));
    owner.cast(["key", "export", "--agent", "a"]).succeeds();
    owner.cast(["key", "rotate"]).succeeds();
    assert_eq!(access(&owner)["agent_keys"], serde_json::json!([]));
    let settings = owner.home().join(".config/cast/config.toml");
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    std::fs::write(&settings, "audit = \"off\"\n").unwrap();
    let shown = owner.cast(["share", "a"]).succeeds();
    assert!(shown.err.contains("the audit log is off"), "{shown:?}");
}
