//! People: what one may do who is listed, who is listed with permissions, who was removed; and the first look at a vault.

use super::*;

#[test]
fn a_person_sets_what_the_owner_permitted_and_nothing_else() {
    let (vault, file) = shared();
    let mut alice = open_theirs(&file, ALICE).unwrap();
    alice.set(name("L"), value("from alice"), false, now()).unwrap();
    let may_not = |name: SecretName| Some(Refusal::MayNotSet(name).of(&agent()));
    assert_eq!(alice.set(name("K"), value("x"), false, now()).err(), may_not(name("K")));
    assert_eq!(alice.set(name("N"), value("x"), false, now()).err(), may_not(name("N")));
    let owner_only = Some(Refusal::OwnerOnly.of(&agent()));
    for refusal in [
        alice.set_flags(&name("L"), Flags { unmasked: true, ..Flags::default() }).err(),
        alice.set_command(&name("L"), vec!["x".into()], false).err(),
        alice.rename(&name("L"), &name("M"), false).err(),
        alice.remove(&name("L")).err(),
        alice.share(person("eve"), card(STRANGER), [].into(), now()).err(),
        alice.unshare(&person("bob")).err(),
        alice.start_epoch().err(),
        alice.supersede(&[], false).err(),
        alice.grant(&user(ALICE)).err(),
    ] {
        assert_eq!(refusal, owner_only);
    }
    let next = alice.seal(&user(ALICE), replica(2)).unwrap();
    assert_eq!(alice.sealer(), &Sealer::Person(person("alice")));
    assert_eq!(alice.plain.as_ref().unwrap().above(), vault.plain.as_ref().unwrap().above());
    // The owner, another person and a reader take it.
    let grant = UnlockKey::Agent(Box::new(vault.grant(&user(OWNER)).unwrap()));
    for opened in [open_own(&next, OWNER), open_theirs(&next, BOB), open(&next, &grant, Anchor::Own)] {
        let opened = opened.unwrap();
        assert_eq!((opened.sealer(), opened.state()), (alice.sealer(), alice.state()));
        assert_eq!(opened.values()["L"].value.expose(), "from alice");
        assert_eq!(State::compare(vault.state().unwrap(), opened.state().unwrap()), Comparison::Newer);
    }
    // Her receipt counts for her.
    let receipt = alice.receipt(&user(ALICE)).unwrap();
    let noted = Noted { state: alice.state().unwrap(), receipt: &receipt, stanza: 0 };
    let known = Vault::open(&next, &agent(), &user(ALICE), Anchor::Card(&card(OWNER)), Some(noted)).unwrap();
    assert!(known.is_known());
}

#[test]
fn the_seal_checks_once_more() {
    let (_, file) = shared();
    let refusal = |number: u8, tamper: fn(&mut Vault)| {
        let mut vault = open_theirs(&file, number).unwrap();
        tamper(&mut vault);
        let before = text(&vault).to_vec();
        let refusal = vault.seal(&user(number), replica(2)).unwrap_err();
        assert_eq!(text(&vault), before);
        refusal
    };
    let other = |vault: &mut Vault| {
        vault.changes.values = true;
        vault.changes.set.insert(name("K"));
    };
    assert_eq!(refusal(ALICE, other), Refusal::MayNotSet(name("K")).of(&agent()));
    assert_eq!(refusal(BOB, other), Refusal::MayNotSet(name("K")).of(&agent()));
    assert_eq!(refusal(BOB, |_| ()), Refusal::OwnerOnly.of(&agent()));
    assert_eq!(refusal(ALICE, |vault| vault.changes.part = true), Refusal::OwnerOnly.of(&agent()));
    // With another key than the one that opened it.
    let mut vault = open_theirs(&file, ALICE).unwrap();
    assert_eq!(vault.seal(&user(BOB), replica(2)).err(), Some(Refusal::NotTheirKey.of(&agent())));
}

#[test]
fn a_person_with_a_newer_key_seals_with_the_one_that_is_listed() {
    let (_, file) = shared();
    let store = users(&[STRANGER, ALICE]);
    let mut alice = open(&file, &store, Anchor::Card(&card(OWNER))).unwrap();
    alice.set(name("L"), value("x"), false, now()).unwrap();
    let next = alice.seal(&store, replica(2)).unwrap();
    assert_eq!(open_own(&next, OWNER).unwrap().sealer(), &Sealer::Person(person("alice")));
    assert_eq!(alice.receipt(&store), open_theirs(&next, ALICE).unwrap().receipt(&user(ALICE)));
}

#[test]
fn a_person_who_was_removed_is_out() {
    let (mut vault, file) = shared();
    let before = vault.state().unwrap().clone();
    vault.unshare(&person("alice")).unwrap();
    let next = vault.seal(&user(OWNER), replica(1)).unwrap();
    refused(open_theirs(&next, ALICE), Refusal::WrongKey);
    // What she seals under the part that still lists her is behind what others have seen.
    let mut alice = open_theirs(&file, ALICE).unwrap();
    alice.set(name("L"), value("x"), false, now()).unwrap();
    alice.seal(&user(ALICE), replica(2)).unwrap();
    assert_eq!(State::compare(vault.state().unwrap(), alice.state().unwrap()), Comparison::RolledBack);
    assert_eq!(State::compare(&before, alice.state().unwrap()), Comparison::Newer);
    // And under the new one she may not.
    refused(open_own(&Forge::of(&vault).sealed_by(ALICE).file(), OWNER), Refusal::OtherSealer);
}

#[test]
fn cards_are_listed_once_and_permissions_are_for_what_is_there() {
    let (mut vault, _) = shared();
    let mut share = |who: &str, number: u8, may: &[&str]| {
        vault.share(person(who), card(number), may.iter().map(|word| name(word)).collect(), now()).err()
    };
    assert_eq!(share("me", OWNER, &[]), Some(Refusal::CardTaken.of(&agent())));
    assert_eq!(share("alice2", ALICE, &[]), Some(Refusal::CardTaken.of(&agent())));
    assert_eq!(share("carol", STRANGER, &["X"]), Some(Refusal::NoSuchName(name("X")).of(&agent())));
    assert_eq!(share("alice", ALICE, &["K", "L"]), None);
    assert_eq!(share("alice", STRANGER, &["K"]), None);
    assert_eq!(vault.people()[&person("alice")].card, card(STRANGER));
    let mut builtin = Vault::create(AgentName::builtin(), master(&user(OWNER))).unwrap();
    let refused = builtin.share(person("alice"), card(ALICE), [].into(), now()).err();
    assert_eq!(refused, Some(Refusal::BuiltinStaysHere.of(&AgentName::builtin())));
}

#[test]
fn a_vault_is_encrypted_to_its_owner_first_its_reader_and_its_people() {
    let (vault, file) = shared();
    let order: Vec<_> = vault.part().recipients().iter().map(ToString::to_string).collect();
    let agent_key = master(&user(OWNER)).agent_key(&agent(), vault.id(), 1, &vault.part().nonce).recipient();
    let people = [card(ALICE), card(BOB)].map(|card| card.recipient().to_string());
    assert_eq!(order[..2], [card(OWNER).recipient().to_string(), agent_key.to_string()]);
    assert_eq!(order[2..], people);
    assert_eq!(file.windows(10).filter(|bytes| bytes == b"\n-> X25519").count(), 4);
}

#[test]
fn a_first_look_shows_the_card_and_trusts_nothing() {
    let (vault, file) = shared();
    let look = |number: u8| {
        let UnlockKey::Master(keys) = user(number) else { unreachable!() };
        Vault::inspect(&file, &agent(), &keys)
    };
    let inspected = look(ALICE).unwrap();
    assert_eq!((inspected.card(), inspected.fingerprint()), (&card(OWNER), card(OWNER).fingerprint()));
    assert_eq!((Some(inspected.state()), inspected.sealer()), (vault.state(), Some(&Sealer::Owner)));
    assert_eq!((inspected.times().count(), inspected.part().names.len()), (2, 2));
    let UnlockKey::Master(own) = user(OWNER) else { unreachable!() };
    assert!(inspected.is_owned_by(&own));
    assert_eq!(inspected.accept(&user(ALICE), &card(OWNER)).unwrap().role(), &Role::Person(person("alice")));
    refused(look(ALICE).unwrap().accept(&user(ALICE), &card(STRANGER)), Refusal::OtherOwner);
    refused(look(ALICE).unwrap().accept_unsealed(&user(ALICE)), Refusal::OtherOwner);
    assert_eq!(look(STRANGER).err(), Some(Refusal::WrongKey.of(&agent())));
}

#[test]
fn a_look_at_a_broken_seal_says_so_and_only_the_owner_takes_it() {
    let (vault, _) = shared();
    let edited = Forge::of(&vault).with_values(|values| values.get_mut("K").unwrap().value = value("by hand"));
    let edited = Forge { signers: (OWNER, STRANGER), ..edited };
    let second = Second { at: Vector::parse("0000000f.9007199254740991").unwrap(), ..edited.second.clone() };
    let file = Forge { second, ..edited }.file();
    let look = |number: u8| {
        let UnlockKey::Master(keys) = user(number) else { unreachable!() };
        Vault::inspect(&file, &agent(), &keys).unwrap()
    };
    assert_eq!((look(OWNER).sealer(), look(OWNER).times().count()), (None, 2));
    refused(look(OWNER).accept(&user(OWNER), &card(OWNER)), Refusal::NotSealed);
    refused(look(ALICE).accept(&user(ALICE), &card(OWNER)), Refusal::NotSealed);
    refused(look(ALICE).accept_unsealed(&user(ALICE)), Refusal::OtherOwner);
    let mut taken = look(OWNER).accept_unsealed(&user(OWNER)).unwrap();
    taken.supersede(&[vault.state().unwrap()], false).unwrap();
    let next = taken.seal(&user(OWNER), replica(1)).unwrap();
    let back = open_own(&next, OWNER).unwrap();
    assert_eq!(State::compare(vault.state().unwrap(), back.state().unwrap()), Comparison::Newer);
    assert_eq!((back.values()["K"].value.expose(), back.state().unwrap().generation()), ("by hand", 2));
    // An edited owner's part is not even shown.
    let part = Forge { signers: (STRANGER, OWNER), ..Forge::of(&vault) }.file();
    let UnlockKey::Master(keys) = user(OWNER) else { unreachable!() };
    assert_eq!(Vault::inspect(&part, &agent(), &keys).err(), Some(Refusal::NotAuthentic.of(&agent())));
}
