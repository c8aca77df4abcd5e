//! Numbers that run out, vaults that grow too large: each is refused in words, or has a way on.

use super::*;
use crate::part::MAX_PEOPLE;
use crate::vector::{MAX_REPLICAS, VectorFault};

/// A vault whose state is as if it had been counted so.
fn counted(epoch: u64, rules: &str, at: &str) -> Vault {
    let forge = Forge::of(&shared().0);
    let vector = |text: &str| Vector::parse(text).unwrap();
    let first = First { epoch, rules: vector(rules), ..forge.first.clone() };
    let id = first.id;
    let forge = Forge { first, second: Second { at: vector(at), ..forge.second.clone() }, ..forge };
    let reader = |nonce: &[u8; 16]| master(&user(OWNER)).agent_key(&agent(), id, epoch, nonce).recipient();
    let forge = forge.with_part(|part| part.reader = reader(&part.nonce));
    open_own(&forge.file(), OWNER).unwrap()
}

fn full() -> String {
    (100..100 + MAX_REPLICAS).map(|number| format!("{number:08x}.1")).collect::<Vec<_>>().join(",")
}

#[test]
fn a_replica_that_is_used_up_is_replaced_by_another() {
    let mut vault = counted(1, "0000000a.1", "0000000a.9007199254740991");
    vault.set(name("K"), value("x"), false, now()).unwrap();
    let used_up = Refusal::Vector(VectorFault::UsedUp).of(&agent());
    assert_eq!(vault.seal(&user(OWNER), replica(10)).err(), Some(used_up));
    let file = vault.seal(&user(OWNER), replica(11)).unwrap();
    assert_eq!(open_own(&file, OWNER).unwrap().state().unwrap().at.get(replica(11)), 1);
}

#[test]
fn too_many_replicas_leave_a_way_on() {
    let mut vault = counted(1, "0000000a.1", &full());
    let before = vault.state().unwrap().clone();
    vault.set(name("K"), value("x"), false, now()).unwrap();
    let too_many = Refusal::Vector(VectorFault::TooManyReplicas).of(&agent());
    assert_eq!(vault.seal(&user(OWNER), replica(1)).err(), Some(too_many.clone()));
    // Not by an epoch: what it was started on could not be told.
    vault.start_epoch().unwrap();
    assert_eq!(vault.seal(&user(OWNER), replica(1)).err(), Some(too_many));
    vault.supersede(&[&before], true).unwrap();
    let file = vault.seal(&user(OWNER), replica(1)).unwrap();
    let opened = open_own(&file, OWNER).unwrap();
    let now = opened.state().unwrap();
    assert_eq!((now.epoch, now.rules.sum(), now.at.sum()), (1, 1, 1));
    assert_eq!(State::compare(&before, now), Comparison::OtherVault);
}

#[test]
fn what_a_broken_seal_counts_fills_nothing() {
    let (vault, _) = shared();
    for (sealer, used_up) in [(OWNER, Some(Refusal::Vector(VectorFault::TooManyReplicas))), (STRANGER, None)] {
        let forge = Forge::of(&vault);
        let second = Second { at: Vector::parse(&full()).unwrap(), ..forge.second.clone() };
        let file = Forge { second, ..forge }.sealed_by(sealer).file();
        let inspected = Vault::inspect(&file, &agent(), std::slice::from_ref(master(&user(OWNER)))).unwrap();
        assert_eq!(inspected.has_used_up(), used_up);
    }
}

#[test]
fn an_epoch_that_is_used_up_leaves_a_way_on() {
    let mut vault = counted(9_007_199_254_740_991, "0000000a.1", "0000000a.1");
    assert_eq!(vault.start_epoch().err(), Some(Refusal::EpochsUsedUp.of(&agent())));
    let id = vault.id();
    vault.supersede(&[], true).unwrap();
    let file = vault.seal(&user(OWNER), replica(1)).unwrap();
    let opened = open_own(&file, OWNER).unwrap();
    assert_eq!(opened.state().unwrap().epoch, 1);
    assert!(opened.id() != id);
}

#[test]
fn what_supersedes_is_newer_than_all_that_was_seen() {
    for (epoch, rules, at) in [
        (1, "00000001.1".to_owned(), "00000001.1".to_owned()),
        (1, "0000000b.5".to_owned(), "0000000b.5".to_owned()),
        (4, "0000000b.5".to_owned(), "0000000b.5".to_owned()),
    ] {
        let seen = counted(epoch, &rules, &at);
        let (mut vault, _) = shared();
        vault.first.id = seen.id();
        vault.supersede(&[seen.state().unwrap()], false).unwrap();
        let file = vault.seal(&user(OWNER), replica(1)).unwrap();
        let opened = open_own(&file, OWNER).unwrap();
        assert_eq!(State::compare(seen.state().unwrap(), opened.state().unwrap()), Comparison::Newer, "{at}");
    }
}

#[test]
fn what_no_vector_counts_together_becomes_another_vault() {
    let seen = counted(4, "0000000b.5", &full());
    let (mut vault, _) = shared();
    vault.first.id = seen.id();
    vault.supersede(&[seen.state().unwrap()], false).unwrap();
    let file = vault.seal(&user(OWNER), replica(1)).unwrap();
    let opened = open_own(&file, OWNER).unwrap();
    let now = opened.state().unwrap();
    assert_eq!(State::compare(seen.state().unwrap(), now), Comparison::OtherVault);
    assert_eq!((now.epoch, now.rules.sum(), now.at.sum()), (1, 1, 1));
}

#[test]
fn what_leaves_no_room_for_a_further_machine_becomes_another_vault() {
    let all = full();
    let (seen, mut older) = (counted(1, "0000000b.5", &all), counted(1, "0000000b.5", all.split(',').next().unwrap()));
    older.first.id = seen.id();
    older.supersede(&[seen.state().unwrap()], false).unwrap();
    let file = older.seal(&user(OWNER), replica(1)).unwrap();
    let opened = open_own(&file, OWNER).unwrap();
    assert_eq!(State::compare(seen.state().unwrap(), opened.state().unwrap()), Comparison::OtherVault);
}

#[test]
fn the_most_people_and_one_more() {
    let (mut vault, _) = shared();
    let mut share = |number: usize| {
        let card = MasterKey::generate(now()).card();
        vault.share(person(&format!("p{number}")), card, [].into(), now())
    };
    for number in 2..MAX_PEOPLE {
        share(number).unwrap();
    }
    assert_eq!(share(MAX_PEOPLE).err(), Some(Refusal::TooManyPeople.of(&agent())));
    let file = vault.seal(&user(OWNER), replica(1)).unwrap();
    assert_eq!(open_theirs(&file, BOB).unwrap().people().len(), MAX_PEOPLE);
}

#[test]
fn a_vault_that_would_be_too_large_is_not_sealed() {
    let (mut vault, _) = shared();
    let before = text(&vault).to_vec();
    for number in 0..17 {
        let name = name(&format!("F{number}"));
        vault.set(name.clone(), value("x"), false, now()).unwrap();
        vault.set_flags(&name, Flags { file: true, ..Flags::default() }).unwrap();
        vault.set(name, value(&"x".repeat(1 << 20)), false, now()).unwrap();
    }
    assert_eq!(vault.seal(&user(OWNER), replica(1)).err(), Some(Refusal::TooLarge.of(&agent())));
    assert_eq!(text(&vault), before);
    vault.remove(&name("F0")).unwrap();
    vault.remove(&name("F1")).unwrap();
    let file = vault.seal(&user(OWNER), replica(1)).unwrap();
    assert_eq!(open_own(&file, OWNER).unwrap().values().len(), 17);
    // A value that is no file must fit one environment string.
    let long = value(&"x".repeat(131_070));
    assert!(matches!(vault.set(name("K"), long, false, now()), Err(Error::ValueTooLong { .. })));
    assert!(matches!(vault.set_flags(&name("F2"), Flags::default()), Err(Error::ValueTooLong { .. })));
}
